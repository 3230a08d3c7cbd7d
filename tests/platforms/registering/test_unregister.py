"""`flask hubinfo unregister`: both sides forget their tokens, and what was told is stale."""

import pytest
from sqlalchemy import update

from hubinfo.database import write
from hubinfo.models import Platform
from tests.support.commands import error_of, json_of, text_of
from tests.support.field import FieldHub
from tests.support.instances import Instance
from tests.support.registering import http_status, register


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


@pytest.mark.parametrize("name", ["DE-HUB", "NL-XYZ"])
def test_unregistering_from_where_we_are_not(party: Instance, name: str) -> None:
    assert error_of(party.app, "unregister", name) == f"no connection named {name}; flask hubinfo platforms lists them"


def test_unregistering_twice(party: Instance, hub: FieldHub) -> None:
    register(party, hub)
    json_of(party.app, "unregister", "DE-HUB")
    assert error_of(party.app, "unregister", "DE-HUB").startswith("no connection named DE-HUB")
