"""A host with several addresses of which the first is dead is reached by another, and each address is checked (RFC 8305)."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from hubinfo.ocpi.connecting import interleaved
from tests.support.clients import fails, get, make_client
from tests.support.peers import Peer


def at(*addresses: tuple[str, int]) -> Any:
    """As a name server that knows these would have it."""
    families = {True: socket.AF_INET6, False: socket.AF_INET}
    found = [(families[":" in host], socket.SOCK_STREAM, 6, "", (host, port)) for host, port in addresses]
    return lambda _host, _port: found


@pytest.fixture
def dead() -> Iterator[tuple[str, int]]:
    """An address that answers nothing: its queue of connections is full, so a SYN is dropped as by a router."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        address = server.getsockname()
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
        yield address


def test_the_next_address_is_tried_beside_one_that_says_nothing(peer: Peer, dead: tuple[str, int]) -> None:
    client = make_client(timeout=20, resolve=at(dead, ("127.0.0.1", peer.port)))
    answer = get("http://peer.example/versions", client)
    assert answer.http_status == 200
    assert answer.seconds < 10, "or it would have been half of the time limit at least"


def test_many_that_say_nothing_delay_by_a_moment_each(peer: Peer, dead: tuple[str, int]) -> None:
    client = make_client(timeout=20, resolve=at(*[dead] * 5, ("127.0.0.1", peer.port)))
    assert get("http://peer.example/versions", client).http_status == 200


def test_one_that_refuses_is_passed_over_at_once(peer: Peer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        refusing = gone.getsockname()
    client = make_client(timeout=20, resolve=at(refusing, ("127.0.0.1", peer.port)))
    assert get("http://peer.example/versions", client).http_status == 200


def test_one_without_a_route_is_passed_over(peer: Peer) -> None:
    client = make_client(timeout=20, resolve=at(("2001:db8::1", 80), ("127.0.0.1", peer.port)))
    assert get("http://peer.example/versions", client).http_status == 200


def test_none_that_answers_is_why_the_request_fails(dead: tuple[str, int]) -> None:
    assert fails("http://peer.example/", make_client(timeout=0.6, resolve=at(dead, dead))).reason == "timed out after 0.6 s"
    with socket.create_server(("127.0.0.1", 0)) as gone:
        refusing = gone.getsockname()
    assert fails("http://peer.example/", make_client(resolve=at(refusing, refusing))).reason == "connection refused"


def test_each_address_is_checked(peer: Peer) -> None:
    """What must not be called is not connected to, whatever else the name leads to."""
    forbidden = [("169.254.169.254", 80), ("::ffff:169.254.169.254", 80)]
    reached = make_client(resolve=at(*forbidden, ("127.0.0.1", peer.port)))
    assert get("http://peer.example/versions", reached).http_status == 200
    refused = make_client(resolve=at(*forbidden))
    assert "is never called" in fails("http://peer.example/", refused).reason
    private = make_client(private=False, resolve=at(("127.0.0.1", peer.port)))
    before = len(peer.received)
    assert "not allowed here" in fails("http://peer.example/versions", private).reason
    assert len(peer.received) == before


def test_families_take_turns_beginning_with_the_first() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    found = [(six, 1), (six, 2), (six, 3), (four, 4)]
    assert interleaved(found) == [(six, 1), (four, 4), (six, 2), (six, 3)]
