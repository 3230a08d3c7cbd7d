"""A platform that lists no Receiver registers well, and is told nothing: operators see that."""

from tests.support.hubs import connect
from tests.support.live import Hub

CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")


def test_a_platform_without_receiver_says_so(hub: Hub) -> None:
    connect(hub.app, CPO, receiver=False)
    connect(hub.app, EMSP)
    without, with_one = hub.run("platforms")
    assert without["reason"] == "no Receiver: its version details list none, so it is told nothing"
    assert with_one["reason"] is None
