"""Against platforms of other makes, as they behave in the field: our party with their hubs, our hub with their parties."""

import pytest

from tests.support.commands import error_of
from tests.support.field import ALL_AT_ONCE, MANNERS, FieldHub, FieldPlatform, Manners
from tests.support.instances import Instance, Instances
from tests.support.registering import MakePlatform

OTHER_VERSIONS = [
    ("2.2 without base64", "2.2", Manners(raw_tokens=True)),
    ("2.2, all at once", "2.2", ALL_AT_ONCE),
    ("2.3.0, all at once", "2.3.0", ALL_AT_ONCE),
]
ALWAYS = ("by the book", "all at once", "2.3.0, all at once")
"""Those of `make test`; each other one has but one of the manners of "all at once"."""
PEERS = [
    pytest.param(version, manners, id=name, marks=[] if name in ALWAYS else pytest.mark.outside)
    for name, version, manners in [*((name, "2.2.1", manners) for name, manners in MANNERS.items()), *OTHER_VERSIONS]
]
each_peer = pytest.mark.parametrize(("version", "manners"), PEERS)
CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")


@pytest.fixture
def party(instances: Instances) -> Instance:
    return instances.make("NL-TNM", "CPO", keepalive_retry_seconds=0.1)


@pytest.fixture
def our_hub(instances: Instances) -> Instance:
    return instances.make("NL-HUB", "HUB", push_retry_seconds=0.1)


