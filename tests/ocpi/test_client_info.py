"""What a hub tells is taken or refused field by field (OCPI 2.2.1 hubclientinfo, ClientInfo; 2.3.0 credentials, hub_party_id)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubinfo.models import ConnectionStatus
from hubinfo.ocpi.dialect import CONNECTION_STATUSES, DIALECTS
from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.ocpi.schemas import ClientInfo, read_client_info, read_client_infos, read_credentials
from tests.support.schemas import GOOD, JSON, V221, error_of, refusal

AT = "2026-01-02T03:04:05Z"
TOLD = {"country_code": "NL", "party_id": "TNM", "role": "CPO", "status": "OFFLINE", "last_updated": AT}
READ = ClientInfo("NL", "TNM", "CPO", "OFFLINE", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
MISSING = object()


def told(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (TOLD | changes).items() if value is not MISSING}


def refused(data: Any, version: str = "2.2.1", *, strict: bool = False) -> str:
    with pytest.raises(InvalidParameters) as caught:
        read_client_info(data, DIALECTS[version], strict=strict)
    return str(caught.value)


def test_the_four_statuses_are_those_we_store() -> None:
    """OCPI 2.2.1 hubclientinfo, ConnectionStatus."""
    assert tuple(ConnectionStatus) == CONNECTION_STATUSES


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize("status", CONNECTION_STATUSES)
def test_what_is_complete_is_taken_in_every_version(version: str, status: str, strict: bool) -> None:
    info = read_client_info(told(status=status, unknown={"field": 1}), DIALECTS[version], strict=strict)
    assert info == ClientInfo(READ.country_code, READ.party_id, READ.role, status, READ.last_updated)


def test_a_party_is_in_upper_case_however_it_came() -> None:
    """OCPI 2.2.1 types, CiString: case does not distinguish, so a party has one spelling."""
    info = read_client_info(told(country_code="nl", party_id="tNm"), V221, strict=True)
    assert (info.country_code, info.party_id) == ("NL", "TNM")
    [listed], _ = read_client_infos([told(country_code="nl", party_id="tNm")], V221)
    assert (listed.country_code, listed.party_id) == ("NL", "TNM")


@pytest.mark.parametrize("party_id", ["a", "A1"])
def test_a_shorter_party_id_is_read_unless_strict(party_id: str) -> None:
    assert read_client_info(told(party_id=party_id), V221, strict=False).party_id == party_id.upper()
    assert refused(told(party_id=party_id), strict=True) == f'party_id="{party_id}": must be three letters or digits'
    assert [item.party_id for item in read_client_infos([told(party_id=party_id)], V221)[0]] == [party_id.upper()]


@pytest.mark.parametrize("absent", [MISSING, None])
def test_last_updated_may_be_absent_unless_strict(absent: Any) -> None:
    """The documents' own PUT example lacks it."""
    assert read_client_info(told(last_updated=absent), V221, strict=False).last_updated is None
    message = "last_updated is missing" if absent is MISSING else "last_updated=null: must not be null"
    assert refused(told(last_updated=absent), strict=True) == message


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"country_code": "NLD"}, 'country_code="NLD": must be two letters', id="country-code"),
        pytest.param({"country_code": "NL\n"}, 'country_code="NL\\n": must be two letters', id="country-code-and-newline"),
        pytest.param({"party_id": "T-M"}, 'party_id="T-M": must be', id="party-id"),
        pytest.param({"party_id": 123}, "party_id=123: must be a string", id="party-id-number"),
        pytest.param({"role": "cpo"}, 'role="cpo": must be one of CPO, EMSP, NAP, NSP, OTHER, SCSP, HUB', id="role-has-case"),
        pytest.param({"role": None}, "role=null: must not be null", id="role-null"),
        pytest.param({"role": MISSING}, "role is missing", id="role-missing"),
        pytest.param({"status": "X"}, 'status="X": must be one of CONNECTED, OFFLINE, PLANNED, SUSPENDED', id="status"),
        pytest.param({"status": "connected"}, 'status="connected": must be one of CONNECTED', id="status-has-case"),
        pytest.param({"status": MISSING}, "status is missing", id="status-missing"),
        pytest.param({"last_updated": "2026-01-02"}, 'last_updated="2026-01-02": must be a UTC date and time', id="bare-date"),
        pytest.param({"last_updated": 0}, "last_updated=0: must be a UTC date and time", id="epoch"),
        pytest.param({"last_updated": ""}, 'last_updated="": must be a UTC date and time', id="empty-date"),
        pytest.param({"role": "X", "status": []}, "; status=[…]: must be a string", id="every-bad-field-is-named"),
    ],
)
def test_a_refusal_names_field_value_and_what_is_allowed(changes: dict[str, Any], message: str, strict: bool) -> None:
    """OCPI 2.2.1 hubclientinfo, Receiver PUT."""
    assert message in refused(told(**changes), strict=strict)


