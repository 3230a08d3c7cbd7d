"""Backup and restore, typed as docs/operate.md has them."""

import functools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from hubinfo.database import db
from tests.support.databases import at, new_database
from tests.support.pages import MOVED_TO, Terminal, follow, section
from tests.support.processes import Installation


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the command sqlite3")
def test_a_backup_made_while_it_runs_is_restored(installation: Installation, terminal: Terminal) -> None:
    backup, with_python = section("operate", "Backup")
    restore, tell = section("operate", "Restore")
    stop = installation.serve()
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
    installation.serve()()


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
