"""Each field of a Credentials object, with every kind of wrong value (OCPI 2.2.1 credentials, Credentials object)."""

import copy
from typing import Any

import pytest

from tests.support.schemas import GOOD, refusal, with_value

WRONG: list[tuple[tuple[Any, ...], list[Any]]] = [
    ((), [[], 5, "x"]),
    (("token",), ["", "a b", "x" * 65, 5, None, "tökén", "a\n"]),
    (("url",), ["", "ftp://x", "http://", "http://u:p@x/", 5, None, "http://x/" + "y" * 260, "http://x y/"]),
    (("roles",), [None, [], {}, "CPO", [5], [None], [[]]]),
    (("roles", 0, "role"), ["", "cpo", "XXX", 5, None]),
    (("roles", 0, "party_id"), ["", "T-", "TNMX", 5, None, "TN\n", "T M"]),
    (("roles", 0, "country_code"), ["", "N", "NLD", 5, None, "N1"]),
    (("roles", 0, "business_details"), [None, [], 5, "x", {}]),
    (("roles", 0, "business_details", "name"), ["", None, 5, "x" * 101]),
    (("roles", 0, "business_details", "website"), [5, []]),
    (("roles", 0, "business_details", "logo"), [5, "x"]),
]
EACH = [(place, value) for place, values in WRONG for value in values]


@pytest.mark.parametrize(("place", "value"), EACH, ids=[f"{'.'.join(map(str, place))}={value!r:.30}" for place, value in EACH])
def test_a_wrong_field_is_named(place: tuple[Any, ...], value: object) -> None:
    message = refusal(with_value(place, value) if place else value)
    assert str(place[-1]) in message if place else "the body=" in message


@pytest.mark.parametrize("field", ["token", "url", "roles"])
def test_a_missing_field_is_named(field: str) -> None:
    sent = copy.deepcopy(GOOD)
    del sent[field]
    assert f"{field} is missing" in refusal(sent)
