"""All status changes of a party, a page at a time."""

from typing import Any

from werkzeug.wrappers import Response

from hubinfo.models import party_of
from hubinfo.operator import overview, reports
from hubinfo.operator.board import live, paging
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.party import rows_of


@blueprint.get("/parties/<country_code>/<party_id>/history")
def history(country_code: str, party_id: str) -> Response:
    """The newest ones, or those before one."""
    party = party_of(country_code, party_id)
    return live.page("history.html", "history_part.html", overview.mark, lambda: _shown(party))


def _shown(party: str) -> dict[str, Any]:
    rows = rows_of(party)
    found = reports.history(rows, paging.SIZE + 1, paging.before())
    return {"party": party, "country_code": rows[0].country_code, "party_id": rows[0].party_id, **paging.newest(found)}
