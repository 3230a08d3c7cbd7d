"""Platforms: the connections, and making and ending one."""

from http import HTTPStatus
from typing import Any

from hubinfo.config import current_settings
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.operator import actions, reports, seen
from hubinfo.operator.api import record_shapes, shapes
from hubinfo.operator.api.answers import Failed
from hubinfo.operator.api.fields import Input, flag, one_of, token_a, versions_url
from hubinfo.operator.api.roles import needs_a_hub
from hubinfo.operator.api.routes import route
from hubinfo.operator.api.sign_in import source

_VERSION = "An OCPI version; the highest that both sides have when left out."
_REFUSED = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class ViewQuery(Input):
    """In which version."""

    version = one_of(DIALECTS, "An OCPI version; the one that the platform speaks when left out.")


class ForceQuery(Input):
    """What if the other side cannot be asked."""

    force = flag("Forget the connection also when the other side cannot be asked.")


class Registration(Input):
    """With whom to register."""

    versions_url = versions_url()
    token_a = token_a()
    version = one_of(DIALECTS, _VERSION)


@route("GET", "/platforms", returns=shapes.PlatformRow, many=True)
def platforms() -> Any:
    """Every connection, and how it is."""
    return reports.platforms()


@route(
    "POST",
    "/platforms",
    body=Registration,
    returns=record_shapes.Registered,
    http_status=HTTPStatus.CREATED,
    errors=(HTTPStatus.CONFLICT,),
)
def register(versions_url: str, token_a: str | None = None, version: str | None = None) -> Any:
    """Register this platform with another one, most often a hub; where that was done before, renew both tokens."""
    _offered(version)
    return vars(actions.register(source(), versions_url, token_a, version))


@route("DELETE", "/platforms/<platform>", query=ForceQuery, returns=record_shapes.Unregistered, errors=_REFUSED)
def unregister(platform: str, force: bool = False) -> Any:
    """Delete the credentials at the other side and forget ours."""
    return {"platform": actions.unregister(source(), platform, force=force)}


@route("GET", "/platforms/<platform>/view", query=ViewQuery, returns=record_shapes.View, errors=_REFUSED)
def view(platform: str, version: str | None = None) -> Any:
    """View as: the list exactly as that platform gets it."""
    needs_a_hub()
    _offered(version)
    return seen.seen_by(platform, version)


@route("GET", "/pushes", returns=record_shapes.Push, many=True)
def pushes() -> Any:
    """Who has not been told what, and why."""
    return reports.pushes()


def _offered(version: str | None) -> None:
    offered = current_settings().versions
    if version not in (None, *offered):
        raise Failed(HTTPStatus.BAD_REQUEST, f"version={version!r}: must be one of {', '.join(offered)}")
