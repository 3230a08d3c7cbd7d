"""The OpenAPI description: valid, and of exactly the routes there are."""

import re
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from schemathesis.specs.openapi.definitions import OPENAPI_31

from hubinfo.operator.api.routes import ROUTES
from tests.support.api import Api, template
from tests.support.apps import MakeApp
from tests.support.hubs import connect
from tests.support.live import Hub

METHODS = {"get", "put", "post", "delete", "patch"}
ROLES = ["HUB", "CPO", "HUB,CPO"]


def described(app: Flask) -> dict[str, Any]:
    response = app.test_client().get("/api/openapi.json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.json is not None
    found: dict[str, Any] = response.json
    return found


@pytest.fixture(params=ROLES)
def spec(request: pytest.FixtureRequest, make_app: MakeApp) -> dict[str, Any]:
    return described(make_app(roles=request.param))


def test_it_is_a_valid_openapi_3_1_description(spec: dict[str, Any]) -> None:
    Draft202012Validator(OPENAPI_31).validate(spec)
    assert spec["openapi"] == "3.1.0"


def test_every_shape_is_valid_json_schema(spec: dict[str, Any]) -> None:
    for schema in spec["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("roles", ROLES)
def test_it_describes_every_route_there_is_and_nothing_else(make_app: MakeApp, roles: str) -> None:
    app = make_app(roles=roles)
    there = {
        (template(rule), method.lower())
        for rule in app.url_map.iter_rules()
        if re.match("/(api|ocpi)/", rule.rule)
        for method in (rule.methods or set()) - {"HEAD"}
    }
    said = {(path, method) for path, item in described(app)["paths"].items() for method in item if method in METHODS}
    assert said == there


@pytest.mark.parametrize(("roles", "sender", "receiver"), [("HUB", True, False), ("CPO", False, True), ("HUB,CPO", True, True)])
def test_it_has_the_ocpi_endpoints_of_this_platform_s_roles(make_app: MakeApp, roles: str, sender: bool, receiver: bool) -> None:
    paths = described(make_app(roles=roles))["paths"]
    assert ("/ocpi/{version}/hubclientinfo" in paths) is sender
    assert ("/ocpi/{version}/receiver/hubclientinfo/{country_code}/{party_id}" in paths) is receiver
    assert set(paths["/ocpi/{version}/credentials"]) == {"get", "post", "put", "delete"}


def test_every_parameter_in_a_path_is_described_and_every_reference_leads_somewhere(spec: dict[str, Any]) -> None:
    for path, item in spec["paths"].items():
        for operation in item.values():
            named = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
    for reference in re.findall(r"'#/components/(\w+)/(\w+)'", str(spec)):
        assert reference[1] in spec["components"][reference[0]]


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(spec: dict[str, Any]) -> None:
    operations = [operation for item in spec["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"].endswith(".") for operation in operations)
    tags = {tag["name"] for tag in spec["tags"]}
    assert {operation["tags"][0] for operation in operations} == tags


def test_all_but_the_description_itself_need_to_be_signed_in(spec: dict[str, Any]) -> None:
    assert spec["security"] == [{"bearer": []}, {"password": []}]
    for path, item in spec["paths"].items():
        for operation in item.values():
            with_token = path.startswith("/ocpi") or operation["operationId"] == "api_heard"
            expected: list[dict[str, list[str]]] | None = [{"token": []}] if with_token else [] if path in PUBLIC else None
            assert operation.get("security") == expected
            assert ("401" in operation["responses"]) is (expected != [])


PUBLIC = {"/api/openapi.json", "/api/docs", "/api/docs.css"}


def test_what_paging_sends_is_described(make_app: MakeApp) -> None:
    [listed] = described(make_app())["paths"]["/ocpi/{version}/hubclientinfo"].values()
    assert set(listed["responses"]["200"]["headers"]) == {"Link", "X-Total-Count", "X-Limit"}
    assert {"date_from", "date_to", "offset", "limit"} < {parameter["name"] for parameter in listed["parameters"]}


def test_versions_and_server_are_this_platform_s(make_app: MakeApp) -> None:
    spec = described(make_app(versions="2.2.1", public_url="https://hub.example.com/x"))
    assert spec["servers"] == [{"url": "https://hub.example.com/x"}]
    [details] = spec["paths"]["/ocpi/{version}"].values()
    assert details["parameters"][0]["schema"]["enum"] == ["2.2.1"]


def test_it_is_made_once_and_not_before_it_is_asked_for(app: Flask) -> None:
    assert "hubinfo.api.description" not in app.extensions
    api = Api(app)
    assert api.spec is api.spec


def test_a_route_that_nobody_described_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ROUTES, "api.probe")
    with pytest.raises(KeyError, match=r"api\.probe"):
        Api(app).spec  # noqa: B018


def test_the_ocpi_answers_have_the_shape_that_is_described(make_app: MakeApp) -> None:
    hub = Hub(make_app(roles="HUB,CPO"))
    token_a, api = hub.invite("NL", "TNM", "CPO"), Api(hub.app)
    connect(hub.app, ("EMSP", "DE", "XYZ"))
    asked = [("/ocpi/versions", token_a), ("/ocpi/2.2.1", token_a), ("/ocpi/2.2.1/credentials", token_a)]
    for path, token in [*asked, ("/ocpi/2.2.1/hubclientinfo", "x"), ("/ocpi/9", token_a)]:
        hub_answer = hub.call("GET", path, token)
        rule, _ = hub.app.url_map.bind("").match(path, return_rule=True)
        said = api.spec["paths"][template(rule)]["get"]["responses"][str(hub_answer.status_code)]
        described = said if "content" in said else api.spec["components"]["responses"][said["$ref"].rpartition("/")[2]]
        api.validate(described["content"]["application/json"]["schema"], hub_answer.json)
