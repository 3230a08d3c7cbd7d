"""Whose request is this? Known before it is routed, since every message counts as heard, also one that is answered 404."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, g, request
from sqlalchemy import select, update

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import ConnectionStatus, PendingToken, Platform
from hubinfo.ocpi import authorization
from hubinfo.ocpi.envelope import Forbidden, Unauthorized
from hubinfo.platforms import alternatives, connections
from hubinfo.platforms.vault import digest
from hubinfo.web import is_ocpi

_OFTEN = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """A platform that presented a token we know."""

    platform: Platform
    token: str
    has_own_token: bool = True
    """Not so if it presents one of those in alternatives.py: perhaps our answer was lost."""
    has_token_a: bool = False
    """It still presents the token of its invitation, though it has registered."""

    @property
    def registered(self) -> bool:
        """Whether it presents a token of credentials that were exchanged."""
        return self.platform.registered and not self.has_token_a


def init_app(app: Flask) -> None:
    """Look who calls, before every OCPI request."""
    app.before_request(_look)


def authenticate() -> Caller:
    """The caller, invited (token A) or registered (token C). Raises Unauthorized."""
    caller = g.caller
    if not isinstance(caller, Caller):
        raise Unauthorized("Authorization: must be `Token` and the credentials token in base64, one this platform knows")
    return caller


def admit() -> None:
    """Whoever may look at our versions: also a platform with which we are just registering. Raises Unauthorized."""
    if not isinstance(g.caller, Caller) and not _is_pending():
        authenticate()


def authenticate_connected() -> Platform:
    """The registered, not suspended platform that calls a functional module. Raises Unauthorized or Forbidden."""
    caller = authenticate()
    platform = caller.platform
    if not caller.registered:
        raise Unauthorized("Authorization: token A is good for versions and credentials only; register first")
    if platform.status == ConnectionStatus.SUSPENDED:
        raise Forbidden(f"platform {platform.name} is suspended")
    return platform


def _look() -> None:
    if is_ocpi():
        g.caller = _caller()
        if g.caller is not None:
            platform = g.caller.platform
            g.platform_name = platform.name  # once the session has been used again, it would cost a query
            if g.caller.registered:
                hear(platform.id, platform.status, own_token=g.caller.has_own_token)
            else:
                _note_use(platform)


def _presented() -> dict[str, str]:
    """The tokens that the Authorization header may mean (OCPI 2.2.1 transport), by their hash."""
    return {digest(token): token for token in authorization.presented(request.headers.get("Authorization"))}


def _is_pending() -> bool:
    alive = select(PendingToken.token_hash).where(PendingToken.expires_at > clock.now())
    tokens = _presented()
    return bool(tokens) and db.session.scalar(alive.where(PendingToken.token_hash.in_(tokens))) is not None


def _caller() -> Caller | None:
    tokens = _presented()
    platform = db.session.scalar(select(Platform).where(Platform.token_hash.in_(tokens))) if tokens else None
    if platform is None or platform.token_hash is None:
        return _by_alternative(tokens)
    token = tokens[platform.token_hash]
    if platform.registered and platform.token_used_at is None:
        alternatives.own_is_presented(db.session(), platform)
    return Caller(platform, token)


def _by_alternative(tokens: dict[str, str]) -> Caller | None:
    found = alternatives.find(db.session(), tokens) if tokens else None
    if found is None:
        return None
    token, has_token_a = tokens[found.token_hash], found.kind == alternatives.Kind.INVITATION
    if found.kind == alternatives.Kind.OFFERED:
        platform_id = found.platform_id
        alternatives.is_taken(found)
        return Caller(db.session.get_one(Platform, platform_id), token)
    return Caller(found.platform, token, has_own_token=False, has_token_a=has_token_a)


def hear(platform_id: int, status: str, *, own_token: bool = True) -> None:
    """A registered platform has presented its token: one that is OFFLINE is CONNECTED at once."""
    shared = connections()
    shared.heard.note(platform_id, clock.now(), own_token=own_token)
    if status == ConnectionStatus.OFFLINE:
        shared.heard.write_at_once(shared.parties)


def _note_use(platform: Platform) -> None:
    """Of token A: whoever waits for a party sees that it has got so far."""
    now = clock.now()
    if platform.token_used_at is None or now - platform.token_used_at > _OFTEN:
        with write() as session:
            session.execute(update(Platform).where(Platform.id == platform.id).values(token_used_at=now))
