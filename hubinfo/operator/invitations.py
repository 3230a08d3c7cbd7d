"""Inviting: PLANNED rows and the token A with which their platform may register."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import write
from hubinfo.hub import presence
from hubinfo.hub.claims import is_held
from hubinfo.models import ClientInfo, ConnectionStatus, Platform, party_of
from hubinfo.operator.refused import NoSuchPlatform, Refused
from hubinfo.platforms import roster
from hubinfo.platforms.vault import digest, make_token
from hubinfo.platforms.views import shown_versions
from hubinfo.settings import OPEN


@dataclass(frozen=True)
class Invitee:
    """Whom to invite as what."""

    country_code: str
    party_id: str
    roles: Sequence[str]
    name: str | None
    platform: str | None
    """An existing platform that the party is added to; none: it gets a token of its own."""
    versions: Sequence[str]
    """The only OCPI versions that its platform is to be shown; none: all, for an existing platform those of before."""

    @property
    def party(self) -> str:
        """Its short name."""
        return party_of(self.country_code, self.party_id)


@dataclass(frozen=True)
class Invitation:
    """What the operator of the invited party has to be given, and how its rows stand until it registers."""

    party: str
    platform: str
    token: str | None
    """None for a party that was added to a platform: that one's token is good for it too."""
    statuses: Mapping[str, str]
    """By role."""
    versions: Sequence[str]
    """Those that its platform is shown."""

    @property
    def is_limited(self) -> bool:
        """Whether there are more than its platform is shown."""
        return len(self.versions) < len(current_settings().versions)


def invite(invitee: Invitee, note: Callable[[Session], None]) -> Invitation:
    """Make the rows that are missing and, without a platform to join, a new token A. Raises Refused.

    An earlier token A of this party is dead. A party that was unregistered keeps its rows, SUSPENDED, until it registers
    again. `note` is called in the same transaction.
    """
    _refuse_versions(invitee.versions)
    with write() as session:
        rows = session.scalars(select(ClientInfo).where(ClientInfo.party == invitee.party).options(joinedload(ClientInfo.platform)))
        known = {row.role: row for row in rows}
        joined = _existing(session, invitee.platform) if invitee.platform is not None else None
        _refuse_connected(invitee.party, list(known.values()), joined)
        platform = joined or _platform_for(session, invitee.party, list(known.values()))
        _move(session, list(known.values()), platform)
        token = None if joined else _new_token(platform)
        if invitee.versions or joined is None:
            platform.versions_shown = list(invitee.versions) or None
        statuses = _plan(session, invitee, platform, known)
        note(session)
        return Invitation(invitee.party, platform.name, token, statuses, shown_versions(platform))


def _refuse_versions(versions: Sequence[str]) -> None:
    offered = current_settings().versions
    for version in versions:
        if version not in offered:
            raise Refused(f"version={version!r}: must be one that is offered, {', '.join(offered)} (see VERSIONS)")


def _new_token(platform: Platform) -> str:
    token = make_token()
    platform.token_hash, platform.token_made_at, platform.token_used_at = digest(token), clock.now(), None
    platform.status = ConnectionStatus.PLANNED
    return token


def _plan(session: Session, invitee: Invitee, platform: Platform, known: dict[str, ClientInfo]) -> dict[str, str]:
    """The status of each invited role; what is missing is made."""
    for role in invitee.roles:
        if role not in known:
            details = {"name": invitee.name or invitee.party}
            known[role] = presence.new_row(invitee.country_code, invitee.party_id, role, details)
            presence.invited(session, platform, known[role])
        elif invitee.name:
            known[role].business_details = {"name": invitee.name}
    return {role: known[role].status for role in invitee.roles}


def _existing(session: Session, name: str) -> Platform:
    """Raises Refused for one with which its party could not register: neither connected nor invited."""
    platform = roster.named(session, name)
    if platform is None:
        raise NoSuchPlatform(name)
    if not platform.registered and not platform.invited:
        first = platform.client_infos[0] if platform.client_infos else None
        command = f"invite {first.country_code} {first.party_id} --role {first.role}" if first else "invite without --platform"
        raise Refused(f"platform {platform.name} is not connected, and no token A waits for it; first: flask hubinfo {command}")
    return platform


def _refuse_connected(party: str, rows: Sequence[ClientInfo], joined: Platform | None) -> None:
    for row in rows:
        if row.platform.registered and is_held(row) and (row.registered or row.platform is not joined):
            name = row.platform.name
            what = "connected already, by" if row.registered else "invited already, for"
            raise Refused(
                f"{party} is {what} platform {name} ({row.platform.status}); it brings further roles itself, "
                f"with PUT credentials. To begin anew, first: flask hubinfo unregister {name}"
            )
        if row.suspended_by_operator:
            raise Refused(f"{party} {row.role} was suspended by an operator; first: flask hubinfo resume {party.replace('-', ' ')}")


def _platform_for(session: Session, party: str, rows: Sequence[ClientInfo]) -> Platform:
    """The one its rows are with, when nobody else waits there; else a new one.

    A platform that unregistered is invited again as a whole, with all its parties, until one of them is invited by itself.
    """
    for row in rows:
        if not row.platform.registered and (not row.platform.invited or _is_alone(row.platform)):
            platform = row.platform
            break
    else:
        platform = roster.new(session, party)
    return platform


def _move(session: Session, rows: Sequence[ClientInfo], platform: Platform) -> None:
    """The rows are with this platform from here on; an invitation that is left without a party is void."""
    left = {row.platform for row in rows} - {platform}
    for row in rows:
        row.platform = platform
    session.flush()
    for old in left:
        if old.invited and not old.client_infos:
            old.token_hash, old.status = None, ConnectionStatus.SUSPENDED
            if old.version is None:  # it never registered, so that nothing refers to it
                session.delete(old)


def _is_alone(platform: Platform) -> bool:
    return len({row.party for row in platform.client_infos}) == 1


def in_words(made: Invitation) -> Iterator[str]:
    """What an operator is told, line by line."""
    waits = {"PLANNED": "", "SUSPENDED": " until it registers"}
    planned = ", ".join(f"{status} as {role}{waits.get(status, '')}" for role, status in made.statuses.items())
    if made.token is None:
        yield f"{made.party} is {planned}, for platform {made.platform}, which brings it with its next POST or PUT credentials."
        return
    yield f"{made.party} is {planned}. Give its operator, over a channel you trust:"
    yield f"  versions URL  {current_settings().versions_url}"
    yield f"  token A       {made.token}"
    shown = f" Its platform is shown OCPI {', '.join(made.versions)} only." if made.is_limited else ""
    once = "The token is shown only now, and good for one registration. An earlier one of this party no longer works."
    yield f"{once}{shown} {policy(made.platform)}"


def policy(platform: str) -> str:
    """Which parties this platform may register."""
    if current_settings().registration == OPEN:
        return "It may also register parties that nobody holds (REGISTRATION=open)."
    add = f"flask hubinfo invite CC PID --role ROLE --platform {platform}"
    return f"It may register only parties that were invited for it (REGISTRATION=invited); to add one: {add}"
