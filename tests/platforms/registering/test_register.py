"""`flask hubinfo register` with hubs of other makes, over real sockets, with what each side stores of it."""

import base64
import json
from pathlib import Path

import pytest

from tests.support.apps import MakeApp
from tests.support.captured import Captured
from tests.support.commands import error_of, invoke, json_of, read_table, text_of
from tests.support.field import FieldHub, Manners
from tests.support.instances import Instance, Instances
from tests.support.peers import Handler
from tests.support.processes import Installation
from tests.support.registering import MakeHub, http_status, register


def test_a_person_reads_with_whom_over_what_and_what_it_offers(party: Instance, hub: FieldHub) -> None:
    said, *table = text_of(party.app, "register", hub.versions_url, hub.token_a).splitlines()
    assert said == "Registered with DE-HUB over OCPI 2.2.1. It offers:"
    assert [(row["IDENTIFIER"], row["ROLE"]) for row in read_table(table)] == hub.modules


def test_a_program_reads_platform_version_and_endpoints(party: Instance, hub: FieldHub) -> None:
    endpoints = [{"identifier": name, "role": role, "url": hub.url("2.2.1", name)} for name, role in hub.modules]
    assert register(party, hub) == {"platform": "DE-HUB", "version": "2.2.1", "endpoints": endpoints}


