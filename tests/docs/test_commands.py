"""The pages for who runs it, typed as they stand there, and held to what they show."""

import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select, text

from hubinfo.database import db
from hubinfo.lease import Claim
from hubinfo.models import Platform
from tests.docs.test_tour import Terminal, blocks, masked, steps
from tests.support.databases import at, new_database
from tests.support.hubs import stored
from tests.support.instances import Instances
from tests.support.processes import SOURCES, Installation

PAGES = ("install", "docker", "configure", "operate", "postgresql", "troubleshoot")
TYPED = {
    ("install", "By hand"),
    ("operate", "Backup"),
    ("operate", "Restore"),
    ("operate", "Backup and restore under systemd"),
    ("operate", "Backup and restore on PostgreSQL"),
    ("operate", "SECRET_KEY"),
    ("operate", "A lost key"),
    ("operate", "OCPI tokens"),
    ("postgresql", "Moving there from SQLite"),
}
NOT_TYPED = {
    ("install", "As a service of systemd"): "as root, on a host of one's own",
    **{
        ("docker", heading): "needs Docker's daemon; tests/deploy/test_docker.py types it when asked to"
        for heading in ("A hub on SQLite", "Backup", "Restore", "Upgrade", "On PostgreSQL", "Moving there from SQLite")
    },
    ("install", "Afterwards"): "tests/operator/test_doctor.py",
    ("operate", "Upgrade"): "needs the network; tests/database/test_migrations.py has what comes after",
    ("postgresql", "A new hub"): "makes an account; tests/deploy/test_images.py upgrades and serves",
}
MOVED_TO = "postgresql://hubinfo@127.0.0.1/hubinfo"


def section(page: str, heading: str) -> list[list[str]]:
    """The console blocks below a heading."""
    text = (SOURCES / "docs" / f"{page}.md").read_text()
    _, _, rest = text.partition(f"\n## {heading}\n")
    assert rest, heading
    return blocks(rest.partition("\n## ")[0])


def count_masked(lines: list[str]) -> list[str]:
    """Without times, and with any number of anything."""
    return [re.sub(r"\d+", "0", line) for line in masked(lines)]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path, COUNTRY_CODE="NL", PARTY_ID="HUX", NAME="Hub of Examples") as made:
        yield made


@pytest.fixture
def terminal(installation: Installation) -> Iterator[Terminal]:
    made = Terminal(installation.folder, installation.environment)
    yield made
    made.close()


def follow(terminal: Terminal, block: list[str], here: dict[str, str] | None = None) -> None:
    """Type each command of a block; what it prints begins as shown, but for times and counts."""
    for command, output in steps(block):
        typed = command
        for shown, real in (here or {}).items():
            typed = typed.replace(shown, real)
        printed = "\n".join(terminal.run(typed))
        for shown, real in (here or {}).items():
            printed = printed.replace(real, shown).replace(real.replace("postgresql://", "postgresql+psycopg://"), shown)
        lines = count_masked(printed.splitlines())
        assert lines[: len(output)] == count_masked(output), typed
        assert output or not lines, typed


