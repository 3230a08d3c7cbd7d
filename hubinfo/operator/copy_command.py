"""`flask hubinfo copy-to`: this platform moves to another database."""

import click

from hubinfo import checks, config
from hubinfo.config import current_settings
from hubinfo.operator import copying
from hubinfo.operator.cli import group
from hubinfo.operator.output import command, json_option, print_rows


def _database_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return checks.database_url(value)
    except ValueError:
        shown = checks.without_password(value)
        raise click.BadParameter(f"{shown!r}: must be sqlite:///FILE or postgresql://USER@HOST/DATABASE") from None


@group.command(name="copy-to")
@click.argument("database_url", metavar="DATABASE_URL", callback=_database_url)
@click.option("--force", is_flag=True, help="Also while this platform is running; what changes meanwhile is not copied.")
@json_option
@command
def copy_to(database_url: str, force: bool, as_json: bool) -> None:
    """Copy everything to another database.

    DATABASE_URL is as the setting; that database gets the schema if it has none, and must have no rows. All is copied or nothing.
    """
    config.load(current_settings().instance_path, overrides={"database_url": database_url})
    print_rows(copying.copy_to(database_url, force=force), ("table", "source", "target"), as_json=as_json, empty="")
