"""How commands print: aligned tables for people, JSON alone on stdout for programs; one line on stderr for an error."""

import functools
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from hubinfo import clock, lease, schema
from hubinfo.config import SettingsError, current_settings
from hubinfo.database import cause
from hubinfo.operator.refused import Refused

P = ParamSpec("P")
T = TypeVar("T")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON only.")


class Group(AppGroup):
    """Commands whose wrong usage is one line too, and exit 2."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command; without any, click answers with the help, which is an error to it from 8.2 on."""
        with _usage_in_one_line(context) if args else nullcontext():
            return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        """Run a command."""
        with _usage_in_one_line(context):
            return super().invoke(context)


@contextmanager
def _usage_in_one_line(context: click.Context) -> Iterator[None]:
    """click would print the usage, and each choice on a line of its own."""
    try:
        yield
    except click.UsageError as error:
        asked = error.ctx or context
        message = " ".join(error.format_message().split()).rstrip(".")
        raise click.UsageError(f"{message}; see: {asked.command_path} --help") from None


def command(function: Callable[P, T]) -> Callable[P, T]:
    """On an up-to-date schema."""

    @in_one_line
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        lease.ensure_schema()
        return function(*args, **kwargs)

    return run


def in_one_line(function: Callable[P, T]) -> Callable[P, T]:
    """Whatever fails is one line on stderr and exit 1; what happened is printed, not logged."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        logging.getLogger("hubinfo").setLevel(logging.CRITICAL)
        try:
            _make_folder(current_settings().instance_path)
            return function(*args, **kwargs)
        except UnicodeEncodeError as error:
            raise click.UsageError(f"{error.object!r}: must be text in UTF-8") from None
        except BrokenPipeError:
            raise  # of no interest to who closed it: click ends quietly
        except (schema.SchemaError, SettingsError, Refused, OSError) as error:
            raise click.ClickException(str(error)) from None
        except SQLAlchemyError as error:
            raise click.ClickException(f"database {schema.shown_url()}: {cause(error)}") from None

    return run


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"folder {path} cannot be used: {error.strerror}") from None


def plain(value: Any) -> Any:
    """As JSON has it: times in OCPI's form."""
    return clock.render(value) if isinstance(value, datetime) else value


def print_json(data: Any) -> None:
    """JSON, and nothing else."""
    click.echo(json.dumps(data, indent=2, default=plain))


def print_rows(rows: Sequence[dict[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """A list: JSON with all keys, or a table of these columns."""
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, columns)
    else:
        click.echo(empty)


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Aligned columns under their names."""
    lines = [[column.upper().replace("_", " ") for column in columns]]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    """One line, whatever a peer has sent."""
    value = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(plain(value)))
    return "-" if value is None or not text else text
