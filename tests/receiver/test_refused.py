"""What the Receiver refuses, and how (OCPI 2.2.1 hubclientinfo, Receiver interface; transport)."""

from typing import Any

import pytest

from hubinfo.database import write
from hubinfo.models import Platform
from tests.support.apps import MakeApp
from tests.support.hub_peer import client_info, connect_hub, set_status
from tests.support.live import Hub
from tests.support.receivers import HUB, NEWER, PATH, call, codes, get, message, put


@pytest.mark.parametrize("role", ["", "cpo", "ALL", "CPO,EMSP", "%00"])
def test_a_role_that_is_none_is_2001_naming_the_roles(party: Hub, role: str) -> None:
    put(party, client_info())
    response = call(party, "GET", f"NL/TNM?role={role}")
    assert codes(response) == (200, 2001)
    assert message(response).startswith("role=")
    assert "EMSP" in message(response)


@pytest.mark.parametrize("about", ["NL/TNX", "BE/TNM", "TN/MNL", "N1/TNM", "NL/TNMM", "NL/TN", "NL/%00", "NL/T%20M", "NL/TN%C3%89"])
def test_another_party_in_the_url_is_2001_and_nothing_is_stored(party: Hub, about: str) -> None:
    response = put(party, client_info(), about)
    assert codes(response) == (200, 2001)
    assert "'TNM'" in message(response)
    assert (get(party), party.run("known")) == (None, [])


def test_strict_refuses_what_has_no_last_updated(make_app: MakeApp) -> None:
    party = Hub(make_app(roles="CPO", strict=True))
    connect_hub(party.app, HUB)
    response = put(party, client_info(last_updated=None))
    assert (*codes(response), message(response)) == (200, 2001, "last_updated is missing")
    assert get(party) is None
    assert codes(put(party, client_info())) == (201, 1000)


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
        ("last_updated", "2026-01-01T00:00:00+00:00", 'last_updated="2026-01-01T00:00:00+00:00": must be a UTC date and time'),
        ("last_updated", "2026-02-30T00:00:00Z", 'last_updated="2026-02-30T00:00:00Z": must be a UTC date and time'),
        ("last_updated", "", 'last_updated="": must be a UTC date and time'),
        ("last_updated", 1767225600, "last_updated=1767225600: must be a UTC date and time"),
    ],
)
def test_a_bad_field_is_2001_naming_field_value_and_what_is_allowed(party: Hub, name: str, value: Any, said: str) -> None:
    response = put(party, client_info(**{name: value}))
    assert codes(response) == (200, 2001)
    assert message(response).startswith(said)
    assert party.run("known") == []


@pytest.mark.parametrize("name", ["status", "role", "country_code", "party_id"])
def test_null_is_no_value(party: Hub, name: str) -> None:
    response = put(party, client_info() | {name: None})
    assert (*codes(response), message(response)) == (200, 2001, f"{name}=null: must not be null")


def test_of_several_bad_fields_each_is_named(party: Hub) -> None:
    said = message(put(party, client_info(status="UP", role="X")))
    assert all(part in said for part in ('status="UP"', 'role="X"'))


DOCUMENTS_EXAMPLE = b"""{
"country_code": "NL", "party_id": "TNM", "role": "CPO", "status": "CONNECTED",
}"""


@pytest.mark.parametrize("body", [b"", b"{", b"nothing", b"\xff\xfe", b'{"status": NaN}', DOCUMENTS_EXAMPLE], ids=range(6))
def test_what_is_not_json_is_400_the_comma_of_the_documents_own_example_included(party: Hub, body: bytes) -> None:
    """OCPI 2.2.1 hubclientinfo, the example of PUT; ocpi.md, open point 3."""
    assert codes(call(party, "PUT", data=body)) == (400, 2001)


@pytest.mark.parametrize("body", ["[]", "[1]", "7", "null", "true", '"NL"'])
def test_json_that_is_no_object_is_2001(party: Hub, body: str) -> None:
    response = call(party, "PUT", data=body)
    assert codes(response) == (200, 2001)
    assert message(response).endswith("must be an object")


def test_the_documents_example_without_its_comma_is_taken(party: Hub) -> None:
    assert codes(call(party, "PUT", data=DOCUMENTS_EXAMPLE.replace(b",\n}", b"}"))) == (201, 1000)


@pytest.mark.parametrize(
    "about", ["NL/ZZZ", "NL/TN", "NLD/TNM", "N1/TNM", "NL/%00", "NL/%ff", "NL/TN%25", "NL/" + "x" * 3000, "NL"]
)
def test_get_of_what_no_hub_has_told_or_cannot_be_is_404(party: Hub, about: str) -> None:
    put(party, client_info())
    assert codes(call(party, "GET", about)) == (404, 2000)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_other_methods_are_405_with_an_envelope(party: Hub, method: str) -> None:
    put(party, client_info())
    response = call(party, method, json=client_info())
    assert codes(response) == (405, 2000)
    assert {"GET", "PUT"} <= set(response.headers["Allow"].split(", "))
    assert get(party) is not None


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_registered_platform_that_is_no_hub_is_2000_and_stores_nothing(party: Hub, method: str) -> None:
    platform_id = connect_hub(party.app, "BE-BEC")
    with party.app.app_context(), write() as session:
        session.get_one(Platform, platform_id).client_infos[0].role = "EMSP"
    put(party, client_info())
    before = party.run("known")
    response = call(party, method, hub="BE-BEC", json=client_info(status="OFFLINE", last_updated=NEWER))
    assert codes(response) == (200, 2000)
    assert message(response).startswith("platform BE-BEC is not a hub")
    assert party.run("known") == before


def test_who_no_longer_brings_the_role_hub_is_no_hub_any_more(party: Hub) -> None:
    with party.app.app_context(), write() as session:
        session.get_one(Platform, 1).client_infos[0].registered = False
    assert codes(put(party, client_info())) == (200, 2000)


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_a_token_we_know_it_is_401(party: Hub, token: str | None) -> None:
    response = party.call("PUT", PATH.format(version="2.2.1", party="NL/TNM"), token, json=client_info())
    assert codes(response) == (401, 2000)
    assert response.headers["WWW-Authenticate"] == "Token"


def test_token_a_is_401(party: Hub) -> None:
    token_a = party.invite("DE", "HU2", "HUB")
    for method in ("PUT", "GET"):
        assert codes(party.call(method, PATH.format(version="2.2.1", party="NL/TNM"), token_a, json=client_info())) == (401, 2000)


def test_a_suspended_hub_is_403(party: Hub) -> None:
    put(party, client_info())
    set_status(party.app, 1, "SUSPENDED")
    assert codes(put(party, client_info())) == (403, 2000)
    assert codes(call(party, "GET")) == (403, 2000)


@pytest.mark.parametrize("version", ["2.1.1", "3.0", "x"])
def test_a_version_that_is_not_offered_is_404(party: Hub, version: str) -> None:
    assert codes(put(party, client_info(), version=version)) == (404, 2000)


@pytest.mark.parametrize(("version", "http_status", "code"), [("2.2", 201, 1000), ("2.2.1", 201, 1000), ("2.3.0", 200, 2001)])
def test_hub_is_a_role_until_2_3_0(party: Hub, version: str, http_status: int, code: int) -> None:
    response = put(party, client_info(role="HUB"), version=version)
    assert codes(response) == (http_status, code)
    if code == 2001:
        assert message(response) == 'role="HUB": must be one of CPO, EMSP, NAP, NSP, OTHER, SCSP'