@pytest.mark.parametrize(("body", "shown"), [([TOLD], "[…]"), (None, "null"), ("x", '"x"')], ids=["list", "null", "text"])
def test_a_body_that_is_no_object(body: Any, shown: str) -> None:
    assert refused(body) == f"the body={shown}: must be an object"


def test_hub_is_a_role_up_to_2_2_1_and_not_in_2_3_0() -> None:
    """OCPI 2.2.1 and 2.3.0 types, Role."""
    assert read_client_info(told(role="HUB"), V221, strict=True).role == "HUB"
    assert refused(told(role="HUB"), "2.3.0") == 'role="HUB": must be one of CPO, EMSP, NAP, NSP, OTHER, SCSP'


def test_of_a_page_the_good_entries_are_kept_and_the_bad_ones_named() -> None:
    """OCPI 2.2.1 transport: a list with a few bad objects; hubclientinfo, Sender GET."""
    page = [TOLD, told(last_updated=MISSING), told(status="X"), 7, told(role=MISSING, party_id="")]
    usable, reasons = read_client_infos(page, V221)
    assert usable == [READ, ClientInfo("NL", "TNM", "CPO", "OFFLINE", None)]
    assert reasons == [
        'entry 3: status="X": must be one of CONNECTED, OFFLINE, PLANNED, SUSPENDED',
        "entry 4: ClientInfo=7: must be an object",
        'entry 5: party_id="": must be one to three letters or digits; role is missing',
    ]


@pytest.mark.parametrize("written", ["2026-11-02T00:00:00.123456789Z", "2026-11-02T01:00:00+01:00", "2026-11-01t23:59:60z"])
def test_times_as_peers_write_them_are_read_in_push_and_list_unless_strict(written: str) -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    pushed = read_client_info(told(last_updated=written), V221, strict=False)
    assert read_client_infos([told(last_updated=written)], V221) == ([pushed], [])
    assert pushed.last_updated is not None
    assert pushed.last_updated.replace(microsecond=0) == at
    assert "must be a UTC date and time" in refused(told(last_updated=written), strict=True)
    assert len(read_client_infos([told(last_updated=written)], V221, strict=True)[1]) == 1


def test_a_page_of_nonsense_does_not_keep_us_busy() -> None:
    usable, reasons = read_client_infos([1] * 20_003, V221)
    assert usable == []
    assert reasons[-1] == "entries 20001 to 20003: not looked at, a page has at most 20000"


@given(JSON, st.booleans())
def test_any_json_is_taken_or_refused(data: Any, strict: bool) -> None:
    assert error_of(InvalidParameters, lambda: read_client_info(data, V221, strict=strict))
    message = error_of(ValueError, read_client_infos, data, V221)
    assert (message is None) is isinstance(data, list)


@given(st.sampled_from([*TOLD]), JSON)
def test_any_json_in_any_field_is_taken_or_refused_naming_the_field(field: str, value: Any) -> None:
    message = error_of(InvalidParameters, lambda: read_client_info(told(**{field: value}), V221, strict=True))
    assert message is None or message.startswith(f"{field}=")
    usable, reasons = read_client_infos([told(**{field: value}), TOLD], V221)
    assert usable[-1] == READ
    assert len(usable) + len(reasons) == 2


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"hub_party_id": "NLHUB"}, "NLHUB"),
        ({"hub_party_id": "nl1x2"}, "NL1X2"),
        ({"hub_party_id": "NLHU"}, "NLHU"),
        ({"hub_party_id": None}, None),
        ({}, None),
    ],
    ids=str,
)
def test_a_hub_names_itself_in_hub_party_id(sent: dict[str, Any], read: str | None) -> None:
    """OCPI 2.3.0 credentials, hub_party_id: CiString(5), optional."""
    assert read_credentials(GOOD | sent, DIALECTS["2.3.0"]).hub_party_id == read


@pytest.mark.parametrize("value", ["", "NL", "NLHUBS", "N1HUB", "NL-HU", "NLHUB\n", 12345, ["NLHUB"]], ids=repr)
def test_a_hub_party_id_that_names_no_party_is_refused_in_2_3_0_and_ignored_before(value: Any) -> None:
    assert refusal(GOOD | {"hub_party_id": value}, "2.3.0").startswith("hub_party_id=")
    for version in ("2.2", "2.2.1"):
        assert read_credentials(GOOD | {"hub_party_id": value}, DIALECTS[version]).hub_party_id is None


@pytest.mark.parametrize("version", DIALECTS)
def test_a_hub_too_has_at_least_one_role(version: str) -> None:
    """OCPI 2.3.0 credentials, roles: + (one or more)."""
    assert refusal(GOOD | {"roles": [], "hub_party_id": "NLHUB"}, version) == "roles=[…]: must have 1 to 1000 entries"
