"""`flask hubinfo notify-test`."""

from typing import Any

import click

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.notify import outbox
from hubinfo.notify.channel import Channel, NotSent
from hubinfo.notify.channels import configured
from hubinfo.operator.cli import group
from hubinfo.operator.output import command, json_option, print_rows
from hubinfo.operator.refused import Refused

NONE = "no channel for notifications is configured; see the settings NOTIFY_MAIL_TO, NOTIFY_WEBHOOK_URL and NOTIFY_URLS"


@group.command(name="notify-test")
@click.option("--channel", "names", multiple=True, help="Only this one; may be given several times.")
@json_option
@command
def notify_test(names: tuple[str, ...], as_json: bool) -> None:
    """Send a test message through each channel for notifications; what waits for one that works is sent at once."""
    channels = configured(current_settings())
    if not channels:
        raise Refused(NONE)
    for name in names:
        if name not in channels:
            raise click.BadParameter(f"{name!r}: must be one of {', '.join(channels)}", param_hint="--channel")
    rows = [_try(name, channel) for name, channel in channels.items() if not names or name in names]
    shown = rows if as_json else [row | {"ok": "ok" if row["ok"] else "FAILED"} for row in rows]
    print_rows(shown, ("channel", "ok", "message"), as_json=as_json, empty="")
    for row in rows:
        if row["ok"]:
            outbox.make_due(row["channel"], clock.now())
    if not all(row["ok"] for row in rows):
        click.get_current_context().exit(1)


def _try(name: str, channel: Channel) -> dict[str, Any]:
    now = clock.now()
    data = {"sender": current_settings().party}
    event = {"type": "test", "timestamp": clock.render(now), "data": data}
    try:
        channel.send(outbox.Message(outbox.new_id(), now, [event]))
    except NotSent as error:
        return {"channel": name, "ok": False, "message": f"{channel}: {error}"}
    return {"channel": name, "ok": True, "message": f"sent {channel}"}
