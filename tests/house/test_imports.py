"""Imports point one way: operator, worker → notify → hub, receiver → platforms → ocpi, models → database → clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "hubinfo"
LONGEST = 250
"""Lines."""
RANKS = {
    "checks": 0,
    "due": 0,
    "job": 2.5,
    "clock": 0,
    "logs": 1,
    "database": 1,
    "ocpi": 2,
    "models": 2,
    "schema": 2,
    "settings": 2.5,
    "config": 3,
    "web": 3,
    "lease": 3,
    "wakeup": 3,
    "platforms": 4,
    "hub": 5,
    "receiver": 5,
    "notify": 6,
    "operator": 7,
    "worker": 7,
    "hubinfo": 8,
    "startup": 9,
}
"""A room imports itself and what has a lower rank. `hubinfo` is the package itself, whose create_app() puts the rooms together."""
MAY_SEND = {"ocpi", "notify"}
SENDERS = {"aiohttp", "apprise", "httpx", "requests", "smtplib", "urllib3"}
OF_OURS_IN_OCPI = {"clock", "ocpi"}
NOT_IN_OCPI = {"alembic", "flask", "flask_migrate", "flask_sqlalchemy", "sqlalchemy", "werkzeug"}


def modules(package: Path) -> dict[str, Path]:
    """By dotted name."""
    found = {}
    for path in package.rglob("*.py"):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(package: Path) -> Iterator[tuple[str, str]]:
    """Every (importing, imported) module, those inside functions and of type checking included."""
    known = modules(package)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import():
                    yield from ((name, alias.name) for alias in node.names)
                case ast.ImportFrom():
                    base = source(name, node, is_package=path.stem == "__init__")
                    below = (f"{base}.{alias.name}" for alias in node.names)
                    yield from ((name, module if module in known else base) for module in below)


def source(name: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    """The module that `from … import` names, relative ones resolved."""
    if not node.level:
        return node.module or ""
    parents = name.split(".") + ([""] if is_package else [])
    return ".".join([*parents[: -node.level], *([node.module] if node.module else [])])


def room_of(module: str, package: str = "hubinfo") -> str | None:
    """The room of a module of ours; None for anybody else's."""
    first, *rest = module.split(".")
    return (rest[0] if rest else first) if first == package else None


def wrong_ways(package: Path) -> set[str]:
    """Every import that points the wrong way."""
    wrong = set()
    for importing, imported in imports(package):
        room, other = room_of(importing), room_of(imported)
        outside = imported.split(".")[0]
        if room is None:
            continue
        if other is None:
            is_wrong = (outside in SENDERS and room not in MAY_SEND) or (outside in NOT_IN_OCPI and room == "ocpi")
        else:
            is_wrong = room != other and (RANKS[other] >= RANKS[room] or (room == "ocpi" and other not in OF_OURS_IN_OCPI))
        if is_wrong:
            wrong.add(f"{importing} → {imported}")
    return wrong


def test_imports_point_one_way() -> None:
    assert wrong_ways(PACKAGE) == set()


def test_every_room_has_its_place() -> None:
    assert {room_of(module) for module in modules(PACKAGE)} <= set(RANKS)


def test_the_rule_is_the_one_of_the_design() -> None:
    order = [
        ("clock",),
        ("database",),
        ("ocpi", "models"),
        ("platforms",),
        ("hub", "receiver"),
        ("notify",),
        ("operator", "worker"),
    ]
    ranks = [{RANKS[room] for room in rooms} for rooms in order]
    assert all(len(rank) == 1 for rank in ranks)
    assert sorted(ranks, key=min) == ranks
    assert len({min(rank) for rank in ranks}) == len(order)


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("hub/feed.py", "from hubinfo.receiver import known", "hubinfo.hub.feed → hubinfo.receiver.known"),
        ("receiver/known.py", "from hubinfo.hub.feed import Change", "hubinfo.receiver.known → hubinfo.hub.feed"),
        ("receiver/known.py", "from ..hub import feed", "hubinfo.receiver.known → hubinfo.hub.feed"),
        ("receiver/__init__.py", "from .. import worker", "hubinfo.receiver → hubinfo.worker"),
        ("receiver/__init__.py", "from . import known", None),
        ("receiver/known.py", "from hubinfo.platforms import connections", None),
        ("worker.py", "import hubinfo.receiver.known", None),
        ("clock.py", "def now():\n    import hubinfo.database", "hubinfo.clock → hubinfo.database"),
        ("ocpi/client.py", "from hubinfo import clock", None),
        ("ocpi/client.py", "import hubinfo.config", "hubinfo.ocpi.client → hubinfo.config"),
        ("ocpi/client.py", "from hubinfo.logs import say", "hubinfo.ocpi.client → hubinfo.logs"),
        ("ocpi/client.py", "import requests", None),
        ("ocpi/client.py", "from flask import request", "hubinfo.ocpi.client → flask"),
        ("notify/mail.py", "import smtplib", None),
        ("notify/watch.py", "from hubinfo.hub import feed", None),
        ("notify/watch.py", "from hubinfo.worker import Worker", "hubinfo.notify.watch → hubinfo.worker"),
        ("hub/push.py", "from hubinfo.notify import words", "hubinfo.hub.push → hubinfo.notify.words"),
        ("hub/push.py", "import smtplib", "hubinfo.hub.push → smtplib"),
        ("hub/push.py", "import requests.adapters", "hubinfo.hub.push → requests.adapters"),
        ("hub/push.py", "from urllib3 import Retry", "hubinfo.hub.push → urllib3"),
        ("models.py", "from hubinfo.ocpi import dialect", "hubinfo.models → hubinfo.ocpi.dialect"),
        ("operator/commands.py", "from hubinfo import __version__", "hubinfo.operator.commands → hubinfo"),
    ],
)
def test_an_import_the_wrong_way_is_found(tmp_path: Path, path: str, line: str, expected: str | None) -> None:
    package = tmp_path / "hubinfo"
    others = ("clock.py", "database.py", "worker.py", "hub/feed.py", "notify/words.py", "receiver/known.py", "ocpi/dialect.py")
    for name in (*others, path):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    (package / path).write_text(line)
    assert wrong_ways(package) == ({expected} if expected else set())


def test_every_room_has_tests_of_its_own() -> None:
    rooms = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if (path / "__init__.py").is_file()}
    assert {room for room in rooms if not (TESTS / room).is_dir()} == set()


def test_no_test_module_imports_another() -> None:
    found = {(importing, imported) for importing, imported in imports(TESTS) if ".test_" in imported}
    assert found == set()


def test_no_file_of_the_tests_is_longer_than_one_reads() -> None:
    assert {path.name for path in TESTS.rglob("*.py") if len(path.read_text().splitlines()) > LONGEST} == set()
