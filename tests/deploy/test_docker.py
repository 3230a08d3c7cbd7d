"""docs/docker.md, typed as it stands there: the image built, a hub on each database, backups, restores and the move.

Needs Docker's daemon, two base images and a minute or two, so it is asked for: TEST_IN_DOCKER=1.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.pages import Terminal, count_masked, section, steps
from tests.support.processes import SOURCES, free_port
from tests.support.proxies import replaced

pytestmark = pytest.mark.skipif(not os.environ.get("TEST_IN_DOCKER"), reason="TEST_IN_DOCKER is not set")

COMPOSE = ("compose.yml", "compose.postgresql.yml")
SECONDS = 600.0
"""To build the image, or to fetch another."""


class Reader:
    """Who follows the page, in a copy of the project, with names and a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCES, check=True, capture_output=True, text=True, timeout=60)
        for name in listed.stdout.rstrip("\0").split("\0"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCES / name, folder / name)
        for name in COMPOSE:
            path = folder / "deploy" / "docker" / name
            here = {":5000:5000": f":{self.port}:5000", "image: hubinfo\n": "image: hubinfo-test\n"}
            path.write_text(replaced(path.read_text(), here))
        self.terminal = Terminal(folder, os.environ | {"COMPOSE_PROJECT_NAME": "hubinfo-test"}, SECONDS)

    def follow(self, heading: str, **instead: str) -> None:
        """Type all below a heading."""
        for block in section("docker", heading):
            self.follow_block(block, instead)

    def follow_block(self, block: list[str], instead: Mapping[str, str] | None = None) -> None:
        """What is shown is printed, among what Compose says of its own doings."""
        for command, shown in steps(block):
            printed = self.run((instead or {}).get(command.split()[0], command))
            assert [line for line in readable(shown) if line not in readable(printed)] == [], "\n".join(printed)

    def run(self, command: str) -> list[str]:
        """What it prints; it has to succeed. `docker compose exec` would read what is typed next."""
        typed = f"{command} < /dev/null" if command.startswith("docker ") and " < " not in command else command
        *printed, ended = self.terminal.run(f"{typed}; echo ended $?")
        no_proxy_leads_here = int(command.endswith(" doctor"))
        assert ended == f"ended {no_proxy_leads_here}", "\n".join([command, *printed])
        return printed

    def parties(self) -> set[str]:
        printed = self.run("docker compose exec hubinfo flask hubinfo parties")
        return {"-".join(line.split()[:2]) for line in printed[1:]}


def readable(lines: list[str]) -> list[str]:
    """Without what is another one each time: the password alone on its line, too."""
    return count_masked([re.sub(r"^[\w-]{16}$", "(password)", line) for line in lines])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path)
    try:
        yield made
    finally:
        made.terminal.run("export COMPOSE_FILE=deploy/docker/compose.postgresql.yml POSTGRESQL_PASSWORD=any")
        made.terminal.run("docker compose down --volumes --remove-orphans")
        made.terminal.close()


def test_the_page_is_followed_from_the_image_to_postgresql_and_back(reader: Reader) -> None:
    reader.follow("A hub on SQLite", editor="true")
    reader.follow("Backup")
    reader.run("docker compose exec hubinfo flask hubinfo invite DE ABC --role EMSP")
    assert reader.parties() == {"NL-TNM", "DE-ABC"}
    reader.follow("Restore")
    assert reader.parties() == {"NL-TNM"}
    reader.follow("Upgrade", git="true")

    start, backup, restore = section("docker", "On PostgreSQL")
    reader.follow_block(start[:1])
    reader.follow("Moving there from SQLite")
    assert reader.parties() == {"NL-TNM"}
    reader.run("docker compose down --volumes")

    reader.follow_block(start)
    reader.run("docker compose exec hubinfo flask hubinfo invite NL TNM --role CPO")
    reader.follow_block(backup)
    reader.run("docker compose exec hubinfo flask hubinfo invite DE ABC --role EMSP")
    later = "CREATE TABLE later (id int REFERENCES platform)"  # as a new release would
    reader.run(f'docker compose exec -T postgresql psql --username=hubinfo --command="{later}" hubinfo')
    reader.follow_block(restore)
    assert reader.parties() == {"NL-TNM"}
    assert "all 0 stored tokens can be decrypted" in "\n".join(reader.run("docker compose exec hubinfo flask hubinfo doctor"))
    reader.run(f"curl --silent --fail http://127.0.0.1:{reader.port}/readyz")
