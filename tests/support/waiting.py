"""Waiting for what is done in the background."""

import threading
import time
from collections.abc import Callable

from tests.support.peers import Peer

WAIT_SECONDS = 20.0


CPO, EMSP = ("CPO", "NL", "TNM"), ("EMSP", "BE", "BEC")


def wait_until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """For what is seen in the database only."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        pause.wait(0.02)


def told_at(peer: Peer, party: str) -> float:
    """Wait until the peer is told of a party; when it was."""
    peer.wait_for(lambda peer: (party, "EMSP") in peer.told, WAIT_SECONDS)
    return peer.received[-1].at
