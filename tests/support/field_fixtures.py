"""Fixtures: platforms of this project and of other makes that register with each other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.field import FieldHub, FieldPlatform
from tests.support.instances import Instances


@pytest.fixture
def instances(tmp_path: Path, sqlite_template: Path) -> Iterator[Instances]:
    """Makes platforms of this project, each with a database of its own."""
    with Instances(tmp_path, sqlite_template) as made:
        yield made


@pytest.fixture
def make_platform() -> Iterator[Callable[..., FieldPlatform]]:
    """Make platforms of other makes, hubs unless another kind is given."""
    made: list[FieldPlatform] = []

    def make(kind: type[FieldPlatform] = FieldHub, *arguments: Any, **options: Any) -> FieldPlatform:
        made.append(kind(*arguments, **options))
        return made[-1]

    yield make
    for platform in made:
        platform.stop()
