"""Bearer tokens for programs."""

from http import HTTPStatus
from typing import Any

from flask import Response

from hubinfo.operator import access, actions
from hubinfo.operator.api import record_shapes as shapes
from hubinfo.operator.api.answers import Failed, nothing
from hubinfo.operator.api.fields import Input, text
from hubinfo.operator.api.routes import route
from hubinfo.operator.api.sign_in import source


class NewToken(Input):
    """Whose it will be."""

    name = text(access.MAX_NAME, "Whose it is; a second token of the same name replaces the first.", required=True)


@route("GET", "/tokens", returns=shapes.Token, many=True)
def list_tokens() -> Any:
    """Every bearer token by its name, and when it was last used."""
    return access.api_tokens()


@route("POST", "/tokens", body=NewToken, returns=shapes.MadeToken, http_status=HTTPStatus.CREATED, errors=(HTTPStatus.CONFLICT,))
def make_token(name: str) -> Any:
    """Make a bearer token."""
    return {"name": name, "token": actions.make_api_token(source(), name)}


@route("DELETE", "/tokens/<path:name>", http_status=HTTPStatus.NO_CONTENT, errors=(HTTPStatus.NOT_FOUND,))
def revoke_token(name: str) -> Response:
    """Revoke a bearer token: it no longer opens anything."""
    if all(token["name"] != name for token in access.api_tokens()):
        raise Failed(HTTPStatus.NOT_FOUND, f"no token named {name!r}; GET /api/tokens lists them")
    actions.revoke_api_token(source(), name)
    return nothing()
