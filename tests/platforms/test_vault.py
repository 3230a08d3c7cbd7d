"""Tokens at rest: those presented to us only as their hash, those we send encrypted, the key made once and rotatable."""

import hashlib
import logging
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import MetaData, select

from hubinfo import startup
from hubinfo.config import SettingsError
from hubinfo.database import db
from hubinfo.models import Platform
from hubinfo.platforms import connections
from hubinfo.platforms.vault import KEY_FILE, TokenUnreadable, Vault, digest, keys_in, make_once
from tests.support.apps import MakeApp
from tests.support.commands import json_of
from tests.support.hubs import connect, stored
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer
from tests.support.processes import SOURCES, Installation

MakePeer = Callable[..., Peer]
CPO = ("CPO", "NL", "TNM")
OLD, NEW = "old-key-0123456789", "new-key-0123456789"
MAKE_KEY = "import sys; from pathlib import Path; from hubinfo.platforms.vault import keys_in; print(keys_in(Path(sys.argv[1])))"


def everything_stored(app: Flask) -> str:
    """Every value of every column of every table."""
    with app.app_context():
        tables = MetaData()
        tables.reflect(db.engine)
        assert "platform" in tables.tables
        return repr([db.session.execute(select(table)).all() for table in tables.sorted_tables])


def token_out(app: Flask, platform_id: int) -> str:
    kept = stored(app, platform_id)["token_out"]
    assert isinstance(kept, str)
    return kept


def readable(app: Flask, platform_id: int) -> bool:
    with app.app_context():
        try:
            connections().vault.decrypt(token_out(app, platform_id))
        except TokenUnreadable:
            return False
    return True


@pytest.mark.both_databases("the columns of each database")
def test_of_the_tokens_presented_to_us_only_the_hash_is_stored(hub: Hub, make_peer: MakePeer) -> None:
    token_a = hub.invite("NL", "TNM", "CPO")
    assert token_a not in everything_stored(hub.app)
    assert digest(token_a) in everything_stored(hub.app)
    token_c = hub.register(make_peer(), CPO)
    kept = everything_stored(hub.app)
    assert [token for token in (token_a, token_c) if token in kept] == []
    assert (digest(token_a) in kept, digest(token_c) in kept) == (False, True)
    assert digest(token_c) == hashlib.sha256(token_c.encode()).hexdigest()


@pytest.mark.both_databases("the length of its column")
def test_the_token_we_send_is_stored_encrypted(hub: Hub, make_peer: MakePeer) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    assert peer.token not in everything_stored(hub.app)
    with hub.app.app_context():
        kept = db.session.scalars(select(Platform.token_out)).one()
        assert connections().vault.decrypt(kept or "") == peer.token


def test_no_file_of_the_database_holds_a_token(live_hub: LiveHub, make_peer: MakePeer, tmp_path: Path) -> None:
    """Nor do the pages and the log that SQLite has done with."""
    peer = make_peer()
    tokens = [live_hub.invite("NL", "TNM", "CPO"), live_hub.register(peer, CPO), peer.token]
    again = live_hub.request("PUT", "/ocpi/2.2.1/credentials", tokens[1], json=peer.credentials(CPO, token="token-b-the-second"))
    tokens += [again.json()["data"]["token"], "token-b-the-second"]
    live_hub.request("DELETE", "/ocpi/2.2.1/credentials", tokens[3])
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        content = file.read_bytes()
        assert [token for token in tokens if token.encode() in content] == [], file


def test_the_same_token_is_stored_differently_each_time() -> None:
    vault = Vault(lambda: (OLD,))
    assert vault.encrypt("token") != vault.encrypt("token")


@pytest.mark.parametrize("token", ["!", "~" * 64, "token-b"])
def test_what_is_encrypted_comes_back_and_fits_its_column(token: str) -> None:
    vault = Vault(lambda: (OLD,))
    kept = vault.encrypt(token)
    assert vault.decrypt(kept) == token
    assert len(kept) <= 512


def test_the_newest_key_writes_and_all_of_them_read() -> None:
    old, both, new = (Vault(lambda keys=keys: keys) for keys in ((OLD,), (NEW, OLD), (NEW,)))  # type: ignore[misc]
    assert both.decrypt(old.encrypt("token")) == "token"
    assert new.decrypt(both.encrypt("token")) == "token"
    with pytest.raises(TokenUnreadable, match="SECRET_KEY has changed"):
        old.decrypt(both.encrypt("token"))


@pytest.mark.parametrize("kept", ["", "plain", "gAAAAA=="])
def test_what_was_never_encrypted_is_unreadable(kept: str) -> None:
    with pytest.raises(TokenUnreadable):
        Vault(lambda: (OLD,)).decrypt(kept)


