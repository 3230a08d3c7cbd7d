"""Registrations hold threads while the other side is called back: one for each platform, and few at the same time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hubinfo.ocpi.envelope import Busy, TooManyRequests
from hubinfo.platforms import connections
from hubinfo.platforms.limits import Registrations
from tests.support.live import Hub, LiveHub
from tests.support.peers import Handler, Peer
from tests.support.waiting import wait_until

PATH = "/ocpi/2.2.1/credentials"
CPO = ("CPO", "NL", "TNM")


@contextmanager
def under_way(hub: LiveHub, peer: Peer, token: str, method: str = "POST", party: str = "TNM") -> Iterator[None]:
    """A registration that waits for its peer until the end."""
    released, codes = threading.Event(), list[int]()

    def hold(handler: Handler) -> None:
        released.wait(60)
        peer._behave_well(handler)

    def send() -> None:
        codes.append(hub.request(method, PATH, token, json=peer.credentials(("CPO", "NL", party))).status_code)

    peer.behave("GET", "/2.2.1", hold)
    before = len(peer.received)
    thread = threading.Thread(target=send)
    thread.start()
    peer.wait_for(lambda peer: any(request.path == "/2.2.1" for request in peer.received[before:]))
    try:
        yield
    finally:
        released.set()
        thread.join()
        peer.behave("GET", "/2.2.1", None)
    assert codes == [200]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_platform_that_registers_already_is_told_to_wait(live_hub: LiveHub, peer: Peer, method: str) -> None:
    token = live_hub.register(peer, CPO) if method == "PUT" else live_hub.invite("NL", "TNM", "CPO")
    with under_way(live_hub, peer, token, method):
        again = live_hub.request(method, PATH, token, json=peer.credentials(CPO))
    assert (again.status_code, again.headers["Retry-After"], again.json()["status_code"]) == (429, "2", 2000)
    assert live_hub.statuses() == {("NL-TNM", "CPO"): "CONNECTED"}


def test_more_than_a_quarter_of_the_threads_are_told_to_come_later(live_hub: LiveHub, make_peer: Callable[..., Peer]) -> None:
    with live_hub.app.app_context():
        connections().registrations.serve_with(8)
    tokens = [live_hub.invite("NL", f"T0{number}", "CPO") for number in range(3)]
    first, second, third = make_peer(), make_peer(), make_peer()
    with under_way(live_hub, first, tokens[0], party="T00"), under_way(live_hub, second, tokens[1], party="T01"):
        late = live_hub.request("POST", PATH, tokens[2], json=third.credentials(("CPO", "NL", "T02")))
        assert (late.status_code, late.headers["Retry-After"], late.json()["status_code"]) == (503, "2", 3000)
        assert live_hub.request("GET", "/healthz").status_code == 200
    done = live_hub.request("POST", PATH, tokens[2], json=third.credentials(("CPO", "NL", "T02")))
    assert done.json()["status_code"] == 1000


def test_one_that_fails_makes_room(hub: Hub, peer: Peer) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    peer.behave("GET", "/2.2.1", lambda handler: handler.answer(http_status=500))
    for _ in range(6):
        answer = hub.call("POST", PATH, token, json=peer.credentials(CPO)).json
        assert answer is not None
        assert answer["status_code"] == 3001
    peer.behave("GET", "/2.2.1", None)
    assert hub.call("POST", PATH, token, json=peer.credentials(CPO)).status_code == 200


@pytest.mark.parametrize(("threads", "room"), [(1, 1), (4, 1), (7, 1), (8, 2), (16, 4), (100, 25)])
def test_a_quarter_of_the_threads_and_at_least_one(threads: int, room: int) -> None:
    registrations, entered, end = Registrations(threads), list[int](), threading.Event()

    def register(number: int) -> None:
        with registrations.one(number):
            entered.append(number)
            end.wait(60)

    running = [threading.Thread(target=register, args=(number,)) for number in range(room)]
    for thread in running:
        thread.start()
    wait_until(lambda: len(entered) == room)
    with pytest.raises(Busy), registrations.one(1000):
        pass
    with pytest.raises(TooManyRequests), registrations.one(0):
        pass
    end.set()
    for thread in running:
        thread.join()
    with registrations.one(1000):
        pass
