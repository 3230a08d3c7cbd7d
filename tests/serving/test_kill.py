"""`kill -9` in the middle of a fan-out: after the next start everybody knows everything, and never older after newer."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import feed
from hubinfo.models import ClientInfo, Platform
from tests.support.peers import Handler, Peer
from tests.support.processes import Installation, Server

pytestmark = pytest.mark.both_databases("what is committed when, and who holds the lease")

RECEIVERS = 50
CONCURRENCY = 8
ROLES = ("CPO", "EMSP", "NSP")
PUTS = RECEIVERS * len(ROLES)
Row = dict[str, str]
Start = Callable[[Installation], Server]
STARTS = [
    pytest.param(lambda installation: installation.flask_run(), id="flask run"),
    pytest.param(lambda installation: installation.gunicorn(), id="gunicorn"),
]


class Receivers:
    """Fifty of them, on one server, each below a path of its own; together they answer so many pushes, and then hang."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._lock = threading.Lock()
        self._answers_left = 0
        self._open = threading.Event()
        peer.behave("GET", "/", lambda handler: handler.answer([]))
        peer.behave("PUT", "/", self._on_put)

    def _on_put(self, handler: Handler) -> None:
        with self._lock:
            self._answers_left -= 1
            hangs = self._answers_left < 0
        if hangs:
            self._open.wait(60)
        with contextlib.suppress(ConnectionError):  # who asked may have been killed
            handler.answer()

    def answer_only(self, count: int) -> None:
        self._open.clear()
        self._answers_left = count

    def answer_all(self) -> None:
        self._answers_left = 1_000_000
        self._open.set()

    def count(self) -> int:
        """The pushes received, answered or not."""
        return sum(request.method == "PUT" for request in self.peer.received)

    def told(self) -> dict[int, list[Row]]:
        """What each receiver has been told, in order."""
        told: dict[int, list[Row]] = defaultdict(list)
        for request in list(self.peer.received):
            if request.method == "PUT":
                told[int(request.path.split("/")[1])].append(request.json)
        return told

    def held(self) -> list[dict[str, Row]]:
        """What each receiver knows of the roles of the party that changes."""
        told = self.told()
        return [{put["role"]: put for put in told[number]} for number in range(RECEIVERS)]


@pytest.fixture
def receivers(make_peer: Callable[..., Peer]) -> Iterator[Receivers]:
    made = Receivers(make_peer())
    yield made
    made.answer_all()


@pytest.fixture
def installation(tmp_path: Path, database_url: str, receivers: Receivers) -> Iterator[Installation]:
    """A hub whose receivers have been told everything so far."""
    settings = {"PUSH_CONCURRENCY": str(CONCURRENCY), "KEEPALIVE_SECONDS": "3600", "PUSH_RETRY_SECONDS": "0.1"}
    with Installation(tmp_path, DATABASE_URL=database_url, **settings) as made:
        assert made.flask("hubinfo", "parties").returncode == 0  # makes the schema and the folder
        for number in range(RECEIVERS):
            made.connect(f"{receivers.peer.base}/{number}", ("EMSP", "BE", f"R{number:02}"))
        made.connect(f"{receivers.peer.base}/changing", *((role, "NL", "TNM") for role in ROLES))
        with made.app.app_context(), write() as session:
            changing = session.scalars(select(ClientInfo.platform_id).where(ClientInfo.party_id == "TNM")).first()
            session.execute(update(Platform).values(told_revision=feed.newest_revision(session)))
            session.execute(update(Platform).where(Platform.id == changing).values(receiver_url=None))
        yield made


def kill_in_the_middle(installation: Installation, receivers: Receivers, start: Start, change: str, answered: int) -> None:
    """Start, change the party, and kill the server once so many pushes were answered and the next ones are on their way."""
    receivers.answer_only(answered)
    before = receivers.count()
    server = start(installation).wait_for_leader()
    installation.command(change, "NL", "TNM")
    receivers.peer.wait_for(lambda _: receivers.count() >= before + answered + CONCURRENCY, 30)
    server.kill()
    assert receivers.count() < before + PUTS


def current(installation: Installation) -> dict[str, Row]:
    """The rows of the party that changes, as they are to be told."""
    with installation.app.app_context():
        rows = db.session.scalars(select(ClientInfo).where(ClientInfo.party_id == "TNM")).all()
        shown = {
            row.role: {
                "country_code": row.country_code,
                "party_id": row.party_id,
                "role": row.role,
                "status": row.status,
                "last_updated": clock.render(row.last_updated),
            }
            for row in rows
        }
        db.session.rollback()
    assert set(shown) == set(ROLES)
    return shown


def assert_converge(installation: Installation, receivers: Receivers) -> None:
    receivers.peer.wait_for(lambda _: receivers.held() == [current(installation)] * RECEIVERS, 60)
    for number, puts in receivers.told().items():
        for role in ROLES:
            times = [put["last_updated"] for put in puts if put["role"] == role]
            assert times == sorted(times), f"receiver {number} was told older news of {role} after newer"


def knows_all(receivers: Receivers, role: str, status: str) -> bool:
    return all(role in held and held[role]["status"] == status for held in receivers.held())


@pytest.mark.parametrize("start", STARTS)
def test_all_converge_after_the_next_start(installation: Installation, receivers: Receivers, start: Start) -> None:
    kill_in_the_middle(installation, receivers, start, "suspend", answered=60)
    receivers.answer_all()
    start(installation)
    assert_converge(installation, receivers)
    assert {row["status"] for row in current(installation).values()} == {"SUSPENDED"}


def test_what_changes_while_no_server_runs_is_told_by_the_next(installation: Installation, receivers: Receivers) -> None:
    kill_in_the_middle(installation, receivers, Installation.flask_run, "suspend", answered=30)
    installation.command("resume", "NL", "TNM", "--role", "EMSP")
    receivers.answer_all()
    installation.flask_run()
    receivers.peer.wait_for(lambda _: knows_all(receivers, "EMSP", "CONNECTED"), 60)
    assert_converge(installation, receivers)


def test_however_often_it_is_killed(installation: Installation, receivers: Receivers) -> None:
    for change, answered in (("suspend", 1), ("resume", 45), ("suspend", 90)):
        kill_in_the_middle(installation, receivers, Installation.flask_run, change, answered)
    receivers.answer_all()
    installation.flask_run()
    assert_converge(installation, receivers)
