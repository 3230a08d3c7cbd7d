"""`flask hubinfo after-restore`: a database from a backup is older than what peers were told since."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.support.commands import error_of, json_of, text_of
from tests.support.instances import Instance, Instances
from tests.support.live import Hub

NAV, NEW = ("DE-NAV", "NSP"), ("FR-NEW", "CPO")


def back_up(hub: Instance, to: Path) -> None:
    """While it runs; as if that was long ago, so that nobody holds the lease any more."""
    with contextlib.closing(sqlite3.connect(to)) as made, made:
        with contextlib.closing(sqlite3.connect(Path(hub.app.instance_path) / "hubinfo.sqlite3")) as source:
            source.backup(made)
        made.execute("DELETE FROM lease")


def test_what_peers_were_told_after_the_backup_is_put_right(tmp_path: Path, sqlite_template: Path) -> None:
    backup, later = tmp_path / "backup.sqlite3", tmp_path / "later"
    later.mkdir()
    with Instances(tmp_path, sqlite_template) as instances:
        hub, party, other = (instances.make(*own) for own in (("NL-HUB", "HUB"), ("NL-TNM", "CPO"), ("DE-NAV", "NSP")))
        party.join(hub)
        other.join(hub)
        party.wait_for(lambda party: party.known() == {NAV: "CONNECTED"})
        back_up(hub, backup)
        hub.run("suspend", "DE", "NAV")
        party.wait_for(lambda party: party.known() == {NAV: "SUSPENDED"})
        hub.end()
        with Instances(later, backup) as from_backup:
            restored = from_backup.make("NL-HUB", "HUB")
            restored.invite("FR", "NEW", "CPO")
            party.wait_for(lambda party: NEW in party.known())
            assert (restored.statuses()[NAV], party.known()[NAV]) == ("CONNECTED", "SUSPENDED")
            assert restored.run("after-restore") == {"parties": 3}
            party.wait_for(lambda party: party.known()[NAV] == "CONNECTED")
            other.wait_for(lambda other: other.known() == {("NL-TNM", "CPO"): "CONNECTED", NEW: "PLANNED"})


@pytest.mark.both_databases("all rows take new revisions in one transaction")
def test_it_changes_no_status_and_is_recorded(hub: Hub) -> None:
    hub.invite("NL", "TNM", "CPO")
    [before] = json_of(hub.app, "parties")
    assert text_of(hub.app, "after-restore").startswith("ClientInfos that count as changed now: 1.")
    [after] = json_of(hub.app, "parties")
    assert after.pop("last_updated") > before.pop("last_updated")
    assert after == before
    page = hub.app.test_client().get("/api/actions", auth=("operator", "operator"))
    assert page.json is not None
    assert [row["what"] for row in page.json][:1] == ["after restore"], page.json


def test_a_party_has_nobody_to_tell(party: Hub) -> None:
    assert "only a hub tells others" in error_of(party.app, "after-restore")