def serve(installation: Installation) -> Callable[[], None]:
    """Start it; how to stop it again."""
    server = installation.gunicorn().wait_until_ready()

    def stop() -> None:
        server.signal(signal.SIGTERM)
        assert server.ended() == 0

    return stop


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the command sqlite3")
def test_a_backup_made_while_it_runs_is_restored(installation: Installation, terminal: Terminal) -> None:
    backup, with_python = section("operate", "Backup")
    restore, tell = section("operate", "Restore")
    stop = serve(installation)
    installation.invite("NL", "TNM")
    follow(terminal, backup)
    (installation.folder / "backup" / "hubinfo.sqlite3").unlink()
    follow(terminal, with_python)
    installation.invite("BE", "BEC")
    stop()
    for secret in ("secret.key", "operator.password"):
        (installation.instance / secret).unlink()
    follow(terminal, restore)
    follow(terminal, tell)
    assert {path.stat().st_mode & 0o777 for path in installation.instance.iterdir() if path.is_file()} == {0o600}
    serve(installation)()


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="needs the commands of PostgreSQL")
def test_a_backup_of_postgresql_is_restored_into_a_new_database(
    installation: Installation, terminal: Terminal, tmp_path: Path
) -> None:
    backup, restore = section("operate", "Backup and restore on PostgreSQL")
    (installation.folder / "backup").mkdir()
    with new_database("postgresql", tmp_path) as made:
        url = make_url(made).set(drivername="postgresql")
        plain, user = url.render_as_string(hide_password=False), url.username or ""
        here = {
            f"{MOVED_TO}_new": f"{plain}_new",
            MOVED_TO: plain,
            "--host 127.0.0.1 --owner hubinfo": f"--host {url.host} --port {url.port or 5432} --username {user} --owner {user}",
            "template0 hubinfo_new": f"template0 {url.database}_new",
        }
        terminal.run(f"export HUBINFO_DATABASE_URL={plain}")
        terminal.run("flask db upgrade 2>/dev/null")
        terminal.run("flask hubinfo invite NL TNM --role CPO")
        follow(terminal, backup, here)
        terminal.run("flask hubinfo invite BE BEC --role CPO")
        try:
            follow(terminal, restore, here)
        finally:
            with at(made, installation.app), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
                admin.execute(text(f"DROP DATABASE IF EXISTS {url.database}_new WITH (FORCE)"))


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("sqlite3") is None, reason="needs root and the command sqlite3")
def test_what_root_backs_up_and_restores_belongs_to_the_service() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to nobody
        data, backups, settings = (Path(name) / part for part in ("data", "backups", "settings"))
        Path(name).chmod(0o755)
        settings.mkdir()
        (settings / "hubinfo.env").touch()
        here = {"/var/lib/hubinfo": str(data), "/var/backups/hubinfo": str(backups), "/etc/hubinfo": str(settings)}
        here |= {
            "-u hubinfo": "-u nobody",
            "-o hubinfo -g hubinfo": "-o nobody -g nogroup",
            "hubinfo-flask ": "true ",
            "systemctl ": "true ",
        }
        backup, restore = (as_root(block, here) for block in section("operate", "Backup and restore under systemd"))
        service = ["runuser", "-u", "nobody", "--"]
        make = f"umask 077; sqlite3 {data}/hubinfo.sqlite3 'PRAGMA journal_mode=WAL; CREATE TABLE kept (a)'"
        shell(f"install -d -m 0700 -o nobody {data}")
        shell(shlex.join([*service, "sh", "-c", f"{make}; cd {data}; echo key > secret.key; echo pass > operator.password"]))
        shell(backup)
        shell(f"rm {data}/*; sqlite3 {data}/hubinfo.sqlite3 'CREATE TABLE later (a)'")
        shell(restore)
        shell(shlex.join([*service, "sqlite3", f"{data}/hubinfo.sqlite3", "INSERT INTO kept VALUES (1)"]))
        assert {path.name: (path.owner(), path.stat().st_mode & 0o777) for path in data.iterdir()} == dict.fromkeys(
            ("hubinfo.sqlite3", "secret.key", "operator.password"), ("nobody", 0o600)
        )
        assert {path.name for path in backups.iterdir()} == {*(path.name for path in data.iterdir()), "hubinfo.env"}


def as_root(block: list[str], here: Mapping[str, object]) -> str:
    """The commands of a block, at other places and for another user."""
    text = "\n".join(line.removeprefix("# ") for line in block)
    return functools.reduce(lambda done, shown: done.replace(shown, str(here[shown])), here, text)


def shell(commands: str) -> None:
    subprocess.run(["sh", "-eu", "-c", commands], check=True, stdout=subprocess.DEVNULL, timeout=60)


def test_the_key_is_rotated(installation: Installation, terminal: Terminal) -> None:
    put_in_front, drop = section("operate", "SECRET_KEY")
    stop = serve(installation)
    installation.connect("http://127.0.0.1:9", ("CPO", "NL", "TNM"))
    stop()
    [old] = (installation.instance / "secret.key").read_text().split()
    follow(terminal, put_in_front)
    assert (installation.instance / "secret.key").stat().st_mode & 0o777 == 0o600
    serve(installation)()
    follow(terminal, drop)
    [new] = (installation.instance / "secret.key").read_text().split()
    assert new != old
    assert "all 1 stored tokens" in "\n".join(terminal.run("flask hubinfo doctor"))


