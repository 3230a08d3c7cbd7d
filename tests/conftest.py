"""Fixtures: the app on both databases, real peers, and a hub that serves and works in the background."""

import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import upgrade
from sqlalchemy import create_engine, text
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from hubinfo import create_app, schema
from hubinfo.database import db
from hubinfo.worker import Worker
from tests.support import browser, leaks
from tests.support.browser_fixtures import driver, make_site, plain_driver, window  # noqa: F401
from tests.support.hub_peer import HubPeer, connect_hub
from tests.support.peers import Peer
from tests.support.prometheus import MISSING as MISSING_PROMETHEUS
from tests.support.proxies import PROGRAMS

POSTGRESQL = os.environ.get("HUBINFO_TEST_DATABASE_URL")
MakeApp = Callable[..., Flask]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(leaks)


def pytest_report_header() -> str:
    postgresql = "PostgreSQL" if POSTGRESQL else "NOT PostgreSQL (set HUBINFO_TEST_DATABASE_URL)"
    return f"databases: SQLite, {postgresql}; browser: {'NONE' if browser.MISSING else browser.CHROMIUM}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not POSTGRESQL:
        terminalreporter.section("PostgreSQL tests were SKIPPED: set HUBINFO_TEST_DATABASE_URL", red=True, bold=True)
    for name, path in PROGRAMS.items():
        if path is None:
            terminalreporter.section(f"{name} tests were SKIPPED: there is no {name}", red=True, bold=True)
    if MISSING_PROMETHEUS:
        terminalreporter.section("Prometheus tests were SKIPPED: apt-get install prometheus", red=True, bold=True)
    if browser.MISSING:
        terminalreporter.section(f"Browser tests were SKIPPED: {browser.MISSING}", red=True, bold=True)


def _app_on(url: str, instance: Path, **overrides: object) -> Flask:
    return create_app(
        {"database_url": url, "secret_key": "0123456789abcdef", "operator_password": "operator", **overrides},
        instance_path=instance,
    )


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own HUBINFO_ settings are not the tests'."""
    for name in list(os.environ):
        if name.startswith("HUBINFO_") and name != "HUBINFO_TEST_DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and no rows; copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    app = _app_on(f"sqlite:///{folder / 'template.sqlite3'}", folder)
    with app.app_context():
        schema.ensure()
        db.engine.dispose()
    return folder / "template.sqlite3"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A database of this test run's own, with the schema."""
    if not POSTGRESQL:
        pytest.skip("needs PostgreSQL: set HUBINFO_TEST_DATABASE_URL")
    name = f"hubinfo_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(POSTGRESQL.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = admin.url.set(database=name).render_as_string(hide_password=False)
    app = _app_on(url, Path("instance"))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the schema, of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "test.sqlite3")
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    url: str = request.getfixturevalue("postgresql_url")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE platform, client_info, history, refusal, lease, pending_token, api_token, activity, action, "
                "concern, notification RESTART IDENTITY CASCADE"
            )
        )
        connection.execute(text("UPDATE counter SET value = 0"))
    engine.dispose()
    return url


@pytest.fixture
def make_app(database_url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Make apps on the test's database, with settings by lower-case name."""
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        made.append(_app_on(database_url, tmp_path, **overrides))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


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
def make_peer() -> Iterator[Callable[..., Peer]]:
    """Make platforms that serve on loopback."""
    made: list[Peer] = []

    def make(**options: Any) -> Peer:
        made.append(Peer(**options))
        return made[-1]

    yield make
    for peer in made:
        peer.stop()


@pytest.fixture
def make_hub_peer() -> Iterator[Callable[..., HubPeer]]:
    """Make hubs of others that serve on loopback."""
    made: list[HubPeer] = []

    def make(*arguments: str, **options: Any) -> HubPeer:
        made.append(HubPeer(*arguments, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.stop()


@dataclass
class Hub:
    """The app, and what tests do with it over its test client and commands."""

    app: Flask

    def run(self, *arguments: str) -> Any:
        """A command's JSON; fails the test when the command fails."""
        result = self.app.test_cli_runner().invoke(args=["hubinfo", *arguments, "--json"])
        assert result.exit_code == 0, result.output
        import json

        return json.loads(result.stdout)

    def invite(self, country_code: str, party_id: str, *roles: str) -> str:
        """Token A."""
        options = [item for role in roles for item in ("--role", role)]
        token: str = self.run("invite", country_code, party_id, *options)["token"]
        return token

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> TestResponse:
        """An OCPI request, e.g. `call("GET", "/ocpi/versions", token)`."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Token {token}"
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def register(self, peer: Peer, *roles: tuple[str, str, str], version: str = "2.2.1") -> str:
        """Invite and register a peer with these (role, country_code, party_id); its token C."""
        token_a = self.invite(
            roles[0][1], roles[0][2], *dict.fromkeys(role for role, *party in roles if party == list(roles[0][1:]))
        )
        response = self.call("POST", f"/ocpi/{version}/credentials", token_a, json=peer.credentials(*roles))
        assert response.json is not None
        assert response.json["status_code"] == 1000, response.json
        token: str = response.json["data"]["token"]
        return token

    def statuses(self) -> dict[tuple[str, str], str]:
        """The status of each (party, role)."""
        return {(f"{row['country_code']}-{row['party_id']}", row["role"]): row["status"] for row in self.run("parties")}


@pytest.fixture
def hub(app: Flask) -> Hub:
    """A hub without background work: what a request or command does, and no more."""
    return Hub(app)


@pytest.fixture
def party(make_app: MakeApp) -> Hub:
    """A CPO without background work that is registered with the hub DE-HUB."""
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    return Hub(app)


@dataclass
class LiveHub(Hub):
    """A hub that serves on loopback and works in the background."""

    url: str
    worker: Worker

    def request(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        """A request over a real socket."""
        headers = {**options.pop("headers", {}), **({"Authorization": f"Token {token}"} if token else {})}
        return requests.request(method, self.url + path, headers=headers, timeout=30, **options)


@pytest.fixture
def make_live_hub(make_app: MakeApp) -> Iterator[Callable[..., LiveHub]]:
    """Serve an app with these settings; still-alive checks are rare unless a test makes them frequent."""
    ends: list[Callable[[], None]] = []

    def make(**overrides: object) -> LiveHub:
        app = make_app(**overrides)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        worker = Worker(app)
        worker.start()
        ends.extend((server.server_close, thread.join, server.shutdown, worker.stop))
        return LiveHub(app, f"http://127.0.0.1:{server.server_port}", worker)

    yield make
    for end in reversed(ends):
        end()


@pytest.fixture
def live_hub(make_live_hub: Callable[..., LiveHub]) -> LiveHub:
    return make_live_hub()
