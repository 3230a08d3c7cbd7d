"""`flask run`: what a first user sees, and that it serves with one background thread whatever its reloader does."""

import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path) as made:
        yield made


def test_the_first_start_greets_and_the_second_does_not(installation: Installation) -> None:
    first = installation.flask_run().wait_until_ready()
    password = (installation.instance / "operator.password").read_text().strip()
    greeting = first.said
    assert "  database           instance/hubinfo.sqlite3" in greeting
    assert f"  operator password  {password}   (kept in instance/operator.password)" in greeting
    assert "  versions URL       http://127.0.0.1:5000/ocpi/versions" in greeting
    assert "  next               flask hubinfo invite NL TNM --role CPO" in greeting
    first.signal(signal.SIGTERM)
    assert first.ended() == 0
    second = installation.flask_run().wait_until_ready()
    assert "hubinfo is set up" not in second.said
    assert password not in second.said


def test_the_command_the_greeting_names_works_while_the_server_runs(installation: Installation) -> None:
    server = installation.flask_run().wait_until_ready()
    [command] = [line.split("flask ", 1)[1] for line in server.lines if line.startswith("  next")]
    result = installation.flask(*command.split())
    assert result.returncode == 0, result.stderr
    assert "NL-TNM is PLANNED as CPO" in result.stdout


def test_a_password_that_was_set_is_not_printed(installation: Installation) -> None:
    installation.set(OPERATOR_PASSWORD="correct horse battery")
    server = installation.flask_run().wait_until_ready()
    assert "operator password  as set" in server.said
    assert "correct horse battery" not in server.said
    assert not (installation.instance / "operator.password").exists()


NAMES = ("secret.key", "operator.password", "hubinfo.sqlite3", "hubinfo.sqlite3-wal", "hubinfo.sqlite3-shm")


def test_secrets_are_for_their_owner_only(installation: Installation) -> None:
    installation.flask_run().wait_until_ready()
    modes = {name: stat.S_IMODE((installation.instance / name).stat().st_mode) for name in NAMES}
    assert modes == dict.fromkeys(NAMES, 0o600)


def test_flask_run_has_development_defaults_though_it_finds_wsgi_py(installation: Installation) -> None:
    server = installation.flask_run().wait_until_ready()
    assert (installation.folder / "wsgi.py").exists()
    assert "hubinfo is set up" in server.said  # production would have refused COUNTRY_CODE XX


def test_the_reloader_has_one_worker_also_after_a_reload(installation: Installation) -> None:
    # It serves only after the reloader has looked at its files for the first time: a change before that is none.
    server = installation.flask_run("--debug").wait_for_leader().wait_until_ready()
    source = installation.folder / "wsgi.py"
    source.write_text(source.read_text() + "\n# changed\n")
    server.wait_for_leader(2)
    before, after = server.leaders()
    assert before != after
    assert server.process.pid not in (before, after)
    assert server.said.count("hubinfo is set up") == 1


@pytest.mark.parametrize(
    "options", [pytest.param(("--debug", "--no-reload"), id="debug without reloader"), pytest.param(("--reload",), id="reloader")]
)
def test_one_worker_whatever_the_options(installation: Installation, options: tuple[str, ...]) -> None:
    server = installation.flask_run(*options).wait_until_ready().wait_for_leader()
    assert len(server.leaders()) == 1


def test_a_second_server_of_the_same_folder_waits_for_the_first(installation: Installation) -> None:
    first = installation.flask_run().wait_for_leader()
    second = installation.flask_run("--port", "0").wait_for(lambda server: "Running on" in server.said)
    assert second.leaders() == []
    installation.lengthen_lease()
    first.signal(signal.SIGTERM)
    assert first.ended() == 0
    assert second.wait_for_leader().leaders() == [second.process.pid]


def test_after_kill_9_the_next_start_leads_at_once(installation: Installation) -> None:
    first = installation.flask_run().wait_for_leader()
    installation.lengthen_lease()
    first.kill()
    again = installation.flask_run().wait_for_leader()
    assert again.leaders() == [again.process.pid]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("routes",), id="routes"),
        pytest.param(("db", "current"), id="db current"),
        pytest.param(("hubinfo", "parties"), id="hubinfo parties"),
        pytest.param(("hubinfo", "invite", "NL", "TNM", "--role", "CPO"), id="hubinfo invite"),
    ],
)
def test_a_command_starts_no_worker_and_greets_nobody(installation: Installation, arguments: tuple[str, ...]) -> None:
    installation.flask("hubinfo", "parties")  # makes the schema
    result = installation.flask(*arguments)
    assert result.returncode == 0, result.stderr
    assert "hubinfo is set up" not in result.stdout + result.stderr
    assert "worker_leads" not in result.stdout + result.stderr
    assert not installation.holds_lease()
