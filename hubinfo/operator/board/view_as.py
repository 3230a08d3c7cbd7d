"""The list exactly as one platform gets it."""

import json
from typing import Any

from flask import abort, make_response, render_template, request
from werkzeug.wrappers import Response

from hubinfo.config import current_settings
from hubinfo.operator import seen
from hubinfo.operator.board import frame, paging
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.paging import Pages
from hubinfo.operator.output import plain
from hubinfo.operator.refused import NoSuchPlatform

FIELDS = ("country_code", "party_id", "role", "status", "last_updated")


@blueprint.get("/view-as")
def view_as() -> Response:
    """Pick a platform, and a version where it is not the one it uses."""
    if not frame.is_hub():
        abort(404)
    platform, version = request.args.get("platform") or None, _version()
    shown = _shown(platform, version) if platform else {}
    page = render_template("view_as.html", names=seen.platforms(), platform=platform, version=version, fields=FIELDS, **shown)
    return make_response(page)


def _version() -> str | None:
    version = request.args.get("version")
    return version if version in current_settings().versions else None


def _shown(platform: str, version: str | None) -> dict[str, Any]:
    try:
        found = seen.seen_by(platform, version)
    except NoSuchPlatform:
        abort(404, f"There is no platform {platform} here.")
    pages = Pages(len(found["rows"]), paging.asked())
    rows = pages.of(found["rows"])
    return {"found": found, "pages": pages, "rows": rows, "raw": json.dumps(rows, indent=2, default=plain, ensure_ascii=False)}
