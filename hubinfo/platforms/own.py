"""What this platform says of itself when it registers, or others do (OCPI 2.2.1 credentials; 2.3.0 hub_party_id)."""

from collections.abc import Sequence
from typing import Any

from hubinfo.config import Settings, current_settings
from hubinfo.database import db
from hubinfo.models import ClientInfo
from hubinfo.ocpi.dialect import HUB, Dialect
from hubinfo.platforms import connections

_KINDS = ("gif", "jpeg", "jpg", "png", "svg", "webp")


def credentials(token: str, dialect: Dialect, platform_id: int | None) -> dict[str, Any]:
    """Our credentials object for a platform (None: one we do not know yet); ends the read transaction."""
    settings = current_settings()
    said: dict[str, Any] = {"token": token, "url": settings.versions_url, "roles": _own_roles(settings, settings.roles)}
    if dialect.hub_lists_parties and HUB in settings.roles:
        own = _own_roles(settings, [role for role in settings.roles if role != HUB])
        visible = [_role(row, dialect) for row in connections().parties.visible_to(platform_id)]
        said["roles"] = _once(own + visible) or _own_roles(settings, [dialect.hub_shown_as])
        said["hub_party_id"] = f"{settings.country_code}{settings.party_id}"
    db.session.rollback()
    return said


def _own_roles(settings: Settings, roles: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "role": role,
            "party_id": settings.party_id,
            "country_code": settings.country_code,
            "business_details": _complete({"name": settings.name, "website": settings.website, "logo": _logo(settings)}),
        }
        for role in roles
    ]


def _logo(settings: Settings) -> dict[str, Any] | None:
    """An Image (OCPI 2.2.1 types), of the company that runs this platform."""
    if settings.logo_url is None:
        return None
    kind = settings.logo_url.rpartition(".")[2].lower()
    return {"url": settings.logo_url, "category": "OPERATOR", "type": kind if kind in _KINDS else "png"}


def _complete(details: dict[str, Any]) -> dict[str, Any]:
    """What is not there is null: peers with strict models want to see it, and OCPI lets them."""
    return details | {name: details.get(name) for name in ("website", "logo")}


def _once(roles: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A party with the roles HUB and OTHER would be there twice as OTHER, which others may refuse, as we do."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for role in roles:
        found.setdefault((role["role"], role["country_code"], role["party_id"]), role)
    return list(found.values())


def _role(row: ClientInfo, dialect: Dialect) -> dict[str, Any]:
    return {
        "role": dialect.role_out(row.role),
        "party_id": row.party_id,
        "country_code": row.country_code,
        "business_details": _complete(row.business_details),
    }
