"""Registering that fails for what the hub does: one line that a person can act on, exit 1, and nothing stored."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.apps import MakeApp
from tests.support.certificates import certificate, tls
from tests.support.commands import error_of, json_of
from tests.support.field import FieldPlatform, Manners
from tests.support.instances import Instance, Instances
from tests.support.peers import Peer, hang
from tests.support.processes import free_port
from tests.support.registering import MakePlatform, refused, refused_by


@pytest.fixture
def impatient(instances: Instances) -> Instance:
    return instances.make("NL-TNM", "CPO", request_timeout_seconds=1)


def test_nobody_listens_there(party: Instance, hub: FieldPlatform) -> None:
    hub.stop()
    assert refused_by(hub, party) == f"GET versions at {hub.versions_url} failed: connection refused"
    hub.start_again()


def test_a_certificate_that_is_not_trusted(party: Instance, make_peer: Callable[..., Peer], tmp_path: Path) -> None:
    url = tls(make_peer(), certificate(tmp_path))
    assert refused(party.app, url, "a").startswith(f"GET versions at {url} failed: TLS certificate not trusted: self-signed")


def test_a_hub_that_accepts_and_says_nothing(impatient: Instance, hub: FieldPlatform) -> None:
    hub.behave("GET", "/ocpi/versions", hang())
    assert refused_by(hub, impatient).endswith("failed: timed out after 1 s")


def test_a_hub_that_says_nothing_to_our_credentials(impatient: Instance, hub: FieldPlatform) -> None:
    hub.behave("POST", "/", hang())
    said = refused_by(hub, impatient)
    assert said.startswith(f"POST credentials at {hub.url('2.2.1', 'credentials')} failed: timed out after 1 s")


def test_a_token_that_is_wrong_or_used(party: Instance, hub: FieldPlatform) -> None:
    said = refused(party.app, hub.versions_url, "another-token")
    assert "failed: HTTP 401, OCPI 2000: unknown token" in said
    assert said.endswith("the token is wrong or was used already: ask for a new one")
    shown = [request.headers["Authorization"] for request in hub.received]
    assert shown == [f"Token {base64.b64encode(b'another-token').decode()}", "Token another-token"]


def test_a_token_that_opens_versions_but_not_credentials(party: Instance, hub: FieldPlatform) -> None:
    hub.behave("POST", "/", lambda handler: hub.say(handler, status_code=2000, http_status=401))
    said = refused_by(hub, party)
    assert "POST credentials" in said
    assert said.endswith("the token is wrong or was used already: ask for a new one")


def test_a_platform_that_is_no_hub(party: Instance, make_platform: MakePlatform) -> None:
    other = make_platform(FieldPlatform, ("EMSP", "BE", "BEC"))
    assert refused_by(other, party).startswith(f"{other.versions_url} lists no hubclientinfo with role SENDER in 2.2.1")
    assert other.methods() == []


def test_a_hub_without_credentials_endpoint(party: Instance, hub: FieldPlatform) -> None:
    hub.modules = [("hubclientinfo", "SENDER")]
    assert refused_by(hub, party) == f"{hub.url('2.2.1')} lists no credentials endpoint that can be used"


@pytest.mark.parametrize("manners", [Manners(), Manners(http_400=True)], ids=["HTTP 200", "HTTP 400"])
def test_a_hub_that_cannot_call_us_back_shows_the_url_it_was_given(
    make_app: MakeApp, make_platform: MakePlatform, manners: Manners
) -> None:
    nowhere, hub = f"http://127.0.0.1:{free_port()}", make_platform(manners=manners)
    app = make_app(roles="CPO", country_code="NL", party_id="TNM", public_url=nowhere)
    said = refused(app, hub.versions_url, hub.token_a)
    assert "OCPI 3001: cannot use your API" in said
    assert said.endswith(
        f"it could not call us back at {nowhere}/ocpi/versions: check that PUBLIC_URL leads here and that this platform is serving"
    )
    assert hub.methods() == ["POST"]


def test_a_hub_to_which_we_are_registered_already(party: Instance, hub: FieldPlatform) -> None:
    hub.behave("POST", "/", lambda handler: hub.say(handler, status_code=2000, http_status=405))
    assert refused_by(hub, party).endswith(
        "it has us registered already: ask its operator to remove that connection and for a new TOKEN_A"
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b'{"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}', "credentials of no use", id="no data"),
        pytest.param(b'{"status_code": 1000, "data": []}', "credentials of no use", id="a list"),
        pytest.param(b"<html>welcome</html>", "HTTP 200, but the answer is not OCPI", id="not JSON"),
        pytest.param(b"", "HTTP 200, but the answer is not OCPI", id="nothing"),
    ],
)
def test_an_answer_that_holds_no_credentials(party: Instance, hub: FieldPlatform, body: bytes, why: str) -> None:
    hub.behave("POST", "/", lambda handler: handler.raw(body))
    said = refused_by(hub, party)
    assert said.startswith(f"POST credentials at {hub.url('2.2.1', 'credentials')} ")
    assert why in said


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        pytest.param({"token": "two words"}, "token=(not shown): must be", id="token"),
        pytest.param({"token": None}, "token=(not shown): must", id="no token"),
        pytest.param({"url": "hub.test/versions"}, "url=", id="url"),
        pytest.param({"roles": []}, "roles=", id="no roles"),
        pytest.param({"roles": [{"role": "BOSS"}]}, 'roles[0].role="BOSS": must be one of', id="role"),
    ],
)
def test_credentials_in_the_answer_that_cannot_be_used(
    party: Instance, hub: FieldPlatform, wrong: dict[str, Any], named: str
) -> None:
    hub.behave("POST", "/", lambda handler: hub.say(handler, hub.said_of_itself("token-c") | wrong))
    said = refused_by(hub, party)
    assert "was answered with credentials of no use: " in said
    assert named in said
    assert "two words" not in said


def test_roles_that_another_platform_holds_and_our_credentials_there_are_taken_back(
    party: Instance, hub: FieldPlatform, make_platform: MakePlatform
) -> None:
    json_of(party.app, "register", hub.versions_url, hub.token_a)
    other = make_platform()
    said = error_of(party.app, "register", other.versions_url, other.token_a)
    assert "names as its roles what cannot be: roles[0]=HUB DE-HUB: must be a role of your own" in said
    assert said.endswith("this one is held by platform DE-HUB; our credentials there were taken back")
    assert other.methods() == ["POST", "DELETE"]
    assert other.token_c is None
    assert [row["versions_url"] for row in party.run("platforms")] == [hub.versions_url]
    assert json_of(party.app, "sync", "DE-HUB")["received"] == 2


def test_credentials_that_cannot_be_taken_back_are_said_to_be_there(
    party: Instance, hub: FieldPlatform, make_platform: MakePlatform
) -> None:
    json_of(party.app, "register", hub.versions_url, hub.token_a)
    other = make_platform()
    other.behave("DELETE", "/", lambda handler: handler.raw(b"", http_status=500))
    said = error_of(party.app, "register", other.versions_url, other.token_a)
    assert said.endswith("our credentials are still there, taking them back failed: HTTP 500")


def test_a_hub_that_offers_what_is_not_ocpi(party: Instance, hub: FieldPlatform) -> None:
    hub.behave("GET", "/ocpi/versions", lambda handler: handler.raw(b"<html>login</html>", content_type="text/html"))
    assert (
        refused_by(hub, party)
        == f"GET versions at {hub.versions_url} failed: HTTP 200, but the answer is not OCPI: <html>login</html>"
    )


def test_a_hub_that_redirects(party: Instance, hub: FieldPlatform) -> None:
    hub.behave("GET", "/ocpi/versions", lambda handler: handler.raw(b"", http_status=302, headers={"Location": "/login"}))
    assert refused_by(hub, party).endswith("redirects are not followed")
