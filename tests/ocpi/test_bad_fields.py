"""Fields of a pushed ClientInfo that cannot be used, each refused by name (OCPI 2.2.1 hubclientinfo, Receiver PUT)."""

from typing import Any

import pytest

from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.ocpi.schemas import read_client_info
from tests.support.hub_peer import client_info


def refused(body: dict[str, Any]) -> str:
    with pytest.raises(InvalidParameters) as raised:
        read_client_info(body, DIALECTS["2.2.1"], strict=False)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("status", "connected", 'status="connected": must be one of CONNECTED, OFFLINE, PLANNED, SUSPENDED'),
        ("status", None, "status is missing"),
        ("status", ["OFFLINE"], "status=[…]: must be a string"),
        ("role", "cpo", 'role="cpo": must be one of CPO, EMSP, NAP, NSP, OTHER, SCSP, HUB'),
        ("role", None, "role is missing"),
        ("country_code", "NLD", 'country_code="NLD": must be two letters'),
        ("country_code", "N1", 'country_code="N1": must be two letters'),
        ("party_id", "TNMX", 'party_id="TNMX": must be one to three letters or digits'),
        ("party_id", "TNM\n", 'party_id="TNM\\n": must be one to three letters or digits'),
        ("party_id", "TN\u017f", 'party_id="TN\\u017f": must be one to three letters or digits'),
        ("party_id", 123, "party_id=123: must be a string"),
        ("last_updated", "2026-01-01", 'last_updated="2026-01-01": must be a UTC date and time'),
        ("last_updated", "2026-01-01T00:00:00+24:00", 'last_updated="2026-01-01T00:00:00+24:00": must be a UTC date and time'),
        ("last_updated", "2026-02-30T00:00:00Z", 'last_updated="2026-02-30T00:00:00Z": must be a UTC date and time'),
        ("last_updated", "", 'last_updated="": must be a UTC date and time'),
        ("last_updated", 1767225600, "last_updated=1767225600: must be a UTC date and time"),
    ],
)
def test_a_bad_field_is_refused_naming_field_value_and_what_is_allowed(name: str, value: Any, said: str) -> None:
    assert refused(client_info(**{name: value})).startswith(said)


@pytest.mark.parametrize("name", ["status", "role", "country_code", "party_id"])
def test_null_is_no_value(name: str) -> None:
    assert refused(client_info() | {name: None}) == f"{name}=null: must not be null"
