"""Counting what an app asks its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from hubinfo.database import db


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements sent while inside, without those that begin and end transactions."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        if not arguments[2].startswith(("BEGIN", "SELECT pg_advisory")):
            statements.append(arguments[2])

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
