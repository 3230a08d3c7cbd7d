"""GET hubclientinfo: the list and, as an extension, a single party (OCPI 2.2.1 hubclientinfo, Sender interface)."""

from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, request
from sqlalchemy import select

from hubinfo.config import current_settings
from hubinfo.database import db
from hubinfo.hub import feed
from hubinfo.hub.listing import client_info, page
from hubinfo.models import ClientInfo, party_of
from hubinfo.ocpi.envelope import NotFound
from hubinfo.ocpi.fields import is_party
from hubinfo.ocpi.schemas import read_list_query, read_role
from hubinfo.platforms.access import authenticate_connected
from hubinfo.platforms.discovery import MODULE
from hubinfo.platforms.views import dialect_of, offer, version_url
from hubinfo.web import ROOT, answer

blueprint = Blueprint("hub", __name__, url_prefix=ROOT)


def init_app(app: Flask) -> None:
    """Register the views and list the module."""
    offer(app, MODULE, "SENDER", MODULE)
    app.register_blueprint(blueprint)


@blueprint.get(f"/<version>/{MODULE}")
def get_list(version: str) -> Response:
    """GET the other parties, paginated."""
    caller = authenticate_connected()
    dialect = dialect_of(version)
    query = read_list_query(request.args, strict=current_settings().strict)
    limit = min(query.limit or current_settings().page_limit, current_settings().page_limit)
    listing = page(caller.id, dialect, query, limit)
    headers = {"X-Total-Count": str(listing.total), "X-Limit": str(current_settings().page_limit)}
    if query.offset + limit < listing.total:
        headers["Link"] = f'<{_next_url(version, query.offset + limit, limit)}>; rel="next"'
    return answer(listing.objects, headers=headers)


@blueprint.get(f"/<version>/{MODULE}/<country_code>/<party_id>")
def get_one(version: str, country_code: str, party_id: str) -> Response:
    """GET one party; of several roles the one updated last, or the one that `role` names."""
    caller = authenticate_connected()
    dialect = dialect_of(version)
    wanted = [feed.visible(caller.id), ClientInfo.party == party_of(country_code, party_id)]
    if "role" in request.args:
        wanted.append(ClientInfo.role.in_(dialect.roles_in(read_role(request.args["role"], dialect))))
    latest = select(ClientInfo).where(*wanted).order_by(ClientInfo.last_updated.desc(), ClientInfo.revision.desc())
    row = db.session.scalar(latest.limit(1)) if is_party(country_code, party_id) else None
    if row is None:
        raise NotFound(f"no such party: {party_of(country_code, party_id)}")
    return answer(client_info(row, dialect))


def _next_url(version: str, offset: int, limit: int) -> str:
    """The following page, with the filters as they came."""
    filters = {name: request.args[name] for name in ("date_from", "date_to") if name in request.args}
    query = urlencode({**filters, "offset": offset, "limit": limit})
    return f"{version_url(current_settings(), version)}/{MODULE}?{query}"
