"""Tokens beside a platform's own: an answer to credentials may be lost (OCPI 2.2.1 credentials, POST and PUT).

The token presented with credentials stays good until the one answered is first presented; the one we have sent is good from
the moment we do not know what came of it.
"""

import contextlib
from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import AlternativeToken, Platform


class Kind(StrEnum):
    """What a token was before, or may be."""

    INVITATION = "invitation"
    """Token A, with which credentials were posted: good for what token A is good for."""
    REPLACED = "replaced"
    """A token C, with which credentials were put."""
    OFFERED = "offered"
    """A token B that we have sent, and the answer did not come."""


def find(session: Session, token_hashes: Collection[str]) -> AlternativeToken | None:
    """The one that a caller presents, with its platform."""
    presented = select(AlternativeToken).where(AlternativeToken.token_hash.in_(token_hashes))
    return session.scalar(presented.options(joinedload(AlternativeToken.platform)))


def replace(session: Session, platform: Platform, token_hash: str, kind: Kind) -> None:
    """Let the platform go on with this one too, and with none of those before; inside write()."""
    forget(session, platform.id)
    session.flush()
    session.add(AlternativeToken(token_hash=token_hash, platform_id=platform.id, kind=kind))


def offer(platform_id: int, token_hash: str) -> None:
    """We have sent this token, and do not know whether the platform has taken it."""
    with write() as session:
        session.add(AlternativeToken(token_hash=token_hash, platform_id=platform_id, kind=Kind.OFFERED))


def forget(session: Session, platform_id: int) -> None:
    """No token but its own is good any more; inside write()."""
    # One by one, so that what is kept in memory of tokens is read again.
    for row in session.scalars(select(AlternativeToken).where(AlternativeToken.platform_id == platform_id)):
        session.delete(row)


def own_is_presented(session: Session, platform: Platform) -> None:
    """The platform has its new token. Asked with its first messages only: what it costs is a look.

    While the database cannot be written the others stay good, and the next message ends them.
    """
    platform_id = platform.id
    of_it = select(AlternativeToken.token_hash).where(AlternativeToken.platform_id == platform_id)
    with contextlib.suppress(SQLAlchemyError):
        if session.scalar(of_it.where(AlternativeToken.kind != Kind.OFFERED).limit(1)) is not None:
            with write() as writing:
                forget(writing, platform_id)


def is_taken(offered: AlternativeToken) -> None:
    """The platform presents the token that we had sent: so it has taken it, and from here on it is its own."""
    token_hash, platform_id = offered.token_hash, offered.platform_id
    with write() as session:
        platform = session.get_one(Platform, platform_id)
        forget(session, platform_id)
        platform.token_hash, platform.token_made_at, platform.token_used_at = token_hash, clock.now(), None
