"""Fixtures for all tests, beside those of apps and databases in conftest: peers, hubs that serve, clocks, what is said."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from tests.support.api import Api
from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, connect_hub
from tests.support.hubs import SetClock
from tests.support.live import Hub, LiveHub, LiveHubs
from tests.support.mailbox import Mailbox, mailbox
from tests.support.past import Past, set_clock
from tests.support.peers import Peer
from tests.support.statements import BreakDatabase, Broken, Listener, listening
from tests.support.telling import Telling


@pytest.fixture
def listen() -> Iterator[Callable[[Flask, Listener], None]]:
    """Call a listener before each statement of an app, until the test ends."""
    with ExitStack() as listeners:
        yield lambda app, listener: listeners.enter_context(listening(app, listener))


@pytest.fixture
def break_database(listen: Callable[[Flask, Listener], None]) -> BreakDatabase:
    """Have each statement of an app refused, until what is returned is told that it is broken no longer."""

    def make(app: Flask) -> Broken:
        broken = Broken()
        listen(app, broken.fail)
        return broken

    return make


@pytest.fixture
def make_peer() -> Iterator[Callable[..., Peer]]:
    """Make platforms that serve on loopback."""
    made: list[Peer] = []

    def make(**options: Any) -> Peer:
        made.append(Peer(**options))
        return made[-1]

    yield make
    for peer in made:
        peer.stop()


@pytest.fixture
def make_hub_peer() -> Iterator[Callable[..., HubPeer]]:
    """Make hubs of others that serve on loopback."""
    made: list[HubPeer] = []

    def make(*arguments: str, **options: Any) -> HubPeer:
        made.append(HubPeer(*arguments, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.stop()


@pytest.fixture
def party(make_app: MakeApp) -> Hub:
    """A CPO without background work that is registered with the hub DE-HUB."""
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    return Hub(app)


@pytest.fixture
def make_live_hub(make_app: MakeApp, live_hubs: LiveHubs) -> Callable[..., LiveHub]:
    """Serve an app with these settings; still-alive checks are rare unless a test makes them frequent."""
    return lambda **overrides: live_hubs.serve(make_app(**overrides))


@pytest.fixture
def live_hub(make_live_hub: Callable[..., LiveHub]) -> LiveHub:
    return make_live_hub()


@pytest.fixture
def peer(make_peer: Callable[..., Peer]) -> Peer:
    return make_peer()


@pytest.fixture
def api(hub: Hub) -> Api:
    """`/api` as a program with a bearer token uses it."""
    return Api(hub.app)


@pytest.fixture
def clock() -> SetClock:
    """A clock that is handed to what is tested."""
    return SetClock()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The clock of the whole package, set by the test."""
    return set_clock(monkeypatch)


@pytest.fixture
def past(app: Flask, now: SetClock) -> Past:
    """Gives rows a past."""
    return Past(app, now)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the package logs; its logger passes nothing on."""
    logger = logging.getLogger("hubinfo")
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server on loopback."""
    with mailbox() as made:
        yield made


@pytest.fixture
def telling(app: Flask) -> Telling:
    return Telling(app)
