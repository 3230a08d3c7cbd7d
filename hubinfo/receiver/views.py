"""PUT and GET of one party: what a hub tells us, and what we have kept of it (OCPI 2.2.1 hubclientinfo, Receiver interface)."""

from http import HTTPStatus

from flask import Blueprint, Flask, Response, request

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.models import Known, Platform, party_of
from hubinfo.ocpi.envelope import InvalidParameters, NotFound, OcpiError
from hubinfo.ocpi.fields import is_party
from hubinfo.ocpi.schemas import read_client_info, read_role
from hubinfo.platforms import roster
from hubinfo.platforms.access import authenticate_connected
from hubinfo.platforms.discovery import MODULE
from hubinfo.platforms.views import dialect_of, offer
from hubinfo.receiver import known
from hubinfo.web import ROOT, answer, json_body

# Not the Sender's path: a platform that is hub and party at once serves both, and GET of one party means another thing there.
PATH = f"receiver/{MODULE}"
blueprint = Blueprint("receiver", __name__, url_prefix=ROOT)


def init_app(app: Flask) -> None:
    """Register the views and list the module."""
    offer(app, MODULE, "RECEIVER", PATH)
    app.register_blueprint(blueprint)


@blueprint.put(f"/<version>/{PATH}/<country_code>/<party_id>")
def put_one(version: str, country_code: str, party_id: str) -> Response:
    """PUT a new or changed ClientInfo; its role picks the row."""
    hub = _calling_hub()
    dialect = dialect_of(version)
    told = read_client_info(json_body(), dialect, strict=current_settings().strict)
    if not is_party(country_code, party_id) or party_of(told.country_code, told.party_id) != party_of(country_code, party_id):
        said = f"country_code={told.country_code!r}, party_id={told.party_id!r}"
        raise InvalidParameters(f"{said}: must be {country_code!r} and {party_id!r}, as in the URL")
    created = known.store(hub, told)
    return answer(http_status=HTTPStatus.CREATED if created else HTTPStatus.OK)


@blueprint.get(f"/<version>/{PATH}/<country_code>/<party_id>")
def get_one(version: str, country_code: str, party_id: str) -> Response:
    """GET what this hub has told; of several roles the one updated last, or the one that `role` names."""
    hub = _calling_hub()
    dialect = dialect_of(version)
    role = read_role(request.args["role"], dialect) if "role" in request.args else None
    party = party_of(country_code, party_id)
    row = known.stored(hub.id, party, dialect.roles_in(role) if role else None) if is_party(country_code, party_id) else None
    if row is None:
        raise NotFound(f"no such party: {party}")
    return answer(_client_info(row, dialect.role_out(row.role)))


def _calling_hub() -> Platform:
    """Raises OcpiError (2000) for a platform that is not a hub: it has nothing to tell us of others."""
    platform = authenticate_connected()
    if not roster.is_hub(platform):
        raise OcpiError(f"platform {platform.name} is not a hub: its credentials name no role HUB (2.3.0: no hub_party_id)")
    return platform


def _client_info(row: Known, role: str) -> dict[str, str]:
    return {
        "country_code": row.country_code,
        "party_id": row.party_id,
        "role": role,
        "status": row.status,
        "last_updated": clock.render(row.last_updated),
    }
