"""Where on the board that is done for which a refusal names a command."""

import re

from flask import url_for

from hubinfo.operator.board.blueprint import blueprint

_RESUME = re.compile(r"flask hubinfo resume (\w\w) (\w\w\w)")
_LISTS = ("flask hubinfo parties", "flask hubinfo platforms", "unregister with --force")
"""Disconnecting, too, begins with a party in the list."""


@blueprint.app_template_global()
def ways(message: str) -> dict[str, str]:
    """The pages, by what is done there."""
    found = {}
    if named := _RESUME.search(message):
        country_code, party_id = named.groups()
        path = url_for("board.confirm", country_code=country_code, party_id=party_id, step="resume")
        found[f"Resume {country_code}-{party_id}"] = path
    if "flask hubinfo register" in message:
        found["Register with a hub"] = url_for("board.register")
    if any(command in message for command in _LISTS):
        found["All connections"] = url_for("board.parties")
    return found
