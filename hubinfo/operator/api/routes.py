"""A route is declared once: what is declared here is served, checked and described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from marshmallow import Schema
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from hubinfo import web
from hubinfo.operator.api import sign_in
from hubinfo.operator.api.answers import Failed, answer, error, http_error
from hubinfo.operator.api.reading import read_body, read_list, read_path, read_query
from hubinfo.operator.refused import NoSuchParty, NoSuchPlatform, Refused

F = TypeVar("F", bound=Callable[..., Any])
ROOT = "/api"
JSON = "application/json"
blueprint = Blueprint("api", __name__, url_prefix=ROOT, template_folder=".")


@dataclass(frozen=True, kw_only=True)
class Route:
    """What one method of one path takes and answers."""

    summary: str
    tag: str
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    returns: type[Schema] | None = None
    many: bool = False
    http_status: HTTPStatus = HTTPStatus.OK
    types: tuple[str, ...] = (JSON,)
    """Media types of the answer."""
    errors: tuple[HTTPStatus, ...] = ()
    """Besides those that follow from what it takes."""
    public: bool = False
    sub_request: "SubRequest | None" = None
    body_is_list: bool = False
    """Of such bodies, at most LONGEST_LIST."""


@dataclass(frozen=True, kw_only=True)
class SubRequest:
    """Asked by a reverse proxy with its caller's OCPI token and whatever query; answered by status and headers alone."""

    answers: Mapping[HTTPStatus, str]
    headers: Mapping[HTTPStatus, Mapping[str, str]]


ROUTES: dict[str, Route] = {}
"""By Flask's endpoint."""


def route(method: str, path: str, *, endpoint: str | None = None, **declared: Any) -> Callable[[F], F]:
    """Serve a function: it is given names from the path, the query and the body, and returns data or a Response.

    Its docstring is the summary, its module the tag.
    """

    def declare(function: F) -> F:
        name = endpoint or function.__name__
        summary = (function.__doc__ or "").partition("\n")[0]
        made = ROUTES[f"{blueprint.name}.{name}"] = Route(summary=summary, tag=function.__module__.rpartition(".")[2], **declared)
        blueprint.add_url_rule(path, name, _serve(function, made), methods=[method])
        return function

    return declare


def _serve(function: Callable[..., Any], declared: Route) -> Callable[..., Response]:
    query = declared.query() if declared.query else None
    body = declared.body() if declared.body else None

    def serve(**path: Any) -> Response:
        if declared.sub_request:
            given = {}
        elif body is not None and declared.body_is_list:
            given = read_query(query) | {"items": read_list(body)}
        else:
            given = read_path(path) | read_query(query) | (read_body(body) if body else {})
        data = function(**given)
        return data if isinstance(data, Response) else answer(data, declared.http_status)

    return serve


@blueprint.before_app_request
def _receive() -> Response | None:
    """Strangers learn nothing, not even which paths there are."""
    if not is_api():
        return None
    declared = ROUTES.get(request.endpoint or "")
    is_open = declared is not None and (declared.public or declared.sub_request is not None)
    refused = None if is_open else sign_in.refusal()
    if refused is None and request.routing_exception is not None:
        return http_error(request.routing_exception, f"{request.method} {request.path}")
    return refused


def is_api() -> bool:
    """Whether this request is for `/api`."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


@blueprint.errorhandler(Failed)
def _on_failed(failed: Failed) -> Response:
    return error(failed.http_status, str(failed))


@blueprint.errorhandler(Refused)
def _on_refused(refused: Refused) -> Response:
    missing = isinstance(refused, NoSuchParty | NoSuchPlatform)
    return error(HTTPStatus.NOT_FOUND if missing else HTTPStatus.CONFLICT, str(refused))


@blueprint.errorhandler(HTTPException)
def _on_http_error(exception: HTTPException) -> Response:
    if isinstance(exception, RequestEntityTooLarge):
        web.drain()
    return http_error(exception, f"{request.method} {request.path}")


@blueprint.errorhandler(Exception)
def _on_fault(fault: Exception) -> Response:
    exception = web.as_answered(fault)
    if exception.code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return error(exception.code, "internal error; the log says more")
    return http_error(exception, f"{request.method} {request.path}")
