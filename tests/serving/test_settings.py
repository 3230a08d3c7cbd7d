"""Starting with what cannot work: one clear line on stderr, an exit code, no traceback; and many starting at once."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubinfo.schema import _head
from tests.support.processes import Installation, Server


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path) as made:
        yield made


def ours(server: Server) -> list[str]:
    return [line for line in server.lines if line.startswith("hubinfo: ")]


def named(lines: list[str]) -> list[str]:
    """The settings that these lines complain of; how they are worded is for the tests of the settings."""
    return sorted(line.removeprefix("hubinfo: HUBINFO_").partition(":")[0].partition("=")[0] for line in lines)


WRONG = {"CATCH_UP": "perhaps", "KEEP_ALIVE": "1", "PAGE_LIMIT": "many"}


@pytest.mark.parametrize("options", [(), ("--debug",)], ids=["flask run", "with reloader"])
def test_wrong_settings_end_flask_run(installation: Installation, options: tuple[str, ...]) -> None:
    installation.set(**WRONG)
    server = installation.flask_run(*options)
    assert server.ended(60) == 1
    assert named(server.lines) == sorted(WRONG)


def test_wrong_settings_end_a_command(installation: Installation) -> None:
    installation.set(**WRONG)
    result = installation.flask("hubinfo", "parties", "--json")
    assert (result.returncode, result.stdout, named(result.stderr.splitlines())) == (1, "", sorted(WRONG))


@pytest.mark.parametrize("options", [(), ("-w", "2"), ("--preload",)], ids=["gunicorn", "two workers", "preloaded"])
def test_wrong_settings_end_the_whole_gunicorn(installation: Installation, options: tuple[str, ...]) -> None:
    installation.set(**WRONG)
    server = installation.gunicorn(*options)
    assert server.ended(60) != 0
    assert named(ours(server)) == sorted(WRONG)
    assert "Traceback" not in server.said
    assert "Booting worker" not in server.said


def test_production_refuses_the_placeholder_country_code(installation: Installation) -> None:
    installation.set(COUNTRY_CODE="XX")
    server = installation.start("gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{installation.port}")
    assert server.ended(60) != 0
    assert named(ours(server)) == ["COUNTRY_CODE"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("sqlite:////nowhere/hubinfo.sqlite3", "unable to open database file", id="no such folder"),
        pytest.param("postgresql://nobody:hush@127.0.0.1:1/hubinfo", "connection", id="no such server"),
    ],
)
def test_a_database_that_cannot_be_opened_ends_the_start(installation: Installation, url: str, reason: str) -> None:
    installation.set(DATABASE_URL=url)
    server = installation.flask_run()
    assert server.ended(60) == 1
    assert [reason in line for line in server.lines] == [True]
    assert "hush" not in server.said


def test_an_instance_folder_that_is_a_file_ends_the_start(installation: Installation) -> None:
    installation.instance.touch()
    server = installation.flask_run()
    assert server.ended(60) == 1
    assert [line.startswith(f"hubinfo: {installation.instance}") for line in server.lines] == [True]


def test_an_empty_key_file_ends_the_start(installation: Installation) -> None:
    installation.instance.mkdir()
    (installation.instance / "secret.key").touch()
    server = installation.flask_run()
    assert server.ended(60) == 1
    assert [line.startswith(f"hubinfo: {installation.instance}/secret.key: holds no key") for line in server.lines] == [True]


def test_a_key_file_that_is_gone_ends_the_start_where_there_are_tokens(installation: Installation) -> None:
    installation.flask_run().wait_until_ready().interrupt_group()
    installation.connect("http://127.0.0.1:9", ("CPO", "NL", "TNM"))
    (installation.instance / "secret.key").unlink()
    server = installation.flask_run()
    assert server.ended(60) == 1
    assert [line.startswith(f"hubinfo: {installation.instance}/secret.key: is missing") for line in server.lines] == [True]
    assert not (installation.instance / "secret.key").exists()


def test_the_schema_can_be_made_before_the_first_start(installation: Installation) -> None:
    result = installation.flask("db", "upgrade")
    assert (result.returncode, "Error" in result.stderr) == (0, False), result.stderr
    assert (installation.instance / "hubinfo.sqlite3").exists()


def test_the_schema_of_a_newer_version_ends_the_start(installation: Installation) -> None:
    installation.flask("hubinfo", "parties")
    database = sqlite3.connect(installation.instance / "hubinfo.sqlite3")
    with database:
        database.execute("UPDATE alembic_version SET version_num = 'later'")
    database.close()
    server = installation.gunicorn()
    assert server.ended(60) != 0
    assert ["made by a newer hubinfo" in line for line in ours(server)] == [True]


def test_all_who_start_at_once_on_an_empty_folder_succeed(installation: Installation) -> None:
    commands = [installation.start("flask", "hubinfo", "invite", "NL", f"TN{number}", "--role", "CPO") for number in range(4)]
    server = installation.flask_run()
    assert [command.ended(60) for command in commands] == [0, 0, 0, 0], [command.said for command in commands]
    server.wait_until_ready()
    database = sqlite3.connect(installation.instance / "hubinfo.sqlite3")
    versions = database.execute("SELECT version_num FROM alembic_version").fetchall()
    parties = database.execute("SELECT count(*) FROM client_info").fetchone()
    database.close()
    assert (versions, parties) == ([(_head(),)], (4,))
    left = {path.name for path in installation.instance.iterdir() if not path.name.startswith("hubinfo.sqlite3")}
    assert left == {"secret.key", "operator.password"}
