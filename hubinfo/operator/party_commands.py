"""`flask hubinfo …` of the connected party: registering with hubs, and what they told."""

from typing import Any

import click

from hubinfo.config import current_settings
from hubinfo.models import party_of
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.operator import actions
from hubinfo.operator.cli import group, optional_party_arguments, party_arguments, role_option
from hubinfo.operator.output import command, json_option, print_json, print_rows, print_table
from hubinfo.receiver import known

NOTHING_YET = "No hub has told anything yet. Next: flask hubinfo register VERSIONS_URL TOKEN_A"
_SYNCED = ("hub", "received", "ignored", "changed", "no_longer_valid")


@group.command()
@click.argument("versions_url", metavar="VERSIONS_URL")
@click.argument("token_a", metavar="[TOKEN_A]", required=False)
@click.option("--version", metavar="V", help=f"One of {', '.join(DIALECTS)}; the highest both sides have.")
@json_option
@command
def register(versions_url: str, token_a: str | None, version: str | None, as_json: bool) -> None:
    """Register this platform with another one, most often a hub.

    The other side calls us back meanwhile, so this platform has to be serving. Where we are registered already, the
    credentials of both sides are renewed; TOKEN_A is not needed then. Put -- before a TOKEN_A that begins with a dash.
    """
    offered = current_settings().versions
    if version is not None and version not in offered:
        raise click.BadParameter(f"{version!r}: must be one of {', '.join(offered)}", param_hint="--version")
    made = actions.register(actions.COMMAND, versions_url, token_a, version)
    if as_json:
        print_json({"platform": made.platform, "version": made.version, "endpoints": made.endpoints})
        return
    click.echo(f"Registered with {made.platform} over OCPI {made.version}. It offers:")
    print_table(made.endpoints, ("identifier", "role", "url"))


@group.command()
@click.argument("platform", metavar="PLATFORM")
@click.option("--force", is_flag=True, help="Forget the connection also when the other side cannot be asked.")
@json_option
@command
def unregister(platform: str, force: bool, as_json: bool) -> None:
    """Delete the credentials at the other side and forget ours.

    PLATFORM is the short name that `platforms` shows, e.g. NL-TNM.
    """
    name = actions.unregister(actions.COMMAND, platform, force=force)
    if as_json:
        print_json({"platform": name})
    else:
        click.echo(f"No longer registered with {name}. Its parties are SUSPENDED here, and what it told is stale.")


@group.command(name="known")
@optional_party_arguments
@json_option
@command
def show_known(country_code: str | None, party_id: str | None, as_json: bool) -> None:
    """What hubs told us, of every party or one.

    VALID is no once a hub no longer lists the party; STALE is yes while the hub itself is silent.
    """
    if country_code is not None and party_id is None:
        raise click.UsageError("CC and PID belong together")
    party = party_of(country_code, party_id) if country_code and party_id else None
    columns = ("hub", "country_code", "party_id", "role", "status", "last_updated", "received_at", "valid", "stale")
    print_rows(known.known(party), columns, as_json=as_json, empty=f"No hub has told of {party}." if party else NOTHING_YET)


@group.command()
@party_arguments
@role_option
@json_option
@command
def reachable(country_code: str, party_id: str, role: str | None, as_json: bool) -> None:
    """Whether we may send to a party now, and through which hub.

    Exit 1 when not.
    """
    party = party_of(country_code, party_id)
    found = known.reachable(party, role)
    if as_json:
        print_json(vars(found))
    else:
        click.echo(f"{party}{f' as {role}' if role else ''} {_in_words(found)}")
    if not found.reachable:
        raise SystemExit(1)


def _in_words(found: known.Reachability) -> str:
    if found.hub is None:
        return "cannot be reached: no hub lists it"
    if found.reachable:
        return f"can be reached through {found.hub}"
    if found.stale:
        return f"cannot be reached: {found.hub}, which said {found.status}, is silent itself"
    return f"cannot be reached: {found.status}, says {found.hub}"


@group.command(name="sync")
@click.argument("hub", metavar="[HUB]", required=False)
@json_option
@command
def sync_now(hub: str | None, as_json: bool) -> None:
    """Pull the full list now, from every hub or one.

    HUB is the short name that `platforms` shows, e.g. XX-HUB. Exit 1 when a pull did not come through.
    """
    pulls = actions.sync(actions.COMMAND, hub)
    came = [pull for pull in pulls if pull.reason is None]
    names = (*_SYNCED, "ignored_reasons") if as_json else _SYNCED
    rows: list[dict[str, Any]] = [{name: getattr(pull, name) for name in names} for pull in came]
    if as_json and len(pulls) == 1:
        for row in rows:
            print_json(row)
    elif as_json or rows:
        print_rows(rows, _SYNCED, as_json=as_json, empty="")
    if not as_json:
        for pull in came:
            for reason in pull.ignored_reasons:
                click.echo(f"{pull.hub} ignored {reason}")
    broken = [f"{pull.hub}: {pull.reason}" for pull in pulls if pull.reason is not None]
    if broken:
        raise click.ClickException("; ".join(broken))
