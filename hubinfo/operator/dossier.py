"""One party in full: its rows, its connection, its history, what it was told and what not."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hubinfo.database import db
from hubinfo.models import ClientInfo, Platform
from hubinfo.operator import log_book, overview, reports
from hubinfo.operator.refused import NoSuchParty

SHOWN = 50
_OF_CONNECTION = (
    "registered",
    "invited",
    "version",
    "versions_url",
    "endpoints",
    "token_form",
    "status",
    "last_heard_at",
    "token_made_at",
    "token_used_at",
    "token_out_made_at",
    "token_out_used_at",
    "failed_probes",
    "probe_reason",
    "next_probe_at",
    "failed_pushes",
    "push_reason",
    "next_push_at",
)


def rows_of(party: str, role: str | None = None) -> list[ClientInfo]:
    """The rows of a party, in all its roles or one. Raises NoSuchParty."""
    found = select(ClientInfo).where(ClientInfo.party == party).options(joinedload(ClientInfo.platform)).order_by(ClientInfo.id)
    rows = [row for row in db.session.scalars(found) if role in (None, row.role)]
    if not rows:
        raise NoSuchParty(party, role)
    return rows


def of(party: str) -> dict[str, Any]:
    """All there is to tell of a party. Raises NoSuchParty."""
    rows = rows_of(party)
    owners = list({row.platform_id: row.platform for row in rows}.values())
    told = reports.show(rows)
    details = {row.id: row.business_details for row in rows}
    return {
        "country_code": rows[0].country_code,
        "party_id": rows[0].party_id,
        "party": party,
        "name": rows[0].business_details.get("name"),
        "rows": [row | {"business_details": details[row["id"]]} for row in overview.of_party(party)],
        "platforms": [_connection(owner, shown) for owner, shown in zip(owners, told["platforms"], strict=True)],
        "history": told["history"],
        "probes": log_book.activity(party=party, kind="probe", limit=SHOWN),
        "pushes": log_book.activity(party=party, kind="push", limit=SHOWN),
        "not_told": told["not_told"],
        "refused": told["refused"],
    }


def _connection(platform: Platform, shown: dict[str, Any]) -> dict[str, Any]:
    facts = {name: getattr(platform, name) for name in _OF_CONNECTION}
    facts["endpoints"] = platform.endpoints or []
    return {
        "platform": platform.name,
        **facts,
        "behind": shown["behind"],
        "why_not_told": reports.why_behind(platform) if shown["behind"] else None,
    }
