"""docs/running.md, held to the settings there are and to what a wrong one says."""

from dataclasses import fields
from pathlib import Path

import pytest

from hubinfo.config import Settings
from tests.processes import SOURCES, Installation
from tests.test_tour import blocks, steps

RUNNING = (SOURCES / "docs" / "running.md").read_text()
IN_WORDS = {
    "DATABASE_URL",
    "ALLOW_PRIVATE_NETWORKS",
    "ALLOW_HTTP",
    "CA_FILE",
    "SECRET_KEY",
    "OPERATOR_PASSWORD",
    "METRICS_TOKEN",
    "NOTIFY_MAIL_TO",
    "NOTIFY_MAIL_FROM",
    "SMTP_URL",
    "NOTIFY_WEBHOOK_URL",
    "NOTIFY_WEBHOOK_SECRET",
    "NOTIFY_URLS",
}
"""Settings whose default is described and not shown."""


def documented() -> dict[str, tuple[str, str]]:
    """The default and what is allowed, as shown for each name of the table."""
    _, _, rows = RUNNING.partition("| name | default | allowed | meaning |\n|---|---|---|---|\n")
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.partition("\n\n")[0].splitlines()]
    return {name: (default, allowed.replace("`", "")) for name, default, allowed, _meaning in cells}


def shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(value)
        case float():
            return f"{value:g}" if value < 10_000 else f"{value:.0f}"
        case _:
            return str(value)


ALLOWED = {item.name.upper(): item.metadata["allowed"] for item in fields(Settings) if "parse" in item.metadata}
DEFAULTS = {item.name.upper(): item.default for item in fields(Settings) if "parse" in item.metadata}


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(documented()) == set(DEFAULTS)


@pytest.mark.parametrize("name", sorted(set(DEFAULTS) - IN_WORDS))
def test_the_default_shown_is_the_default(name: str) -> None:
    assert documented()[name][0] == shown(DEFAULTS[name])


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_what_is_shown_as_allowed_is_what_a_wrong_value_says(name: str) -> None:
    said = ALLOWED[name].removeprefix("a whole number ").removeprefix("a number of seconds ")
    assert documented()[name][1] == said


def test_wrong_settings_say_what_is_shown(tmp_path: Path) -> None:
    [block] = [block for block in blocks(RUNNING) if "PAGE_LIMIT=lots" in block[0]]
    [(command, output)] = steps(block)
    *settings, flask, run = command.split()
    with Installation(tmp_path) as installation:
        installation.environment |= dict(setting.split("=", 1) for setting in settings)
        server = installation.start(flask, run)
        assert server.ended(60) == 1
    assert server.lines == output
