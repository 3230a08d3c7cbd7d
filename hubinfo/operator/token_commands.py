"""`flask hubinfo …` for the tokens of programs that use `/api`."""

import click

from hubinfo.operator import access, actions
from hubinfo.operator.cli import group
from hubinfo.operator.output import command, json_option, print_json, print_rows
from hubinfo.operator.refused import Refused

_COLUMNS = ("name", "created_at", "last_used_at")


@group.command(name="api-token")
@click.argument("name", metavar="[NAME]", default="default")
@json_option
@command
def api_token(name: str, as_json: bool) -> None:
    """Make a bearer token for /api, for a program.

    NAME says whose it is; a second token of the same name replaces the first.
    """
    try:
        token = actions.make_api_token(actions.COMMAND, name)
    except Refused as refused:
        raise click.BadParameter(str(refused), param_hint="NAME") from None
    if as_json:
        print_json({"name": name, "token": token})
        return
    click.echo(f"Token of {name}, shown only now:\n  {token}\nUse it as: Authorization: Bearer {token}")


@group.command(name="api-tokens")
@json_option
@command
def api_tokens(as_json: bool) -> None:
    """Every token for /api by its name, and when it was last used."""
    print_rows(access.api_tokens(), _COLUMNS, as_json=as_json, empty="No tokens yet. Next: flask hubinfo api-token NAME")


@group.command(name="revoke-api-token")
@click.argument("name", metavar="NAME")
@json_option
@command
def revoke_api_token(name: str, as_json: bool) -> None:
    """Make a token for /api useless.

    NAME is what `api-tokens` shows.
    """
    actions.revoke_api_token(actions.COMMAND, name)
    if as_json:
        print_json({"name": name})
    else:
        click.echo(f"The token of {name} no longer opens anything.")
