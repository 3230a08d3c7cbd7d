"""Versions, version details and credentials (OCPI 2.2.1 versions, credentials)."""

from flask import Blueprint, Flask, Response, current_app, g

from hubinfo.config import Settings, current_settings
from hubinfo.models import Platform
from hubinfo.ocpi.dialect import DIALECTS, Dialect
from hubinfo.ocpi.envelope import MethodNotAllowed, NotFound, Unauthorized
from hubinfo.ocpi.schemas import read_credentials
from hubinfo.platforms import handshake, own
from hubinfo.platforms.access import Caller, admit, authenticate
from hubinfo.web import ROOT, answer, json_body

MODULES = "hubinfo.modules"
_INVITED = "POST"
_REGISTERED = "GET, HEAD, PUT, DELETE"
blueprint = Blueprint("platforms", __name__, url_prefix=ROOT)


def init_app(app: Flask) -> None:
    """Register the views; other rooms add their modules with `offer`."""
    app.extensions[MODULES] = [("credentials", "SENDER", "credentials")]
    app.register_blueprint(blueprint)


def offer(app: Flask, identifier: str, role: str, path: str) -> None:
    """List a module in the version details, with its path below the version's URL."""
    app.extensions[MODULES].append((identifier, role, path))


def dialect_of(version: str) -> Dialect:
    """The version in a URL. Raises NotFound for one that is not offered."""
    if version not in current_settings().versions:
        raise NotFound(f"version={version!r}: must be one of {', '.join(current_settings().versions)}")
    return DIALECTS[version]


def version_url(settings: Settings, version: str) -> str:
    """Where a version's details are."""
    return f"{settings.public_url}{ROOT}/{version}"


def shown_versions(platform: Platform) -> list[str]:
    """Those offered to this platform: some peers refuse a whole versions list because of one that they do not know."""
    offered = current_settings().versions
    return [version for version in offered if platform.versions_shown is None or version in platform.versions_shown]


@blueprint.get("/versions")
def versions() -> Response:
    """GET versions: for a platform that was invited to some of them only, those."""
    admit()
    settings = current_settings()
    shown = shown_versions(g.caller.platform) if g.caller is not None else settings.versions
    return answer([{"version": version, "url": version_url(settings, version)} for version in shown])


@blueprint.get("/<version>")
def details(version: str) -> Response:
    """GET version details."""
    admit()
    dialect_of(version)
    base = version_url(current_settings(), version)
    modules: list[tuple[str, str, str]] = current_app.extensions[MODULES]
    endpoints = [{"identifier": module, "role": role, "url": f"{base}/{path}"} for module, role, path in modules]
    return answer({"version": version, "endpoints": endpoints})


@blueprint.get("/<version>/credentials")
def get_credentials(version: str) -> Response:
    """GET credentials: for a registered caller, with the token it presents (we keep only its hash)."""
    caller = authenticate()
    dialect = dialect_of(version)
    if not caller.registered:
        raise Unauthorized("Authorization: token A is good for versions and POST credentials only; register first")
    return answer(own.credentials(caller.token, dialect, caller.platform.id))


@blueprint.post("/<version>/credentials")
def post_credentials(version: str) -> Response:
    """POST credentials: register with token A."""
    caller = authenticate()
    dialect = dialect_of(version)
    if caller.registered:
        raise MethodNotAllowed(f"platform {caller.platform.name} is registered; PUT changes its credentials", allowed=_REGISTERED)
    return _accept(caller, dialect)


@blueprint.put("/<version>/credentials")
def put_credentials(version: str) -> Response:
    """PUT credentials: new tokens, possibly other roles and another version."""
    caller = authenticate()
    dialect = dialect_of(version)
    if not caller.registered:
        raise MethodNotAllowed("not registered yet; POST registers", allowed=_INVITED)
    return _accept(caller, dialect)


@blueprint.delete("/<version>/credentials")
def delete_credentials(version: str) -> Response:
    """DELETE credentials: unregister."""
    caller = authenticate()
    dialect_of(version)
    if not caller.registered:
        raise MethodNotAllowed("not registered, so there is nothing to delete", allowed=_INVITED)
    handshake.remove(caller.platform)
    return answer()


def _accept(caller: Caller, dialect: Dialect) -> Response:
    credentials, platform_id = read_credentials(json_body(), dialect, strict=current_settings().strict), caller.platform.id
    token = handshake.accept(caller, dialect, credentials)
    return answer(own.credentials(token, dialect, platform_id))
