"""What comes in is taken or refused with one kind of error, whatever it is (OCPI 2.2.1 credentials, versions, transport)."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.envelope import InvalidParameters, read_json
from hubinfo.ocpi.schemas import read_credentials, read_endpoints, read_list_query, read_versions
from tests.support.schemas import GOOD, JSON, PLACES, ROLE, TOKEN, V221, error_of, refusal, with_value


@given(JSON)
def test_any_json_in_place_of_credentials_is_refused(data: Any) -> None:
    assert TOKEN not in refusal(data) or data == TOKEN


@given(st.sampled_from(PLACES), JSON)
def test_any_json_in_any_place_is_taken_or_refused_without_showing_the_token(place: tuple[Any, ...], value: Any) -> None:
    message = error_of(InvalidParameters, read_credentials, with_value(place, value), V221)
    if message is not None:
        assert message.startswith(str(place[0]))
        in_a_wrong_place = value == TOKEN or (isinstance(value, list) and TOKEN in value)
        assert TOKEN not in message or in_a_wrong_place
        assert len(message) < 3000


@given(st.lists(st.sampled_from([(), ("roles", 0), ("roles", 0, "business_details")])), JSON)
def test_unknown_fields_are_ignored_at_every_depth(places: list[tuple[Any, ...]], value: Any) -> None:
    data = GOOD
    for place in places:
        data = copy.deepcopy(data)
        target: Any = data
        for step in place:
            target = target[step]
        target["no_field_of_ocpi"] = value
    assert read_credentials(data, V221) == read_credentials(GOOD, V221)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        pytest.param(("token",), None, "token=(not shown): must not be null", id="token-null"),
        pytest.param(("token",), TOKEN + " ", "token=(not shown): must be 1 to 64 printable ASCII", id="token-secret"),
        pytest.param(("url",), 7, "url=7: must be a string", id="number"),
        pytest.param(("url",), [TOKEN], "url=[…]: must be a string", id="list-not-shown"),
        pytest.param(("url",), {"token": TOKEN}, "url={…}: must be a string", id="object-not-shown"),
        pytest.param(("url",), "x" * 100, f'url="{"x" * 58}…: must be an http(s) URL', id="long-value-cut"),
        pytest.param(("roles",), {"token": TOKEN}, "roles={…}: must be a list", id="object-for-list"),
        pytest.param(("roles",), [], "roles=[…]: must have 1 to 1000 entries", id="no-roles"),
        pytest.param(("roles",), [1] * 1001, "roles=[…]: must have 1 to 1000 entries", id="too-many-roles"),
        pytest.param(("roles", 0), [ROLE], "roles[0]=[…]: must be an object", id="list-for-object"),
        pytest.param(("roles", 0, "role"), "cpo", 'role="cpo": must be one of CPO, EMSP', id="enum-has-case"),
        pytest.param(("roles", 0, "party_id"), "TNMX", 'party_id="TNMX": must be one to three letters or digits', id="party-id"),
        pytest.param(("roles", 0, "country_code"), "N1", 'country_code="N1": must be two letters', id="country-code"),
        pytest.param(("roles", 0, "business_details"), "x", 'business_details="x": must be an object', id="string-for-object"),
        pytest.param(("roles", 0, "business_details", "name"), "\ud800", 'name="\\ud800": must be a string', id="surrogate"),
    ],
)
def test_a_refusal_names_field_value_and_what_is_allowed(place: tuple[Any, ...], value: Any, message: str) -> None:
    assert message in refusal(with_value(place, value))


def test_a_list_of_credentials_is_refused_without_showing_them() -> None:
    assert refusal([GOOD]) == "the body=[…]: must be an object"


def test_of_very_many_errors_the_first_ten_are_named() -> None:
    assert refusal({**GOOD, "roles": [1] * 1000}).count("must be an object") == 10


def test_hub_is_a_role_up_to_2_2_1_and_not_in_2_3_0() -> None:
    hub = with_value(("roles", 0, "role"), "HUB")
    assert [read_credentials(hub, DIALECTS[version]).roles[0].role for version in ("2.2", "2.2.1")] == ["HUB", "HUB"]
    assert 'role="HUB": must be one of CPO, EMSP, NAP, NSP, OTHER, SCSP' in refusal(hub, "2.3.0")


@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize(
    "again", [ROLE, {**ROLE, "country_code": "nl", "party_id": "tnm"}, {**ROLE, "business_details": {"name": "X"}}]
)
def test_the_same_role_of_the_same_party_twice_is_refused(again: dict[str, Any], version: str) -> None:
    sent = {**GOOD, "roles": [{**ROLE, "role": "EMSP"}, ROLE, {**ROLE, "party_id": "TNX"}, again]}
    assert refusal(sent, version) == "roles[3]=CPO NL-TNM: must not be there twice, it is roles[1] already"


def test_a_hub_that_lists_the_same_role_twice_is_refused() -> None:
    sent = {**GOOD, "hub_party_id": "DEHUB", "roles": [ROLE, ROLE]}
    assert refusal(sent, "2.3.0").startswith("roles[1]=CPO NL-TNM: must not be there twice")


@pytest.mark.parametrize("party_id", ["A", "7", "AB", "T2"])
def test_a_shorter_party_id_is_read_unless_strict(party_id: str) -> None:
    """It means only one party; OCPI 2.2.1 credentials, CredentialsRole: CiString(3)."""
    sent = with_value(("roles", 0, "party_id"), party_id)
    assert read_credentials(sent, V221).roles[0].party_id == party_id
    said = error_of(InvalidParameters, lambda: read_credentials(sent, V221, strict=True))
    assert said == f'roles[0].party_id="{party_id}": must be three letters or digits'


def test_parties_are_in_upper_case_from_the_moment_they_come_in() -> None:
    role = read_credentials(with_value(("roles", 0), {**ROLE, "country_code": "nL", "party_id": "t2m"}), V221).roles[0]
    assert (role.country_code, role.party_id) == ("NL", "T2M")


@pytest.mark.parametrize("country_code", ["ß", "ﬁ", "ŉ"])
def test_what_becomes_two_letters_in_upper_case_is_no_country_code(country_code: str) -> None:
    assert "must be two letters" in refusal(with_value(("roles", 0, "country_code"), country_code))


@pytest.mark.parametrize("website", ["javascript:alert(1)", "www.example.com", "http://x/" + "y" * 300, "", None])
def test_a_website_that_cannot_be_opened_is_left_out(website: str | None) -> None:
    role = read_credentials(with_value(("roles", 0, "business_details", "website"), website), V221).roles[0]
    assert role.business_details == {"name": "The Nice Metre"}


@given(JSON)
def test_any_json_in_place_of_versions_or_details_is_a_list_or_a_value_error(data: Any) -> None:
    assert error_of(ValueError, read_versions, data) == (None if isinstance(data, list) else "the versions must be a list")
    assert error_of(ValueError, read_endpoints, {"endpoints": data}) == (
        None if isinstance(data, list) else "endpoints must be a list"
    )
    assert error_of(ValueError, read_endpoints, data) in (None, "endpoints must be a list")


def test_good_entries_are_used_and_bad_ones_counted() -> None:
    good = {"version": "2.2.1", "url": "https://example.com/2.2.1", "unknown": 1}
    usable, unusable = read_versions([None, good, {"version": "2.2"}, {**good, "url": 5}, {**good, "version": "\x00"}])
    assert usable == [{"version": "2.2.1", "url": "https://example.com/2.2.1"}]
    assert unusable == 4


@pytest.mark.parametrize("role", [{}, *({"role": value} for value in (None, 5, True, ["SENDER"], {"x": 1}))], ids=str)
def test_whatever_the_role_of_an_endpoint_the_endpoint_is_usable(role: dict[str, Any]) -> None:
    """OCPI 2.2.1 versions, Endpoint: the role of credentials is not relevant."""
    endpoint = {"identifier": "credentials", "url": "https://example.com/2.2.1/credentials"}
    assert read_endpoints({"endpoints": [endpoint | role]}) == ([endpoint | {"role": ""}], 0)


@given(st.dictionaries(st.sampled_from(["offset", "limit", "date_from", "date_to", "x"]), st.text()))
def test_any_query_is_taken_or_refused_naming_the_parameter(query: dict[str, str]) -> None:
    message = error_of(InvalidParameters, read_list_query, query)
    assert message is None or any(message.startswith(f"{name}=") for name in query)


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "1" * 5000, "1" * 5000 + ".5", "1e9999"])
def test_numbers_of_any_length_are_json(number: str) -> None:
    assert read_json(f'{{"ignored": {number}, "kept": 1}}'.encode())["kept"] == 1


@given(JSON)
def test_what_is_json_is_read_and_nan_is_refused(data: Any) -> None:
    text = json.dumps(data)
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        assert (error_of(ValueError, read_json, text.encode()) or "").endswith("is not JSON")
    else:
        assert read_json(text.encode()) == data


@given(st.binary())
def test_any_bytes_are_json_or_a_value_error(data: bytes) -> None:
    error_of(ValueError, read_json, data)


@pytest.mark.parametrize("role", ["REC\ud800EIVER", "\udfff", "SENDER\x00"], ids=ascii)
def test_what_cannot_be_encoded_in_an_endpoints_role_is_replaced(role: str) -> None:
    endpoint = {"identifier": "hubclientinfo", "url": "https://example.com/2.2.1/x", "role": role}
    [[read], _] = read_endpoints({"endpoints": [endpoint]})
    assert read["role"].encode()
    assert "\ufffd" in read["role"]
    assert "\x00" not in read["role"]
