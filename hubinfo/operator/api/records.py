"""What was sent, asked and done."""

from typing import Any

from hubinfo.operator import log_book
from hubinfo.operator.api import record_shapes, shapes
from hubinfo.operator.api.fields import Input, before, limit, one_of, party
from hubinfo.operator.api.routes import route


class ActionsQuery(Input):
    """Which of the recorded actions."""

    party = party()
    before = before()
    limit = limit()


class ActivityQuery(ActionsQuery):
    """Which of the pushes and probes."""

    kind = one_of(("push", "probe"), "Only these.")


@route("GET", "/activity", query=ActivityQuery, returns=shapes.Activity, many=True)
def activity(**wanted: Any) -> Any:
    """Pushes and probes, newest first: how each ended and how long it took."""
    return log_book.activity(**wanted)


@route("GET", "/actions", query=ActionsQuery, returns=record_shapes.Action, many=True)
def list_actions(**wanted: Any) -> Any:
    """What operators and programs have done, newest first."""
    return log_book.actions(**wanted)
