"""/healthz and /readyz: what whatever watches over the process is told."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from hubinfo import create_app
from hubinfo.database import db
from hubinfo.startup import WORKER
from hubinfo.worker import Worker
from tests.support.apps import MakeApp, lead
from tests.support.databases import schema_is
from tests.support.hubs import connect
from tests.support.live import LiveHub
from tests.support.peers import Peer
from tests.support.processes import Installation


def readiness(app: Flask) -> tuple[int, dict[str, str]]:
    response = app.test_client().get("/readyz")
    assert response.json is not None
    return response.status_code, response.json


def why_not(app: Flask) -> str:
    code, said = readiness(app)
    assert (code, said.pop("status")) == (503, "not ready")
    return said.pop("reason")


def hold(done: threading.Event) -> None:
    """Answer nothing until then."""
    done.wait(30)


def test_healthz_is_up_whatever_else_is_not(tmp_path: Path) -> None:
    app = create_app({"database_url": "sqlite:////nowhere/hubinfo.sqlite3"}, instance_path=tmp_path)
    response = app.test_client().get("/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_not_ready_while_nobody_does_the_background_work(app: Flask) -> None:
    assert why_not(app) == "background work: no process is doing it"


@pytest.mark.both_databases("how a database that is not there fails")
def test_ready_when_this_process_does_it(make_app: MakeApp) -> None:
    app = make_app()
    app.extensions[WORKER] = worker = Worker(app)
    lead(worker)
    assert readiness(app) == (200, {"status": "ready"})
    worker.stop()
    assert why_not(app) == "background work: the thread of this process has ended"


def test_not_ready_with_a_key_that_reads_none_of_the_tokens(make_app: MakeApp) -> None:
    """It could tell and probe nobody. Once one can be read, those that cannot are of parties to be invited anew."""
    connect(make_app(secret_key="old"), ("CPO", "NL", "TNM"))
    connect(make_app(secret_key="old"), ("CPO", "NL", "ELS"))
    app = make_app(secret_key="new")
    app.extensions[WORKER] = worker = Worker(app)
    lead(worker)
    assert why_not(app) == "secrets: none of the 2 stored tokens can be decrypted; SECRET_KEY is another one"
    connect(app, ("CPO", "BE", "BEC"))
    assert readiness(app) == (200, {"status": "ready"})
    worker.stop()


@pytest.mark.both_databases("how a database that is not there fails")
def test_ready_when_another_process_does_it_and_not_when_that_has_stopped(make_app: MakeApp) -> None:
    app, worker = make_app(), Worker(make_app())
    lead(worker)
    assert readiness(app) == (200, {"status": "ready"})
    worker.stop()
    assert why_not(app) == "background work: no process is doing it"


def test_not_ready_on_the_schema_of_a_newer_hubinfo(app: Flask) -> None:
    with schema_is(app, "later"):
        assert "has schema later, made by a newer hubinfo; install that one" in why_not(app)


def test_not_ready_on_an_old_schema(app: Flask) -> None:
    with schema_is(app, None):
        assert why_not(app).endswith("run: flask db upgrade")


@pytest.mark.parametrize("url", ["sqlite:////nowhere/hubinfo.sqlite3", "postgresql://nobody:hush@127.0.0.1:1/hubinfo"])
def test_not_ready_without_a_database_and_the_password_is_not_shown(tmp_path: Path, url: str) -> None:
    reason = why_not(create_app({"database_url": url}, instance_path=tmp_path))
    assert "cannot be opened" in reason
    assert "hush" not in reason
    assert "\n" not in reason


def test_not_ready_once_the_database_is_damaged(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        installation.flask("hubinfo", "parties")
        app = create_app(instance_path=installation.instance)
        assert why_not(app) == "background work: no process is doing it"
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        for file in installation.instance.glob("hubinfo.sqlite3*"):
            file.write_bytes(b"no longer a database" * 1000)
        assert "file is not a database" in why_not(app)


def test_a_real_server_says_both_and_needs_no_token(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        server = installation.flask_run().wait_until_ready()
        assert server.answers("/healthz")
        assert server.answers("/readyz")


def test_they_are_answered_while_peers_hang(live_hub: LiveHub, make_peer: Callable[..., Peer]) -> None:
    peer, done = make_peer(), threading.Event()
    live_hub.register(peer, ("CPO", "NL", "TNM"))
    peer.behave("PUT", "/", lambda handler: hold(done))
    live_hub.invite("BE", "BEC", "EMSP")
    peer.wait_for(lambda peer: bool(peer.puts))
    assert live_hub.request("GET", "/readyz").json() == {"status": "ready"}
    assert live_hub.request("GET", "/healthz").ok
    done.set()
