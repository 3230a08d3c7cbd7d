"""One operation of the description, from what is declared of it."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from hubinfo.config import Settings
from hubinfo.operator.api.ocpi_operations import OcpiOperation
from hubinfo.operator.api.ocpi_shapes import Envelope
from hubinfo.operator.api.reading import LONGEST_LIST
from hubinfo.operator.api.routes import JSON, Route, SubRequest
from hubinfo.operator.api.shapes import Error

SIGNED_IN: list[dict[str, list[str]]] = [{"bearer": []}, {"password": []}]
WITH_TOKEN: list[dict[str, list[str]]] = [{"token": []}]
_ERRORS = {
    HTTPStatus.BAD_REQUEST: "A parameter or the body is wrong",
    HTTPStatus.UNAUTHORIZED: "Not signed in",
    HTTPStatus.FORBIDDEN: "From a page of another site",
    HTTPStatus.NOT_FOUND: "There is none of this name",
    HTTPStatus.CONFLICT: "It cannot be done; the message says why and what can",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More than 1 MiB",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON by its Content-Type",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many wrong passwords",
}
_OCPI_ERRORS = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON",
    HTTPStatus.UNAUTHORIZED: "No token, or none we know",
    HTTPStatus.FORBIDDEN: "The calling platform is suspended",
    HTTPStatus.NOT_FOUND: "No such version or party",
    HTTPStatus.METHOD_NOT_ALLOWED: "POST when registered already; PUT and DELETE when not",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More than 1 MiB",
}
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "How to sign in."},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "How many seconds to wait."},
    HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "The methods that are allowed."},
}
_IN_PATH = {
    "country_code": {"type": "string", "pattern": "^[A-Za-z]{2}$", "examples": ["NL"]},
    "party_id": {"type": "string", "pattern": "^[A-Za-z0-9]{1,3}$", "examples": ["TNM"]},
    "platform": {"type": "string", "minLength": 1, "maxLength": 32, "examples": ["NL-TNM"]},
    "name": {"type": "string", "minLength": 1, "maxLength": 64, "examples": ["dispatcher"]},
}


def declare_components(spec: Any) -> None:
    """How to sign in, and every error."""
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("password", {"type": "http", "scheme": "basic"})
    about = "`Token` and the credentials token in base64 (OCPI 2.2.1 transport, Authorization header)."
    spec.components.security_scheme("token", {"type": "apiKey", "in": "header", "name": "Authorization", "description": about})
    for errors, schema, prefix in ((_ERRORS, Error, ""), (_OCPI_ERRORS, Envelope, "Ocpi")):
        for http_status, description in errors.items():
            said = {"description": description, "content": {JSON: {"schema": schema}}}
            headers = _headers(_HEADERS.get(http_status, {}).items())
            spec.components.response(_error(http_status, prefix), {**said, **({"headers": headers} if headers else {})})


def _error(http_status: HTTPStatus, prefix: str = "") -> str:
    return f"{prefix}Error{int(http_status)}"


def _headers(described: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: {"description": said, "schema": {"type": "string"}} for name, said in described}


def in_path(name: str, settings: Settings) -> dict[str, Any]:
    """A name in a path."""
    schema = {"type": "string", "enum": list(settings.versions)} if name == "version" else _IN_PATH[name]
    return {"in": "path", "name": name, "required": True, "schema": schema}


def of_route(endpoint: str, route: Route, method: str) -> dict[str, Any]:
    """Of `/api`."""
    made = _common(endpoint, route.summary, route.tag, route.query, route.body)
    if route.sub_request:
        return {**made, "responses": _without_body(route.sub_request), "security": WITH_TOKEN}
    if route.body_is_list:
        _in_list(made["requestBody"]["content"][JSON])
    errors = {HTTPStatus.BAD_REQUEST, *route.errors}
    if not route.public:
        errors |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    if method != "GET":
        errors |= {HTTPStatus.FORBIDDEN}
    if route.body:
        errors |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
    responses: dict[str, Any] = {str(int(route.http_status)): _success(route)}
    responses |= {str(int(status)): _error(status) for status in sorted(errors)}
    return {**made, "responses": responses, **({"security": []} if route.public else {})}


def _without_body(declared: SubRequest) -> dict[str, Any]:
    headers = {status: _headers(declared.headers.get(status, {}).items()) for status in declared.answers}
    return {str(int(status)): {"description": said, "headers": headers[status]} for status, said in declared.answers.items()}


def _in_list(content: dict[str, Any]) -> None:
    content["schema"] = {"type": "array", "items": content["schema"], "maxItems": LONGEST_LIST}


def of_ocpi(endpoint: str, operation: OcpiOperation) -> dict[str, Any]:
    """Of `/ocpi`."""
    made = _common(endpoint, operation.summary, "ocpi", operation.query, operation.body)
    success = {"description": "Done, or an OCPI error", "content": {JSON: {"schema": operation.returns}}}
    if operation.headers:
        success["headers"] = _headers(operation.headers)
    responses: dict[str, Any] = {"200": success, **({"201": success} if operation.created else {})}
    responses |= {str(int(status)): _error(status, "Ocpi") for status in sorted(operation.errors)}
    return {**made, "responses": responses, "security": WITH_TOKEN}


def _common(endpoint: str, summary: str, tag: str, query: Any, body: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": endpoint.replace(".", "_"), "summary": summary, "tags": [tag]}
    made["parameters"] = [{"in": "query", "schema": query}] if query else []
    if body:
        required = any(field.required for field in body().fields.values())
        made["requestBody"] = {"required": required, "content": {JSON: {"schema": body}}}
    return made


def _success(route: Route) -> dict[str, Any]:
    if route.http_status is HTTPStatus.NO_CONTENT:
        return {"description": "Done"}
    schema: Any = {"type": "array", "items": route.returns} if route.many else route.returns
    content = {type_: {"schema": schema if type_ == JSON else {"type": "string"}} for type_ in route.types}
    return {"description": "Done", "content": content}
