"""Registering when others begin: what they send is checked by calling them back, and only then stored (OCPI 2.2.1 credentials)."""

import logging
from datetime import timedelta
from functools import partial

from hubinfo import clock
from hubinfo.database import after_commit, db, write
from hubinfo.logs import say
from hubinfo.models import Platform
from hubinfo.ocpi.dialect import Dialect
from hubinfo.ocpi.envelope import Unauthorized
from hubinfo.ocpi.schemas import Credentials
from hubinfo.platforms import alternatives, connections
from hubinfo.platforms.access import Caller
from hubinfo.platforms.alternatives import Kind
from hubinfo.platforms.discovery import Peer, discover
from hubinfo.platforms.vault import digest, make_token
from hubinfo.web import logged_ids

_log = logging.getLogger(__name__)
_TAKES_OUR_ANSWER = timedelta(seconds=1)


def accept(caller: Caller, dialect: Dialect, credentials: Credentials) -> str:
    """Register the caller, or renew its credentials, and return its new token C.

    The token that it has presented stays good until it presents the new one: our answer may be lost. Nothing is stored
    unless all goes well; until then what it had goes on working. No transaction is open while it is called.
    Raises InvalidParameters, UnableToUseApi, UnsupportedVersion, NoMatchingEndpoints, TooManyRequests and Busy where others
    register at the moment, and Unauthorized for the loser of a race.
    """
    rooms = connections()
    _refuse_what_is_not_its_own(caller.platform, credentials)
    platform_id, token_hash, kind = caller.platform.id, caller.platform.token_hash, _kind_of(caller)
    db.session.rollback()  # ends the read transaction: the calls below may take seconds
    with rooms.registrations.one(platform_id):
        peer = discover(rooms.client, credentials.url, credentials.token, (dialect.version,))
    token = make_token()
    with write() as session:
        platform = session.get_one(Platform, platform_id)
        if platform.token_hash != token_hash:
            raise Unauthorized("Authorization: this token has been replaced meanwhile")
        _refuse_what_is_not_its_own(platform, credentials)
        store(platform, peer, credentials, credentials.url, token)
        alternatives.replace(session, platform, digest(caller.token), kind)
        # It knows its new token only once it has our answer; a pull before would be refused.
        platform.next_sync_at = clock.now() + _TAKES_OUR_ANSWER
    return token


def _kind_of(caller: Caller) -> Kind:
    return Kind.REPLACED if caller.registered else Kind.INVITATION


def _refuse_what_is_not_its_own(platform: Platform, credentials: Credentials) -> None:
    parties = connections().parties
    parties.refuse_taken(platform, credentials.roles)
    parties.refuse_uninvited(platform, credentials.roles)


def store(platform: Platform, peer: Peer, credentials: Credentials, versions_url: str, token_in: str) -> None:
    """The connection as both sides agreed on it; inside write(). `token_in` is the token they present from here on."""
    starts_anew = platform.receiver_url is None
    now = clock.now()
    platform.token_hash, platform.token_made_at, platform.token_used_at = digest(token_in), now, None
    platform.token_out = connections().vault.encrypt(credentials.token)
    platform.token_out_made_at = platform.token_out_used_at = now  # we have looked at its versions with it
    platform.token_form = peer.token_form
    platform.version = peer.version
    platform.versions_url = versions_url
    platform.receiver_url, platform.sender_url = peer.receiver_url, peer.sender_url
    platform.endpoints = peer.endpoints
    platform.last_heard_at = now
    platform.failed_syncs, platform.sync_reason, platform.next_sync_at = 0, None, None
    connections().parties.registered(platform, credentials.roles, starts_anew=starts_anew)
    values = {"platform": platform.name, "version": peer.version, **logged_ids()}
    after_commit(partial(say, _log, logging.INFO, "platform_registered", **values))


def remove(caller: Platform) -> None:
    """Unregister a caller: its token is dead from here on, its rows stay. Raises Unauthorized for the loser of a race."""
    platform_id, token_hash = caller.id, caller.token_hash
    with write() as session:
        platform = session.get_one(Platform, platform_id)
        if platform.token_hash != token_hash:
            raise Unauthorized("Authorization: this token has been replaced meanwhile")
        forget(platform)


def forget(platform: Platform) -> None:
    """The credentials of both sides are gone; inside write()."""
    platform.token_hash = platform.token_out = platform.receiver_url = platform.sender_url = platform.endpoints = None
    platform.token_made_at = platform.token_used_at = platform.token_out_made_at = platform.token_out_used_at = None
    platform.failed_syncs, platform.sync_reason, platform.next_sync_at = 0, None, None
    alternatives.forget(db.session(), platform.id)
    connections().parties.unregistered(platform)
    after_commit(partial(say, _log, logging.INFO, "platform_unregistered", platform=platform.name, **logged_ids()))
