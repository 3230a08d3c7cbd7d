"""/healthz and /readyz, for whatever watches over the process."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hubinfo import schema
from hubinfo.config import SettingsError
from hubinfo.database import db
from hubinfo.lease import is_held
from hubinfo.models import Platform
from hubinfo.platforms import connections

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process is up."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Database, schema, background work and its key are fine; 503 with the reason when not."""
    reason = why_not_ready()
    if reason is not None:
        return jsonify(status="not ready", reason=reason), HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status="ready"), HTTPStatus.OK


def why_not_ready() -> str | None:
    """What is wrong, or None."""
    try:
        schema.check()
        return why_no_background_work() or why_no_tokens()
    except (schema.SchemaError, SettingsError) as error:
        return str(error)
    except SQLAlchemyError as error:
        return f"database: {type(error).__name__}"


def why_no_background_work() -> str | None:
    """Whether some process holds the lease, and whether this one, if it serves, has its thread."""
    worker: Any = current_app.extensions.get("hubinfo.worker")
    if worker is not None and not worker.alive:
        return "background work: the thread of this process has ended"
    if not is_held(db.session()):
        return "background work: no process is doing it"
    return None


def why_no_tokens() -> str | None:
    """Whether our key reads none of the tokens to be sent. One will do: those of lost keys stay until their parties are back."""
    stored = _stored_tokens()
    if not stored or any(map(connections().vault.can_read, stored)):
        return None
    return f"secrets: none of the {len(stored)} stored tokens can be decrypted; SECRET_KEY is another one"


def unreadable_tokens() -> int:
    """How many of the tokens to be sent our key cannot read."""
    return sum(not connections().vault.can_read(token) for token in _stored_tokens())


def _stored_tokens() -> list[str]:
    stored = db.session.scalars(select(Platform.token_out).where(Platform.token_out.is_not(None)).order_by(Platform.id))
    return [token or "" for token in stored]
