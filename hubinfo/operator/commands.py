"""`flask hubinfo …`."""

from collections.abc import Callable
from typing import Any

import click

from hubinfo.config import current_settings
from hubinfo.models import party_of
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.operator import actions, doctor, dossier, reports
from hubinfo.operator.cli import ROLE, first_step, group, party_arguments, role_option
from hubinfo.operator.invitations import in_words
from hubinfo.operator.output import command, in_one_line, json_option, print_json, print_rows, print_table

Change = Callable[[str, str, str | None], list[dict[str, Any]]]


@group.command()
@party_arguments
@click.option("--role", "roles", type=ROLE, multiple=True, required=True, help="OCPI role; may be given several times.")
@click.option("--name", help="Name of the company.")
@click.option("--platform", help="Add the party to this platform, which exists, instead of making a token.")
@click.option(
    "--version",
    "versions",
    type=click.Choice(tuple(DIALECTS)),
    multiple=True,
    help="Show its platform only this one; may be repeated.",
)
@json_option
@command
def invite(
    country_code: str,
    party_id: str,
    roles: tuple[str, ...],
    name: str | None,
    platform: str | None,
    versions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Plan a party and make its token A.

    Its operator needs the token and our versions URL to register. A second invitation makes a new token; the first one is dead.
    With --platform, a platform that is invited or connected may bring this party too, with its next POST or PUT credentials.
    """
    roles, versions = tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(versions))
    if name is not None and not 1 <= len(name.strip()) <= 100:
        raise click.BadParameter("must have 1 to 100 characters", param_hint="--name")
    name = name and name.strip()
    invitation = actions.invite(actions.COMMAND, country_code, party_id, roles, name, platform=platform, versions=versions)
    if as_json:
        said = {"country_code": country_code, "party_id": party_id, "roles": list(roles)}
        there = {"versions_url": current_settings().versions_url, "platform": invitation.platform}
        print_json({**said, **there, "token": invitation.token})
        return
    for line in in_words(invitation):
        click.echo(line)


@group.command()
@json_option
@command
def parties(as_json: bool) -> None:
    """Every ClientInfo this platform keeps.

    A hub keeps those of all parties; a party those of its hubs themselves, and `known` shows what they told.
    """
    columns = ("country_code", "party_id", "role", "status", "last_updated", "platform", "last_heard_at")
    print_rows(reports.parties(), columns, as_json=as_json, empty=f"No parties yet. {first_step()}")


@group.command()
@json_option
@command
def platforms(as_json: bool) -> None:
    """Every connection, and how it is."""
    columns = ("platform", "version", "versions_url", "status", "last_heard_at", "behind", "failed_probes", "reason")
    print_rows(reports.platforms(), columns, as_json=as_json, empty=f"No platforms yet. {first_step()}")


@group.command()
@party_arguments
@json_option
@command
def show(country_code: str, party_id: str, as_json: bool) -> None:
    """One party in full.

    Its rows, its connection, its history, what it has not been told and what it has refused.
    """
    found = reports.show(dossier.rows_of(party_of(country_code, party_id)))
    if as_json:
        print_json(found)
        return
    for title, rows, columns in (
        ("", found["rows"], ("country_code", "party_id", "role", "status", "last_updated", "platform")),
        ("Connection", found["platforms"], ("platform", "version", "status", "last_heard_at", "failed_probes", "reason")),
        ("History, newest first", found["history"], ("at", "role", "event", "status", "reason")),
        ("Has not been told", found["not_told"], ("country_code", "party_id", "role", "status", "last_updated")),
        ("Has not taken", found["refused"], ("country_code", "party_id", "role", "at", "next_attempt_at", "reason")),
    ):
        if rows:
            click.echo(f"\n{title}:" if title else "", nl=bool(title))
            print_table(rows, columns)


@group.command()
@party_arguments
@role_option
@json_option
@command
def suspend(country_code: str, party_id: str, role: str | None, as_json: bool) -> None:
    """Make a party SUSPENDED until it is resumed."""
    _change(actions.suspend, country_code, party_id, role, as_json=as_json)


@group.command()
@party_arguments
@role_option
@json_option
@command
def resume(country_code: str, party_id: str, role: str | None, as_json: bool) -> None:
    """Let a suspended party back in.

    With credentials it is OFFLINE until it answers, and is probed at once; without, it is PLANNED.
    """
    _change(actions.resume, country_code, party_id, role, as_json=as_json)


@group.command()
@party_arguments
@json_option
@command
def probe(country_code: str, party_id: str, as_json: bool) -> None:
    """Check now whether a party is alive.

    GETs the versions endpoint of its platform. Exit 1 when it is not alive.
    """
    party = party_of(country_code, party_id)
    probed = actions.probe(actions.COMMAND, party)
    if as_json:
        print_json({"status": probed.status, "reason": probed.reason, "seconds": round(probed.seconds, 3)})
    else:
        seconds = f"{probed.seconds:.3f} s"
        said = f"alive, answered in {seconds}" if probed.alive else f"not alive: {probed.reason} ({seconds})"
        click.echo(f"{party} is {said}; status {probed.status}")
    if not probed.alive:
        raise SystemExit(1)


@group.command()
@json_option
@command
def pushes(as_json: bool) -> None:
    """Who has not been told what, and why."""
    columns = ("platform", "behind", "failures", "next_attempt_at", "reason")
    print_rows(reports.pushes(), columns, as_json=as_json, empty="Every platform with a Receiver has been told everything.")


@group.command(name="doctor")
@json_option
@in_one_line
def check(as_json: bool) -> None:
    """Check that everything is as it has to be.

    Settings, database, SQLite version, secrets, clock, background work and our versions URL. Exit 1 when a check fails.
    """
    found = doctor.examine()
    if as_json:
        print_json(found)
    else:
        print_table([item | {"ok": "ok" if item["ok"] else "FAILED"} for item in found], ("check", "ok", "message"))
    if not all(item["ok"] for item in found):
        raise SystemExit(1)


def _change(change: Change, country_code: str, party_id: str, role: str | None, *, as_json: bool) -> None:
    rows = change(actions.COMMAND, party_of(country_code, party_id), role)
    print_rows(rows, ("country_code", "party_id", "role", "status", "last_updated", "platform"), as_json=as_json, empty="")
