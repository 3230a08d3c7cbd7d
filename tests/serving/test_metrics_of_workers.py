"""`/metrics` of gunicorn with several workers: one answer for all of them, in a folder that comes and goes with the server."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from hubinfo.operator.metrics.folder import VARIABLE
from tests.support.metrics import Scrape
from tests.support.peers import Peer
from tests.support.processes import Installation, Server, free_port

SERVED = "hubinfo_http_requests_total"
HEALTHZ = {"route": "/healthz", "method": "GET", "status": "200"}
OURS: tuple[str, ...] = ()
NOT_OURS = ("-c", "/dev/null", "--threads", "4")
WAYS = [
    pytest.param(OURS, id="our configuration"),
    pytest.param((*OURS, "--preload"), id="our configuration, preloaded"),
    pytest.param(NOT_OURS, id="none"),
    pytest.param((*NOT_OURS, "--preload"), id="none, preloaded"),
]


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with Installation(tmp_path, DATABASE_URL=database_url) as made:
        yield made


def scrape(server: Server) -> Scrape:
    response = requests.get(f"{server.url}/metrics", timeout=60)
    assert response.status_code == 200, response.text
    return Scrape(response.text)


def folders(installation: Installation) -> list[Path]:
    """Those in which servers count."""
    return [path for path in (installation.instance / "metrics").glob("*") if path.is_dir()]


def serve_until_both_have(installation: Installation, server: Server) -> int:
    """How many requests that took."""
    served = 0
    while len(who_answered(installation)) < 2:
        served += sum(requests.get(f"{server.url}/healthz", timeout=60).ok for _ in range(10))
        assert served < 5000, server.said
    return served


def who_answered(installation: Installation) -> set[int]:
    """The workers that have answered /healthz."""
    [folder] = folders(installation)
    return {int(path.stem.rpartition("_")[2]) for path in folder.glob("counter_*.db") if b'"/healthz"' in path.read_bytes()}


@pytest.mark.parametrize("options", WAYS)
def test_each_scrape_tells_of_all_workers(installation: Installation, options: tuple[str, ...]) -> None:
    server = installation.gunicorn("-w", "2", *options).wait_until_ready()
    served = serve_until_both_have(installation, server)
    assert [scrape(server).value(SERVED, **HEALTHZ) for _ in range(10)] == [served] * 10
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    assert "Traceback" not in server.said
    if options[: len(NOT_OURS)] != NOT_OURS:
        assert folders(installation) == []


@pytest.mark.both_databases("a commit of another process is noticed by NOTIFY there")
def test_pushes_are_told_of_by_the_worker_that_did_not_send_them(
    installation: Installation, make_peer: Callable[..., Peer]
) -> None:
    server, peer = installation.gunicorn("-w", "2").wait_until_ready(), make_peer()
    installation.connect(peer.base, ("EMSP", "BE", "BEC"))
    installation.invite("NL", "TNM")
    peer.wait_for(lambda peer: bool(peer.puts), seconds=60)
    server.wait_for(lambda server: scrape(server).value("hubinfo_pushes_total", outcome="ok") == 1)
    for _ in range(20):
        found = scrape(server)
        assert found.value("hubinfo_pushes_total", outcome="ok") == found["hubinfo_push_seconds_count"] == 1


def test_what_a_killed_worker_counted_is_not_lost(installation: Installation) -> None:
    server = installation.gunicorn("-w", "2").wait_until_ready()
    served = serve_until_both_have(installation, server)
    for worker in who_answered(installation):
        os.kill(worker, signal.SIGKILL)
    server.wait_for(lambda server: server.said.count("Booting worker") == 4).wait_until_ready()
    assert scrape(server).value(SERVED, **HEALTHZ) == served


@pytest.mark.parametrize("options", [OURS, NOT_OURS], ids=["our configuration", "none"])
def test_a_server_begins_at_zero_and_clears_away_what_a_killed_one_left(tmp_path: Path, options: tuple[str, ...]) -> None:
    with Installation(tmp_path) as installation:
        first = installation.gunicorn(*options).wait_until_ready()
        assert first.answers("/healthz")
        [left] = folders(installation)
        first.kill()
        assert left.exists()
        second = installation.gunicorn(*options).wait_until_ready()
        assert ("GET", "/healthz", "200") not in scrape(second).by(SERVED)
        assert not left.exists()
        assert len(folders(installation)) == 1


def test_the_folder_of_a_server_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        first = installation.gunicorn().wait_until_ready()
        assert first.answers("/healthz")
        second = Installation(tmp_path / "installation", DATABASE_URL=f"sqlite:///{installation.instance / 'hubinfo.sqlite3'}")
        second.environment["HUBINFO_INSTANCE_PATH"] = str(installation.instance)
        with second:
            beside = second.gunicorn().wait_until_ready()
            assert len(folders(installation)) == 2
            assert ("GET", "/healthz", "200") not in scrape(beside).by(SERVED)
            beside.signal(signal.SIGTERM)
            assert beside.ended() == 0
        assert len(folders(installation)) == 1
        assert scrape(first).value(SERVED, **HEALTHZ) == 1


@pytest.mark.parametrize("options", ["", "-c /dev/null --threads 4"], ids=["our configuration", "none"])
def test_two_servers_of_one_script_count_apart(tmp_path: Path, options: str) -> None:
    """Started without job control they are one process group."""
    with Installation(tmp_path, COUNTRY_CODE="NL") as installation:
        serve = f"gunicorn wsgi:app {options} --bind 127.0.0.1"
        port = free_port()
        beside = f"http://127.0.0.1:{port}"
        server = installation.start("sh", "-c", f"{serve}:{installation.port} & {serve}:{port} & wait").wait_until_ready()
        server.wait_for(lambda server: server.said.count("Booting worker") == 2 and reached(f"{beside}/readyz"))
        assert server.answers("/healthz")
        assert scrape(server).value(SERVED, **HEALTHZ) == 1
        found = Scrape(requests.get(f"{beside}/metrics", timeout=60).text)
        assert ("GET", "/healthz", "200") not in found.by(SERVED)
        assert len(folders(installation)) == 2


def reached(url: str) -> bool:
    try:
        return requests.get(url, timeout=60).ok
    except requests.ConnectionError:
        return False


def test_a_folder_set_by_hand_is_used_and_kept(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        installation.environment[VARIABLE] = str(tmp_path / "shm" / "hubinfo")
        server = installation.gunicorn("-w", "2").wait_until_ready()
        assert scrape(server).names
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert list((tmp_path / "shm" / "hubinfo").glob("counter_*.db"))
        assert not (installation.instance / "metrics").exists()


def test_a_master_that_takes_over_counts_on_and_clears_away_at_its_own_end(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        number = tmp_path / "pid"
        server = installation.gunicorn("--pid", str(number)).wait_until_ready()
        assert server.answers("/healthz")
        server.signal(signal.SIGUSR2)
        server.wait_for(lambda server: server.said.count("Booting worker") == 2)
        server.signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert server.wait_until_ready().answers("/healthz")
        assert scrape(server).value(SERVED, **HEALTHZ) == 2
        server.wait_for(lambda _: number.exists())
        os.kill(int(number.read_text()), signal.SIGTERM)
        server.wait_for(lambda _: folders(installation) == [])


def test_where_the_folder_cannot_be_made_the_log_says_so(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        installation.instance.mkdir()
        (installation.instance / "metrics").touch()
        server = installation.gunicorn().wait_until_ready()
        assert server.answers("/healthz")
        assert scrape(server).value(SERVED, **HEALTHZ) == 1
        assert " WARNING metrics_not_shared " in server.said


def test_flask_run_needs_no_folder(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        server = installation.flask_run().wait_until_ready()
        assert server.answers("/healthz")
        assert scrape(server).value(SERVED, **HEALTHZ) == 1
        assert folders(installation) == []


def test_commands_take_no_notice_of_the_folder(tmp_path: Path) -> None:
    """They would leave files in it, or not start where it is missing, and count into the server."""
    folder = tmp_path / "counts"
    with Installation(tmp_path) as installation:
        installation.environment[VARIABLE] = str(folder)
        installation.invite("NL", "TNM")
        assert not folder.exists()
        server = installation.gunicorn().wait_until_ready()
        assert server.answers("/healthz")
        before = set(folder.iterdir())
        assert before
        installation.command("parties")
        assert set(folder.iterdir()) == before
