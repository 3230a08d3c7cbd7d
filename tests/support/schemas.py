"""Credentials as they should be and with any value in any place, and what is said of those that are refused."""

import copy
import string
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.ocpi.schemas import read_credentials

V221 = DIALECTS["2.2.1"]
TOKEN = "a-token-that-nobody-may-read"
ROLE = {"role": "CPO", "country_code": "NL", "party_id": "TNM", "business_details": {"name": "The Nice Metre", "logo": {}}}
GOOD: dict[str, Any] = {"token": TOKEN, "url": "https://example.com/versions", "roles": [ROLE]}
PLACES = [
    ("token",),
    ("url",),
    ("roles",),
    ("roles", 0),
    *(("roles", 0, field) for field in ROLE),
    ("roles", 0, "business_details", "name"),
    ("roles", 0, "business_details", "website"),
    ("roles", 0, "business_details", "logo"),
]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from([TOKEN, "CPO", "NL"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(string.printable, max_size=5), inner, max_size=4)),
    max_leaves=10,
)


def with_value(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD)
    target: Any = changed
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    return changed


def error_of(kind: type[Exception], read: Callable[..., Any], *arguments: Any) -> str | None:
    """The message of an error of this kind; None when all is taken. Any other exception fails the test."""
    try:
        read(*arguments)
    except kind as error:
        return str(error)
    return None


def refusal(data: Any, version: str = "2.2.1") -> str:
    message = error_of(InvalidParameters, read_credentials, data, DIALECTS[version])
    assert message is not None
    return message
