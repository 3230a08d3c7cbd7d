"""`flask hubinfo …`."""

import time
from collections.abc import Callable

import click
from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hubinfo.config import current_settings
from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.hub.keepalive import Keepalive
from hubinfo.models import ClientInfo, party_of
from hubinfo.ocpi.client import Answer
from hubinfo.operator import doctor, invitations, reports
from hubinfo.operator.cli import ROLE, first_step, group, party_arguments, role_option
from hubinfo.operator.output import command, in_one_line, json_option, print_json, print_rows, print_table
from hubinfo.platforms import connections


@group.command()
@party_arguments
@click.option("--role", "roles", type=ROLE, multiple=True, required=True, help="OCPI role; may be given several times.")
@click.option("--name", help="Name of the company.")
@json_option
@command
def invite(country_code: str, party_id: str, roles: tuple[str, ...], name: str | None, as_json: bool) -> None:
    """Plan a party and make its token A.

    Its operator needs the token and our versions URL to register. A second invitation makes a new token; the first one is dead.
    """
    roles = tuple(dict.fromkeys(roles))
    if name is not None and not 1 <= len(name.strip()) <= 100:
        raise click.BadParameter("must have 1 to 100 characters", param_hint="--name")
    try:
        invitation = invitations.invite(country_code, party_id, roles, name and name.strip())
    except invitations.Refused as refused:
        raise click.ClickException(str(refused)) from None
    versions_url = current_settings().versions_url
    if as_json:
        said = {"country_code": country_code, "party_id": party_id, "roles": list(roles)}
        print_json({**said, "versions_url": versions_url, "token": invitation.token})
        return
    waits = {"PLANNED": "", "SUSPENDED": " until it registers"}
    planned = ", ".join(f"{status} as {role}{waits[status]}" for role, status in invitation.statuses.items())
    click.echo(f"{party_of(country_code, party_id)} is {planned}. Give its operator, over a channel you trust:")
    click.echo(f"  versions URL  {versions_url}")
    click.echo(f"  token A       {invitation.token}")
    click.echo("The token is shown only now, and good for one registration. An earlier one of this party no longer works.")


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
    found = reports.show(_rows(country_code, party_id))
    if as_json:
        print_json(found)
        return
    for title, rows, columns in (
        ("", found["rows"], ("country_code", "party_id", "role", "status", "last_updated", "platform")),
        ("Connection", found["platforms"], ("platform", "version", "status", "last_heard_at", "failed_probes", "reason")),
        ("History, newest first", found["history"], ("at", "role", "event", "status", "reason")),
        ("Has not been told", found["not_told"], ("country_code", "party_id", "role", "status", "last_updated")),
        ("Has refused", found["refused"], ("country_code", "party_id", "role", "at", "reason")),
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
    _change(presence.suspended, country_code, party_id, role, as_json=as_json)


@group.command()
@party_arguments
@role_option
@json_option
@command
def resume(country_code: str, party_id: str, role: str | None, as_json: bool) -> None:
    """Let a suspended party back in.

    With credentials it is OFFLINE until it answers, and is probed at once; without, it is PLANNED.
    """
    _change(presence.resumed, country_code, party_id, role, as_json=as_json)


@group.command()
@party_arguments
@json_option
@command
def probe(country_code: str, party_id: str, as_json: bool) -> None:
    """Check now whether a party is alive.

    GETs the versions endpoint of its platform. Exit 1 when it is not alive.
    """
    rows = [row for row in _rows(country_code, party_id) if row.platform.registered]
    if not rows:
        raise click.ClickException(f"{party_of(country_code, party_id)} has not registered, so there is nobody to probe")
    shared, row_id = connections(), rows[0].id
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    began = time.monotonic()
    outcome = Keepalive(app, shared.client, shared.vault, current_settings()).probe(rows[0].platform)
    seconds = time.monotonic() - began
    status = db.session.get_one(ClientInfo, row_id).status
    alive = isinstance(outcome, Answer)
    reason = None if isinstance(outcome, Answer) else outcome.reason
    if as_json:
        print_json({"status": status, "reason": reason, "seconds": round(seconds, 3)})
    else:
        said = f"alive, answered in {seconds:.3f} s" if alive else f"not alive: {reason} ({seconds:.3f} s)"
        click.echo(f"{party_of(country_code, party_id)} is {said}; status {status}")
    if not alive:
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


def _rows(country_code: str, party_id: str, role: str | None = None) -> list[ClientInfo]:
    """The party's rows. Raises ClickException when there are none."""
    party = party_of(country_code, party_id)
    found = select(ClientInfo).where(ClientInfo.party == party).options(joinedload(ClientInfo.platform)).order_by(ClientInfo.id)
    rows = [row for row in db.session.scalars(found) if role in (None, row.role)]
    if not rows:
        raise click.ClickException(f"no such party: {party}{f' as {role}' if role else ''}; flask hubinfo parties lists them")
    return rows


def _change(
    change: Callable[[list[ClientInfo]], None], country_code: str, party_id: str, role: str | None, *, as_json: bool
) -> None:
    with write():
        change(_rows(country_code, party_id, role))
    rows = [reports.party(row) for row in _rows(country_code, party_id, role)]
    print_rows(rows, ("country_code", "party_id", "role", "status", "last_updated", "platform"), as_json=as_json, empty="")
