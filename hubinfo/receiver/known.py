"""What hubs told us, each one's word apart; and what it means: whom can we reach, and through whom?"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, contains_eager

from hubinfo import clock
from hubinfo.database import after_commit, db, write
from hubinfo.logs import say
from hubinfo.models import ConnectionStatus, Known, Platform, party_of
from hubinfo.ocpi.schemas import ClientInfo

_log = logging.getLogger(__name__)
Key = tuple[str, str]
"""(party, role) of a row of one hub."""


def store(hub: Platform, told: ClientInfo) -> bool:
    """What a hub has pushed; whether it is new. One that is older than what is stored changes nothing: it was overtaken."""
    now, (party, role), hub_id = clock.now(), _key(told), hub.id
    values = {"hub": hub.name, "party": party, "role": role, "status": told.status}
    with write() as session:
        row = _rows(session, hub_id, [told]).get((party, role))
        overtaken = row is not None and told.last_updated is not None and told.last_updated < row.last_updated
        after_commit(partial(say, _log, logging.INFO, "push_overtaken" if overtaken else "told", **values))
        if row is None:
            session.add(_new(hub_id, told, now))
        elif not overtaken:
            _take(row, told, told.last_updated or now, now)
    return row is None


def stored(platform_id: int, party: str, roles: Collection[str] | None) -> Known | None:
    """The row of a party that this hub told of last, in any role or one of these."""
    rows = select(Known).where(Known.platform_id == platform_id, Known.party == party)
    if roles is not None:
        rows = rows.where(Known.role.in_(roles))
    return db.session.scalar(rows.order_by(Known.last_updated.desc(), Known.received_at.desc(), Known.id.desc()).limit(1))


def merge(session: Session, platform_id: int, page: Iterable[ClientInfo], began: datetime, now: datetime) -> int:
    """A page of a full pull that began then; how many rows it changed. Inside write().

    The hub's list is the truth, also where ours is newer: its clock may have been wrong. Except for what it has pushed since.
    """
    told = {_key(item): item for item in page}
    rows, changed = _rows(session, platform_id, told.values()), 0
    for key, item in told.items():
        row = rows.get(key)
        if row is None:
            session.add(_new(platform_id, item, now))
        elif _is_overtaken(item, row, began) or not _take(row, item, item.last_updated or _kept(row, item, now), now):
            continue
        changed += 1
    return changed


def _is_overtaken(item: ClientInfo, row: Known, began: datetime) -> bool:
    pushed_since = row.received_at >= began
    return pushed_since and (item.last_updated is None or item.last_updated <= row.last_updated)


def _kept(row: Known, item: ClientInfo, now: datetime) -> datetime:
    """A list without `last_updated` tells nothing new of a row that is as it was."""
    return row.last_updated if row.status == item.status else now


def unlisted(platform_id: int, listed: Collection[Key], began: datetime) -> list[int]:
    """The valid rows, by id, that a full pull which began then did not list, nor has the hub pushed them since."""
    older = (Known.platform_id == platform_id) & Known.valid & (Known.received_at < began)
    rows = db.session.execute(select(Known.id, Known.party, Known.role).where(older))
    return [row_id for row_id, party, role in rows if (party, role) not in listed]


def no_longer_listed(platform_id: int, listed: Collection[Key], began: datetime) -> int:
    """A full pull that began then came through whole: what it did not list is no longer valid. How many rows; inside write()."""
    gone = unlisted(platform_id, listed, began)
    if gone:
        db.session.execute(update(Known), [{"id": row_id, "valid": False} for row_id in gone])
    return len(gone)


def _rows(session: Session, platform_id: int, told: Iterable[ClientInfo]) -> dict[Key, Known]:
    parties = {party for party, _ in map(_key, told)}
    rows = session.scalars(select(Known).where(Known.platform_id == platform_id, Known.party.in_(parties)))
    return {(row.party, row.role): row for row in rows}


def _key(told: ClientInfo) -> Key:
    return party_of(told.country_code, told.party_id), told.role


def _new(platform_id: int, told: ClientInfo, now: datetime) -> Known:
    return Known(
        platform_id=platform_id,
        country_code=told.country_code,
        party_id=told.party_id,
        party=party_of(told.country_code, told.party_id),
        role=told.role,
        status=told.status,
        last_updated=told.last_updated or now,
        received_at=now,
        valid=True,
    )


def _take(row: Known, told: ClientInfo, last_updated: datetime, now: datetime) -> bool:
    """Whether that changes the row."""
    before = (row.country_code, row.party_id, row.status, row.last_updated, row.valid)
    row.country_code, row.party_id, row.status = told.country_code, told.party_id, told.status
    row.last_updated, row.valid, row.received_at = last_updated, True, now
    return before != (row.country_code, row.party_id, row.status, row.last_updated, row.valid)


@dataclass(frozen=True)
class Reachability:
    """Whether requests may be sent to a party now, and through which hub (OCPI 2.2.1 hubclientinfo, ConnectionStatus)."""

    reachable: bool
    status: str | None
    """As the hub told it; None when no hub ever did, or none does any more."""
    hub: str | None
    since: datetime | None
    stale: bool
    """The hub itself has fallen silent, so that nobody knows whether this still holds."""


def known(party: str | None = None) -> list[dict[str, Any]]:
    """What hubs told us, of all parties or one: in the order of hubs and of first telling."""
    rows = _with_hub().order_by(Known.platform_id, Known.id)
    return [_report(row) for row in db.session.scalars(rows if party is None else rows.where(Known.party == party))]


def reachable(party: str, role: str | None = None) -> Reachability:
    """May we send to this party (in this role, or in any) now, and through whom?"""
    rows = _with_hub().where(Known.party == party, Known.valid)
    found = [_reachability(row) for row in db.session.scalars(rows if role is None else rows.where(Known.role == role))]
    return max(found, key=_preference, default=Reachability(False, None, None, None, False))


def _with_hub() -> Any:
    return select(Known).join(Known.platform).options(contains_eager(Known.platform))


def _reachability(row: Known) -> Reachability:
    stale = is_stale(row.platform)
    return Reachability(
        reachable=row.status == ConnectionStatus.CONNECTED and not stale,
        status=row.status,
        hub=row.platform.name,
        since=row.last_updated,
        stale=stale,
    )


def _preference(found: Reachability) -> Any:
    """A way that is open; else what is sure; else the latest news."""
    return found.reachable, not found.stale, found.status == ConnectionStatus.CONNECTED, found.since


def is_stale(hub: Platform) -> bool:
    """Whether a hub cannot tell us of changes: it is silent, suspended or no longer connected."""
    return hub.status != ConnectionStatus.CONNECTED


def _report(row: Known) -> dict[str, Any]:
    return {
        "hub": row.platform.name,
        "country_code": row.country_code,
        "party_id": row.party_id,
        "role": row.role,
        "status": row.status,
        "last_updated": row.last_updated,
        "received_at": row.received_at,
        "valid": row.valid,
        "stale": is_stale(row.platform),
    }


def keys(rows: Sequence[Any]) -> set[Key]:
    """The (party, role) that a page of a list names, those of entries included that cannot be used otherwise."""
    named = (row for row in rows if isinstance(row, dict))
    return {(party_of(str(row.get("country_code")), str(row.get("party_id"))), str(row.get("role"))) for row in named}
