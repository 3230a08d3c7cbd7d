"""Where the pages for who runs it are typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import Terminal
from tests.support.processes import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path, COUNTRY_CODE="NL", PARTY_ID="HUX", NAME="Hub of Examples") as made:
        yield made


@pytest.fixture
def terminal(installation: Installation) -> Iterator[Terminal]:
    made = Terminal(installation.folder, installation.environment)
    yield made
    made.close()
