"""Many requests side by side: one at a time to each platform, and none waits for one that hangs."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from hubinfo.ocpi.client import Answer, Client, Outcome, PeerError, Request
from hubinfo.ocpi.exchange import PATIENCE_SECONDS, SLOW_LANE
from hubinfo.ocpi.guard import Guard
from tests.support.peers import Handler, Peer, hang


def make_client(*, concurrency: int = 4, timeout: float = 10) -> Client:
    return Client(Guard(True, True), timeout_seconds=timeout, concurrency=concurrency, agent="test")


def to(peer: Peer, platform_id: int, path: str = "/versions") -> Request:
    return Request(platform_id=platform_id, url=f"{peer.base}{path}?{platform_id}", token="t")


@pytest.fixture
def peer(make_peer: Callable[..., Peer]) -> Peer:
    made = make_peer()
    made.behave("GET", "/versions", lambda handler: handler.answer([]))
    return made


def test_then_is_called_for_each_in_the_callers_thread_and_its_answer_follows(peer: Peer) -> None:
    threads: set[int] = set()
    rounds: Counter[int] = Counter()

    def then(request: Request, outcome: Outcome) -> Request | None:
        assert isinstance(outcome, Answer)
        threads.add(threading.get_ident())
        rounds[request.platform_id] += 1
        return request if rounds[request.platform_id] < 3 else None

    make_client().exchange([to(peer, number) for number in range(10)], then)
    assert rounds == dict.fromkeys(range(10), 3)
    assert threads == {threading.get_ident()}


def test_at_most_one_request_is_under_way_per_platform_and_so_many_in_all(peer: Peer) -> None:
    lock, under_way, most, most_in_all = threading.Lock(), Counter[str](), 0, 0

    def watch(handler: object) -> None:
        nonlocal most, most_in_all
        name = handler.path  # type: ignore[attr-defined]
        with lock:
            under_way[name] += 1
            most, most_in_all = max(most, under_way[name]), max(most_in_all, under_way.total())
        time.sleep(0.01)
        with lock:
            under_way[name] -= 1
        handler.answer([])  # type: ignore[attr-defined]

    peer.behave("GET", "/versions", watch)
    left = [to(peer, number % 3) for number in range(9)]
    ended: list[Request] = []
    make_client(concurrency=2).exchange(
        [to(peer, number) for number in (0, 0, 1, 2)],
        lambda request, outcome: ended.append(request),
        lambda: [left.pop()] if left else [],
    )
    assert len(ended) == 13
    assert most == 1
    assert most_in_all <= 2


def test_those_that_answer_are_all_served_while_more_than_the_fast_lane_holds_hang(peer: Peer) -> None:
    all_answered, answered = threading.Event(), list[int]()
    hung: list[tuple[int, int]] = []

    def hang_until_all_are_answered(handler: Handler) -> None:
        all_answered.wait(60)
        handler.raw(b"", http_status=500)

    def then(request: Request, outcome: Outcome) -> None:
        if isinstance(outcome, PeerError):
            hung.append((request.platform_id, len(answered)))
        else:
            answered.append(request.platform_id)
        if len(answered) == 50:
            all_answered.set()

    peer.behave("GET", "/hang", hang_until_all_are_answered)
    hanging = [to(peer, number, "/hang") for number in range(2 * SLOW_LANE)]
    make_client(concurrency=2, timeout=30).exchange([*hanging, *(to(peer, 100 + number) for number in range(50))], then)
    assert len(hung) == 2 * SLOW_LANE
    assert all(already == 50 for _, already in hung)


def test_a_platform_that_was_slow_and_is_fast_again_is_served(peer: Peer) -> None:
    client, outcomes = make_client(timeout=0.3), list[Outcome]()
    peer.behave("GET", "/versions", hang(1))
    client.exchange([to(peer, 1)], lambda request, outcome: outcomes.append(outcome))
    peer.behave("GET", "/versions", lambda handler: handler.answer([]))
    for _ in range(2):
        client.exchange([to(peer, 1)], lambda request, outcome: outcomes.append(outcome))
    assert [type(outcome) for outcome in outcomes] == [PeerError, Answer, Answer]


def test_a_platform_that_is_always_late_is_asked_more_often_than_the_slow_lane_has_places(peer: Peer) -> None:
    """Each late answer gives the place back that it took."""

    def late(handler: Handler) -> None:
        time.sleep(PATIENCE_SECONDS * 1.1)
        handler.answer([])

    peer.behave("GET", "/versions", late)
    rounds: list[Outcome] = []

    def then(request: Request, outcome: Outcome) -> Request | None:
        rounds.append(outcome)
        return request if len(rounds) < SLOW_LANE + 2 else None

    make_client(concurrency=1).exchange([to(peer, 1)], then)
    assert [type(outcome) for outcome in rounds] == [Answer] * (SLOW_LANE + 2)


def test_close_ends_an_exchange_at_once(peer: Peer) -> None:
    peer.behave("GET", "/versions", hang(60))
    client = make_client(timeout=60)
    thread = threading.Thread(target=client.exchange, args=([to(peer, 1)], lambda request, outcome: None))
    thread.start()
    peer.wait_for(lambda peer: len(peer.received) == 1)
    client.close()
    thread.join(30)
    assert not thread.is_alive()


def test_a_bug_of_ours_is_that_platforms_outcome_and_no_end_of_the_exchange(peer: Peer) -> None:
    broken = Request(platform_id=1, url=peer.versions_url, token="t", method=5)  # type: ignore[arg-type]
    outcomes: dict[int, Outcome] = {}
    make_client().exchange([broken, to(peer, 2)], lambda request, outcome: outcomes.update({request.platform_id: outcome}))
    assert isinstance(outcomes[1], PeerError)
    assert isinstance(outcomes[2], Answer)


@pytest.mark.parametrize("raises", ["then", "more"])
def test_when_ours_fails_nothing_is_left_under_way_beside_which_the_next_run_would_send(peer: Peer, raises: str) -> None:
    """As after a fault of the database, in whose midst requests are on their way."""
    under_way, most, client, arrived = 0, 0, make_client(), threading.Event()

    def slow(handler: Handler) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        arrived.set()
        threading.Event().wait(0.3)
        under_way -= 1
        handler.answer([])

    def fail(*_arguments: object) -> None:
        arrived.wait(20)
        raise ZeroDivisionError

    def more() -> list[Request]:
        if raises == "more" and arrived.is_set():
            raise ZeroDivisionError
        return []

    peer.behave("GET", "/slow", slow)
    with pytest.raises(ZeroDivisionError):
        client.exchange([to(peer, 1, "/slow"), to(peer, 2)], fail if raises == "then" else lambda *_: None, more)
    assert under_way == 0
    client.exchange([to(peer, 1, "/slow")], lambda *_: None)
    assert most == 1
