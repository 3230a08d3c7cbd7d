"""Whom one registers with: parties that wait to be called, hubs of 2.3.0, several hubs."""

from tests.support.commands import error_of, json_of
from tests.support.field import FieldPlatform
from tests.support.instances import Instance, Instances
from tests.support.registering import MakeHub, http_status, register


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
