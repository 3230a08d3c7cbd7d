"""Who may use `/api`: the operator, by password, and programs, by a bearer token made with `flask hubinfo api-token`."""

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Request
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.models import ApiToken
from hubinfo.operator.refused import Refused
from hubinfo.platforms.vault import digest, make_token

OPERATOR = "operator"
PASSWORD_FILE = "operator.password"  # noqa: S105
MAX_NAME = 64
_OFTEN = timedelta(minutes=1)


def make_api_token(name: str, note: Callable[[Session], None]) -> str:
    """A new token; an earlier one of this name is dead. `note` is called in the same transaction."""
    token = make_token()
    with write() as session:
        session.merge(ApiToken(name=name, token_hash=digest(token), created_at=clock.now(), last_used_at=None))
        note(session)
    return token


def revoke_api_token(name: str, note: Callable[[Session], None]) -> None:
    """It no longer works. `note` is called in the same transaction. Raises Refused."""
    with write() as session:
        token = session.get(ApiToken, name)
        if token is None:
            raise Refused(f"no API token named {name}; flask hubinfo api-tokens lists them")
        session.delete(token)
        note(session)


def api_tokens() -> list[dict[str, Any]]:
    """Whose tokens there are; never a token."""
    rows = db.session.scalars(select(ApiToken).order_by(ApiToken.name))
    return [{"name": row.name, "created_at": row.created_at, "last_used_at": row.last_used_at} for row in rows]


def signed_in(request: Request) -> str | None:
    """Who asks, as actions are recorded: by the operator's password (HTTP Basic) or a token we know (Bearer); None: a stranger."""
    presented = request.authorization
    if presented is None:
        return None
    if presented.type == "bearer" and presented.token:
        return _bearer(presented.token)
    if presented.type != "basic" or presented.username != OPERATOR:
        return None
    return f"api: {OPERATOR}" if is_password(presented.password or "") else None


def is_password(given: str) -> bool:
    """Whether this is the operator's; takes as long for one that is nearly right."""
    return hmac.compare_digest(given.encode(), operator_password().encode())


def _bearer(token: str) -> str | None:
    found = db.session.scalar(select(ApiToken).where(ApiToken.token_hash == digest(token)))
    if found is None:
        return None
    name, now = found.name, clock.now()
    if found.last_used_at is None or now - found.last_used_at > _OFTEN:
        with write() as session:  # it may be revoked meanwhile: `found` is not to be read again
            session.execute(update(ApiToken).where(ApiToken.name == name).values(last_used_at=now))
    return f"api: {name}"


def operator_password() -> str:
    """As set, or as made at the first start. Raises OSError when there is none yet."""
    settings = current_settings()
    return settings.operator_password or (settings.instance_path / PASSWORD_FILE).read_text().strip()
