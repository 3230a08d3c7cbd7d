"""The description itself, as JSON and as a page. Open to everybody: they say what can be asked, not what is answered."""

from pathlib import Path
from typing import Any

from flask import Response, current_app, render_template

from hubinfo.operator.api import description, layout
from hubinfo.operator.api import record_shapes as shapes
from hubinfo.operator.api.answers import answer
from hubinfo.operator.api.routes import route

_A_WHILE = "public, max-age=300"
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLES = Path(__file__).with_name("docs.css")


@route("GET", "/openapi.json", returns=shapes.Description, public=True)
def openapi() -> Any:
    """This description."""
    return _kept(answer(description.of(_app())))


@route("GET", "/docs", types=("text/html",), public=True)
def docs() -> Response:
    """The same as a page to read."""
    page = Response(render_template("api_docs.html", **layout.of(description.of(_app()))), mimetype="text/html")
    page.headers["Content-Security-Policy"] = _POLICY
    return _kept(page)


@route("GET", "/docs.css", types=("text/css",), public=True)
def docs_css() -> Response:
    """How that page looks."""
    return _kept(Response(_STYLES.read_text(), mimetype="text/css"))


def _app() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]


def _kept(response: Response) -> Response:
    response.headers.update({"Cache-Control": _A_WHILE, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"})
    return response
