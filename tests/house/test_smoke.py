from collections.abc import Callable

from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer


def test_registering_makes_a_planned_party_connected(hub: Hub, make_peer: Callable[..., Peer]) -> None:
    hub.register(make_peer(), ("CPO", "NL", "TNM"))
    assert hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_a_registration_is_pushed_to_the_others(live_hub: LiveHub, make_peer: Callable[..., Peer]) -> None:
    first, second = make_peer(), make_peer()
    live_hub.register(first, ("CPO", "NL", "TNM"))
    live_hub.register(second, ("EMSP", "BE", "BEC"))
    first.wait_for(lambda peer: peer.told == {("BE-BEC", "EMSP"): "CONNECTED"})
    assert second.puts == []
