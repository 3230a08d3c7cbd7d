"""Registering where we begin: with a token A that the other side gave us, out of band (OCPI 2.2.1 credentials, Sender)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.models import PendingToken, Platform, party_of
from hubinfo.ocpi.authorization import ALLOWED, is_token
from hubinfo.ocpi.client import PeerError, Request
from hubinfo.ocpi.dialect import DIALECTS, HUB
from hubinfo.ocpi.envelope import InvalidParameters, OcpiError, StatusCode, to_json
from hubinfo.ocpi.fields import MAX_URL
from hubinfo.ocpi.schemas import Credentials, read_credentials
from hubinfo.platforms import alternatives, connections, handshake, own, roster
from hubinfo.platforms.discovery import MODULE, Peer, discover
from hubinfo.platforms.vault import TokenUnreadable, digest, make_token

_PENDING_SECONDS = 60


class NotRegistered(Exception):
    """Registering or unregistering failed, and nothing was stored; the message says why and what can be done."""


class OutcomeUnknown(NotRegistered):
    """The other side has our credentials, and may or may not have taken them: no answer came, or none of use."""


@dataclass(frozen=True)
class Registered:
    """A connection, new or renewed."""

    platform: str
    version: str
    endpoints: list[dict[str, str]]


@dataclass(frozen=True)
class _Before:
    """The connection there is already at this versions URL, or none; and the token that opens it."""

    platform_id: int | None
    token_out: str | None
    token: str


def register(versions_url: str, token_a: str | None, version: str | None = None) -> Registered:
    """Register with the platform at this versions URL; where we are connected already, renew (PUT) with the stored token.

    The other side calls us back meanwhile, so this platform has to be serving at PUBLIC_URL. Raises NotRegistered.
    """
    before = _before(versions_url, token_a)
    peer = _look_at(versions_url, before, (version,) if version else current_settings().versions)
    with _pending_token() as token_b:
        try:
            granted = _exchange(peer, before, token_b)
        except OutcomeUnknown:
            if before.platform_id is not None:
                alternatives.offer(before.platform_id, digest(token_b))
            raise
        try:
            _refuse_what_is_no_hub(granted)
            name = _store(peer, before, granted, versions_url, token_b)
        except InvalidParameters as refused:
            taken_back = _take_back(peer, before, granted)
            raise NotRegistered(f"{versions_url} names as its roles what cannot be: {refused}{taken_back}") from None
    return Registered(name, peer.version, peer.endpoints)


def unregister(name: str, *, force: bool = False) -> str:
    """DELETE our credentials at the other side and forget ours; its rows stay, SUSPENDED. Raises NotRegistered.

    A side that no longer knows us is forgotten as well; with `force` also one that cannot be asked.
    """
    platform = roster.named(db.session(), name)
    if platform is None or not platform.registered:
        raise NotRegistered(f"no connection named {name}; flask hubinfo platforms lists them")
    platform_id, shown = platform.id, platform.name
    try:
        _delete(platform)
    except NotRegistered:
        if not force:
            raise
    with write() as session:
        handshake.forget(session.get_one(Platform, platform_id))
    return shown


def _before(versions_url: str, token_a: str | None) -> _Before:
    if len(versions_url) > MAX_URL:
        raise NotRegistered(f"VERSIONS_URL={versions_url[:60]}…: must have at most {MAX_URL} characters, not {len(versions_url)}")
    if versions_url.rstrip("/") == current_settings().versions_url:
        raise NotRegistered(f"{versions_url} is this platform itself")
    platform = roster.registered_at(db.session(), versions_url)
    try:
        found = (platform.id, platform.token_out, _token_of(platform)) if platform else None
    finally:
        db.session.rollback()  # ends the read transaction: what follows may take seconds
    if found is not None:
        return _Before(*found)
    if token_a is not None and not is_token(token_a):
        raise NotRegistered(f"TOKEN_A: must be {ALLOWED}")
    if token_a is None:
        raise NotRegistered(f"not registered at {versions_url} yet, so TOKEN_A is needed; whoever runs it has to give it to you")
    return _Before(None, None, token_a)


def _token_of(platform: Platform) -> str:
    try:
        return connections().vault.decrypt(platform.token_out or "")
    except TokenUnreadable as error:
        raise NotRegistered(f"{error}; unregister with --force, then register with a new TOKEN_A") from None


def _look_at(versions_url: str, before: _Before, versions: Sequence[str]) -> Peer:
    try:
        peer = discover(connections().client, versions_url, before.token, versions)
    except OcpiError as error:
        cause = error.__cause__
        hint = _about_401(before) if isinstance(cause, PeerError) and cause.http_status == 401 else ""
        raise NotRegistered(f"{error}{hint}") from None
    if peer.sender_url is None and HUB not in current_settings().roles:
        raise NotRegistered(f"{versions_url} lists no {MODULE} with role SENDER in {peer.version}, so it is not a hub")
    return peer


def _about_401(before: _Before) -> str:
    if before.platform_id is not None:
        return "; the other side no longer knows the stored token: unregister with --force, then register with a new TOKEN_A"
    return "; the token is wrong or was used already: ask for a new one"


@contextmanager
def _pending_token() -> Iterator[str]:
    """A token B that opens our versions while the other side decides; whichever process it asks."""
    token = make_token()
    seconds = _PENDING_SECONDS + 2 * current_settings().request_timeout_seconds
    with write() as session:
        session.execute(delete(PendingToken).where(PendingToken.expires_at < clock.now()))
        session.add(PendingToken(token_hash=digest(token), expires_at=clock.now() + timedelta(seconds=seconds)))
    try:
        yield token
    except OutcomeUnknown:
        raise  # it is good for as long as it would have been
    except BaseException:
        _end(token)
        raise
    _end(token)


def _end(token: str) -> None:
    with write() as session:
        session.execute(delete(PendingToken).where(PendingToken.token_hash == digest(token)))


def _exchange(peer: Peer, before: _Before, token_b: str) -> Credentials:
    """POST or PUT our credentials and read theirs."""
    dialect = DIALECTS[peer.version]
    method = "POST" if before.platform_id is None else "PUT"
    said = own.credentials(token_b, dialect, before.platform_id)
    try:
        answer = connections().client.call(_request(peer, before.token, method, said))
    except PeerError as error:
        failed = f"{method} credentials at {peer.credentials_url} failed: {error}"
        if error.http_status is None or (error.answered_wrongly and error.status_code is None):
            raise OutcomeUnknown(f"{failed}; it may have taken them all the same: register again") from None
        raise NotRegistered(f"{failed}{_hint(error)}") from None
    try:
        return read_credentials(answer.data, dialect, strict=current_settings().strict)
    except InvalidParameters as error:
        raise OutcomeUnknown(
            f"{method} credentials at {peer.credentials_url} was answered with credentials of no use: {error}"
        ) from None


def _request(peer: Peer, token: str, method: str, said: Any = None) -> Request:
    body = None if said is None else to_json(said)
    return Request(method=method, url=peer.credentials_url, token=token, token_form=peer.token_form, body=body)


def _hint(error: PeerError) -> str:
    url = current_settings().versions_url
    if error.status_code == StatusCode.UNABLE_TO_USE_API:
        return f"; it could not call us back at {url}: check that PUBLIC_URL leads here and that this platform is serving"
    if error.http_status == 405:
        return "; it has us registered already: ask its operator to remove that connection and for a new TOKEN_A"
    if error.http_status == 401:
        return "; the token is wrong or was used already: ask for a new one"
    return ""


def _refuse_what_is_no_hub(granted: Credentials) -> None:
    """A party has nothing to hear from a platform that is no hub. Raises InvalidParameters."""
    roles = [role.role for role in granted.roles]
    if HUB not in current_settings().roles and HUB not in roles:
        raise InvalidParameters(
            f"roles={', '.join(roles)}: must name HUB (in 2.3.0 there must be a hub_party_id), so it is not a hub"
        )


def _store(peer: Peer, before: _Before, granted: Credentials, versions_url: str, token_b: str) -> str:
    """Raises InvalidParameters for roles that others hold, NotRegistered when the connection was changed meanwhile."""
    with write() as session:
        if before.platform_id is None:
            first = granted.roles[0]
            party = party_of(first.country_code, first.party_id)
            platform = roster.waiting_for(session, granted.roles) or roster.new(session, party)
        else:
            platform = session.get_one(Platform, before.platform_id)
        if platform.token_out != before.token_out:
            raise NotRegistered(f"the credentials of {platform.name} were changed by another meanwhile; register again")
        connections().parties.refuse_taken(platform, granted.roles)
        alternatives.forget(session, platform.id)
        handshake.store(platform, peer, granted, versions_url, token_b)
        return platform.name


def _take_back(peer: Peer, before: _Before, granted: Credentials) -> str:
    """The other side thinks that we are registered: say that we are not. A renewed connection cannot be as it was before."""
    if before.platform_id is not None:
        return "; the connection has to be made anew: unregister with --force"
    try:
        connections().client.call(_request(peer, granted.token, "DELETE"))
    except PeerError as error:
        return f"; our credentials are still there, taking them back failed: {error}"
    return "; our credentials there were taken back"


def _delete(platform: Platform) -> None:
    token, url, version = _token_of(platform), platform.versions_url or "", platform.version or ""
    db.session.rollback()
    try:
        peer = discover(connections().client, url, token, (version,))
        connections().client.call(_request(peer, token, "DELETE"))
    except (OcpiError, PeerError) as error:
        cause = error.__cause__ if isinstance(error, OcpiError) else error
        gone = isinstance(cause, PeerError) and cause.http_status in (401, 405)
        if not gone:
            raise NotRegistered(f"{error}; with --force ours are forgotten all the same") from None
