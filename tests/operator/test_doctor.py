"""`flask hubinfo doctor`: each check, fine and failing."""

import sqlite3
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from hubinfo import clock, create_app, schema
from hubinfo.database import SQLITE_HAS_WAL_RESET_BUG, db, write
from hubinfo.models import ClientInfo
from tests.support.apps import MakeApp
from tests.support.commands import invoke, json_of, read_table
from tests.support.databases import schema_is
from tests.support.hubs import connect, stored
from tests.support.live import LiveHub
from tests.support.peers import Behaviour, Peer
from tests.support.processes import Installation, free_port

CHECKS = [
    "settings",
    "registration",
    "database",
    "sqlite",
    "secrets",
    "clock",
    "background work",
    "versions URL",
    "notifications",
]
CPO = ("CPO", "NL", "TNM")


def examine(app: Flask, *, exit_code: int = 1) -> dict[str, tuple[bool, str]]:
    """Each check by name: whether it is fine, and what it says."""
    found = json_of(app, "doctor", exit_code=exit_code)
    assert [set(item) for item in found] == [{"check", "ok", "message"}] * len(CHECKS)
    assert [item["check"] for item in found] == CHECKS
    return {item["check"]: (item["ok"], item["message"]) for item in found}


def failing(app: Flask) -> dict[str, str]:
    return {name: message for name, (ok, message) in examine(app).items() if not ok}


@pytest.fixture
def served(live_hub: LiveHub) -> str:
    """The URL of a hub that serves and works."""
    deadline = clock.now() + timedelta(seconds=30)
    while not live_hub.request("GET", "/readyz").ok:
        assert clock.now() < deadline
    return live_hub.url


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({}, "invited: a platform may register only parties invited for it, in at most 100 roles"),
        ({"registration": "open", "max_roles": 7}, "open: a platform may register any party that nobody holds, in at most 7 roles"),
    ],
    ids=["by default", "open"],
)
def test_it_says_who_may_register(make_app: MakeApp, overrides: dict[str, Any], said: str) -> None:
    assert examine(make_app(**overrides))["registration"] == (True, said)


def test_a_hub_that_is_served_is_fine(make_app: MakeApp, served: str) -> None:
    app = make_app(public_url=served)
    connect(app, CPO)
    found = examine(app, exit_code=0)
    assert [ok for ok, _ in found.values()] == [True] * len(CHECKS)
    assert found["versions URL"][1].endswith("/ocpi/versions answers")
    assert found["background work"][1] == "one process is doing it"


def test_text_is_a_table_and_says_what_failed(app: Flask) -> None:
    result = invoke(app, "doctor")
    assert (result.exit_code, result.stderr) == (1, "")
    rows = {row["CHECK"]: row["OK"] for row in read_table(result.stdout.splitlines())}
    assert list(rows) == CHECKS
    assert (rows["settings"], rows["background work"]) == ("ok", "FAILED")


@pytest.mark.parametrize(("country_code", "is_placeholder"), [("XX", True), ("xx", True), ("NL", False)])
def test_settings_say_who_this_is_and_name_the_placeholder(make_app: MakeApp, country_code: str, is_placeholder: bool) -> None:
    ok, message = examine(make_app(country_code=country_code, versions="2.2.1"))["settings"]
    assert message.startswith(f"{country_code.upper()}-HUB (hubinfo), roles HUB, OCPI 2.2.1")
    assert (ok, "placeholder" in message) == (True, is_placeholder)


@pytest.mark.both_databases("what it says of the database")
def test_database_says_where_with_which_schema_and_how_much(app: Flask) -> None:
    connect(app, CPO, ("EMSP", "NL", "TNM"))
    with app.app_context():
        expected = f"{schema.shown_url()}, schema {schema.current()}, 2 parties"
    assert examine(app)["database"] == (True, expected)


def test_a_schema_of_a_newer_hubinfo_fails(app: Flask) -> None:
    with schema_is(app, "later"):
        assert "has schema later, made by a newer hubinfo" in failing(app)["database"]


