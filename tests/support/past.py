"""Rows that have a past of a test's choosing, and what that past was, reckoned line by line and without totals."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import feed, history
from hubinfo.hub.history import Interval
from hubinfo.hub.transitions import Event
from hubinfo.models import ClientInfo, ConnectionStatus, History, Platform, party_of
from tests.support.hubs import SetClock

MILLISECOND = timedelta(milliseconds=1)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Line:
    """A row was this from here on."""

    at: datetime
    status: str


def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Everybody's clock, from here on a test's."""
    time = SetClock()
    monkeypatch.setattr(clock, "now", time)
    return time


class Past:
    """Rows of one platform, each with changes of status at times of its own."""

    def __init__(self, app: Flask, time: SetClock) -> None:
        self.app, self.clock, self.began_at = app, time, time.time
        self.lines: dict[int, list[Line]] = {}
        with app.app_context(), write() as session:
            platform = Platform(name=f"PAST-{next(_numbers)}", status="CONNECTED", created_at=time.time)
            session.add(platform)
            session.flush()
            self._platform_id = platform.id

    def at(self, milliseconds: int) -> datetime:
        """So long after the beginning."""
        return self.began_at + milliseconds * MILLISECOND

    def add(self, changes: Sequence[tuple[int, str]], party_id: str = "AAA") -> int:
        """A row that changes to these statuses, each so many milliseconds after the one before; its id."""
        self.clock.time = self.began_at
        with self.app.app_context(), write() as session:
            row = self._new_row(party_id)
            [row.revision] = feed.take_revisions(session, 1)
            session.add(row)
            session.flush()
            lines = self.lines[row.id] = []
            for milliseconds, status in changes:
                self.clock.pass_seconds(milliseconds / 1000)
                was, row.status = ConnectionStatus(row.status) if lines else None, status
                history.note(session, row, was, Event.HEARD, None)
                lines.append(Line(self.clock.time, status))
            return row.id

    def _new_row(self, party_id: str) -> ClientInfo:
        return ClientInfo(
            country_code="NL",
            party_id=party_id,
            party=party_of("NL", party_id),
            role="CPO",
            status="PLANNED",
            last_updated=self.began_at,
            platform_id=self._platform_id,
            business_details={"name": f"Company {party_id}"},
        )

    def forget_all(self) -> None:
        """As if none of these rows had ever been."""
        with self.app.app_context(), write() as session:
            for key in self.lines:
                session.query(History).filter_by(client_info_id=key).delete()
                session.query(ClientInfo).filter_by(id=key).delete()
        self.lines.clear()

    def milliseconds(self, row_id: int, status: str, began_at: datetime, ended_at: datetime) -> int:
        """How long a row was this within a period."""
        spans = (item.ended_at - item.began_at for item in self.intervals(row_id, began_at, ended_at) if item.status == status)
        return sum(spans, timedelta()) // MILLISECOND

    def changes(self, row_id: int, began_at: datetime, ended_at: datetime) -> int:
        """How often it changed."""
        return sum(began_at < line.at <= ended_at for line in self.lines[row_id])

    def intervals(self, row_id: int, began_at: datetime, ended_at: datetime) -> list[Interval]:
        """What it was."""
        lines = self.lines[row_id]
        ends = [*(line.at for line in lines[1:]), ended_at][: len(lines)]
        spans = [(line.status, max(line.at, began_at), min(end, ended_at)) for line, end in zip(lines, ends, strict=True)]
        return [Interval(*span) for span in spans if span[1] < span[2]]
