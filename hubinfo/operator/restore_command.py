"""`flask hubinfo after-restore`: what is in the database is older than what peers know."""

import click

from hubinfo.operator import actions
from hubinfo.operator.cli import group
from hubinfo.operator.output import command, json_option, print_json


@group.command(name="after-restore")
@json_option
@command
def after_restore(as_json: bool) -> None:
    """Have every platform told everything anew.

    For a hub whose database comes from a backup: peers may have been told of later changes, and take nothing older. Every
    ClientInfo gets a last_updated of now, and so is told to each platform that is CONNECTED, at once while the hub runs.
    """
    count = actions.after_restore(actions.COMMAND)
    if as_json:
        print_json({"parties": count})
    else:
        then = "Every CONNECTED platform is told them as soon as the hub runs."
        click.echo(f"ClientInfos that count as changed now: {count}. {then}")
