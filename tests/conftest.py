"""Fixtures: the app on both databases, real peers, and a hub that serves and works in the background."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.support import browser, databases, leaks
from tests.support.apps import Apps, MakeApp, close, own_app
from tests.support.databases import POSTGRESQL
from tests.support.live import Hub, LiveHubs
from tests.support.prometheus import MISSING as MISSING_PROMETHEUS
from tests.support.proxies import PROGRAMS

pytest_plugins = ["tests.support.fixtures", "tests.support.field_fixtures", "tests.support.browser_fixtures"]
TESTS = Path(__file__).parent
OUTSIDE = {"browser", "deploy", "docs", "prometheus", "proxies", "serving"}
"""Folders whose tests all are `outside`."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(leaks)
    # A shell starts what it runs in the background deaf to Ctrl-C, and the servers of the tests would be deaf too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if POSTGRESQL and not hasattr(config, "workerinput"):
        databases.remove_orphans()


def pytest_report_header() -> str:
    postgresql = "PostgreSQL" if POSTGRESQL else "NOT PostgreSQL (set HUBINFO_TEST_DATABASE_URL)"
    return f"databases: SQLite, {postgresql}; browser: {'NONE' if browser.MISSING else browser.CHROMIUM}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not POSTGRESQL:
        terminalreporter.section("PostgreSQL tests were SKIPPED: set HUBINFO_TEST_DATABASE_URL", red=True, bold=True)
    if config.option.markexpr == "not outside":
        return
    for name, path in PROGRAMS.items():
        if path is None:
            terminalreporter.section(f"{name} tests were SKIPPED: there is no {name}", red=True, bold=True)
    if MISSING_PROMETHEUS:
        terminalreporter.section("Prometheus tests were SKIPPED: apt-get install prometheus", red=True, bold=True)
    if browser.MISSING:
        terminalreporter.section(f"Browser tests were SKIPPED: {browser.MISSING}", red=True, bold=True)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own HUBINFO_ settings are not the tests'."""
    for name in list(os.environ):
        if name.startswith("HUBINFO_") and name != "HUBINFO_TEST_DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and no rows, to be copied."""
    return databases.make_sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def sqlite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SQLite database of this process's tests is, one after the other."""
    return tmp_path_factory.mktemp("sqlite") / "test.sqlite3"


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The PostgreSQL database of this process's tests, one after the other."""
    with databases.postgresql_with_schema(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the schema: SQLite, and PostgreSQL too where the test is marked `both_databases`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return databases.copy_sqlite(request.getfixturevalue("sqlite_template"), request.getfixturevalue("sqlite_path"))
    url: str = request.getfixturevalue("postgresql_url")
    databases.empty(url)
    return url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if OUTSIDE & set(item.path.relative_to(TESTS).parts):
            item.add_marker(pytest.mark.outside)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("both_databases")
    if marker and "database_url" in metafunc.fixturenames:
        assert marker.args, f"{metafunc.definition.nodeid}: both_databases needs the reason"
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def apps() -> Apps:
    """The apps that tests of this process use one after the other."""
    return Apps()


@pytest.fixture
def live_hubs() -> Iterator[LiveHubs]:
    """Makes hubs that serve and work in the background."""
    made = LiveHubs()
    yield made
    made.end()


@pytest.fixture
def make_app(apps: Apps, database_url: str, tmp_path: Path, live_hubs: LiveHubs) -> Iterator[MakeApp]:
    """Make apps on the test's database, with settings by lower-case name. Their routes are not the test's to change."""
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(apps.take(tmp_path, **{"database_url": database_url, **overrides}))
        return made[-1]

    yield make
    live_hubs.end()
    for app in made:
        if app.extensions["hubinfo.settings"].database_url != database_url or live_hubs.go_on(app):
            close(app)
        else:
            apps.give_back(app)


@pytest.fixture
def make_own_app(database_url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """As make_app, for tests that add routes."""
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(own_app(tmp_path, **{"database_url": database_url, **overrides}))
        return made[-1]

    yield make
    for app in made:
        close(app)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture
def hub(app: Flask) -> Hub:
    """A hub without background work: what a request or command does, and no more."""
    return Hub(app)
