"""The board at `/`: pages for the operator, which work without JavaScript and follow what happens with it."""

from flask import Flask

from hubinfo import web
from hubinfo.operator.board import (  # noqa: F401  they declare pages and what templates use
    activity,
    availability,
    door,
    errors,
    frame,
    history,
    invite,
    known,
    parties,
    party,
    register,
    sign_in,
    steps,
    tokens,
    unregister,
    view_as,
    ways,
    words,
)
from hubinfo.operator.board.blueprint import blueprint


def init_app(app: Flask) -> None:
    """Serve the pages, and answer in their frame where there is no page."""
    app.register_blueprint(blueprint)
    web.error_page(app, "/", errors.page)
