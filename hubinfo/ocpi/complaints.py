"""What is wrong with what came in, told to the sender: `field=value: what is allowed`."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

from marshmallow import Schema, ValidationError

from hubinfo.ocpi.envelope import InvalidParameters

_SHOWN = 60
_MAX_LINES = 10


def load(schema: Schema, data: Any, what: str) -> dict[str, Any]:
    """The checked fields; raises InvalidParameters that names the first ten bad ones, or `what` when it is no object."""
    if not isinstance(data, dict):
        raise InvalidParameters(f"{what}={show(data)}: must be an object")
    try:
        loaded = schema.load(data)
    except ValidationError as error:
        raise InvalidParameters("; ".join(islice(_lines(error.messages, data), _MAX_LINES))) from None
    assert isinstance(loaded, dict)
    return loaded


def load_list(schema: Schema, data: Any, what: str, longest: int) -> list[dict[str, Any]]:
    """The checked fields of each object, as `load`; raises InvalidParameters."""
    if not isinstance(data, list):
        raise InvalidParameters(f"{what}={show(data)}: must be a list")
    if len(data) > longest:
        raise InvalidParameters(f"{what}: must have at most {longest} objects, not {len(data)}")
    try:
        loaded: list[dict[str, Any]] = schema.load(data, many=True)
    except ValidationError as error:
        raise InvalidParameters("; ".join(islice(_lines(error.messages, data), _MAX_LINES))) from None
    return loaded


def _lines(messages: Any, data: Any, path: str = "") -> Iterable[str]:
    """Flatten marshmallow's tree into `field=value: what is allowed`."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            step = f"[{key}]" if isinstance(key, int) else f".{key}" if path and key != "_schema" else str(key)
            yield from _lines(inner, _member(data, key), path if key == "_schema" else path + step)
        return
    message = " and ".join(messages)
    known = {
        "Missing data for required field.": "is missing",
        "Invalid input type.": "must be an object",
        "Not a valid list.": "must be a list",
        "Not a valid mapping type.": "must be an object",
        "Field may not be null.": "must not be null",
    }
    message = known.get(message, message)
    shown = "" if message == "is missing" else "=(not shown)" if path.endswith(("token", "token_a")) else f"={show(data)}"
    yield f"{path}{shown}{' ' if message == 'is missing' else ': '}{message}"


def _member(data: Any, key: Any) -> Any:
    if key == "_schema":
        return data
    try:
        return data[key]
    except (KeyError, IndexError, TypeError):
        return None


def show(value: Any) -> str:
    """The value in short; not what a list or an object contains, since a token may be in it."""
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    shown = json.dumps(value, ensure_ascii=True)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
