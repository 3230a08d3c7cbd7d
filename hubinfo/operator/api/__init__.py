"""`/api`: JSON for programs of this platform's own."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, request

from hubinfo.models import party_of
from hubinfo.ocpi.dialect import ROLES
from hubinfo.ocpi.fields import is_party
from hubinfo.operator.access import signed_in
from hubinfo.operator.output import plain
from hubinfo.receiver import known

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.before_request
def _sign_in() -> Response | None:
    if signed_in(request):
        return None
    refused = _error(HTTPStatus.UNAUTHORIZED, "Authorization: must be Bearer and a token, or Basic, operator and the password")
    refused.headers.extend([("WWW-Authenticate", 'Bearer realm="hubinfo"'), ("WWW-Authenticate", 'Basic realm="hubinfo"')])
    return refused


@blueprint.get("/reachable/<country_code>/<party_id>")
def reachable(country_code: str, party_id: str) -> Response:
    """Whether we may send to a party now, and through which hub; `role` asks for one of its roles."""
    role = request.args.get("role")
    if role is not None and role not in ROLES:
        return _error(HTTPStatus.BAD_REQUEST, f"role={role!r}: must be one of {', '.join(ROLES)}")
    if not is_party(country_code, party_id):
        allowed = "must be two letters, and three letters or digits"
        return _error(HTTPStatus.BAD_REQUEST, f"country_code={country_code!r}, party_id={party_id!r}: {allowed}")
    found = known.reachable(party_of(country_code, party_id), role)
    return _answer({name: plain(value) for name, value in vars(found).items()})


def _answer(data: Any) -> Response:
    answer = jsonify(data)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _error(http_status: HTTPStatus, message: str) -> Response:
    answer = _answer({"error": message})
    answer.status_code = http_status
    return answer
