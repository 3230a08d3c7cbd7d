"""How many rows each platform has still to be told: counted at one go, and the same as one by one."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import feed
from hubinfo.models import ClientInfo, Platform
from tests.support.hubs import connect
from tests.support.statements import counted

pytestmark = pytest.mark.both_databases("rows are compared with cursors in SQL")

REVISIONS = 12
a_platform = st.tuples(st.integers(0, REVISIONS + 1), st.booleans(), st.integers(0, 3))
"""How far it has been told, whether it has a Receiver, how many rows it brings."""


def make(app: Flask, platforms: list[tuple[int, bool, int]], order: list[int]) -> None:
    """Nothing but these; the rows have the revisions in this order."""
    revisions = iter(order)
    with app.app_context(), write() as session:
        session.query(ClientInfo).delete()
        session.query(Platform).delete()
        for number, (told, receiver, rows) in enumerate(platforms):
            platform = Platform(name=f"P{number}", status="CONNECTED", created_at=clock.now(), told_revision=told)
            platform.receiver_url = "http://peer.test" if receiver else None
            session.add(platform)
            for row in range(rows):
                platform.client_infos.append(client_info(f"{number}{row:02}", next(revisions)))


def client_info(party_id: str, revision: int) -> ClientInfo:
    row = ClientInfo(country_code="NL", party_id=party_id, party=f"NL-{party_id}", role="CPO", business_details={})
    row.status, row.last_updated, row.revision = "CONNECTED", clock.now(), revision
    return row


def one_by_one() -> dict[int, int]:
    found = {}
    for platform in db.session.scalars(select(Platform).where(Platform.receiver_url.is_not(None))):
        wanted = (ClientInfo.platform_id != platform.id, ClientInfo.revision > platform.told_revision)
        found[platform.id] = len(db.session.scalars(select(ClientInfo).where(*wanted)).all())
    return {key: count for key, count in found.items() if count}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(a_platform, max_size=4), st.permutations(range(1, REVISIONS + 1)))
def test_it_is_what_counting_for_each_platform_says(app: Flask, platforms: list[tuple[int, bool, int]], order: list[int]) -> None:
    make(app, platforms, order)
    with app.app_context():
        assert feed.behind(db.session()) == one_by_one()


def test_platforms_and_rows_cost_no_further_statements(app: Flask) -> None:
    def statements() -> int:
        with counted(app) as found, app.app_context():
            feed.behind(db.session())
        return len(found)

    connect(app, ("CPO", "NL", "AAA"))
    one = statements()
    for number in range(10):
        connect(app, ("CPO", "BE", f"A{number:02}"), ("EMSP", "BE", f"A{number:02}"))
    assert statements() == one
