"""`flask hubinfo register` where we are registered already: both tokens are renewed."""

from tests.support.commands import error_of, json_of
from tests.support.field import FieldHub
from tests.support.instances import Instance
from tests.support.registering import http_status, register


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


def test_a_hub_that_knows_us_no_more_cannot_be_registered_with_again_before_that(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    hub.token_c, hub.token_a = None, "a-new-token-a"
    said = error_of(party.app, "register", hub.versions_url, hub.token_a)
    assert said.endswith(
        "the other side no longer knows the stored token: unregister with --force, then register with a new TOKEN_A"
    )
    json_of(party.app, "unregister", "DE-HUB", "--force")
    assert register(party, hub)["platform"] == "DE-HUB"
