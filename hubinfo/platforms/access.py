"""Whose request is this? Every OCPI view asks here first (OCPI 2.2.1 transport, Authorization header)."""

from dataclasses import dataclass

from flask import request
from sqlalchemy import select

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import ConnectionStatus, Platform
from hubinfo.ocpi import authorization
from hubinfo.ocpi.envelope import Forbidden, Unauthorized
from hubinfo.platforms import connections
from hubinfo.platforms.vault import digest


@dataclass(frozen=True)
class Caller:
    """A platform that presented a token we know."""

    platform: Platform
    token: str


def authenticate() -> Caller:
    """The caller, invited (token A) or registered (token C). Raises Unauthorized."""
    tokens = {digest(token): token for token in authorization.presented(request.headers.get("Authorization"))}
    platform = db.session.scalar(select(Platform).where(Platform.token_hash.in_(tokens))) if tokens else None
    if platform is None or platform.token_hash is None:
        raise Unauthorized("Authorization: must be `Token` and the credentials token in base64, one this platform knows")
    caller = Caller(platform, tokens[platform.token_hash])
    if platform.registered:
        _hear(platform)
    return caller


def authenticate_connected() -> Platform:
    """The registered, not suspended platform that calls a functional module. Raises Unauthorized or Forbidden."""
    platform = authenticate().platform
    if not platform.registered:
        raise Unauthorized("Authorization: token A is good for versions and credentials only; register first")
    if platform.status == ConnectionStatus.SUSPENDED:
        raise Forbidden(f"platform {platform.name} is suspended")
    return platform


def _hear(platform: Platform) -> None:
    if platform.status == ConnectionStatus.OFFLINE:
        with write():
            connections().parties.heard({platform.id: clock.now()})
    else:
        connections().heard.note(platform.id, clock.now())
