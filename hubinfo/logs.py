"""Log lines: `event key=value …`, or one JSON object each."""

import copy
import json
import logging
import re
import sys
from typing import Any

from flask import Flask

from hubinfo import clock

_NOT_PARSED = re.compile(r"""Invalid request from ip=\S+(?: [^:'" ]+)*""")


def say(logger: logging.Logger, level: int, event: str, /, **values: object) -> None:
    """Log an event with its values. Never give it a token."""
    logger.log(level, event, extra={"hubinfo": values})


def say_where(logger: logging.Logger, event: str, bug: BaseException, /, **values: object) -> None:
    """Log a bug of ours as an event, with its traceback."""
    logger.error(event, extra={"hubinfo": values}, exc_info=bug)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        values = " ".join(f"{key}={_quoted(value)}" for key, value in _values(record).items())
        event = "".join(character if character.isprintable() else " " for character in record.getMessage())
        line = f"{clock.render(clock.now())} {record.levelname:<7} {event} {values}".rstrip()
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        own = {
            "time": clock.render(clock.now()),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        fields = own | _values(record) | own  # ours first, and ours where a value has the same name
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class OthersFormatter(logging.Formatter):
    """What libraries log, in the same form: the library is the event, and its text a value."""

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._ours = _formatter(log_format)

    def format(self, record: logging.LogRecord) -> str:
        """One line, but for a traceback in the text format."""
        told = copy.copy(record)
        told.msg, told.args = record.name.partition(".")[0], None
        told.__dict__["hubinfo"] = {"message": _without_quotation(record.getMessage())}
        return self._ours.format(told)


def _without_quotation(message: str) -> str:
    """gunicorn quotes what it cannot parse, and that may be an Authorization header without its colon."""
    found = _NOT_PARSED.match(message)
    return message if found is None or found.end() == len(message) else f"{found[0]} (not shown)"


def _formatter(log_format: str) -> logging.Formatter:
    return _JsonFormatter() if log_format == "json" else _TextFormatter()


def init_app(_app: Flask, log_format: str) -> None:
    """Send our own log lines to stderr; the loggers of others are left as they are."""
    logger = logging.getLogger("hubinfo")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(log_format))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _values(record: logging.LogRecord) -> dict[str, Any]:
    values: dict[str, Any] = getattr(record, "hubinfo", {})
    return values


def _quoted(value: object) -> str:
    """One word as it is; anything else in quotes, so that nothing a peer sends can pass for a line or a value of ours."""
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' "='):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
