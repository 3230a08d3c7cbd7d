"""Requests of our client to peers that misbehave below HTTP, over real sockets."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hubinfo.ocpi.certificates import Certificates
from hubinfo.ocpi.client import Answer, Client, PeerError, Request
from hubinfo.ocpi.guard import Guard
from hubinfo.ocpi.transport import Resolve, resolve

Talk = Callable[[socket.socket], None]


def make_client(
    *, private: bool = True, http: bool = True, timeout: float = 2, resolve: Resolve = resolve, **certificates: str | None
) -> Client:
    """The certificates are those of hubinfo.ocpi.certificates."""
    known = Certificates(**certificates)
    return Client(Guard(private, http), timeout_seconds=timeout, certificates=known, agent="hubinfo/test", resolve=resolve)


def get(url: str, client: Client | None = None, **options: object) -> Answer:
    return (client or make_client()).call(Request(url=url, token="the-token", **options))  # type: ignore[arg-type]


def fails(url: str, client: Client | None = None, **options: object) -> PeerError:
    with pytest.raises(PeerError) as caught:
        get(url, client, **options)
    assert "the-token" not in str(caught.value)
    return caught.value


@contextmanager
def raw_server(talk: Talk) -> Iterator[str]:
    """Serve with `talk`, which gets each connection after the request's head, until the client is done."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                talk(connection)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    server.close()


def hangs(connection: socket.socket) -> None:
    """Say nothing until the client closes the connection, for 20 seconds at most."""
    connection.settimeout(20)
    connection.recv(1)


def drip(data: bytes) -> Talk:
    """Send one byte every 0.2 seconds until the client closes the connection."""

    def talk(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            readable, _, _ = select.select([connection], [], [], 0.2)
            if readable and not connection.recv(65536):  # what comes may be the rest of its request
                return

    return talk
