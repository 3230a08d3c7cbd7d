"""The board as a browser without JavaScript has it: pages that are parsed, forms that are filled in and sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import Action, ClientInfo, Counter
from tests.support.hubs import connect

PASSWORD = "operator"
_VOID = {"meta", "link", "input", "br", "hr", "img"}


@dataclass
class Element:
    """An element of a page, with all the text inside it."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    @property
    def id(self) -> str | None:
        return self.attributes.get("id")


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.response = response
        self.source = response.text
        self.all: list[Element] = []
        self._open: list[Element] = []
        self._pieces: list[str] = []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(self.all[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._pieces.append(data)
        for element in self._open:
            element.pieces.append(data)

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join("".join(self._pieces).split())

    def every(self, tag: str, **attributes: str) -> list[Element]:
        """Elements with these attributes; `class_` stands for one of the classes."""
        wanted_class = attributes.pop("class_", None)
        found = [each for each in self.all if each.tag == tag and attributes.items() <= each.attributes.items()]
        return [each for each in found if wanted_class is None or wanted_class in each.attributes.get("class", "").split()]

    def one(self, tag: str, **attributes: str) -> Element:
        [found] = self.every(tag, **attributes)
        return found

    def link(self, text: str) -> str:
        """Where the one link of this text leads."""
        [href] = {each.attributes["href"] for each in self.every("a") if each.text == text}
        return href

    @property
    def alert(self) -> str:
        """What the page cries out."""
        [found] = [each for each in self.all if each.attributes.get("role") == "alert"]
        return found.text

    @property
    def said(self) -> str | None:
        """What is said once, after something has been done."""
        found = [each.text for each in self.every("p", class_="said") if "hidden" not in each.attributes]
        return found[0] if found else None

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the rows of all tables, without headings."""
        return [cells for cells in self._rows() if cells]

    def _rows(self) -> list[list[str]]:
        rows: list[list[str]] = []
        for each in self.all:
            if each.tag == "tr":
                rows.append([])
            elif each.tag == "td" or (each.tag == "th" and each.attributes.get("scope") == "row"):
                rows[-1].append(each.text)
        return rows

    def column(self, label: str) -> list[str]:
        """The cells of the column of this heading."""
        return [each.text for each in self.all if each.attributes.get("data-label") == label]

    @property
    def form_token(self) -> str:
        return {each.attributes["value"] for each in self.every("input", name="form_token")}.pop()


class Board:
    """An operator's browser."""

    def __init__(self, app: Flask, *, signed_in: bool = True) -> None:
        self.app = app
        self.client = app.test_client()
        if signed_in:
            assert self.sign_in().status_code == 303

    def sign_in(self, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.post("/sign-in", password=password, **fields)

    def get(self, path: str, http_status: int = 200, **options: Any) -> Page:
        response = self.client.get(path, **options)
        assert response.status_code == http_status, (response.status_code, response.text)
        return Page(response)

    def post(self, path: str, *, form: str | None = None, **fields: Any) -> TestResponse:
        """Send the form on this page, or on another one that posts here."""
        token = self.get(form or path).form_token
        return self.client.post(path, data={"form_token": token, **fields})

    def do(self, path: str, *, form: str | None = None, **fields: Any) -> Page:
        """Send a form and go where it leads."""
        response = self.post(path, form=form, **fields)
        assert response.status_code == 303, (response.status_code, response.text)
        return self.get(response.headers["Location"])


def actions(app: Flask) -> list[tuple[str, str, str | None]]:
    """(source, what, about) of what was recorded, in order."""
    with app.app_context():
        return [(row.source, row.what, row.about) for row in db.session.scalars(select(Action).order_by(Action.id))]


def statuses(app: Flask) -> dict[str, str]:
    """By party and role."""
    with app.app_context():
        return {f"{row.party} {row.role}": row.status for row in db.session.scalars(select(ClientInfo))}


def rename(app: Flask, party: str, name: str) -> None:
    """Give a party a company name."""
    with app.app_context(), write() as session:
        for row in session.scalars(select(ClientInfo).where(ClientInfo.party == party)):
            row.business_details = {"name": name}


def connect_many(app: Flask, count: int) -> None:
    """Platforms with a party each, `NL-000` and on, in one transaction."""
    first = connect(app, ("CPO", "NL", "000"))
    with app.app_context(), write() as session:
        model = session.scalars(select(ClientInfo).where(ClientInfo.platform_id == first)).one()
        taken = {
            name: getattr(model, name) for name in ("country_code", "role", "status", "last_updated", "status_since", "registered")
        }
        for number in range(1, count):
            party_id = _base36(number)
            session.add(
                ClientInfo(
                    party_id=party_id,
                    party=f"NL-{party_id}",
                    revision=model.revision + number,
                    platform_id=first,
                    business_details={"name": f"Company {number}"},
                    **taken,
                )
            )
        session.get_one(Counter, "revision").value += count - 1


def _base36(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return digits[number // 1296] + digits[number // 36 % 36] + digits[number % 36]


def suspend_in_secret(app: Flask, party: str) -> None:
    """A status that changes while nobody looks, as another process does it."""
    from hubinfo.operator import actions as steps

    with app.app_context():
        steps.suspend("command", party)


def now_text() -> str:
    """The day, as pages and date fields have it."""
    return clock.now().strftime("%Y-%m-%d")
