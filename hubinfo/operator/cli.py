"""The group `flask hubinfo`, and the arguments that its commands share."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hubinfo.config import current_settings
from hubinfo.ocpi.dialect import HUB, ROLES
from hubinfo.operator.output import Group

F = TypeVar("F", bound=Callable[..., Any])
group = Group(
    "hubinfo",
    help="Look after this platform and the parties connected to it.\n\n"
    "CC PID is a party: its country_code and party_id, e.g. NL TNM.",
)
ROLE = click.Choice(tuple(ROLES), case_sensitive=True)


def first_step() -> str:
    """What to type while there is nothing to show: a hub invites its first party, a party registers with its hub."""
    is_hub = HUB in current_settings().roles
    return f"Next: flask hubinfo {'invite CC PID --role ROLE' if is_hub else 'register VERSIONS_URL TOKEN_A'}"


def _matching(pattern: str, allowed: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """In upper case, however it was typed."""

    def check(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None and re.fullmatch(pattern, value, re.ASCII) is None:
            raise click.BadParameter(f"{value!r}: must be {allowed}")
        return value and value.upper()

    return check


_country_code = _matching("[A-Za-z]{2}", "two letters")
_party_id = _matching("[A-Za-z0-9]{1,3}", "one to three letters or digits")


def party_arguments(function: F) -> F:
    """The arguments CC PID."""
    function = click.argument("party_id", metavar="PID", callback=_party_id)(function)
    return click.argument("country_code", metavar="CC", callback=_country_code)(function)


def optional_party_arguments(function: F) -> F:
    """The arguments CC PID, both or none."""
    function = click.argument("party_id", metavar="[PID]", required=False, callback=_party_id)(function)
    return click.argument("country_code", metavar="[CC]", required=False, callback=_country_code)(function)


def role_option(function: F) -> F:
    """The option --role, to pick one of a party's roles."""
    return click.option("--role", type=ROLE, help="Only this role.")(function)
