"""Revisions become visible in order, so that who reads on from the last one it has seen never misses one."""

import threading

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.hub import feed
from hubinfo.models import ClientInfo
from tests.support.apps import MakeApp
from tests.support.hubs import connect

pytestmark = pytest.mark.both_databases("in which order commits become visible")

WRITERS, TIMES, ROWS = 4, 15, 2
ALL = WRITERS * TIMES * ROWS
WAIT_SECONDS = 60.0


def add_rows(platform_id: int, writer: int, time: int) -> None:
    """In one transaction; a party may be in many roles, and these are as good as any."""
    with write() as session:
        for number, revision in enumerate(feed.take_revisions(session, ROWS)):
            party_id = f"{time:02}{number}"
            row = ClientInfo(country_code=f"X{writer}", party_id=party_id, party=f"X{writer}-{party_id}", role="CPO")
            row.status, row.last_updated, row.revision = "PLANNED", clock.now(), revision
            row.platform_id, row.registered, row.business_details = platform_id, False, {}
            session.add(row)


def test_a_reader_that_goes_on_from_the_last_revision_sees_each_once_and_in_order(app: Flask, make_app: MakeApp) -> None:
    platform_id, failures = connect(app, ("CPO", "NL", "AAA")), list[BaseException]()

    def add(writer: int, own: Flask) -> None:
        try:
            with own.app_context():
                for time in range(TIMES):
                    add_rows(platform_id, writer, time)
        except BaseException as error:
            failures.append(error)

    # Made here: werkzeug compiles rules with `ast`, which Python 3.11 does not always survive in several threads at once.
    writers = [threading.Thread(target=add, args=(writer, make_app())) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    with app.app_context():
        seen = read_while(writers)
    assert failures == []
    assert seen == list(range(seen[0], seen[0] + 1 + ALL))


def read_while(writers: list[threading.Thread]) -> list[int]:
    """Poll as Push does, until nobody writes any more."""
    seen: list[int] = []
    going_on = True
    while going_on:
        going_on = any(writer.is_alive() for writer in writers)
        newest = feed.newest_revision(db.session())
        changes = feed.changes_after(db.session(), seen[-1] if seen else 0)
        db.session.rollback()
        seen += [change.revision for change in changes]
        assert (seen[-1] if seen else 0) >= newest
    return seen


def test_a_revision_that_was_rolled_back_is_given_out_again(app: Flask) -> None:
    def take_and_fail() -> None:
        with write() as session:
            assert list(feed.take_revisions(session, 3)) == [1, 2, 3]
            raise ZeroDivisionError

    with app.app_context():
        with pytest.raises(ZeroDivisionError):
            take_and_fail()
        with write() as session:
            assert list(feed.take_revisions(session, 1)) == [1]
            assert list(feed.take_revisions(session, 2)) == [2, 3]
        assert feed.newest_revision(db.session()) == 3


def test_only_the_latest_change_of_a_row_is_to_be_told(app: Flask) -> None:
    connect(app, ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAA"))
    with app.app_context():
        with write() as session:
            row = session.scalars(select(ClientInfo).order_by(ClientInfo.id)).first()
            assert row is not None
            [row.revision] = feed.take_revisions(session, 1)
        changes = feed.changes_after(db.session(), 0)
        newest = feed.newest_revision(db.session())
    assert [change.role for change in changes] == ["EMSP", "CPO"]
    assert changes[-1].revision == newest


@pytest.mark.parametrize(("taken", "announced"), [(0, 0), (1, 1), (5, 1)])
def test_a_commit_that_gave_revisions_is_announced_once_and_to_its_own_app(
    app: Flask, make_app: MakeApp, taken: int, announced: int
) -> None:
    heard: list[str] = []

    def own(_sender: Flask) -> None:
        heard.append("own")

    def other(_sender: Flask) -> None:
        heard.append("other's")

    with feed.revised.connected_to(own, sender=app), feed.revised.connected_to(other, sender=make_app()):
        with app.app_context(), write() as session:
            feed.take_revisions(session, taken)
            assert heard == []
        assert heard == ["own"] * announced
