"""Who may use `/api`: the operator, by password, and programs, by a bearer token made with `flask hubinfo api-token`."""

import hmac

from flask import Request
from sqlalchemy import select

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.models import ApiToken
from hubinfo.platforms.vault import digest, make_token

OPERATOR = "operator"
PASSWORD_FILE = "operator.password"  # noqa: S105
MAX_NAME = 64


def make_api_token(name: str) -> str:
    """A new token; an earlier one of this name is dead."""
    token = make_token()
    with write() as session:
        session.merge(ApiToken(name=name, token_hash=digest(token), created_at=clock.now()))
    return token


def signed_in(request: Request) -> bool:
    """Whether the request carries the operator's password (HTTP Basic) or a token we know (Bearer)."""
    presented = request.authorization
    if presented is None:
        return False
    if presented.type == "bearer" and presented.token:
        found = db.session.scalar(select(ApiToken.name).where(ApiToken.token_hash == digest(presented.token)))
        return found is not None
    if presented.type != "basic" or presented.username != OPERATOR:
        return False
    return hmac.compare_digest((presented.password or "").encode(), operator_password().encode())


def operator_password() -> str:
    """As set, or as made at the first start. Raises OSError when there is none yet."""
    settings = current_settings()
    return settings.operator_password or (settings.instance_path / PASSWORD_FILE).read_text().strip()
