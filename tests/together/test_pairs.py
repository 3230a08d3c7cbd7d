"""Hub and party of this project against each other, whatever OCPI versions each of them offers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.commands import error_of
from tests.support.instances import Instance, Instances
from tests.support.peers import Peer

ALL = "2.2,2.2.1,2.3.0"
OFFERS = ("2.2", "2.2.1", "2.3.0", ALL)
PAIRS = [(ours, theirs, sorted({*ours.split(",")} & {*theirs.split(",")})) for ours in OFFERS for theirs in OFFERS]
ALWAYS = ((ALL, ALL), ("2.2", ALL), (ALL, "2.3.0"), ("2.2", "2.3.0"))
"""Those of `make test`: 2.2 and 2.3.0 alone and among others, and a pair that has no version in common."""


def _pair(hub: str, party: str, *common: str) -> Any:
    return pytest.param(hub, party, *common, id=f"{hub} and {party}", marks=[] if (hub, party) in ALWAYS else pytest.mark.outside)


COMMON = [_pair(hub, party, common[-1]) for hub, party, common in PAIRS if common]
APART = [_pair(hub, party) for hub, party, common in PAIRS if not common]
NAV = ("DE-NAV", "NSP")
OFTEN: dict[str, Any] = {"keepalive_seconds": 0.3, "keepalive_retry_seconds": 0.1}


@pytest.mark.parametrize(("hub_offers", "party_offers", "version"), COMMON)
def test_a_party_registers_pulls_and_is_told(
    instances: Instances, make_peer: Callable[..., Peer], hub_offers: str, party_offers: str, version: str
) -> None:
    hub, party = instances.make("NL-HUB", "HUB", hub_offers, **OFTEN), instances.make("NL-TNM", "CPO", party_offers)
    other = make_peer(version=hub_offers.split(",")[0])
    hub.register(other, ("NSP", "DE", "NAV"), version=other.versions[0])
    assert party.join(hub)["version"] == version
    party.wait_for(lambda party: party.known() == {NAV: "CONNECTED"})
    other.stop()
    party.wait_for(lambda party: party.known() == {NAV: "OFFLINE"})
    other.start_again()
    party.wait_for(lambda party: party.known() == {NAV: "CONNECTED"})
    hub.run("suspend", "DE", "NAV")
    party.wait_for(lambda party: party.known() == {NAV: "SUSPENDED"})
    assert hub.statuses() == {NAV: "SUSPENDED", ("NL-TNM", "CPO"): "CONNECTED"}
    assert party.statuses() == {("NL-HUB", "HUB"): "CONNECTED"}
    assert other.told == {("NL-TNM", "CPO"): "CONNECTED"}


@pytest.mark.parametrize(
    ("hub_offers", "party_offers", "version"), [_pair(offers, offers, offers.split(",")[-1]) for offers in OFFERS]
)
def test_a_hub_registers_with_a_party_that_has_invited_it(
    instances: Instances, hub_offers: str, party_offers: str, version: str
) -> None:
    # The party may pull before the hub has stored what it was answered; then it pulls again.
    hub, party = instances.make("NL-HUB", "HUB", hub_offers), instances.make("NL-TNM", "CPO", party_offers, **OFTEN)
    hub.invite("DE", "NAV", "NSP")
    assert hub.run("register", party.versions_url, party.invite("NL", "HUB", "HUB"))["version"] == version
    party.wait_for(lambda party: party.known() == {NAV: "PLANNED"})
    hub.run("suspend", "DE", "NAV")
    party.wait_for(lambda party: party.known() == {NAV: "SUSPENDED"})
    assert party.statuses() == {("NL-HUB", "HUB"): "CONNECTED"}
    assert hub.statuses() == {NAV: "SUSPENDED", ("NL-TNM", "CPO"): "CONNECTED"}


@pytest.mark.parametrize(("hub_offers", "party_offers"), APART)
def test_without_a_version_in_common_nothing_is_registered(instances: Instances, hub_offers: str, party_offers: str) -> None:
    hub, party = instances.make("NL-HUB", "HUB", hub_offers), instances.make("NL-TNM", "CPO", party_offers)
    said = error_of(party.app, "register", hub.versions_url, hub.invite("NL", "TNM", "CPO"))
    assert said.startswith(f"{hub.versions_url} offers {hub_offers.replace(',', ', ')}, not ")
    assert party_offers in said
    assert hub.statuses() == {("NL-TNM", "CPO"): "PLANNED"}
    assert party.platforms() == {}


@pytest.mark.parametrize(
    "version", [pytest.param("2.2", marks=pytest.mark.outside), pytest.param("2.2.1", marks=pytest.mark.outside), "2.3.0"]
)
def test_a_hub_with_own_roles_is_a_party_to_another_and_passes_nothing_on(instances: Instances, version: str) -> None:
    top, middle = instances.make("DE-TOP", "HUB", version), instances.make("NL-MID", "HUB,CPO", version)
    party = instances.make("BE-BEC", "EMSP", version)
    top.invite("FR", "NAV", "NSP")
    middle.join(top)
    party.join(middle)
    assert top.statuses() == {("FR-NAV", "NSP"): "PLANNED", ("NL-MID", "CPO"): "CONNECTED", ("NL-MID", "HUB"): "CONNECTED"}
    middle.wait_for(lambda middle: middle.known() == {("FR-NAV", "NSP"): "PLANNED"})
    top.run("suspend", "FR", "NAV")
    middle.wait_for(lambda middle: middle.known() == {("FR-NAV", "NSP"): "SUSPENDED"})
    middle.invite("AT", "NEW", "CPO")
    party.wait_for(lambda party: ("AT-NEW", "CPO") in party.known())
    assert ("FR-NAV", "NSP") not in party.known()
    assert party.statuses() == {("NL-MID", "HUB"): "CONNECTED", ("NL-MID", "CPO"): "CONNECTED"}


def test_a_hub_with_own_roles_serves_both_interfaces(instances: Instances) -> None:
    middle, party = instances.make("NL-MID", "HUB,CPO"), instances.make("BE-BEC", "EMSP")
    endpoints = party.join(middle)["endpoints"]
    assert {(end["identifier"], end["role"]) for end in endpoints} == {
        ("credentials", "SENDER"),
        ("hubclientinfo", "SENDER"),
        ("hubclientinfo", "RECEIVER"),
    }
    assert len({end["url"] for end in endpoints}) == 3


def test_a_party_that_has_all_its_roles_in_one_platform_is_told_once_of_each_other(instances: Instances) -> None:
    hub, both, nsp = instances.make("NL-HUB", "HUB"), instances.make("DE-DUO", "CPO,EMSP", "2.2"), instances.make("FR-NAV", "NSP")
    for party in (both, nsp):
        party.join(hub)
    both.wait_for(lambda both: both.known() == {("FR-NAV", "NSP"): "CONNECTED"})
    nsp.wait_for(lambda nsp: nsp.known() == {("DE-DUO", "CPO"): "CONNECTED", ("DE-DUO", "EMSP"): "CONNECTED"})


def test_a_party_with_two_hubs_reaches_another_through_the_one_that_can(instances: Instances) -> None:
    first, second = instances.make("NL-HBA", "HUB", "2.2.1"), instances.make("NL-HBB", "HUB", "2.3.0")
    party, other = instances.make("NL-TNM", "CPO"), instances.make("DE-NAV", "NSP")
    first.invite("DE", "NAV", "NSP")
    for instance, hub in ((other, second), (party, first), (party, second)):
        instance.join(hub)
    party.wait_for(lambda party: len(party.run("known")) == 2)
    assert (party.known("NL-HBA"), party.known("NL-HBB")) == ({NAV: "PLANNED"}, {NAV: "CONNECTED"})
    assert party.run("reachable", "DE", "NAV")["hub"] == "NL-HBB"


def test_a_party_that_leaves_is_suspended_at_the_hub_and_with_the_others(instances: Instances) -> None:
    hub, party, other = instances.make("NL-HUB", "HUB"), instances.make("NL-TNM", "CPO"), instances.make("DE-NAV", "NSP")
    for instance in (party, other):
        instance.join(hub)
    party.run("unregister", "NL-HUB")
    assert hub.statuses()["NL-TNM", "CPO"] == "SUSPENDED"
    other.wait_for(lambda other: other.known() == {("NL-TNM", "CPO"): "SUSPENDED"})
    party.join(hub)
    other.wait_for(lambda other: other.known() == {("NL-TNM", "CPO"): "CONNECTED"})


def test_a_party_that_registers_again_goes_on_being_told(instances: Instances) -> None:
    hub, party = instances.make("NL-HUB", "HUB"), instances.make("NL-TNM", "CPO")
    party.join(hub)
    party.run("register", hub.versions_url)
    hub.invite("DE", "NAV", "NSP")
    party.wait_for(lambda party: party.known() == {NAV: "PLANNED"})
    assert hub.platforms() == {"NL-TNM": "CONNECTED", "DE-NAV": "PLANNED"}


def test_a_hub_renews_a_connection_that_the_party_has_made(instances: Instances) -> None:
    hub, party = instances.make("NL-HUB", "HUB"), instances.make("NL-TNM", "CPO")
    party.join(hub)
    hub.run("register", party.versions_url)
    hub.invite("DE", "NAV", "NSP")
    party.wait_for(lambda party: party.known() == {NAV: "PLANNED"})
    assert party.run("sync", "NL-HUB")["received"] == 1


def test_a_hub_unregisters_from_a_party(instances: Instances) -> None:
    hub, party = instances.make("NL-HUB", "HUB"), instances.make("NL-TNM", "CPO")
    party.join(hub)
    hub.run("unregister", "NL-TNM")
    assert hub.statuses() == {("NL-TNM", "CPO"): "SUSPENDED"}
    assert party.statuses() == {("NL-HUB", "HUB"): "SUSPENDED"}


def test_a_hub_that_falls_silent_makes_what_it_told_stale(instances: Instances, make_peer: Callable[..., Peer]) -> None:
    hub, party = instances.make("NL-HUB", "HUB"), instances.make("NL-TNM", "CPO", **OFTEN)
    hub.register(make_peer(), ("NSP", "DE", "NAV"))
    party.join(hub)
    party.wait_for(lambda party: party.known() == {NAV: "CONNECTED"})
    hub.fall_silent()
    party.wait_for(lambda party: party.platforms() == {"NL-HUB": "OFFLINE"})
    assert [row["stale"] for row in party.run("known")] == [True]
    assert is_reachable(party) is False
    hub.serve()
    party.wait_for(lambda party: is_reachable(party))


def is_reachable(party: Instance) -> bool:
    response = party.app.test_client().get("/api/reachable/DE/NAV", auth=("operator", "operator"))
    assert response.json is not None
    return bool(response.json["reachable"])