def upper(told: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Party ids are compared without case, and kept as they came."""
    return {(party.upper(), role): status for (party, role), status in told.items()}


@each_peer
def test_our_party_registers_pulls_page_by_page_and_takes_pushes(
    party: Instance, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    hub: FieldHub = make_platform(FieldHub, version=version, manners=manners)
    hub.listed += [hub.client_info("AT-NEW", "CPO", "PLANNED")]
    hub.page = 2
    assert party.run("register", hub.versions_url, hub.token_a)["platform"] == "DE-HUB"
    pulled = {("BE-BEC", "EMSP"): "CONNECTED", ("FR-NAV", "NSP"): "OFFLINE", ("AT-NEW", "CPO"): "PLANNED"}
    party.wait_for(lambda party: upper(party.known()) == pulled)
    assert hub.push("BE-BEC", "EMSP", "SUSPENDED", "2026-01-02T00:00:00Z").status_code == 200
    assert hub.push("IT-NEU", "CPO", "CONNECTED").status_code == 201
    assert upper(party.known()) == pulled | {("BE-BEC", "EMSP"): "SUSPENDED", ("IT-NEU", "CPO"): "CONNECTED"}
    assert party.run("reachable", "IT", "NEU")["reachable"] is True
    assert party.statuses() == {("DE-HUB", "HUB"): "CONNECTED"}


@each_peer
def test_our_party_pulls_again_probes_renews_and_leaves(
    party: Instance, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    hub: FieldHub = make_platform(FieldHub, version=version, manners=manners)
    party.run("register", hub.versions_url, hub.token_a)
    del hub.listed[0]
    pulled = party.run("sync", "DE-HUB")
    assert (pulled["hub"], pulled["received"]) == ("DE-HUB", 1)
    assert party.run("probe", "DE", "HUB")["status"] == "CONNECTED"
    before = hub.token_b, hub.token_c
    party.run("register", hub.versions_url)
    assert not {hub.token_b, hub.token_c} & {*before}
    party.run("unregister", "DE-HUB")
    assert hub.methods() == ["POST", "PUT", "DELETE"]
    assert hub.token_c is None


@each_peer
def test_a_hub_registers_itself_with_our_party(
    party: Instance, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    hub: FieldHub = make_platform(FieldHub, version=version, manners=manners)
    hub.register(party.versions_url, party.invite("DE", "HUB", "HUB"))
    party.wait_for(lambda party: len(party.known()) == 2)
    assert hub.push("BE-BEC", "EMSP", "OFFLINE", "2026-01-02T00:00:00Z").status_code == 200
    assert upper(party.known())["BE-BEC", "EMSP"] == "OFFLINE"


@each_peer
def test_a_party_registers_with_our_hub_and_is_told(
    our_hub: Instance, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    other: FieldPlatform = make_platform(FieldPlatform, CPO, version=version, manners=manners)
    other.register(our_hub.versions_url, our_hub.invite("NL", "TNM", "CPO"))
    our_hub.invite("BE", "BEC", "EMSP")
    other.wait_for(lambda _: other.pushed == {("BE-BEC", "EMSP"): "PLANNED"})
    our_hub.run("suspend", "BE", "BEC")
    other.wait_for(lambda _: other.pushed == {("BE-BEC", "EMSP"): "SUSPENDED"})
    assert upper(our_hub.statuses()) == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "EMSP"): "SUSPENDED"}
    our_hub.wait_for(lambda our_hub: our_hub.run("pushes") == [])


@each_peer
def test_a_party_pulls_from_our_hub_with_slashes_or_without(
    our_hub: Instance, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    other: FieldPlatform = make_platform(FieldPlatform, CPO, version=version, manners=manners)
    our_hub.invite("BE", "BEC", "EMSP")
    other.register(our_hub.versions_url, our_hub.invite("NL", "TNM", "CPO"))
    url = other.theirs["hubclientinfo", "SENDER"] + ("/" if manners.slashes else "")
    listed = other.ask("GET", url).json()["data"]
    assert [(row["party_id"], row["status"]) for row in listed] == [("BEC", "PLANNED")]
    assert other.ask("GET", f"{url.rstrip('/')}/{'be/bec' if manners.lower_case else 'BE/BEC'}").json()["data"] == listed[0]


@each_peer
def test_our_hub_registers_itself_with_a_party(
    our_hub: Instance, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    other: FieldPlatform = make_platform(FieldPlatform, CPO, EMSP, version=version, manners=manners)
    our_hub.invite("NL", "TNM", "CPO")
    assert our_hub.run("register", other.versions_url, other.token_a)["platform"] == "NL-TNM"
    assert upper(our_hub.statuses()) == {("NL-TNM", "CPO"): "CONNECTED", ("BE-BEC", "EMSP"): "CONNECTED"}
    our_hub.invite("FR", "NAV", "NSP")
    other.wait_for(lambda _: other.pushed == {("FR-NAV", "NSP"): "PLANNED"})


@each_peer
def test_a_party_that_goes_away_and_comes_back(
    instances: Instances, make_platform: MakePlatform, version: str, manners: Manners
) -> None:
    our_hub = instances.make("NL-HUB", "HUB", keepalive_seconds=0.2, keepalive_retry_seconds=0.1)
    other: FieldPlatform = make_platform(FieldPlatform, CPO, version=version, manners=manners)
    other.register(our_hub.versions_url, our_hub.invite("NL", "TNM", "CPO"))
    other.stop()
    our_hub.wait_for(lambda our_hub: our_hub.platforms() == {"NL-TNM": "OFFLINE"})
    other.start_again()
    our_hub.wait_for(lambda our_hub: our_hub.platforms() == {"NL-TNM": "CONNECTED"})


@pytest.mark.parametrize("http_400", [False, True], ids=["HTTP 200", "HTTP 400"])
def test_a_party_that_refuses_a_push_for_good_is_not_asked_again(
    our_hub: Instance, make_platform: MakePlatform, http_400: bool
) -> None:
    other: FieldPlatform = make_platform(FieldPlatform, CPO, manners=Manners(http_400=http_400))
    other.register(our_hub.versions_url, our_hub.invite("NL", "TNM", "CPO"))
    other.behave("PUT", "/", lambda handler: other.say(handler, status_code=2001, message="no such role here"))
    our_hub.invite("BE", "BEC", "EMSP")
    our_hub.wait_for(lambda our_hub: "no such role here" in str(our_hub.run("show", "NL", "TNM")["refused"]))
    other.behave("PUT", "/", None)
    our_hub.invite("FR", "NAV", "NSP")
    other.wait_for(lambda _: ("FR-NAV", "NSP") in other.pushed)
    assert other.methods("/be/bec") + other.methods("/BE/BEC") == ["PUT"]


def test_a_hub_that_wants_raw_tokens_only_since_it_was_updated(party: Instance, make_platform: MakePlatform) -> None:
    hub: FieldHub = make_platform(FieldHub)
    party.run("register", hub.versions_url, hub.token_a)
    hub.manners = Manners(raw_tokens=True)
    party.run("register", hub.versions_url)
    assert party.run("sync", "DE-HUB")["received"] == 2


def test_a_hub_that_answers_without_data_gives_us_nothing_to_register_with(party: Instance, make_platform: MakePlatform) -> None:
    hub: FieldHub = make_platform(FieldHub, manners=Manners(says_data=False))
    hub.behave("POST", "/", lambda handler: hub.say(handler))
    assert "was answered with credentials of no use" in error_of(party.app, "register", hub.versions_url, hub.token_a)
    assert party.platforms() == {}
