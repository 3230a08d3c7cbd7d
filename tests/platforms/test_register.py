"""`flask hubinfo register` and `unregister`: with hubs of other makes, over real sockets, with what each side stores of it."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hubinfo.database import write
from hubinfo.models import Platform
from tests.support.apps import MakeApp
from tests.support.captured import Captured
from tests.support.commands import error_of, invoke, json_of, read_table, text_of
from tests.support.field import FieldHub, FieldPlatform, Manners
from tests.support.instances import Instance, Instances
from tests.support.peers import Handler
from tests.support.processes import Installation

MakeHub = Callable[..., FieldHub]


@pytest.fixture
def instances(tmp_path: Path, sqlite_template: Path) -> Iterator[Instances]:
    with Instances(tmp_path, sqlite_template) as made:
        yield made


@pytest.fixture
def party(instances: Instances) -> Instance:
    return instances.make("NL-TNM", "CPO")


@pytest.fixture
def make_hub() -> Iterator[MakeHub]:
    made: list[FieldHub] = []

    def make(*arguments: Any, **options: Any) -> FieldHub:
        made.append(FieldHub(*arguments, **options))
        return made[-1]

    yield make
    for hub in made:
        hub.stop()


@pytest.fixture
def hub(make_hub: MakeHub) -> FieldHub:
    return make_hub()


def register(party: Instance, hub: FieldPlatform, *options: str) -> Any:
    return json_of(party.app, "register", hub.versions_url, hub.token_a, *options)


def http_status(party: Instance, token: str, path: str = "/ocpi/versions", method: str = "GET") -> int:
    return party.request(method, path, token, json={} if method == "PUT" else None).status_code


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


def test_registering_again_renews_both_tokens_without_token_a(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    old_b, old_c = hub.token_b, hub.token_c
    assert json_of(party.app, "register", hub.versions_url)["platform"] == "DE-HUB"
    assert hub.methods() == ["POST", "PUT"]
    assert hub.token_b != old_b
    assert hub.token_c != old_c
    assert (http_status(party, old_b), http_status(party, hub.token_b)) == (401, 200)
    assert json_of(party.app, "sync", "DE-HUB")["received"] == 2
    assert party.platforms() == {"DE-HUB": "CONNECTED"}


def test_registering_again_keeps_what_the_hub_told(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    party.wait_for(lambda party: len(party.known()) == 2)
    json_of(party.app, "register", hub.versions_url)
    assert all(row["valid"] and not row["stale"] for row in party.run("known"))


def test_registering_again_may_change_the_version(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    hub.versions = ["2.2.1", "2.3.0"]
    assert json_of(party.app, "register", hub.versions_url)["version"] == "2.3.0"
    assert [row["version"] for row in party.run("platforms")] == ["2.3.0"]
    assert json_of(party.app, "sync", "DE-HUB")["received"] == 2


def test_a_used_token_a_does_no_harm_when_registering_again(party: Instance, hub: FieldHub) -> None:
    token_a = hub.token_a
    register(party, hub)
    json_of(party.app, "register", hub.versions_url, token_a)
    assert hub.methods() == ["POST", "PUT"]


def test_the_same_versions_url_with_a_slash_more_is_the_same_connection(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    hub.behave("GET", "/ocpi/versions/", lambda handler: hub.say(handler, hub._versions()))
    json_of(party.app, "register", f"{hub.versions_url}/")
    assert hub.methods() == ["POST", "PUT"]
    assert list(party.platforms()) == ["DE-HUB"]


def test_a_renewal_that_fails_leaves_the_connection_as_it_was(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    before = hub.token_b
    hub.behave("PUT", "/", lambda handler: hub.say(handler, status_code=3000))
    assert "PUT credentials" in error_of(party.app, "register", hub.versions_url)
    assert http_status(party, before) == 200
    assert json_of(party.app, "sync", "DE-HUB")["received"] == 2


def test_unregistering_deletes_there_and_suspends_here(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    party.wait_for(lambda party: len(party.known()) == 2)
    token_b = hub.token_b
    assert json_of(party.app, "unregister", "DE-HUB") == {"platform": "DE-HUB"}
    assert hub.methods() == ["POST", "DELETE"]
    assert hub.token_c is None
    assert http_status(party, token_b) == 401
    assert party.statuses() == {("DE-HUB", "HUB"): "SUSPENDED"}
    assert [(row["valid"], row["stale"]) for row in party.run("known")] == [(True, True)] * 2
    assert json_of(party.app, "reachable", "BE", "BEC", exit_code=1)["stale"] is True


def test_unregistering_says_what_has_become_of_it(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    said = text_of(party.app, "unregister", "de-hub")
    assert said == "No longer registered with DE-HUB. Its parties are SUSPENDED here, and what it told is stale.\n"


def test_after_unregistering_one_may_register_anew(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    json_of(party.app, "unregister", "DE-HUB")
    assert register(party, hub)["platform"] == "DE-HUB"
    assert hub.methods() == ["POST", "DELETE", "POST"]
    assert party.statuses() == {("DE-HUB", "HUB"): "CONNECTED"}
    party.wait_for(lambda party: [row["stale"] for row in party.run("known")] == [False, False])


def test_a_hub_that_is_down_is_forgotten_only_by_force(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    hub.stop()
    assert error_of(party.app, "unregister", "DE-HUB").endswith("connection refused; with --force ours are forgotten all the same")
    assert party.platforms() == {"DE-HUB": "CONNECTED"}
    assert json_of(party.app, "unregister", "DE-HUB", "--force") == {"platform": "DE-HUB"}
    assert party.statuses() == {("DE-HUB", "HUB"): "SUSPENDED"}
    hub.start_again()


def test_a_connection_whose_token_cannot_be_read_is_forgotten_only_by_force(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    with party.app.app_context(), write() as session:
        session.execute(update(Platform).values(token_out="of another SECRET_KEY"))
    for arguments in (("register", hub.versions_url), ("unregister", "DE-HUB")):
        assert "stored token cannot be decrypted: SECRET_KEY has changed" in error_of(party.app, *arguments)
    assert json_of(party.app, "unregister", "DE-HUB", "--force") == {"platform": "DE-HUB"}
    assert party.statuses() == {("DE-HUB", "HUB"): "SUSPENDED"}


def test_a_hub_that_knows_us_no_more_is_forgotten_without_force(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    hub.token_c = "of-somebody-else"
    assert json_of(party.app, "unregister", "DE-HUB") == {"platform": "DE-HUB"}
    assert party.statuses() == {("DE-HUB", "HUB"): "SUSPENDED"}


def test_a_hub_that_knows_us_no_more_cannot_be_registered_with_again_before_that(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    hub.token_c, hub.token_a = None, "a-new-token-a"
    said = error_of(party.app, "register", hub.versions_url, hub.token_a)
    assert said.endswith(
        "the other side no longer knows the stored token: unregister with --force, then register with a new TOKEN_A"
    )
    json_of(party.app, "unregister", "DE-HUB", "--force")
    assert register(party, hub)["platform"] == "DE-HUB"


@pytest.mark.parametrize("name", ["DE-HUB", "NL-XYZ"])
def test_unregistering_from_where_we_are_not(party: Instance, name: str) -> None:
    assert error_of(party.app, "unregister", name) == f"no connection named {name}; flask hubinfo platforms lists them"


def test_unregistering_twice(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    json_of(party.app, "unregister", "DE-HUB")
    assert error_of(party.app, "unregister", "DE-HUB").startswith("no connection named DE-HUB")


def test_a_hub_registers_with_a_party_that_waits_to_be_called(instances: Instances) -> None:
    hub, waiting = instances.make("NL-HUB", "HUB"), FieldPlatform(("CPO", "NL", "TNM"))
    hub.invite("NL", "TNM", "CPO")
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED"}
    assert register(hub, waiting)["platform"] == "NL-TNM"
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}
    assert list(hub.platforms()) == ["NL-TNM"]
    hub.invite("BE", "BEC", "EMSP")
    waiting.wait_for(lambda _: waiting.pushed == {("BE-BEC", "EMSP"): "PLANNED"})
    waiting.stop()


def test_a_hub_registers_with_a_party_it_has_not_invited(instances: Instances) -> None:
    hub, waiting = instances.make("NL-HUB", "HUB"), FieldPlatform(("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
    assert register(hub, waiting)["platform"] == "NL-TNM"
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED", ("NL-TNM", "EMSP"): "CONNECTED"}
    waiting.stop()


def test_the_token_a_of_the_invitation_is_dead_once_the_hub_has_registered_itself(instances: Instances) -> None:
    hub, waiting = instances.make("NL-HUB", "HUB"), FieldPlatform(("CPO", "NL", "TNM"))
    token_a = hub.invite("NL", "TNM", "CPO")
    register(hub, waiting)
    assert http_status(hub, token_a) == 401
    waiting.stop()


def test_parties_that_a_2_3_0_hub_lists_are_not_its_own(party: Instance, make_hub: MakeHub) -> None:
    hub = make_hub(version="2.3.0")
    assert register(party, hub)["platform"] == "DE-HUB"
    assert party.statuses() == {("DE-HUB", "HUB"): "CONNECTED"}
    party.wait_for(lambda party: set(party.known()) == {("BE-BEC", "EMSP"), ("FR-NAV", "NSP")})


def test_a_2_3_0_hub_may_list_us(party: Instance, make_hub: MakeHub) -> None:
    hub = make_hub(version="2.3.0")
    hub.listed = [hub.client_info("NL-TNM", "CPO", "CONNECTED")]
    register(party, hub)
    assert party.statuses() == {("DE-HUB", "HUB"): "CONNECTED"}


def test_two_hubs_are_kept_apart(party: Instance, make_hub: MakeHub) -> None:
    first, second = make_hub("DE-HUB"), make_hub("FR-HBB", version="2.3.0")
    second.listed = [second.client_info("BE-BEC", "EMSP", "OFFLINE")]
    assert [register(party, hub)["platform"] for hub in (first, second)] == ["DE-HUB", "FR-HBB"]
    party.wait_for(lambda party: len(party.run("known")) == 3)
    assert party.known("DE-HUB")["BE-BEC", "EMSP"] == "CONNECTED"
    assert party.known("FR-HBB")["BE-BEC", "EMSP"] == "OFFLINE"
    assert json_of(party.app, "reachable", "BE", "BEC")["hub"] == "DE-HUB"
    json_of(party.app, "unregister", "DE-HUB")
    assert json_of(party.app, "reachable", "BE", "BEC", exit_code=1) | {"since": ""} == {
        "reachable": False,
        "status": "OFFLINE",
        "hub": "FR-HBB",
        "since": "",
        "stale": False,
    }


def test_two_hubs_of_one_name_are_two_platforms_or_refused(party: Instance, make_hub: MakeHub) -> None:
    register(party, make_hub("DE-HUB"))
    other = make_hub("DE-HUB")
    assert "platform DE-HUB" in error_of(party.app, "register", other.versions_url, other.token_a)
    assert list(party.platforms()) == ["DE-HUB"]


def test_registering_on_each_kind_of_database(make_app: MakeApp, make_hub: MakeHub) -> None:
    hub = make_hub()
    app = make_app(roles="CPO", country_code="NL", party_id="TNM", public_url="http://127.0.0.1:1")
    hub.behave("POST", "/", lambda handler: hub.say(handler, hub.said_of_itself("a-token-c")))
    assert json_of(app, "register", hub.versions_url, hub.token_a)["platform"] == "DE-HUB"
    assert [row["status"] for row in json_of(app, "platforms")] == ["CONNECTED"]


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
