"""The one place where a status changes.

A row's new status, `last_updated`, `revision` and history line are written in one write transaction. Hearing a message
changes `last_heard_at`, never `last_updated` (OCPI 2.2.1 hubclientinfo).
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import UtcDateTime, after_commit, db
from hubinfo.hub import cursors, feed, history
from hubinfo.hub.claims import WITH_PLATFORM, key_of, rows_of
from hubinfo.hub.claims import refuse_taken as refuse_taken  # with those below, what connections ask for
from hubinfo.hub.claims import refuse_uninvited as refuse_uninvited
from hubinfo.hub.transitions import Event, transition
from hubinfo.logs import say
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of
from hubinfo.ocpi.schemas import CredentialsRole

_log = logging.getLogger(__name__)
CONNECTED, OFFLINE, PLANNED, SUSPENDED = ConnectionStatus


def invited(session: Session, platform: Platform, row: ClientInfo) -> None:
    """A new row, PLANNED; inside write()."""
    _add(session, platform, row)
    _note(session, row, None, Event.INVITED, None)


def _add(session: Session, platform: Platform, row: ClientInfo) -> None:
    [row.revision] = feed.take_revisions(session, 1)
    row.platform = platform
    row.status = PLANNED
    row.up_ms = row.down_ms = row.changes = 0
    row.last_updated = clock.now()
    session.add(row)


def new_row(country_code: str, party_id: str, role: str, business_details: Mapping[str, Any]) -> ClientInfo:
    """A ClientInfo as yet without platform and status."""
    return ClientInfo(
        country_code=country_code,
        party_id=party_id,
        party=party_of(country_code, party_id),
        role=role,
        business_details=dict(business_details),
    )


def registered(platform: Platform, roles: Sequence[CredentialsRole], *, starts_anew: bool) -> None:
    """The platform has exchanged credentials: the roles it brings are CONNECTED, those it no longer brings SUSPENDED."""
    session = db.session()
    known = rows_of(session, roles)
    _silence_ended(platform)
    _waits_for_nothing(session, platform)
    with session.no_autoflush:  # one flush for all roles
        brought = [_bring(session, platform, known.get(key_of(role)), role) for role in roles]
    dropped = [row for row in platform.client_infos if row.registered and row not in brought]
    for row in dropped:
        row.registered = False
    _apply(session, dropped, Event.UNREGISTERED, {platform.id: "no longer among the roles of its platform"})
    for row in brought:
        row.registered = True
    _apply(session, brought, Event.REGISTERED)
    _settle(session, [platform], starts_anew=starts_anew)


def _bring(session: Session, platform: Platform, row: ClientInfo | None, role: CredentialsRole) -> ClientInfo:
    """The row of a role, made if there is none, taken over if it was nobody's."""
    if row is None:
        row = new_row(role.country_code, role.party_id, role.role, role.business_details)
        _add(session, platform, row)
    row.platform = platform
    row.business_details = role.business_details
    return row


def unregistered(platform: Platform) -> None:
    """The platform has deleted its credentials: its rows stay, SUSPENDED."""
    session = db.session()
    for row in platform.client_infos:
        row.registered = False
    _silence_ended(platform)
    _apply(session, platform.client_infos, Event.UNREGISTERED)
    _settle(session, [platform])


def heard(heard_at: Mapping[int, datetime], *, presented: bool = False) -> None:
    """Platforms have sent a message or answered a probe: those that were OFFLINE are CONNECTED.

    No time of theirs goes back, unless it lies in the future.
    """
    if not heard_at:
        return
    session = db.session()
    quiet = {"failed_probes": 0, "failing_since": None, "probe_reason": None, "next_probe_at": None}
    at = bindparam("at", type_=UtcDateTime)
    now = max(clock.now(), *heard_at.values())
    later = case(((Platform.last_heard_at > at) & (Platform.last_heard_at <= now), Platform.last_heard_at), else_=at)
    heard = update(Platform).where(Platform.id == bindparam("platform")).values(last_heard_at=later, **quiet)
    session.connection().execute(heard, [{"platform": key, "at": at} for key, at in heard_at.items()])
    if presented:
        _note_use(session, heard_at)
    session.expire_all()
    _apply_by_platform(session, _rows_with(session, OFFLINE, heard_at), Event.HEARD)


def _note_use(session: Session, heard_at: Mapping[int, datetime]) -> None:
    """Of the tokens presented; not of one that was made after the message, nor where there is none any more."""
    at = bindparam("at", type_=UtcDateTime)
    later = case((Platform.token_used_at > at, Platform.token_used_at), else_=at)
    same_token = Platform.token_hash.is_not(None) & or_(Platform.token_made_at.is_(None), Platform.token_made_at <= at)
    session.connection().execute(
        update(Platform).where(Platform.id == bindparam("platform"), same_token).values(token_used_at=later),
        [{"platform": key, "at": at} for key, at in heard_at.items()],
    )


def probes_failed(reasons: Mapping[int, str]) -> None:
    """Platforms have failed OFFLINE_AFTER_FAILURES probes in a row: OFFLINE, with the reason of each."""
    session = db.session()
    _apply_by_platform(session, _rows_with(session, CONNECTED, reasons), Event.PROBE_FAILED, reasons)


