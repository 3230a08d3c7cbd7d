"""Inviting: PLANNED rows and the token A with which their platform may register."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of
from hubinfo.operator.refused import Refused
from hubinfo.platforms import roster
from hubinfo.platforms.vault import digest, make_token


@dataclass(frozen=True)
class Invitation:
    """What the operator of the invited party has to be given, and how its rows stand until it registers."""

    token: str
    statuses: Mapping[str, str]
    """By role."""


def invite(country_code: str, party_id: str, roles: Sequence[str], name: str | None, note: Callable[[Session], None]) -> Invitation:
    """Make the rows that are missing and a new token A; an earlier token A of this party is dead. Raises Refused.

    A party that was unregistered keeps its rows, SUSPENDED, until it registers again. `note` is called in the same transaction.
    """
    party, token = party_of(country_code, party_id), make_token()
    with write() as session:
        rows = session.scalars(select(ClientInfo).where(ClientInfo.party == party).options(joinedload(ClientInfo.platform)))
        known = {row.role: row for row in rows}
        _refuse_connected(party, list(known.values()))
        platform = _platform_for(session, party, list(known.values()))
        platform.token_hash, platform.token_made_at, platform.token_used_at = digest(token), clock.now(), None
        platform.status = ConnectionStatus.PLANNED
        for role in roles:
            if role not in known:
                known[role] = presence.new_row(country_code, party_id, role, {"name": name or party})
                presence.invited(session, platform, known[role])
            elif name:
                known[role].business_details = {"name": name}
        statuses = {role: known[role].status for role in roles}
        note(session)
    return Invitation(token, statuses)


def _refuse_connected(party: str, rows: Sequence[ClientInfo]) -> None:
    for row in rows:
        if row.platform.registered and presence.is_held(row):
            name = row.platform.name
            raise Refused(
                f"{party} is connected already, by platform {name} ({row.platform.status}); it brings further roles itself, "
                f"with PUT credentials. To begin anew, first: flask hubinfo unregister {name}"
            )
        if row.suspended_by_operator:
            raise Refused(f"{party} {row.role} was suspended by an operator; first: flask hubinfo resume {party.replace('-', ' ')}")


def _platform_for(session: Session, party: str, rows: Sequence[ClientInfo]) -> Platform:
    """The one its rows are with, when nobody else waits there; else a new one, to which they move.

    A platform that unregistered is invited again as a whole, with all its parties, until one of them is invited by itself.
    """
    for row in rows:
        if not row.platform.registered and (not row.platform.invited or _is_alone(row.platform)):
            platform = row.platform
            break
    else:
        platform = roster.new(session, party)
    for row in rows:
        row.platform = platform
    return platform


def _is_alone(platform: Platform) -> bool:
    return len({row.party for row in platform.client_infos}) == 1
