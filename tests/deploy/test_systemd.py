"""deploy/systemd and the settings file that goes with it: held to the settings there are, and started as they say."""

import functools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hubinfo import config
from tests.support.processes import SOURCES, Installation

DEPLOY = SOURCES / "deploy"
UNIT = (DEPLOY / "systemd" / "hubinfo.service").read_text()
SCRIPT = (DEPLOY / "systemd" / "hubinfo-flask").read_text()
FLASK: dict[str, Any] = {}
exec(compile(SCRIPT, "hubinfo-flask", "exec"), FLASK)
SETTINGS_FILE = DEPLOY / "hubinfo.env"
KNOWN = {f"HUBINFO_{item.name.upper()}" for item in fields(config.Settings) if "parse" in item.metadata} | {"HUBINFO_INSTANCE_PATH"}
NEEDS_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def options() -> dict[str, list[str]]:
    """What the unit says, by name."""
    found = defaultdict(list)
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE):
        found[name].append(value)
    return found


def settings_file(*, commented: bool) -> dict[str, str]:
    """Its lines; with those that are commented out, or without."""
    lines = re.findall(rf"^{'#?' if commented else ''}(\w+)='(.*)'$", SETTINGS_FILE.read_text(), re.MULTILINE)
    return dict(lines)


@pytest.mark.parametrize("path", sorted(path for path in DEPLOY.rglob("*") if path.is_file()), ids=lambda path: path.name)
def test_every_setting_named_in_deploy_is_one(path: Path) -> None:
    assert set(re.findall(r"\bHUBINFO_[A-Z_]+\b", path.read_text())) <= KNOWN


def test_the_settings_file_is_what_production_takes(tmp_path: Path) -> None:
    settings = config.load(tmp_path, production=True, environ=settings_file(commented=False))
    assert (settings.party, settings.name, settings.log_format) == ("NL-HUX", "Hub of Examples", "json")
    every = {name: value or "something" for name, value in settings_file(commented=True).items() if name.startswith("HUBINFO_")}
    assert config.load(tmp_path, production=True, environ=every).database_url.startswith("postgresql")


def test_every_line_of_the_settings_file_is_read_the_same_by_a_shell_and_by_the_command() -> None:
    printed = subprocess.run(
        ["sh", "-c", f'. {SETTINGS_FILE}; printf %s "$HUBINFO_NAME"'], capture_output=True, text=True, check=True, timeout=60
    )
    assert printed.stdout == settings_file(commented=False)["HUBINFO_NAME"]
    for line in SETTINGS_FILE.read_text().splitlines():
        assert re.fullmatch(r"|#.*|\w+='[^'\\]*'", line), line
    assert FLASK["settings"](SETTINGS_FILE.read_text()) == settings_file(commented=False)


READ = [
    pytest.param("""'pa$word `id` $(id) "#;= é'""", """pa$word `id` $(id) "#;= é""", id="single quotes"),
    pytest.param('"pa$word `id` \' # ;"', "pa$word `id` ' # ;", id="double quotes"),
    pytest.param(r'"\" \\ \$ \` \n"', '" \\ $ ` \\n', id="double quotes, escaped"),
    pytest.param("pa$word `id` # \"; o'clock  ", "pa$word `id` # \"; o'clock", id="none"),
    pytest.param(r"a\ b\\c\'", r"a b\c'", id="none, escaped"),
    pytest.param("'a' \"b\" c", "abc", id="one after the other"),
    pytest.param("'a\nB=c'", "a\nB=c", id="two lines"),
    pytest.param("a\\\nb", "ab", id="a line that goes on"),
    pytest.param('"a\\\nb"', "ab", id="a line that goes on, quoted"),
    pytest.param("", "", id="empty"),
    pytest.param("''", "", id="empty, quoted"),
]


@pytest.mark.parametrize(("written", "meant"), READ)
def test_the_command_reads_the_file_as_systemd_does(written: str, meant: str) -> None:
    """As parse_env_file_internal() in its src/basic/env-file.c has it."""
    text = f'# don\'t\n; FIRST=commented\n# \\\nFIRST=commented\n  NAME = {written}\nexport OTHER=1\n\nLAST="x"'
    assert FLASK["settings"](text) == {"NAME": meant, "LAST": "x"}


def test_the_command_runs_flask_as_that_user_with_those_settings_and_nothing_of_the_file() -> None:
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to nobody
        folder = Path(name)
        folder.chmod(0o755)
        (folder / ".venv" / "bin").mkdir(parents=True)
        flask, script = folder / ".venv" / "bin" / "flask", folder / "hubinfo-flask"
        flask.write_text('#!/bin/sh\nid -un; id -Gn; pwd; umask; echo "$HOME"; printf "%s\\n" "$HUBINFO_NAME" "$@"\n')
        flask.chmod(0o755)
        (folder / "hubinfo.env").write_text(f'HUBINFO_NAME="a$b`touch {folder}/run`"\n')
        here = {"/opt/hubinfo": name, "/etc/hubinfo": name, 'USER = "hubinfo"': f'USER = "{user.pw_name}"'}
        script.write_text(functools.reduce(lambda text, pair: text.replace(*pair), here.items(), SCRIPT))
        printed = subprocess.run([sys.executable, "-I", script, "db", "a b"], capture_output=True, text=True, timeout=60)
        assert printed.stderr == ""
        who, groups, *rest = printed.stdout.splitlines()
        assert rest == [name, "0077", user.pw_dir, f"a$b`touch {name}/run`", "db", "a b"]
        assert (who, "root" in groups.split()) == (user.pw_name, user.pw_name == "root")
        assert not (folder / "run").exists()


def test_the_command_says_in_one_line_what_is_missing(tmp_path: Path) -> None:
    script = tmp_path / "hubinfo-flask"
    script.write_text(SCRIPT.replace('USER = "hubinfo"', 'USER = "no-such-user"'))
    ended = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith("hubinfo-flask: ")


def test_the_unit_and_the_command_agree_on_where_things_are() -> None:
    said = options()
    [instance] = said["Environment"]
    assert [FLASK["FOLDER"]] == said["WorkingDirectory"]
    assert [FLASK["FILE"]] == said["EnvironmentFile"]
    assert [FLASK["USER"]] == said["User"] == said["Group"]
    assert instance == f"HUBINFO_INSTANCE_PATH={FLASK['INSTANCE']}"
    assert FLASK["INSTANCE"] == f"/var/lib/{said['StateDirectory'][0]}"


@NEEDS_SYSTEMD
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    unit = tmp_path / "hubinfo.service"
    unit.write_text(UNIT.replace("/opt/hubinfo", str(tmp_path)))
    found = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@NEEDS_SYSTEMD
def test_systemd_finds_it_well_shut_in() -> None:
    """Of 100; ordinary services have over 90."""
    arguments = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(DEPLOY / "systemd" / "hubinfo.service")]
    found = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout


def test_it_tells_systemd_when_it_is_up_and_stops_well_within_its_time(tmp_path: Path) -> None:
    said = options()
    assert said["Type"] == ["notify"]
    [start] = said["ExecStart"]
    with Installation(tmp_path) as installation, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(60)
        (installation.folder / ".venv").symlink_to(sys.prefix)
        installation.environment |= settings_file(commented=False) | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        arguments = start.replace(said["WorkingDirectory"][0], str(installation.folder)).split()
        server = installation.start(*arguments, "--bind", f"127.0.0.1:{installation.port}")
        assert b"READY=1" in told.recv(4096)
        server.wait_until_ready().signal(signal.SIGTERM)
        assert server.ended(float(said["TimeoutStopSec"][0])) == 0
