"""gunicorn: however many workers it has, one of them does the background work."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.databases import new_postgresql
from tests.support.processes import Installation

pytestmark = pytest.mark.both_databases("who holds the lease, by whose clock")


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with Installation(tmp_path, DATABASE_URL=database_url) as made:
        yield made


@pytest.mark.parametrize(
    ("options", "workers"),
    [
        pytest.param((), 1, id="one worker"),
        pytest.param(("-w", "2"), 2, id="two workers"),
        pytest.param(("-w", "2", "--preload"), 2, id="two workers, preloaded"),
    ],
)
def test_one_worker_leads_and_is_replaced_when_killed(installation: Installation, options: tuple[str, ...], workers: int) -> None:
    server = installation.gunicorn(*options).wait_for_leader()
    server.wait_for(lambda server: server.said.count("Booting worker") == workers)
    [leader] = server.leaders()
    assert leader != server.process.pid, "the master serves nobody"
    installation.lengthen_lease()
    os.kill(leader, signal.SIGKILL)
    server.wait_for_leader(2)
    assert len(set(server.leaders())) == 2


def test_a_killed_server_is_replaced_at_once_by_the_next_start(installation: Installation) -> None:
    first = installation.gunicorn("-w", "2").wait_for_leader()
    installation.lengthen_lease()
    first.kill()
    installation.gunicorn().wait_for_leader()


def test_a_clean_stop_hands_over_at_once(installation: Installation) -> None:
    first = installation.gunicorn().wait_for_leader()
    first.signal(signal.SIGTERM)
    assert first.ended() == 0
    assert not installation.holds_lease()


def test_a_reload_leaves_one_leader(installation: Installation) -> None:
    server = installation.gunicorn().wait_for_leader()
    installation.lengthen_lease()
    server.signal(signal.SIGHUP)
    server.wait_for_leader(2)
    assert len(set(server.leaders())) == 2


WITHOUT_HOOKS = [
    pytest.param((), id="one worker"),
    pytest.param(("-w", "2"), id="two workers"),
    pytest.param(("-w", "2", "--preload"), id="two workers, preloaded"),
    pytest.param(("--threads", "4"), id="threads"),
]


@pytest.mark.parametrize("options", WITHOUT_HOOKS)
def test_without_our_configuration_the_first_request_starts_the_background_work(tmp_path: Path, options: tuple[str, ...]) -> None:
    with Installation(tmp_path) as installation:
        server = installation.gunicorn("-c", "/dev/null", *options)
        server.wait_until_ready().wait_for_leader()
        assert (installation.instance / "operator.password").exists()
        assert all(server.answers("/readyz") for _ in range(20))
        assert len(server.leaders()) == 1
        assert server.leaders()[0] != server.process.pid
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert "Traceback" not in server.said
        assert not installation.holds_lease()


def test_without_our_configuration_a_request_says_why_it_cannot_be_answered_until_it_can(tmp_path: Path) -> None:
    with new_postgresql() as url, Installation(tmp_path, DATABASE_URL=url) as installation:
        server = installation.gunicorn("-c", "/dev/null", "--threads", "4").wait_for(lambda server: server.answers("/healthz"))
        ready, ocpi = requests.get(f"{server.url}/readyz", timeout=60), requests.get(f"{server.url}/ocpi/versions", timeout=60)
        assert (ready.status_code, ocpi.status_code, ocpi.json()["status_code"]) == (503, 503, 3000)
        assert ready.text.rstrip().endswith("run: flask db upgrade")
        assert ocpi.json()["status_message"].endswith("run: flask db upgrade")
        assert [" ERROR " in line for line in server.lines if "cannot_serve" in line][:2] == [True, True]
        assert installation.flask("db", "upgrade").returncode == 0
        server.wait_until_ready().wait_for_leader()
        server.signal(signal.SIGTERM)
        assert server.ended() == 0


def test_gunicorn_makes_no_control_socket(tmp_path: Path) -> None:
    with Installation(tmp_path, COUNTRY_CODE="NL") as installation:
        installation.environment |= {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
        installation.gunicorn().wait_until_ready()
        assert [path for path in tmp_path.rglob("*") if path.is_socket()] == []


def test_a_caller_does_not_say_where_the_app_is_mounted(tmp_path: Path) -> None:
    """A proxy that forwards underscores would let /x/metrics through."""
    with Installation(tmp_path) as installation:
        server = installation.gunicorn().wait_until_ready()
        for path in ("/x/metrics", "/metrics"):
            answer = requests.get(server.url + path, headers={"SCRIPT_NAME": "/x"}, timeout=60)
            assert answer.status_code == (404 if path.startswith("/x") else 200), path


def test_gunicorn_greets_on_its_first_start_only(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        first = installation.gunicorn("-w", "2").wait_until_ready()
        assert first.said.count("hubinfo is set up") == 1
        first.kill()
        assert "hubinfo is set up" not in installation.gunicorn().wait_until_ready().said


def test_gunicorn_from_another_folder_uses_the_instance_beside_its_configuration(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        del installation.environment["HUBINFO_INSTANCE_PATH"]
        configuration = str(installation.folder / "gunicorn.conf.py")
        options = ("-c", configuration, "--pythonpath", str(installation.folder))
        (tmp_path / "elsewhere").mkdir()
        installation.folder = tmp_path / "elsewhere"
        installation.gunicorn(*options).wait_until_ready()
        assert (installation.instance / "hubinfo.sqlite3").exists()
        assert list((tmp_path / "elsewhere").iterdir()) == []