@pytest.mark.both_databases("the updates at the start")
def test_a_rotation_encrypts_anew_at_the_start_so_that_the_old_key_can_go(make_app: MakeApp) -> None:
    app = make_app(secret_key=OLD)
    platform = connect(app, CPO)
    assert not readable(make_app(secret_key=NEW), platform)
    startup.prepare(make_app(secret_key=f"{NEW},{OLD}"))
    assert readable(make_app(secret_key=NEW), platform)
    assert not readable(make_app(secret_key=OLD), platform)


def test_a_start_without_rotation_leaves_the_tokens_as_they_are(make_app: MakeApp) -> None:
    app = make_app(secret_key=OLD)
    platform = connect(app, CPO)
    before = token_out(app, platform)
    startup.prepare(make_app(secret_key=f"{OLD},{NEW}"))
    assert token_out(app, platform) == before


def test_a_token_that_cannot_be_read_does_not_stop_the_start_and_is_logged(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, kept = (connect(make_app(secret_key=key), roles) for key, roles in ((OLD, CPO), (NEW, ("CPO", "NL", "ELS"))))
    app = make_app(secret_key=NEW)
    startup.prepare(app)
    [line] = [line for line in capsys.readouterr().err.splitlines() if "token_unreadable" in line]
    assert " ERROR " in line
    assert f'platform={stored(app, lost)["name"]} reason="stored token cannot be decrypted: SECRET_KEY has changed"' in line
    assert readable(app, kept)


def test_a_token_that_cannot_be_read_keeps_no_other_from_being_encrypted_anew(make_app: MakeApp) -> None:
    """In whatever order they are read."""
    first, _, last = (
        connect(make_app(secret_key=key), ("CPO", "NL", party))
        for key, party in ((OLD, "AAA"), ("a-key-that-is-lost", "BBB"), (OLD, "CCC"))
    )
    startup.prepare(make_app(secret_key=f"{NEW},{OLD}"))
    app = make_app(secret_key=NEW)
    assert (readable(app, first), readable(app, last)) == (True, True)


def test_a_probe_with_an_unreadable_token_fails_with_the_reason(
    hub: Hub, make_app: MakeApp, make_peer: MakePeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer = make_peer()
    hub.register(peer, CPO)
    asked = len(peer.received)
    with caplog.at_level(logging.DEBUG):
        said = json_of(make_app(secret_key=NEW), "probe", "NL", "TNM", exit_code=1)
    assert said["reason"] == "stored token cannot be decrypted: SECRET_KEY has changed"
    assert len(peer.received) == asked
    assert not [record for record in caplog.records if record.exc_info]


def test_a_push_with_an_unreadable_token_is_shown_as_the_reason(
    hub: Hub, make_live_hub: Callable[..., LiveHub], make_peer: MakePeer
) -> None:
    """The hub goes on: others are told, and this one is as soon as it has sent new credentials."""
    lost, other = make_peer(), make_peer()
    token = hub.register(lost, CPO)
    live = make_live_hub(secret_key=NEW, keepalive_seconds=3600, push_retry_seconds=0.1)
    live.register(other, ("EMSP", "BE", "BEC"))
    live.invite("DE", "ABC", "NSP")
    other.wait_for(lambda other: ("DE-ABC", "NSP") in other.told)
    while not [row for row in live.run("pushes") if "SECRET_KEY has changed" in row["reason"]]:
        assert live.worker.alive
    assert live.request("PUT", "/ocpi/2.2.1/credentials", token, json=lost.credentials(CPO)).ok
    lost.wait_for(lambda lost: ("DE-ABC", "NSP") in lost.told)


@pytest.mark.outside
def test_of_many_processes_that_need_a_key_one_makes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE_KEY, str(tmp_path)]
    racers = [subprocess.Popen(command, cwd=SOURCES, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    keys = {racer.communicate(timeout=60)[0] for racer in racers}
    assert keys == {f"{keys_in(tmp_path)}\n"}
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_of_many_threads_that_make_a_secret_one_does_and_nobody_sees_half_of_it(tmp_path: Path) -> None:
    path, barrier, made = tmp_path / "secret", threading.Barrier(16), []

    def make(number: int) -> None:
        barrier.wait(30)
        made.append(make_once(path, lambda: f"{number:02}" * 1000))
        assert len(path.read_text().strip()) == 2000

    threads = [threading.Thread(target=make, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 15 + [True]


def test_a_key_file_may_hold_several_keys(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text(f"{NEW}\n\n {OLD} , older\n")
    assert keys_in(tmp_path) == (NEW, OLD, "older")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe"], ids=["empty", "blank", "not text"])
def test_a_key_file_without_key_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(SettingsError, match=KEY_FILE):
        keys_in(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content


@pytest.mark.outside
def test_a_server_with_a_key_file_without_key_says_so_in_one_line(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        installation.instance.mkdir()
        (installation.instance / KEY_FILE).touch()
        server = installation.flask_run()
        assert server.ended(60) == 1
        assert [line for line in server.lines if KEY_FILE in line] == server.lines
