"""Connecting to a host that has several addresses, of which the first may be dead (RFC 8305, Happy Eyeballs)."""

import errno
import itertools
import os
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

S = TypeVar("S", bound=socket.socket)
ATTEMPT_DELAY_SECONDS = 0.25
"""After so long without an answer the next address is tried beside the one before (RFC 8305, 5)."""
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK}


def interleaved(found: Sequence[Any]) -> list[Any]:
    """What getaddrinfo found, the families in turn, beginning with the first one's (RFC 8305, 4)."""
    first = [item for item in found if item[0] == found[0][0]]
    others = [item for item in found if item[0] != found[0][0]]
    return [item for pair in itertools.zip_longest(first, others) for item in pair if item is not None]


def first_to_answer(found: Sequence[Any], make: Callable[[int, int, int], S], remaining: Callable[[], float]) -> S:
    """A socket connected to the first of these addresses that answers; each is tried a little later than the one before.

    `remaining` says for how many seconds longer, and raises TimeoutError. Raises OSError when none can be connected to.
    """
    waiting, tries = list(interleaved(found)), dict[S, None]()
    last: OSError = OSError("host name has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or tries:
                begun = _begin(waiting.pop(0), make) if waiting else None
                if isinstance(begun, OSError):
                    last = begun
                    continue
                if begun is not None:
                    tries[begun] = None
                    selector.register(begun, selectors.EVENT_WRITE)
                until = time.monotonic() + ATTEMPT_DELAY_SECONDS if waiting else None
                ended = _wait(selector, until, remaining)
                while ended:
                    sock: S = ended.pop()
                    selector.unregister(sock)
                    del tries[sock]
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        sock.setblocking(True)
                        return sock
                    sock.close()
                    last = _error(code)
        finally:
            for sock in tries:
                sock.close()
    raise last


def _begin(found: Any, make: Callable[[int, int, int], S]) -> S | OSError:
    family, kind, protocol, _, address = found
    try:
        sock = make(family, kind, protocol)
    except OSError as error:  # a family that this machine does not have
        return error
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code == 0 or code in _UNDER_WAY:
        return sock
    sock.close()
    return _error(code)


def _wait(selector: selectors.BaseSelector, until: float | None, remaining: Callable[[], float]) -> list[Any]:
    """Those that have ended, once any has; none when it is time for the next."""
    left = remaining()
    wait = left if until is None else min(left, max(until - time.monotonic(), 0.0))
    return [key.fileobj for key, _ in selector.select(wait)]


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))
