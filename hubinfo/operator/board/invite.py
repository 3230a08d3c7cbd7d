"""Inviting a party: a form, and once the token A with a text for its operator."""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.config import current_settings
from hubinfo.models import party_of
from hubinfo.ocpi.dialect import ROLES
from hubinfo.ocpi.fields import is_party
from hubinfo.operator import actions
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.invitations import Invitation
from hubinfo.operator.refused import Refused

LONGEST_NAME = 100


@dataclass
class Form:
    """What was filled in, and what is wrong with it by field."""

    country_code: str = ""
    party_id: str = ""
    name: str = ""
    roles: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)


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
    try:
        form.country_code, form.party_id = form.country_code.upper(), form.party_id.upper()
        made = actions.invite("board", form.country_code, form.party_id, form.roles, form.name or None)
    except Refused as refused:
        form.wrong["form"] = str(refused)
        return _page(form, HTTPStatus.CONFLICT)
    return invited(form.country_code, form.party_id, made)


def invited(country_code: str, party_id: str, made: Invitation) -> Response:
    """The one page that ever shows this token."""
    party, settings = party_of(country_code, party_id), current_settings()
    subject = quote(f"{settings.name}: connecting {party} by OCPI")
    back = url_for("board.party", country_code=country_code, party_id=party_id)
    return make_response(render_template("invited.html", party=party, made=made, subject=subject, back=back))


def _page(form: Form, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    return make_response(render_template("invite.html", form=form, all_roles=list(ROLES)), http_status)


def _filled_in() -> Form:
    given = request.form
    form = Form(given.get("country_code", "").strip(), given.get("party_id", "").strip(), given.get("name", "").strip())
    form.roles = [role for role in ROLES if role in given.getlist("role")]
    form.wrong = {name: message for name, is_wrong, message in _checks(form) if is_wrong}
    return form


def _checks(form: Form) -> list[tuple[str, bool, str]]:
    return [
        ("country_code", not is_party(form.country_code, "ABC"), "Two letters, e.g. NL."),
        ("party_id", not is_party("NL", form.party_id), "One to three letters or digits, e.g. TNM."),
        ("roles", not form.roles, "Pick at least one role."),
        ("name", not form.name.isprintable(), "Only characters that can be seen: no line ends or control characters."),
        ("name", len(form.name) > LONGEST_NAME, f"At most {LONGEST_NAME} characters."),
    ]
