"""Registering: what a platform sends is checked by calling it back, and only then stored (OCPI 2.2.1 credentials)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hubinfo import clock
from hubinfo.database import after_commit, db, write
from hubinfo.logs import say
from hubinfo.models import Platform
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.client import Client, PeerError, Request
from hubinfo.ocpi.dialect import DIALECTS, Dialect
from hubinfo.ocpi.envelope import NoMatchingEndpoints, UnableToUseApi, Unauthorized, UnsupportedVersion
from hubinfo.ocpi.fields import MAX_URL, is_url
from hubinfo.ocpi.guard import AddressRefused
from hubinfo.ocpi.schemas import Credentials, read_endpoints, read_versions
from hubinfo.platforms import connections
from hubinfo.platforms.vault import digest, make_token

_log = logging.getLogger(__name__)
_FORMS = (TokenForm.BASE64, TokenForm.RAW)


@dataclass(frozen=True)
class Peer:
    """What the other side has shown of itself."""

    token_form: TokenForm
    receiver_url: str | None


def accept(caller: Platform, presented_hash: str, dialect: Dialect, credentials: Credentials) -> str:
    """Register the caller, or renew its credentials, and return its new token C.

    Nothing is stored unless all goes well; until then what it had goes on working. No transaction is open while it is called.
    Raises InvalidParameters, UnableToUseApi, UnsupportedVersion, NoMatchingEndpoints, and Unauthorized for the loser of a race.
    """
    rooms = connections()
    rooms.parties.refuse_taken(caller, credentials.roles)
    platform_id = caller.id
    db.session.rollback()  # ends the read transaction: the calls below may take seconds
    peer = discover(rooms.client, credentials, dialect)
    token = make_token()
    with write() as session:
        platform = session.get_one(Platform, platform_id)
        if platform.token_hash != presented_hash:
            raise Unauthorized("Authorization: this token has been replaced meanwhile")
        rooms.parties.refuse_taken(platform, credentials.roles)
        starts_anew = platform.receiver_url is None
        _store(platform, dialect, credentials, peer, token)
        rooms.parties.registered(platform, credentials.roles, starts_anew=starts_anew)
        after_commit(partial(say, _log, logging.INFO, "platform_registered", platform=platform.name, version=dialect.version))
    return token


def _store(platform: Platform, dialect: Dialect, credentials: Credentials, peer: Peer, token: str) -> None:
    platform.token_hash = digest(token)
    platform.token_out = connections().vault.encrypt(credentials.token)
    platform.token_form = peer.token_form
    platform.version = dialect.version
    platform.versions_url = credentials.url
    platform.receiver_url = peer.receiver_url
    platform.last_heard_at = clock.now()


def remove(platform_id: int, presented_hash: str) -> None:
    """Unregister: the token is dead from here on, the rows stay. Raises Unauthorized for the loser of a race."""
    with write() as session:
        platform = session.get_one(Platform, platform_id)
        if platform.token_hash != presented_hash:
            raise Unauthorized("Authorization: this token has been replaced meanwhile")
        platform.token_hash = platform.token_out = platform.receiver_url = None
        connections().parties.unregistered(platform)
        after_commit(partial(say, _log, logging.INFO, "platform_unregistered", platform=platform.name))


def discover(client: Client, credentials: Credentials, dialect: Dialect) -> Peer:
    """GET the other side's versions and details with the token it gave us, and see what it offers."""
    _check(client, credentials.url, "url")
    data, form = _get(client, credentials.url, credentials.token, "versions")
    versions = _read(read_versions, data, credentials.url)
    url = next((entry["url"] for entry in versions if entry["version"] == dialect.version), None)
    if url is None:
        raise UnsupportedVersion(_unsupported(credentials.url, versions, dialect))
    _check(client, url, f"the URL of version {dialect.version}")
    data, form = _get(client, url, credentials.token, "version details", _FORMS[_FORMS.index(form) :])
    endpoints = [entry for entry in _read(read_endpoints, data, url) if _usable(entry["url"])]
    if _find(client, endpoints, "credentials") is None:
        raise NoMatchingEndpoints(f"{url} lists no credentials endpoint that can be used")
    return Peer(form, _find(client, endpoints, "hubclientinfo", "RECEIVER"))


def _usable(url: str) -> bool:
    return len(url) <= MAX_URL and is_url(url)


def _find(client: Client, endpoints: list[dict[str, str]], identifier: str, role: str | None = None) -> str | None:
    """The URL of a module, in this role if one is named; a URL that must not be called refuses the whole handshake."""
    for endpoint in endpoints:
        if endpoint["identifier"] == identifier and role in (None, endpoint["role"]):
            _check(client, endpoint["url"], f"the URL of endpoint {identifier}")
            return endpoint["url"]
    return None


def _get(client: Client, url: str, token: str, what: str, forms: Sequence[TokenForm] = _FORMS) -> tuple[Any, TokenForm]:
    """The data, and the form of the token header with which it was given: the first that is not a 401.

    Versions may be open to all, so that the form shows only with the details.
    """
    form, *others = forms
    try:
        return client.call(Request(url=url, token=token, token_form=form)).data, form
    except PeerError as error:
        if error.http_status == 401 and others:
            return _get(client, url, token, what, others)
        raise UnableToUseApi(f"GET {what} at {url} failed: {error}") from None


def _check(client: Client, url: str, what: str) -> None:
    try:
        client.guard.check_url(url)
    except AddressRefused as refused:
        raise UnableToUseApi(f"{what}={url!r}: {refused}") from None


def _read(read: Callable[[Any], tuple[list[dict[str, str]], int]], data: Any, url: str) -> list[dict[str, str]]:
    """The usable entries; unusable ones are logged and left out (OCPI 2.2.1 transport)."""
    try:
        usable, unusable = read(data)
    except ValueError as error:
        raise UnableToUseApi(f"{url}: {error}") from None
    if unusable:
        say(_log, logging.WARNING, "entries_ignored", url=url, count=unusable)
    return usable


def _unsupported(url: str, versions: list[dict[str, str]], dialect: Dialect) -> str:
    offered = ", ".join(entry["version"][:10] for entry in versions[:10]) or "none"
    ours = ", ".join(DIALECTS)
    return f"{url} offers {offered}, not {dialect.version} to which it registers; this platform speaks {ours}"
