"""Inviting: PLANNED rows and the token A with which their platform may register."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubinfo import clock
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of
from hubinfo.platforms.vault import digest, make_token


class Refused(Exception):
    """What an operator asked for cannot be done; the message says why and what can."""


def invite(country_code: str, party_id: str, roles: Sequence[str], name: str | None) -> str:
    """Make the rows that are missing and a new token A; an earlier token A of this party is dead. Raises Refused.

    A party that was unregistered keeps its rows, SUSPENDED, until it registers again.
    """
    party, token = party_of(country_code, party_id), make_token()
    with write() as session:
        rows = session.scalars(select(ClientInfo).where(ClientInfo.party == party).options(joinedload(ClientInfo.platform)))
        known = {row.role: row for row in rows}
        _refuse_connected(party, list(known.values()))
        platform = next((row.platform for row in known.values()), None) or _new_platform(session, party)
        platform.token_hash = digest(token)
        platform.status = ConnectionStatus.PLANNED
        for role in roles:
            if role not in known:
                row = presence.new_row(country_code, party_id, role, {"name": name or party})
                presence.invited(session, platform, row)
            elif name:
                known[role].business_details = {"name": name}
    return token


def _refuse_connected(party: str, rows: Sequence[ClientInfo]) -> None:
    for row in rows:
        if row.platform.registered:
            raise Refused(
                f"{party} is connected already, by platform {row.platform.name} ({row.platform.status}); "
                "it brings further roles itself, with PUT credentials"
            )
        if row.suspended_by_operator:
            raise Refused(f"{party} {row.role} was suspended by an operator; first: flask hubinfo resume {party.replace('-', ' ')}")


def _new_platform(session: Session, party: str) -> Platform:
    """Named after the party, with a number where another platform has that name already."""
    taken = set(session.scalars(select(Platform.name).where(Platform.name.startswith(party))))
    name = next(name for number in range(1, len(taken) + 2) if (name := party if number == 1 else f"{party}-{number}") not in taken)
    platform = Platform(name=name, status=ConnectionStatus.PLANNED, created_at=clock.now())
    session.add(platform)
    session.flush()
    return platform
