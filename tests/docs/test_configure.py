"""docs/configure.md, held to the settings there are and to what a wrong one says."""

import runpy
from dataclasses import fields
from pathlib import Path

import pytest

from hubinfo.config import Settings
from tests.support.pages import blocks, steps
from tests.support.processes import SOURCES, Installation

SCRIPT = runpy.run_path(str(SOURCES / "docs" / "settings.py"))
CONFIGURE = (SOURCES / "docs" / "configure.md").read_text()
ALL = {item.name.upper(): item for item in fields(Settings) if "parse" in item.metadata}


def documented() -> dict[str, tuple[str, str, str]]:
    """The default, what is allowed and the meaning, as shown for each name of the table."""
    _, _, rows = CONFIGURE.partition("| name | default | allowed | meaning |\n|---|---|---|---|\n")
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.partition("\n\n")[0].splitlines()]
    return {name: (default, allowed, meaning) for name, default, allowed, meaning in cells}


def test_the_table_is_the_one_that_make_docs_makes_now() -> None:
    assert SCRIPT["renewed"](CONFIGURE) == CONFIGURE, "run: make docs"


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(documented()) == set(ALL)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_default_shown_is_one_that_is_taken_or_is_said_in_words(name: str) -> None:
    default, _, _ = documented()[name]
    if ALL[name].metadata["unset"] is None:
        assert ALL[name].metadata["parse"](default) == ALL[name].default
    else:
        assert ALL[name].default in (None, "", ())


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_says_what_is_allowed_and_what_it_is_for(name: str) -> None:
    _, allowed, meaning = documented()[name]
    assert ALL[name].metadata["allowed"].endswith(allowed)
    assert len(meaning) > 5


def test_wrong_settings_say_what_is_shown(tmp_path: Path) -> None:
    [block] = [block for block in blocks(CONFIGURE) if "PAGE_LIMIT=lots" in block[0]]
    [(command, output)] = steps(block)
    *settings, flask, run = command.split()
    with Installation(tmp_path) as installation:
        installation.environment |= dict(setting.split("=", 1) for setting in settings)
        server = installation.start(flask, run)
        assert server.ended(60) == 1
    assert server.lines == output
