"""What a request brings, checked: query and body by their schemas, and the names in its path."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import request
from marshmallow import Schema

from hubinfo.models import party_of
from hubinfo.ocpi.complaints import load, load_list
from hubinfo.ocpi.envelope import InvalidParameters, NotJson
from hubinfo.ocpi.fields import is_party
from hubinfo.operator.api.answers import Failed
from hubinfo.web import json_body

LONGEST_LIST = 10_000
_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,64}")


def read_path(given: Mapping[str, Any]) -> dict[str, Any]:
    """A party as `party`, other names as they are. Raises Failed: 400 for what can be no party, 404 for what can be no name."""
    names = dict(given)
    if "party_id" in names:
        names["party"] = _party(names.pop("country_code"), names.pop("party_id"))
    for name, value in names.items():
        if _NAME.fullmatch(value) is None:
            raise Failed(HTTPStatus.NOT_FOUND, f"{name}={value[:64]!r}: there is none of this name")
    return names


def _party(country_code: str, party_id: str) -> str:
    if not is_party(country_code, party_id):
        said = f"country_code={country_code[:64]!r}, party_id={party_id[:64]!r}"
        raise Failed(HTTPStatus.BAD_REQUEST, f"{said}: must be two letters, and one to three letters or digits")
    return party_of(country_code, party_id)


def read_query(schema: Schema | None) -> dict[str, Any]:
    """The checked parameters. Raises Failed (400) for one that is wrong, unknown or given twice."""
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Failed(HTTPStatus.BAD_REQUEST, f"{name[:64]}: must be given once, not {len(values)} times")
    if schema is None:
        if request.args:
            raise Failed(HTTPStatus.BAD_REQUEST, f"{next(iter(request.args))[:64]}: is unknown; there are no parameters here")
        return {}
    return _loaded(schema, request.args.to_dict(), "the query")


def read_body(schema: Schema) -> dict[str, Any]:
    """The checked members; a body may be left out where it need not have any. Raises Failed (400, 415), or HTTP 413."""
    optional = not any(field.required for field in schema.fields.values())
    if optional and not request.get_data():
        return {}
    return _loaded(schema, _json(), "the body")


def read_list(schema: Schema) -> list[dict[str, Any]]:
    """As `read_body`, of a list of such objects."""
    try:
        return load_list(schema, _json(), "the body", LONGEST_LIST)
    except InvalidParameters as wrong:
        raise Failed(HTTPStatus.BAD_REQUEST, str(wrong)) from None


def _json() -> Any:
    if request.mimetype != "application/json":
        said = f"Content-Type={request.mimetype[:64]!r}: must be application/json"
        raise Failed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, said)
    try:
        return json_body()
    except NotJson as wrong:
        raise Failed(HTTPStatus.BAD_REQUEST, str(wrong)) from None


def _loaded(schema: Schema, data: Any, what: str) -> dict[str, Any]:
    try:
        return load(schema, data, what)
    except InvalidParameters as wrong:
        raise Failed(HTTPStatus.BAD_REQUEST, str(wrong)) from None
