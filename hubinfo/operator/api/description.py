"""The OpenAPI 3.1 description: every route there is, from what is declared of it."""

import re
from importlib.metadata import version
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from hubinfo import web
from hubinfo.config import Settings
from hubinfo.operator.api import operations
from hubinfo.operator.api.ocpi_operations import OPERATIONS
from hubinfo.operator.api.routes import ROOT, ROUTES

OPENAPI = "3.1.0"
_KEY = "hubinfo.api.description"
_IMPLIED = {"HEAD", "OPTIONS"}
_TAGS = {
    "parties": "Who there is, and what can be done with each",
    "connected": "Platforms: the connections",
    "records": "What was sent, asked and done",
    "history": "Availability",
    "heard": "Presence from real traffic, for proxies and routers",
    "reached": "The party's side: what hubs told",
    "tokens": "Bearer tokens",
    "pages": "This description",
    "ocpi": "OCPI, for other platforms",
}
_ABOUT = """\
Every view and every action of the operator's board, for programs. Sign in with a bearer token, or with HTTP Basic as `operator`.
An error is `{"error": message}`; the message names what was wrong, its value and what is allowed.
A parameter that is unknown, or given twice, is an error too.
The paths under `/ocpi`, and `GET /api/heard`, are for other platforms, with a credentials token; answers
under `/ocpi` come in OCPI's envelope."""


def of(app: Flask) -> dict[str, Any]:
    """Made when it is first asked for, then kept."""
    if _KEY not in app.extensions:
        app.extensions[_KEY] = _describe(app)
    found = app.extensions[_KEY]
    assert isinstance(found, dict)
    return found


def forget(app: Flask) -> None:
    """Have it made anew when it is next asked for: it names the settings."""
    app.extensions.pop(_KEY, None)


def _describe(app: Flask) -> dict[str, Any]:
    from apispec import APISpec  # takes a tenth of a second, which a command need not wait for
    from apispec.ext.marshmallow import MarshmallowPlugin

    settings = app.extensions["hubinfo.settings"]
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    options = {"info": {"description": _ABOUT}, "servers": [{"url": settings.public_url}], "security": operations.SIGNED_IN}
    spec = APISpec("hubinfo", version("hubinfo"), OPENAPI, plugins=[plugin], **options)
    operations.declare_components(spec)
    for path, described in _paths(app, settings).items():
        spec.path(path=path, operations=described)
    found = spec.to_dict()
    used = {operation["tags"][0] for methods in found["paths"].values() for operation in methods.values()}
    return {**found, "tags": [{"name": name, "description": said} for name, said in _TAGS.items() if name in used]}


def _name(schema: Any) -> str:
    made = schema if isinstance(schema, type) else type(schema)
    return str(made.__name__)


def _paths(app: Flask, settings: Settings) -> dict[str, dict[str, Any]]:
    """The operations of each path; KeyError for a route that nobody has described."""
    found: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith((f"{ROOT}/", f"{web.ROOT}/")):
            for method in sorted((rule.methods or set()) - _IMPLIED):
                found.setdefault(_template(rule), {})[method.lower()] = _operation(rule, method, settings)
    return found


def _template(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operation(rule: Rule, method: str, settings: Settings) -> dict[str, Any]:
    if rule.endpoint in ROUTES:
        made = operations.of_route(rule.endpoint, ROUTES[rule.endpoint], method)
    else:
        made = operations.of_ocpi(rule.endpoint, OPERATIONS[rule.endpoint])
    names = re.findall(r"<(?:\w+:)?(\w+)>", rule.rule)
    return {**made, "parameters": [*(operations.in_path(name, settings) for name in names), *made["parameters"]]}