def test_a_missing_schema_fails_where_it_is_not_made_by_itself(app: Flask, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite's schema is made and upgraded at once")
    with schema_is(app, None):
        assert failing(app)["database"].endswith("run: flask db upgrade")


@pytest.mark.parametrize("url", ["sqlite:////nowhere/hubinfo.sqlite3", "postgresql://nobody:hush@127.0.0.1:1/hubinfo"])
def test_a_database_that_cannot_be_opened_fails_and_what_needs_it_is_not_checked(tmp_path: Path, url: str) -> None:
    app = create_app({"database_url": url, "secret_key": "0123456789abcdef"}, instance_path=tmp_path)
    found = failing(app)
    assert "cannot be opened" in found["database"]
    assert {found[name] for name in ("secrets", "clock", "background work")} == {"not checked: see database"}
    assert "hush" not in str(found)


def test_sqlite_is_named_with_what_is_done_about_it(app: Flask, database_url: str) -> None:
    ok, message = examine(app)["sqlite"]
    assert ok
    if not database_url.startswith("sqlite"):
        assert message == "not used; postgresql is"
    elif SQLITE_HAS_WAL_RESET_BUG:
        assert message.startswith(f"{sqlite3.sqlite_version} has the WAL-reset bug")
        assert "automatic checkpoints are off" in message
    else:
        assert message.startswith(f"{sqlite3.sqlite_version}, without the WAL-reset bug")


@pytest.mark.both_databases("what it says of the database")
def test_secrets_that_another_key_encrypted_fail_naming_the_platform(app: Flask, make_app: MakeApp) -> None:
    name = stored(app, connect(app, CPO))["name"]
    assert examine(app)["secrets"] == (True, "all 1 stored tokens can be decrypted")
    message = failing(make_app(secret_key="another-key-much-longer"))["secrets"]
    assert message.startswith(f"tokens of {name} cannot be decrypted")
    assert "SECRET_KEY" in message


@pytest.mark.parametrize(("keys", "is_short"), [("new,old", True), (f"{'n' * 16},old", True), (f"{'n' * 16},{'o' * 16}", False)])
def test_a_short_key_is_fine_but_said(make_app: MakeApp, keys: str, is_short: bool) -> None:
    advice = "; SECRET_KEY is short: use at least 32 random characters" if is_short else ""
    assert examine(make_app(secret_key=keys))["secrets"] == (True, f"all 0 stored tokens can be decrypted{advice}")


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Flask]:
    """An app with a key of its own making, in `secret.key`, that has used it."""
    app = create_app(instance_path=tmp_path)
    with app.app_context():
        schema.ensure()
    connect(app, CPO)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_key_file_that_others_can_read_fails_with_what_to_run(keyed: Flask, tmp_path: Path) -> None:
    assert examine(keyed)["secrets"][0]
    (tmp_path / "secret.key").chmod(0o644)
    message = failing(keyed)["secrets"]
    assert message == f"{tmp_path}/secret.key can be read by others; run: chmod 600 {tmp_path}/secret.key"
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o644


def test_a_key_file_without_a_key_fails(keyed: Flask, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")
    anew = create_app(instance_path=tmp_path)
    assert "holds no key" in failing(anew)["secrets"]


def test_a_key_file_that_is_gone_is_not_made_anew_while_there_are_tokens(keyed: Flask, tmp_path: Path) -> None:
    (tmp_path / "secret.key").unlink()
    anew = create_app(instance_path=tmp_path)
    lost = f"{tmp_path}/secret.key: is missing, and tokens in the database (1) were encrypted with it; restore it from a backup"
    assert failing(anew)["secrets"].startswith(lost)
    assert not (tmp_path / "secret.key").exists()


def test_a_party_from_the_future_shows_that_the_clock_is_wrong(app: Flask) -> None:
    connect(app, CPO)
    assert examine(app)["clock"][0]
    later = clock.now() + timedelta(hours=1)
    with app.app_context(), write() as session:
        session.execute(update(ClientInfo).values(last_updated=later))
    assert f"a party was last updated {clock.render(later)}" in failing(app)["clock"]


def test_background_work_that_nobody_does_fails(app: Flask) -> None:
    assert failing(app)["background work"] == "no process is doing it; is the server running?"


def test_a_versions_url_that_nobody_serves_fails(make_app: MakeApp) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    expected = f"{url}/ocpi/versions: connection refused; is the server running, and does PUBLIC_URL lead to it?"
    assert failing(make_app(public_url=url))["versions URL"] == expected


SOMEBODY_ELSE: list[Any] = [
    pytest.param(lambda handler: handler.answer([]), "so it is not this platform", id="OCPI without a token"),
    pytest.param(lambda handler: handler.raw(b"<html>", content_type="text/html"), "not OCPI", id="a web page"),
    pytest.param(lambda handler: handler.raw(b"<html>", http_status=404), "HTTP 404", id="HTTP 404"),
    pytest.param(lambda handler: handler.raw(b"log in", http_status=401), "HTTP 401", id="401 of a proxy"),
    pytest.param(lambda handler: handler.raw(b"", http_status=502), "HTTP 502", id="a proxy without us behind it"),
    pytest.param(lambda handler: handler.raw(b"", http_status=301, headers={"Location": "/"}), "redirects", id="a redirect"),
]


@pytest.mark.parametrize(("answer", "said"), SOMEBODY_ELSE)
def test_a_versions_url_that_somebody_else_serves_fails(
    make_app: MakeApp, make_peer: Callable[..., Peer], answer: Behaviour, said: str
) -> None:
    peer = make_peer()
    peer.behave("GET", "/ocpi/versions", answer)
    assert said in failing(make_app(public_url=peer.base))["versions URL"]
    assert "Authorization" not in peer.received[0].headers


def test_it_runs_beside_a_server_that_was_just_started(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        installation.set(PUBLIC_URL=f"http://127.0.0.1:{installation.port}")
        assert installation.flask("hubinfo", "doctor").returncode == 1
        installation.flask_run().wait_until_ready()
        result = installation.flask("hubinfo", "doctor")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


def test_what_peers_must_not_do_does_not_hinder_it(make_app: MakeApp, served: str) -> None:
    app = make_app(public_url=served, allow_http=False, allow_private_networks=False)
    assert examine(app, exit_code=0)["versions URL"] == (True, f"{served}/ocpi/versions answers")
