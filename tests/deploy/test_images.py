"""deploy/docker: its steps held to what is in this project, its commands run, its compose files read."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from hubinfo.checks import database_url
from tests.support.databases import new_database
from tests.support.processes import SOURCES, Installation

FOLDER = SOURCES / "deploy" / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((SOURCES / "pyproject.toml").read_text())["project"]
COMPOSE = ["compose.yml", "compose.postgresql.yml"]
Compose = dict[str, Any]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, as (name, rest)."""
    found: list[list[tuple[str, str]]] = []
    for line in DOCKERFILE.replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            name, rest = line.split(maxsplit=1)
            if name == "FROM":
                found.append([])
            found[-1].append((name, rest.strip()))
    return found


def of(name: str, stage: int = -1) -> list[str]:
    return [rest for instruction, rest in stages()[stage] if instruction == name]


def environment() -> dict[str, str]:
    return dict(part.split("=", 1) for rest in of("ENV") for part in shlex.split(rest))


def compose(name: str) -> Compose:
    read: Compose = yaml.safe_load((FOLDER / name).read_text())
    return read


def test_it_is_built_in_stages_on_a_python_that_will_do_and_runs_as_nobody() -> None:
    [build], [image] = of("FROM", 0), of("FROM")
    assert build == f"{image} AS build"
    least, found = (tuple(map(int, re.findall(r"\d+", text)[:2])) for text in (PROJECT["requires-python"], image.partition(":")[2]))
    assert found >= least
    assert of("USER") == ["hubinfo"]
    assert "--no-cache-dir" in of("RUN", 0)[-1]


def test_what_is_copied_is_there_and_let_through() -> None:
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    copied = [part for stage in (0, -1) for rest in of("COPY", stage) if "--from" not in rest for part in rest.split()[:-1]]
    assert ignored[0] == "*"
    assert sorted(copied) == sorted(allowed)
    assert [part for part in copied if not (SOURCES / part).exists()] == []
    assert [
        name for name in (".git", "instance", ".venv", "tests", "deploy") if any(fnmatch.fnmatch(name, each) for each in allowed)
    ] == []


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_files_with_secrets_are_not_committed(tmp_path: Path) -> None:
    shutil.copy(SOURCES / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True, timeout=60)
    secrets = [f"deploy/docker/{name}" for name in (compose(COMPOSE[0])["services"]["hubinfo"]["env_file"], ".env")]
    given = [*secrets, "deploy/hubinfo.env", "deploy/docker/compose.yml"]
    found = subprocess.run(["git", "check-ignore", *given], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == secrets


def test_the_extras_it_installs_are_extras() -> None:
    [extras] = re.findall(r"'\.\[(.*)\]'", DOCKERFILE)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_volume_is_the_instance_folder_which_its_user_owns() -> None:
    [volume] = of("VOLUME")
    assert environment()["HUBINFO_INSTANCE_PATH"] == volume
    assert f"--home-dir {volume} --create-home " in of("RUN")[0]


def test_its_command_serves_and_its_health_check_sees_it(tmp_path: Path) -> None:
    command: list[str] = json.loads(of("CMD")[0])
    check: list[str] = json.loads(of("HEALTHCHECK")[0].partition("CMD")[2])
    with Installation(tmp_path, COUNTRY_CODE="NL", PUBLIC_URL="https://hub.example.com") as installation:
        here = {f":{of('EXPOSE')[0]}": f":{installation.port}", "0.0.0.0": "127.0.0.1"}
        for shown, real in here.items():
            command, check = ([part.replace(shown, real) for part in each] for each in (command, check))
        program = [sys.executable, *check[1:]]
        assert subprocess.run(program, stderr=subprocess.DEVNULL, timeout=60).returncode == 1
        installation.start(*command).wait_until_ready()
        assert subprocess.run(program, timeout=60).returncode == 0


@pytest.mark.parametrize("name", COMPOSE)
def test_a_hub_is_shut_in_kept_up_and_reached_from_this_host_only(name: str) -> None:
    hub = compose(name)["services"]["hubinfo"]
    [port] = of("EXPOSE")
    assert hub["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert hub["volumes"] == [f"instance:{of('VOLUME')[0]}"]
    assert (hub["read_only"], hub["cap_drop"], hub["restart"]) == (True, ["ALL"], "unless-stopped")
    assert hub["security_opt"] == ["no-new-privileges:true"]
    assert hub["stop_grace_period"] == "15s"  # as systemd's TimeoutStopSec


@pytest.mark.parametrize("name", COMPOSE)
def test_all_that_services_refer_to_is_there(name: str) -> None:
    read = compose(name)
    services: dict[str, Compose] = read["services"]
    mounted = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert mounted == set(read["volumes"])
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert "/" not in service["image"]  # of the default registry
        if "build" in service:
            root = (FOLDER / service["build"]["context"]).resolve()
            assert (root, (root / service["build"]["dockerfile"]).resolve()) == (
                SOURCES.resolve(),
                (FOLDER / "Dockerfile").resolve(),
            )
            assert service["env_file"] == "hubinfo.env"


def test_with_postgresql_the_schema_is_upgraded_before_two_processes_serve_it() -> None:
    services = compose("compose.postgresql.yml")["services"]
    assert services["hubinfo"]["depends_on"] == {"upgrade": {"condition": "service_completed_successfully"}}
    assert services["upgrade"]["depends_on"] == {"postgresql": {"condition": "service_healthy"}}
    assert services["hubinfo"]["command"][-2:] == ["--workers", "2"]
    database, given = services["postgresql"]["environment"], services["hubinfo"]["environment"]
    url = database_url(given["HUBINFO_DATABASE_URL"])
    assert url == f"postgresql+psycopg://{database['POSTGRES_USER']}@postgresql/{database['POSTGRES_DB']}"
    assert given["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
    assert services["upgrade"]["environment"] == given
    assert "ports" not in services["postgresql"]
    assert "--host=127.0.0.1" in services["postgresql"]["healthcheck"]["test"]  # its socket answers while it is still being set up


def test_the_services_of_postgresql_do_what_they_are_there_for(tmp_path: Path) -> None:
    services = compose("compose.postgresql.yml")["services"]
    with new_database("postgresql", tmp_path) as url, Installation(tmp_path, DATABASE_URL=url) as installation:
        installation.set(COUNTRY_CODE="NL", PUBLIC_URL="https://hub.example.com")
        serve: list[str] = [
            part.replace("0.0.0.0:5000", f"127.0.0.1:{installation.port}") for part in services["hubinfo"]["command"]
        ]
        assert installation.start(*serve).ended(60) != 0
        assert installation.start(*services["upgrade"]["command"]).ended(60) == 0
        server = installation.start(*serve).wait_until_ready()
        server.wait_for(lambda server: server.said.count("Booting worker") == 2)
