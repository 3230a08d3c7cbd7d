"""The list exactly as one platform gets it."""

from typing import Any

from sqlalchemy import select

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import listing
from hubinfo.models import Platform
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.schemas import ListQuery
from hubinfo.operator.refused import NoSuchPlatform, Refused
from hubinfo.platforms import roster


def seen_by(platform: str, version: str | None = None) -> dict[str, Any]:
    """What GET hubclientinfo answers to this platform, all pages, in its version or another. Raises NoSuchPlatform, Refused."""
    found = roster.named(db.session(), platform)
    if found is None:
        raise NoSuchPlatform(platform)
    offered = current_settings().versions
    asked = version or found.version or offered[-1]
    if asked not in offered:
        raise Refused(f"version={asked!r}: must be one of {', '.join(offered)}")
    objects = listing.page(found.id, DIALECTS[asked], ListQuery(offset=0, limit=None), None).objects
    return {"platform": found.name, "version": asked, "rows": objects}


def platforms() -> list[str]:
    """Whose list there is to look at, by name."""
    return list(db.session.scalars(select(Platform.name).order_by(Platform.name)))
