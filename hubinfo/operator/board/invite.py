"""Inviting a party: a form, and once the token A with a text for its operator."""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.config import current_settings
from hubinfo.ocpi.dialect import ROLES
from hubinfo.ocpi.fields import is_party
from hubinfo.operator import actions
from hubinfo.operator.board import frame
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.invitations import Invitation, in_words, policy
from hubinfo.operator.refused import Refused

LONGEST_NAME = 100


@dataclass
class Form:
    """What was filled in, and what is wrong with it by field."""

    country_code: str = ""
    party_id: str = ""
    name: str = ""
    platform: str = ""
    roles: list[str] = field(default_factory=list)
    version: str = ""
    """Or several, comma-separated."""
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> list[str]:
        """What was filled in, one by one."""
        return list(dict.fromkeys(self.version.replace(",", " ").split()))


@blueprint.get("/invite")
def invite() -> Response:
    """The form."""
    return _page(Form())


@blueprint.post("/invite")
def send_invitation() -> Response:
    """Plan the party and show its token A; or the form again with what is wrong beside the fields."""
    form = _filled_in()
    if form.wrong:
        return _page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    wanted = (form.country_code, form.party_id, form.roles, form.name or None)
    try:
        made = actions.invite("board", *wanted, platform=form.platform or None, versions=form.versions)
    except Refused as refused:
        form.wrong["form"] = str(refused)
        return _page(form, HTTPStatus.CONFLICT)
    return invited(form.country_code, form.party_id, made)


def invited(country_code: str, party_id: str, made: Invitation) -> Response:
    """The one page that ever shows this token; a party that was added to a platform has none."""
    back = url_for("board.party", country_code=country_code, party_id=party_id)
    if made.token is None:
        return frame.done(back, " ".join(in_words(made)))
    subject = quote(f"{current_settings().name}: connecting {made.party} by OCPI")
    said = {"party": made.party, "made": made, "subject": subject, "policy": policy(made.platform)}
    return make_response(render_template("invited.html", back=back, **said))


def _page(form: Form, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    return make_response(render_template("invite.html", form=form, all_roles=list(ROLES), policy=policy("NAME")), http_status)


def _filled_in() -> Form:
    given = request.form
    form = Form(given.get("country_code", "").strip(), given.get("party_id", "").strip(), given.get("name", "").strip())
    form.roles = [role for role in ROLES if role in given.getlist("role")]
    form.platform = given.get("platform", "").strip()
    form.version = ", ".join(given.getlist("version")).strip()
    form.wrong = {name: message for name, is_wrong, message in _checks(form) if is_wrong}
    return form


def _checks(form: Form) -> list[tuple[str, bool, str]]:
    offered = current_settings().versions
    return [
        ("country_code", not is_party(form.country_code, "ABC"), "Two letters, e.g. NL."),
        ("party_id", not is_party("NL", form.party_id), "One to three letters or digits, e.g. TNM."),
        ("roles", not form.roles, "Pick at least one role."),
        ("name", not form.name.isprintable(), "Only characters that can be seen: no line ends or control characters."),
        ("platform", not form.platform.isprintable() or len(form.platform) > 32, "The name of a platform, at most 32 characters."),
        ("version", not set(form.versions) <= set(offered), f"Only what is offered: {', '.join(offered)}."),
        ("name", len(form.name) > LONGEST_NAME, f"At most {LONGEST_NAME} characters."),
    ]
