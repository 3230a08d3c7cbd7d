"""The platforms themselves: found by name, URL or party, and made."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of
from hubinfo.ocpi.dialect import HUB
from hubinfo.ocpi.schemas import CredentialsRole


def is_hub(platform: Platform) -> bool:
    """Whether its credentials name the role HUB (in 2.3.0 a `hub_party_id`): it tells us of others."""
    return any(row.role == HUB and row.registered for row in platform.client_infos)


def new(session: Session, party: str) -> Platform:
    """Named after the party, with a number where another platform has that name already; inside write()."""
    taken = set(session.scalars(select(Platform.name).where(Platform.name.startswith(party))))
    name = next(name for number in range(1, len(taken) + 2) if (name := party if number == 1 else f"{party}-{number}") not in taken)
    platform = Platform(name=name, status=ConnectionStatus.PLANNED, created_at=clock.now())
    session.add(platform)
    session.flush()
    return platform


def named(session: Session, name: str) -> Platform | None:
    """By its short name, e.g. NL-TNM, in whatever case."""
    return session.scalar(select(Platform).where(Platform.name == name.upper()))


def registered_at(session: Session, versions_url: str) -> Platform | None:
    """The registered platform with this versions URL, with or without a trailing slash."""
    url = versions_url.rstrip("/")
    found = select(Platform).where(Platform.versions_url.in_((url, f"{url}/")), Platform.token_out.is_not(None))
    return session.scalar(found.order_by(Platform.id).limit(1))


def waiting_for(session: Session, roles: Sequence[CredentialsRole]) -> Platform | None:
    """The platform, not registered, to which one of these roles belongs: it was invited, or has been here before."""
    wanted = {(party_of(role.country_code, role.party_id), role.role) for role in roles}
    rows = select(ClientInfo).where(ClientInfo.party.in_({party for party, _ in wanted})).order_by(ClientInfo.id)
    found = (row.platform for row in session.scalars(rows) if (row.party, row.role) in wanted)
    return next((platform for platform in found if not platform.registered), None)
