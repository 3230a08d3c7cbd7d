"""The page /api/docs: everything that is described, and nothing from outside."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from tests.support.api import Api
from tests.support.apps import MakeApp

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Its links, ids, tags and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.ids += [value for value in [found.get("id")] if value]
        self.links += [value for name in ("href", "src") if (value := found.get(name))]
        assert not {"style", "onclick"} & set(found)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(params=["HUB", "CPO", "HUB,CPO"])
def app(request: pytest.FixtureRequest, make_app: MakeApp) -> Flask:
    return make_app(roles=request.param, name="<script>alert(1)</script>")


def page_of(app: Flask) -> Page:
    return Page(app.test_client().get("/api/docs").text)


def operations(app: Flask) -> list[tuple[str, str, dict[str, Any]]]:
    paths = Api(app).spec["paths"]
    return [(path, method, operation) for path, item in paths.items() for method, operation in item.items()]


def test_it_lists_every_operation_with_parameters_answers_and_a_request_to_copy(app: Flask) -> None:
    page = page_of(app)
    for path, method, operation in operations(app):
        assert operation["operationId"] in page.ids
        assert operation["summary"] in page.text
        assert re.search(rf"{method.upper()}\s*{re.escape(path)}\s*{re.escape(operation['summary'])}", page.text)
    assert page.text.count("curl ") == len(operations(app))


def test_every_link_leads_somewhere_and_every_id_is_there_once(app: Flask) -> None:
    page = page_of(app)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert app.test_client().get(link).status_code == 200


def test_it_needs_no_script_and_nothing_from_outside(app: Flask) -> None:
    page = page_of(app)
    assert not {"script", "style", "iframe", "img"} & set(page.tags)
    assert all(link.startswith(("#", "/api/")) for link in page.links)
    styles = app.test_client().get("/api/docs.css")
    assert styles.mimetype == "text/css"
    assert not re.search(r"url\(|@import|https?:", styles.text)


def test_browsers_are_told_to_load_nothing_else_and_may_keep_it_a_while(app: Flask) -> None:
    headers = app.test_client().get("/api/docs").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/api/docs", "/api/docs.css", "/api/openapi.json"):
        assert "max-age=" in app.test_client().get(path).headers["Cache-Control"]


def test_every_object_is_explained(app: Flask) -> None:
    page = page_of(app)
    assert set(Api(app).spec["components"]["schemas"]) <= set(page.ids)