def test_the_hub_is_told_who_we_are(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    [sent] = hub.credentials_received
    assert sent["url"] == party.versions_url
    assert [(role["role"], role["country_code"], role["party_id"]) for role in sent["roles"]] == [("CPO", "NL", "TNM")]
    assert set(hub.theirs) == {("credentials", "SENDER"), ("hubclientinfo", "RECEIVER")}


def test_after_registering_the_list_is_pulled_and_pushes_are_taken(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    party.wait_for(lambda party: party.known() == {("BE-BEC", "EMSP"): "CONNECTED", ("FR-NAV", "NSP"): "OFFLINE"})
    assert hub.push("BE-BEC", "EMSP", "SUSPENDED", "2026-01-02T00:00:00Z").status_code == 200
    assert party.known()["BE-BEC", "EMSP"] == "SUSPENDED"
    assert party.platforms() == {"DE-HUB": "CONNECTED"}


@pytest.mark.parametrize(
    ("ours", "theirs", "common"),
    [
        pytest.param("2.2,2.2.1,2.3.0", ["2.3.0", "2.2", "2.2.1"], "2.3.0", id="all"),
        pytest.param("2.2,2.2.1,2.3.0", ["2.2.1", "2.2"], "2.2.1", id="an older hub"),
        pytest.param("2.2", ["2.2", "2.2.1", "2.3.0"], "2.2", id="an older party"),
        pytest.param("2.2,2.3.0", ["2.2", "2.2.1"], "2.2", id="not the highest of either"),
    ],
)
def test_the_highest_common_version_is_picked(
    instances: Instances, hub: FieldHub, ours: str, theirs: list[str], common: str
) -> None:
    hub.versions = theirs
    assert register(instances.make("NL-TNM", "CPO", ours), hub)["version"] == common


def test_version_picks_another(party: Instance, hub: FieldHub) -> None:
    hub.versions = ["2.2", "2.2.1"]
    with party.app.app_context():  # as `flask` does, before it reads the arguments
        assert register(party, hub, "--version", "2.2")["version"] == "2.2"
    assert hub.methods("/2.2/credentials") == ["POST"]


@pytest.mark.parametrize("manners", [Manners(), Manners(raw_tokens=True)], ids=["base64", "raw"])
def test_the_token_is_sent_as_the_hub_wants_it(party: Instance, make_hub: MakeHub, manners: Manners) -> None:
    hub = make_hub(manners=manners)
    register(party, hub)
    party.wait_for(lambda party: len(party.known()) == 2)


@pytest.mark.outside
@pytest.mark.parametrize("server", ["flask_run", "gunicorn"])
def test_the_call_back_is_answered_by_the_serving_process_while_the_command_waits(
    tmp_path: Path, hub: FieldHub, server: str
) -> None:
    with Installation(tmp_path, ROLES="CPO", COUNTRY_CODE="NL", PARTY_ID="TNM") as installation:
        installation.set(PUBLIC_URL=f"http://127.0.0.1:{installation.port}")
        getattr(installation, server)().wait_until_ready()
        done = installation.flask("hubinfo", "register", hub.versions_url, hub.token_a)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        hub.wait_for(lambda hub: any("/hubclientinfo" in request.path for request in hub.received))
        assert hub.push("BE-BEC", "EMSP", "OFFLINE").status_code in (200, 201)


def test_token_b_opens_versions_and_nothing_else_while_the_hub_decides(party: Instance, hub: FieldHub) -> None:
    seen: dict[str, int] = {}

    def look_around(handler: Handler) -> None:
        token = sent_token(handler)
        for method, path in (("GET", "versions"), ("GET", "2.2.1"), ("GET", "2.2.1/credentials"), ("DELETE", "2.2.1/credentials")):
            seen[f"{method} {path}"] = http_status(party, token, f"/ocpi/{path}", method)
        seen["PUT"] = http_status(party, token, "/ocpi/2.2.1/receiver/hubclientinfo/BE/BEC", "PUT")
        hub._behave_well(handler)

    hub.behave("POST", "/ocpi/2.2.1/credentials", look_around)
    register(party, hub)
    refused = dict.fromkeys(("GET 2.2.1/credentials", "DELETE 2.2.1/credentials", "PUT"), 401)
    assert seen == {"GET versions": 200, "GET 2.2.1": 200} | refused


def sent_token(handler: Handler) -> str:
    token: str = json.loads(handler.request_body)["token"]
    return token


def test_token_b_is_dead_after_a_registration_that_failed(party: Instance, hub: FieldHub) -> None:
    tokens: list[str] = []

    def refuse(handler: Handler) -> None:
        tokens.append(sent_token(handler))
        handler.answer(status_code=3000)

    hub.behave("POST", "/", refuse)
    error_of(party.app, "register", hub.versions_url, hub.token_a)
    assert [http_status(party, token) for token in tokens] == [401]


def test_a_hub_that_fails_at_the_last_step_leaves_nothing_and_can_be_tried_again(party: Instance, hub: FieldHub) -> None:
    hub.behave("POST", "/", lambda handler: handler.raw(b"oops", http_status=500))
    error_of(party.app, "register", hub.versions_url, hub.token_a)
    assert (party.run("platforms"), party.run("parties"), party.known()) == ([], [], {})
    hub.behave("POST", "/", None)
    assert register(party, hub)["platform"] == "DE-HUB"


@pytest.mark.both_databases("the queries of registering and unregistering")
def test_registering_on_each_kind_of_database(make_app: MakeApp, make_hub: MakeHub) -> None:
    hub = make_hub()
    app = make_app(roles="CPO", country_code="NL", party_id="TNM", public_url="http://127.0.0.1:1")
    for method in ("POST", "PUT"):
        hub.behave(method, "/", lambda handler: hub.say(handler, hub.said_of_itself(hub.token_a)))
    for _ in range(2):
        assert json_of(app, "register", hub.versions_url, hub.token_a)["platform"] == "DE-HUB"
        assert [row["status"] for row in json_of(app, "platforms")] == ["CONNECTED"]
    assert hub.methods() == ["POST", "PUT"]
    assert json_of(app, "unregister", "DE-HUB", "--force") == {"platform": "DE-HUB"}
    assert [row["status"] for row in json_of(app, "platforms")] == ["SUSPENDED"]


@pytest.mark.parametrize("raw", [False, True], ids=["base64", "raw"])
def test_no_token_is_in_any_log_line_or_output(party: Instance, make_hub: MakeHub, raw: bool) -> None:
    hub, tokens, output = make_hub(manners=Manners(raw_tokens=raw)), [], ""
    with Captured() as captured:
        for arguments in (("register", hub.versions_url, hub.token_a), ("register", hub.versions_url), ("unregister", "DE-HUB")):
            tokens += [hub.token_a, hub.token_b, hub.token_c or ""]
            output += invoke(party.app, *arguments).output
            tokens += [hub.token_a, hub.token_b, hub.token_c or ""]
            captured.listen()
        hub.behave("POST", "/", lambda handler: hub.say(handler, status_code=2001, message=handler.headers["Authorization"]))
        output += invoke(party.app, "register", hub.versions_url, hub.token_a).output
    used = {token for token in tokens if token}
    assert len(used) == 6
    assert "Registered with DE-HUB" in output
    for token in used:
        for shown in (token, base64.b64encode(token.encode()).decode().rstrip("=")):
            assert shown not in output
            assert not [line for line in (*captured.lines, *captured.raw) if shown in line]


@pytest.mark.parametrize("role", ["sender", "Sender", " SENDER "])
def test_the_role_of_an_endpoint_may_be_of_any_case(party: Instance, hub: FieldHub, role: str) -> None:
    hub.modules = [("credentials", "SENDER"), ("hubclientinfo", role)]
    assert register(party, hub)["platform"] == "DE-HUB"
