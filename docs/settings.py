"""Writes the table of settings into configure.md, from the settings themselves: `make docs`."""

from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from hubinfo.config import Settings

PAGE = Path(__file__).parent / "configure.md"
BEGIN, END = "<!-- The table is made by `make docs`. -->\n", "<!-- Here it ends. -->\n"


def table() -> str:
    """Every setting, in the order in which they stand in the code."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "| name | default | allowed | meaning |"
    yield "|---|---|---|---|"
    for item in fields(Settings):
        if "parse" in item.metadata:
            yield f"| {' | '.join((item.name.upper(), _default(item), _allowed(item), item.metadata['meaning']))} |"


def _default(item: Field[Any]) -> str:
    match item.metadata["unset"] or item.default:
        case bool() as value:
            return str(value).lower()
        case tuple() as values:
            return ",".join(values)
        case float() as seconds:
            return f"{seconds:.0f}"
        case value:
            return str(value)


def _allowed(item: Field[Any]) -> str:
    allowed: str = item.metadata["allowed"]
    return allowed.removeprefix("a whole number ").removeprefix("a number of seconds ")


def renewed(page: str) -> str:
    """The page with the table of now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