def suspended(rows: Sequence[ClientInfo]) -> None:
    """An operator suspends rows; inside write()."""
    for row in rows:
        row.suspended_by_operator = True
    _apply_by_platform(db.session(), rows, Event.SUSPENDED)


def resumed(rows: Sequence[ClientInfo]) -> None:
    """An operator lets rows back in: OFFLINE and probed at once when they have credentials, else PLANNED; inside write()."""
    for row in rows:
        row.suspended_by_operator = False
        if row.registered and row.status == SUSPENDED:
            row.platform.next_probe_at = clock.now()
    _apply_by_platform(db.session(), rows, Event.RESUMED)


def restored() -> int:
    """What peers were told after a backup is newer than the rows in it, so all are made newer still; how many. Inside write()."""
    session = db.session()
    rows = session.scalars(select(ClientInfo).order_by(ClientInfo.revision)).all()
    _renew(session, rows)
    return len(rows)


def visible_to(platform_id: int | None) -> Sequence[ClientInfo]:
    """The rows this platform may see, in order of creation; all, for one that is not known yet."""
    rows = select(ClientInfo).order_by(ClientInfo.id)
    return db.session().scalars(rows if platform_id is None else rows.where(feed.visible(platform_id))).all()


def _apply_by_platform(
    session: Session, rows: Sequence[ClientInfo], event: Event, reasons: Mapping[int, str] | None = None
) -> None:
    _apply(session, rows, event, reasons)
    _settle(session, {row.platform_id: row.platform for row in rows}.values())


def _apply(session: Session, rows: Iterable[ClientInfo], event: Event, reasons: Mapping[int, str] | None = None) -> None:
    """Change those rows that the event changes; the reasons are by platform."""
    changed = []
    for row in rows:
        was = ConnectionStatus(row.status)
        row.status = transition(was, event, by_operator=row.suspended_by_operator, registered=row.registered)
        if row.status != was:
            changed.append((row, was))
    _renew(session, [row for row, _ in changed])
    for row, was in changed:
        _note(session, row, was, event, (reasons or {}).get(row.platform_id))


def _renew(session: Session, rows: Sequence[ClientInfo]) -> None:
    """The rows have changed: a new revision each, and a `last_updated` that is later than before even if the clock is not."""
    for row, revision in zip(rows, feed.take_revisions(session, len(rows)), strict=True):
        row.revision = revision
        row.last_updated = max(clock.now(), row.last_updated + timedelta(milliseconds=1))


def _note(session: Session, row: ClientInfo, was: ConnectionStatus | None, event: Event, reason: str | None) -> None:
    history.note(session, row, was, event, reason)
    values = {"party": row.party, "role": row.role, "status": row.status, "cause": event, "revision": row.revision}
    values["correlation_id"] = feed.correlation_id(current_settings().versions_url, row.revision)
    after_commit(partial(say, _log, logging.INFO, "status_changed", **values, reason=reason or "-"))


def _settle(session: Session, platforms: Iterable[Platform], *, starts_anew: bool = False) -> None:
    """The status of each connection, from its rows; on its return its cursor jumps, since it owes itself a GET."""
    newest, jumped = feed.newest_revision(session), list[int]()
    for platform in platforms:
        was = platform.status
        platform.status = _status_of(platform)
        returns = platform.status == CONNECTED and was in (OFFLINE, SUSPENDED)
        if starts_anew or returns:
            platform.failed_pushes, platform.push_reason, platform.next_push_at = 0, None, None
        if starts_anew or (returns and not current_settings().catch_up):
            platform.told_revision = newest
            jumped.append(platform.id)
        if returns:
            platform.next_sync_at = None  # what it told us meanwhile did not arrive
    if jumped:
        cursors.forget_set_aside(session, jumped)


def _waits_for_nothing(session: Session, platform: Platform) -> None:
    """New credentials: why it could not be told or asked may be over."""
    platform.failed_pushes, platform.push_reason, platform.next_push_at = 0, None, None
    cursors.try_set_aside_at_once(session, platform.id, clock.now())


def _status_of(platform: Platform) -> ConnectionStatus:
    if not platform.registered:
        return PLANNED if platform.invited else SUSPENDED
    statuses = {row.status for row in platform.client_infos if row.registered}
    return next((status for status in (CONNECTED, OFFLINE) if status in statuses), SUSPENDED)


def _silence_ended(platform: Platform) -> None:
    platform.failed_probes, platform.failing_since, platform.probe_reason, platform.next_probe_at = 0, None, None, None


def _rows_with(session: Session, status: ConnectionStatus, platform_ids: Iterable[int]) -> Sequence[ClientInfo]:
    """With all that settling their platforms needs, in three queries, however many they are."""
    rows = select(ClientInfo).where(ClientInfo.platform_id.in_(platform_ids), ClientInfo.status == status)
    return session.scalars(rows.options(WITH_PLATFORM).order_by(ClientInfo.id)).all()
