"""Who may register as whom: each role has one platform at a time, and a platform the parties that were invited for it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of
from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.ocpi.schemas import CredentialsRole
from hubinfo.settings import OPEN

WITH_PLATFORM = joinedload(ClientInfo.platform).selectinload(Platform.client_infos)


def is_held(row: ClientInfo) -> bool:
    """Whether its platform has a claim to it: invited, or registered and still bringing it (or expected to).

    A role that its platform no longer brings may move to another.
    """
    expected = row.registered or row.status == ConnectionStatus.PLANNED
    return row.platform.invited or (row.platform.registered and expected)


def refuse_taken(platform: Platform, roles: Sequence[CredentialsRole]) -> None:
    """Raises InvalidParameters for a role that another platform, connected or invited, holds, or this one itself."""
    own = current_settings()
    taken = rows_of(db.session(), roles)
    for index, role in enumerate(roles):
        party, _ = key = key_of(role)
        if party == own.party and role.role in own.roles:
            raise InvalidParameters(
                f"roles[{index}]={role.role} {party}: must be a role of your own, this one is the other side's own"
            )
        row = taken.get(key)
        if row is not None and row.platform_id != platform.id and is_held(row):
            held = "is held by" if row.platform.registered else "is planned for"
            raise InvalidParameters(
                f"roles[{index}]={role.role} {row.party}: must be a role of your own, this one {held} platform {row.platform.name}"
            )


def refuse_uninvited(platform: Platform, roles: Sequence[CredentialsRole]) -> None:
    """For a platform that registers with us. What we register with is chosen by our operator, and says itself who it is.

    Raises InvalidParameters for more than MAX_ROLES, and for a party not invited for this platform unless REGISTRATION is open.
    """
    settings = current_settings()
    if len(roles) > settings.max_roles:
        raise InvalidParameters(f"roles=[…]: must have at most {settings.max_roles} entries, MAX_ROLES here, not {len(roles)}")
    if settings.registration == OPEN:
        return
    invited = set(db.session.scalars(select(ClientInfo.party).where(ClientInfo.platform_id == platform.id)))
    for index, role in enumerate(roles):
        if party_of(role.country_code, role.party_id) not in invited:
            what_to_do = f"invite {role.country_code} {role.party_id} --role {role.role} --platform {platform.name}"
            raise InvalidParameters(
                f"roles[{index}]={role.role} {role.country_code}-{role.party_id}: must be a role of a party that was invited for "
                f"platform {platform.name}; the operator of {settings.party} can add it: flask hubinfo {what_to_do}"
            )


def rows_of(session: Session, roles: Iterable[CredentialsRole]) -> dict[tuple[str, str], ClientInfo]:
    """The rows that there are of the parties of these roles, by party and role."""
    parties = {party_of(role.country_code, role.party_id) for role in roles}
    rows = session.scalars(select(ClientInfo).where(ClientInfo.party.in_(parties)).options(WITH_PLATFORM))
    return {(row.party, row.role): row for row in rows}


def key_of(role: CredentialsRole) -> tuple[str, str]:
    """By what rows are told apart."""
    return party_of(role.country_code, role.party_id), role.role
