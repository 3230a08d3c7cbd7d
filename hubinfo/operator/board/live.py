"""Pages that stay fresh: their live part asks every second, and is sent again only when what it shows has changed."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, render_template, request

from hubinfo.operator.board import words

ASKS = "live"


def page(template: str, part: str, mark: Callable[[], str], shown: Callable[[], dict[str, Any]]) -> Response:
    """The page, or its live part alone; 304 where the browser has it as it is.

    `mark` has to be quick: it is all that happens every second. `shown` is what it stands for.
    """
    etag = _etag(mark())
    if ASKS not in request.args:
        return make_response(render_template(template, part=part, live_url=_live_url(), etag=etag, **shown()))
    if request.if_none_match.contains(etag):
        answer = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        answer = make_response(render_template("live.html", part=part, live_url=_live_url(), etag=etag, **shown()))
    answer.set_etag(etag)
    return answer


def _etag(mark: str) -> str:
    """Of all that decides what is shown: the data, what was asked for, and the minute, because of `3 min ago`."""
    text = "\n".join((mark, _live_url(), words.this_minute().isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _live_url() -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != ASKS]
    return f"{request.path}?{urlencode([*asked, (ASKS, '1')])}"
