"""Commands as an operator sees them: what they print where, and how they end."""

import json
from typing import Any

from click.testing import Result
from flask import Flask


def invoke(app: Flask, *arguments: str) -> Result:
    """`flask hubinfo …`, in this process."""
    return app.test_cli_runner().invoke(args=["hubinfo", *arguments])


def text_of(app: Flask, *arguments: str) -> str:
    """What a command says; fails the test unless it succeeds with stdout alone."""
    result = invoke(app, *arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def json_of(app: Flask, *arguments: str, exit_code: int = 0) -> Any:
    """What a command prints with `--json`: nothing else may be on stdout, and nothing on stderr."""
    result = invoke(app, *arguments, "--json")
    assert (result.exit_code, result.stderr) == (exit_code, ""), result.output
    return json.loads(result.stdout)


def error_of(app: Flask, *arguments: str, exit_code: int = 1) -> str:
    """The one line on stderr of a command that fails; there is nothing on stdout, also with `--json`."""
    result = invoke(app, *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    [line] = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def table_of(app: Flask, *arguments: str) -> list[dict[str, str]]:
    """A printed table by its headings; fails the test unless every cell begins where its heading does."""
    return read_table(text_of(app, *arguments).splitlines())


def read_table(lines: list[str]) -> list[dict[str, str]]:
    """Columns are two spaces apart, and a heading may have a space in it."""
    heading, *rows = lines
    names = heading.split("  ")
    names = [name.strip() for name in names if name.strip()]
    starts = [heading.index(name) for name in names]
    for row in rows:
        for start in starts:
            assert row[start] != " ", f"not aligned at {start}: {row!r}"
            assert start == 0 or row[start - 2 : start] == "  ", f"not aligned at {start}: {row!r}"
    ends = [*starts[1:], None]
    return [{name: row[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)} for row in rows]
