"""deploy/systemd and the settings file that goes with it: held to the settings there are, and started as they say."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from dataclasses import fields
from pathlib import Path

import pytest

from hubinfo import config
from tests.processes import SOURCES, Installation

DEPLOY = SOURCES / "deploy"
UNIT = (DEPLOY / "systemd" / "hubinfo.service").read_text()
SCRIPT = (DEPLOY / "systemd" / "hubinfo-flask").read_text()
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
    lines = re.findall(rf'^{"#?" if commented else ""}(\w+)="(.*)"$', SETTINGS_FILE.read_text(), re.MULTILINE)
    return dict(lines)


@pytest.mark.parametrize("path", sorted(path for path in DEPLOY.rglob("*") if path.is_file()), ids=lambda path: path.name)
def test_every_setting_named_in_deploy_is_one(path: Path) -> None:
    assert set(re.findall(r"\bHUBINFO_[A-Z_]+\b", path.read_text())) <= KNOWN


def test_the_settings_file_is_what_production_takes(tmp_path: Path) -> None:
    settings = config.load(tmp_path, production=True, environ=settings_file(commented=False))
    assert (settings.party, settings.name, settings.log_format) == ("NL-HUX", "Hub of Examples", "json")
    every = {name: value or "something" for name, value in settings_file(commented=True).items() if name.startswith("HUBINFO_")}
    assert config.load(tmp_path, production=True, environ=every).database_url.startswith("postgresql")


def test_every_line_of_the_settings_file_is_read_the_same_by_a_shell() -> None:
    printed = subprocess.run(
        ["sh", "-c", f'. {SETTINGS_FILE}; printf %s "$HUBINFO_NAME"'], capture_output=True, text=True, check=True, timeout=60
    )
    assert printed.stdout == settings_file(commented=False)["HUBINFO_NAME"]
    for line in SETTINGS_FILE.read_text().splitlines():
        assert re.fullmatch(r'|#.*|\w+="[^"$`\\]*"', line), line


def test_the_unit_and_the_command_agree_on_where_things_are() -> None:
    said = options()
    [folder], [file] = said["WorkingDirectory"], said["EnvironmentFile"]
    [instance] = said["Environment"]
    [user] = said["User"]
    assert f"cd {folder}\n" in SCRIPT
    assert f". {file}\n" in SCRIPT
    assert f"{instance}\n" in SCRIPT
    assert f"--reuid={user} --regid={user}" in SCRIPT
    assert instance == f"HUBINFO_INSTANCE_PATH=/var/lib/{said['StateDirectory'][0]}"
    assert subprocess.run(["sh", "-n", DEPLOY / "systemd" / "hubinfo-flask"], timeout=60).returncode == 0


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
