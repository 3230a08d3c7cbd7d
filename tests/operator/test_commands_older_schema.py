"""A command of a newer release beside a server of an older one: it does not upgrade the schema below it."""

from pathlib import Path

import pytest
from flask_migrate import downgrade

from hubinfo import create_app, schema
from hubinfo.database import db
from hubinfo.lease import Claim
from tests.support.commands import error_of
from tests.support.databases import SETTINGS


@pytest.mark.parametrize("command", [("parties",), ("invite", "NL", "TNM", "--role", "CPO"), ("platforms", "--json")])
def test_it_is_refused_while_the_server_runs_and_upgrades_afterwards(tmp_path: Path, command: tuple[str, ...]) -> None:
    app = create_app({"database_url": f"sqlite:///{tmp_path / 'hub.sqlite3'}", **SETTINGS}, instance_path=tmp_path)
    with app.app_context():
        schema.ensure()
        downgrade(revision="0004")
        claim = Claim()
        assert claim.acquire()
    assert error_of(app, *command).endswith("is served by an older hubinfo; stop it first: this command would upgrade it")
    with app.app_context():
        assert schema.current() == "0004"
        claim.release()
    assert app.test_cli_runner().invoke(args=["hubinfo", *command]).exit_code == 0
    with app.app_context():
        assert schema.current() == schema._head()
        db.engine.dispose()