def test_after_a_lost_key_a_platform_begins_anew(installation: Installation, terminal: Terminal) -> None:
    [begin_anew] = section("operate", "A lost key")
    stop = serve(installation)
    installation.connect("http://127.0.0.1:9", ("CPO", "NL", "TNM"))
    stop()
    (installation.instance / "secret.key").write_text("another\n")
    [named] = [line for line in terminal.run("flask hubinfo doctor") if line.startswith("secrets")]
    [[platform, *_]] = [line.split() for line in terminal.run("flask hubinfo platforms") if "CONNECTED" in line]
    assert f"tokens of {platform} cannot be decrypted" in named
    here = {"unregister NL-TNM ": f"unregister {platform} ", "with NL-TNM.": f"with {platform}."}
    terminal.run("export HUBINFO_PUBLIC_URL=https://hub.example.com")
    follow(terminal, begin_anew, here)
    assert "all 0 stored tokens can be decrypted" in "\n".join(terminal.run("flask hubinfo doctor"))


def test_a_hub_renews_the_tokens_of_a_party(tmp_path: Path, sqlite_template: Path) -> None:
    with Instances(tmp_path, sqlite_template) as instances:
        hub, party = instances.make("DE-HUB", "HUB"), instances.make("NL-TNM", "CPO")
        party.join(hub)
        tokens = [stored(side.app, 1) for side in (hub, party)]
        [[typed]] = section("operate", "OCPI tokens")
        arguments = typed.removeprefix("$ flask hubinfo ").replace("https://party.example.com/ocpi/versions", party.versions_url)
        hub.run(*arguments.split())
        for before, side in zip(tokens, (hub, party), strict=True):
            after = stored(side.app, 1)
            assert after["token_hash"] != before["token_hash"]
            assert after["token_out"] != before["token_out"]


def test_it_moves_to_postgresql(installation: Installation, terminal: Terminal, tmp_path: Path) -> None:
    _, rehearsal, copy, again, there = section("postgresql", "Moving there from SQLite")
    serve(installation)()
    for party in ("TNM", "BEC", "DUO"):
        installation.connect("http://127.0.0.1:9", ("CPO", "NL", party))
        installation.invite("BE", party)
        installation.command("suspend", "BE", party)
    with new_database("postgresql", tmp_path) as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        here = {MOVED_TO: plain}
        claim = Claim()
        with installation.app.app_context():
            assert claim.acquire()
        follow(terminal, rehearsal, here)
        with installation.app.app_context():
            claim.release()
        follow(terminal, copy, here)
        assert "has rows already" in "\n".join(terminal.run(steps(again)[0][0].replace(MOVED_TO, plain)))
        installation.set(DATABASE_URL=url)
        [_export, (doctor, output)] = steps(there)
        terminal.run(f"export HUBINFO_DATABASE_URL={plain}")
        assert [line.split()[0] for line in terminal.run(doctor)][: len(output)] == [line.split()[0] for line in output]
        serve(installation)()
        with at(url, installation.app):
            assert db.session.scalar(select(func.count()).select_from(Platform)) == 6


def test_it_is_started_by_hand(installation: Installation) -> None:
    [*_, export, gunicorn] = [command for command, _ in steps(section("install", "By hand")[0])]
    settings = dict(re.findall(r"HUBINFO_(\w+)=(\"[^\"]*\"|\S+)", export))
    installation.set(**{name: value.strip('"') for name, value in settings.items()})
    program = gunicorn.replace(".venv/bin/", "").split()
    installation.start(*program, "--bind", f"127.0.0.1:{installation.port}").wait_until_ready()


def test_what_root_installs_is_there_and_goes_where_it_is_looked_for() -> None:
    text = (SOURCES / "docs" / "install.md").read_text()
    unit = (SOURCES / "deploy" / "systemd" / "hubinfo.service").read_text()
    installed = dict(re.findall(r"^# install -m \d+ (?:-g hubinfo )?(\S+) (\S+)$", text, re.MULTILINE))
    assert [source for source in installed if not (SOURCES / source).is_file()] == []
    assert f"EnvironmentFile={installed['deploy/hubinfo.env']}\n" in unit
    assert f"# cd {re.findall('WorkingDirectory=(.*)', unit)[0]}\n" in text
    [user] = re.findall("User=(.*)", unit)
    assert f"/usr/sbin/nologin {user}\n" in text


def test_the_commands_below_each_heading_are_typed_or_it_is_said_why_not() -> None:
    found = set()
    for page in PAGES:
        for part in (SOURCES / "docs" / f"{page}.md").read_text().split("\n## ")[1:]:
            if "```console" in part:
                found.add((page, part.partition("\n")[0]))
    assert found == TYPED | set(NOT_TYPED)


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for page in (SOURCES / "docs").glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).resolve().exists(), f"{page.name}: {link}"


def test_the_index_names_every_page() -> None:
    index = (SOURCES / "docs" / "README.md").read_text()
    pages = {page.name for page in (SOURCES / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()
