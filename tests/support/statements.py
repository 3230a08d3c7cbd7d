"""What an app sends to its database: counted, listened to, refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hubinfo.database import db

Listener = Callable[..., None]
BreakDatabase = Callable[[Flask], "Broken"]


@contextmanager
def listening(app: Flask, listener: Listener) -> Iterator[None]:
    """The listener is called before each statement, as `before_cursor_execute` of SQLAlchemy's events is."""
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listener)


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements sent while inside, without those that begin and end transactions."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        if not arguments[2].startswith(("BEGIN", "SELECT pg_advisory")):
            statements.append(arguments[2])

    with listening(app, note):
        yield statements


class Broken:
    """The database of an app fails until it is mended."""

    def __init__(self) -> None:
        self.asked, self.is_broken = 0, True

    def fail(self, *_arguments: Any) -> None:
        """Refuse a statement."""
        if self.is_broken:
            self.asked += 1
            raise OperationalError("SELECT", {}, Exception("server closed the connection unexpectedly\nmore"))
