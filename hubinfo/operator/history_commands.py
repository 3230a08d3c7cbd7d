"""`flask hubinfo availability` and `history`: how much of the time parties could be reached, and what changed when."""

from typing import Any

import click

from hubinfo import clock
from hubinfo.models import party_of
from hubinfo.operator import availability, reports
from hubinfo.operator.cli import first_step, group, optional_party_arguments, party_arguments
from hubinfo.operator.dossier import rows_of
from hubinfo.operator.output import command, json_option, print_json, print_rows, print_table

COLUMNS = ("country_code", "party_id", "role", "status", "availability", "connected", "offline", "changes")


@group.command(name="availability")
@optional_party_arguments
@click.option("--days", metavar="N", type=float, help="The last N days; 30 unless told otherwise, fractions allowed.")
@json_option
@command
def show_availability(country_code: str | None, party_id: str | None, days: float | None, as_json: bool) -> None:
    """How much of a period each party was CONNECTED, and the hub as a whole.

    CONNECTED time as a share of CONNECTED and OFFLINE time; PLANNED and SUSPENDED time does not count.
    """
    if country_code is not None and party_id is None:
        raise click.UsageError("CC and PID belong together")
    try:
        period = availability.period(days=days)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--days") from None
    party = party_of(country_code, party_id) if country_code and party_id else None
    if party:
        rows_of(party)
    rows = availability.of_parties(period, party)
    hub = None if party else availability.of_hub(rows)
    if as_json:
        print_json({"date_from": period.began_at, "date_to": period.ended_at, "hub": hub, "parties": rows})
    elif not rows:
        click.echo(f"No parties yet. {first_step()}")
    else:
        _print(period, rows, hub)


def _print(period: availability.Period, rows: list[dict[str, Any]], hub: dict[str, Any] | None) -> None:
    click.echo(f"From {clock.render(period.began_at)} to {clock.render(period.ended_at)}:")
    print_table([_row(row) for row in rows], COLUMNS)
    if hub is not None:
        shown = _row(hub)
        click.echo(f"All together: {shown['availability'] or 'nobody was CONNECTED or OFFLINE'}")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    share = row["availability"]
    return {
        **row,
        "availability": None if share is None else in_percent(share),
        "connected": in_words(row["connected_seconds"]),
        "offline": in_words(row["offline_seconds"]),
    }


def in_percent(share: float) -> str:
    """Never rounded up to 100 %, nor down to 0 %."""
    shown = min(max(share * 100, 0.01), 99.99) if 0 < share < 1 else share * 100
    return f"{shown:.2f} %"


def in_words(seconds: float) -> str:
    """The two largest units, e.g. 3 d 4 h."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    left = round(seconds)
    parts: list[str] = []
    for name, size in units:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


@group.command()
@party_arguments
@click.option("--limit", metavar="N", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most N lines.")
@json_option
@command
def history(country_code: str, party_id: str, limit: int, as_json: bool) -> None:
    """Every change of a party's status, newest first, with its reason."""
    events = reports.history(rows_of(party_of(country_code, party_id)), limit)
    print_rows(events, ("at", "role", "event", "status", "reason"), as_json=as_json, empty="Nothing is kept of it any more.")
