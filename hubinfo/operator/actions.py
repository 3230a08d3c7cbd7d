"""What an operator can do, by command, on the board or over `/api`; each action is recorded with time and source."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import feed, presence
from hubinfo.hub.keepalive import Keepalive
from hubinfo.models import Action, ClientInfo, ConnectionStatus, Platform
from hubinfo.ocpi.client import Answer
from hubinfo.ocpi.dialect import HUB
from hubinfo.operator import access, invitations, reports
from hubinfo.operator.dossier import rows_of
from hubinfo.operator.invitations import Invitation, Invitee
from hubinfo.operator.refused import NoSuchPlatform, Refused
from hubinfo.platforms import connections, registration, roster
from hubinfo.platforms.registration import NotRegistered, Registered
from hubinfo.receiver.pull import Pull
from hubinfo.receiver.sync import Sync, hubs

COMMAND = "command"
_MAX = 255


@dataclass(frozen=True)
class Probed:
    """What came of a still-alive check."""

    alive: bool
    status: str
    """Of the party, now."""
    reason: str | None
    seconds: float


def invite(
    source: str,
    country_code: str,
    party_id: str,
    roles: Sequence[str],
    name: str | None = None,
    *,
    platform: str | None = None,
    versions: Sequence[str] = (),
) -> Invitation:
    """Plan a party and make its token A, or add it to a platform. Raises Refused."""
    invitee = Invitee(country_code.upper(), party_id.upper(), tuple(roles), name, platform, tuple(versions))
    if invitee.name is not None and not invitee.name.isprintable():
        raise Refused(f"name={invitee.name!r}: must be printable")
    said = [", ".join(invitee.roles), invitee.name, invitee.platform and f"for platform {invitee.platform.upper()}"]
    said += [f"OCPI {', '.join(invitee.versions)}"] if invitee.versions else []

    def note(session: Session) -> None:
        _note(session, source, "invite", invitee.party, "; ".join(part for part in said if part))

    return invitations.invite(invitee, note)


def suspend(source: str, party: str, role: str | None = None) -> list[dict[str, Any]]:
    """Make a party SUSPENDED until it is resumed; its rows. Raises NoSuchParty."""
    return _change(presence.suspended, "suspend", source, party, role)


def resume(source: str, party: str, role: str | None = None) -> list[dict[str, Any]]:
    """Let a suspended party back in; its rows. Raises NoSuchParty."""
    return _change(presence.resumed, "resume", source, party, role)


def _change(
    change: Callable[[Sequence[ClientInfo]], None], what: str, source: str, party: str, role: str | None
) -> list[dict[str, Any]]:
    with write() as session:
        change(rows_of(party, role))
        _note(session, source, what, party, role)
    return [reports.party(row) for row in rows_of(party, role)]


def probe(source: str, party: str) -> Probed:
    """Check now whether a party is alive. Raises NoSuchParty, and Refused when it has not registered."""
    rows = [row for row in rows_of(party) if row.platform.registered]
    if not rows:
        raise Refused(f"{party} has not registered, so there is nobody to probe")
    row_id, shared, began = rows[0].id, connections(), time.monotonic()
    outcome = Keepalive(_app(), shared.client, shared.vault, current_settings()).probe(rows[0].platform)
    seconds = time.monotonic() - began
    reason = None if isinstance(outcome, Answer) else outcome.reason
    record(source, "probe", party, f"not alive: {reason}" if reason else f"alive, answered in {seconds:.3f} s")
    return Probed(reason is None, db.session.get_one(ClientInfo, row_id).status, reason, seconds)


def tell_again(source: str, party: str) -> list[str]:
    """Have the platforms of a party told everything again; their names. Raises NoSuchParty, and Refused when none can be told."""
    with write() as session:
        platforms = {row.platform_id: row.platform for row in rows_of(party)}.values()
        told = [platform for platform in platforms if _why_not_told(platform) is None]
        if not told:
            raise Refused("; ".join(f"{platform.name} cannot be told: {_why_not_told(platform)}" for platform in platforms))
        for platform in told:
            feed.told_anew(platform)
        _note(session, source, "tell again", party, ", ".join(platform.name for platform in told))
    return [platform.name for platform in told]


def after_restore(source: str) -> int:
    """Have every platform told everything, as of now; of how many ClientInfos. Raises Refused where there is nobody to tell."""
    if HUB not in current_settings().roles:
        raise Refused("only a hub tells others; a party pulls from its hubs whenever it starts")
    with write() as session:
        count = presence.restored()
        _note(session, source, "after restore", None, f"{count} to be told anew")
    return count


def _why_not_told(platform: Platform) -> str | None:
    if HUB not in current_settings().roles:
        return "only a hub tells others"
    if not platform.registered:
        return "it has not registered"
    if platform.receiver_url is None:
        return "it has no Receiver"
    if platform.status != ConnectionStatus.CONNECTED:
        return f"it is {platform.status}, and owes itself a GET when it is back"
    return None


def register(source: str, versions_url: str, token_a: str | None, version: str | None = None) -> Registered:
    """Register with another platform. Raises Refused."""
    try:
        made = registration.register(versions_url, token_a, version)
    except NotRegistered as failed:
        raise Refused(str(failed)) from None
    record(source, "register", made.platform, f"{versions_url} over OCPI {made.version}")
    return made


def unregister(source: str, platform: str, *, force: bool = False) -> str:
    """Delete the credentials at the other side and forget ours; its name. Raises Refused."""
    if roster.named(db.session(), platform) is None:
        raise NoSuchPlatform(platform)
    try:
        name = registration.unregister(platform, force=force)
    except NotRegistered as failed:
        raise Refused(str(failed)) from None
    record(source, "unregister", name, "forced" if force else None)
    return name


def sync(source: str, hub: str | None) -> list[Pull]:
    """Pull the full list now, from every hub or one; what came of each. Raises Refused."""
    wanted, shared = _hubs(hub), connections()
    pulls = Sync(_app(), shared.client, shared.vault, current_settings()).pull(wanted)
    for pull in pulls:
        said = f"{pull.received} received, {pull.changed} changed, {pull.no_longer_valid} no longer valid"
        said += f", {pull.ignored} ignored" if pull.ignored else ""
        record(source, "sync", pull.hub, pull.reason or said)
    return pulls


def _hubs(name: str | None) -> list[Platform]:
    found = hubs(db.session())
    if name is None:
        if not found:
            raise Refused("no hub to pull from yet; first: flask hubinfo register VERSIONS_URL TOKEN_A")
        return found
    hub = roster.named(db.session(), name)
    if hub is None or hub not in found:
        raise NoSuchPlatform(name, "hub")
    return [hub]


def make_api_token(source: str, name: str) -> str:
    """A bearer token for `/api`; an earlier one of this name is dead. Raises Refused for a name that cannot be kept."""
    if not name.isprintable() or not 1 <= len(name) <= access.MAX_NAME:
        raise Refused(f"name={name!r}: must have 1 to {access.MAX_NAME} printable characters")
    if name.startswith("/") or name in (".", ".."):
        raise Refused(f"name={name!r}: must fit in a URL, so it cannot begin with / or be . or ..")
    if name == access.OPERATOR:
        raise Refused(f"name={name!r}: must be another, what is done with the operator's password is recorded under this one")
    return access.make_api_token(name, lambda session: _note(session, source, "make API token", name, None))


def revoke_api_token(source: str, name: str) -> None:
    """The token of this name no longer works. Raises Refused."""
    access.revoke_api_token(name, lambda session: _note(session, source, "revoke API token", name, None))


def record(source: str, what: str, about: str | None, details: str | None) -> None:
    """Note an action in a transaction of its own, for one that was not in a transaction itself."""
    with write() as session:
        _note(session, source, what, about, details)


def _note(session: Session, source: str, what: str, about: str | None, details: str | None) -> None:
    cut = [text and text[:_MAX] for text in (about, details)]
    session.add(Action(at=clock.now(), source=source, what=what, about=cut[0], details=cut[1]))


def _app() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]
