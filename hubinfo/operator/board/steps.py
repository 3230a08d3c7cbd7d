"""What an operator does about a party, each step confirmed on a page of its own and recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import abort, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from hubinfo.models import party_of
from hubinfo.operator import actions
from hubinfo.operator.board import frame
from hubinfo.operator.board.blueprint import blueprint
from hubinfo.operator.board.invite import invited
from hubinfo.operator.board.party import BUTTONS, dossier_of
from hubinfo.operator.refused import Refused

SOURCE = "board"


@dataclass(frozen=True)
class Step:
    """A button, and the page that asks before anything happens."""

    button: str
    title: str
    happens: str
    run: Callable[[dict[str, Any]], Response]
    takes_role: bool = False


@blueprint.get("/parties/<country_code>/<party_id>/<step>")
def confirm(country_code: str, party_id: str, step: str) -> Response:
    """What will happen, and a button for it."""
    return _page(_step(step), dossier_of(party_of(country_code, party_id)))


@blueprint.post("/parties/<country_code>/<party_id>/<step>")
def take(country_code: str, party_id: str, step: str) -> Response:
    """Do it; where it cannot be done, the page says why."""
    found = dossier_of(party_of(country_code, party_id))
    try:
        return _step(step).run(found)
    except Refused as refused:
        return _page(_step(step), found, str(refused), HTTPStatus.CONFLICT)


def _step(name: str) -> Step:
    return STEPS[name] if name in STEPS else abort(HTTPStatus.NOT_FOUND)


def _page(step: Step, found: dict[str, Any], wrong: str | None = None, http_status: HTTPStatus = HTTPStatus.OK) -> Response:
    roles = [row["role"] for row in found["rows"]]
    offered = roles if step.takes_role and len(roles) > 1 else []
    page = render_template("step.html", step=step, dossier=found, roles=offered, wrong=wrong, back=_path(found))
    return make_response(page, http_status)


def _path(found: dict[str, Any]) -> str:
    return url_for("board.party", country_code=found["country_code"], party_id=found["party_id"])


def _probe(found: dict[str, Any]) -> Response:
    probed = actions.probe(SOURCE, found["party"])
    said = f"answered in {probed.seconds:.3f} s" if probed.alive else f"did not answer as it should: {probed.reason}"
    return frame.done(_path(found), f"{found['party']} {said}. Status: {probed.status}.", wrong=not probed.alive)


def _suspend(found: dict[str, Any]) -> Response:
    return _changed(found, actions.suspend(SOURCE, found["party"], _role(found)))


def _resume(found: dict[str, Any]) -> Response:
    return _changed(found, actions.resume(SOURCE, found["party"], _role(found)))


def _changed(found: dict[str, Any], rows: list[dict[str, Any]]) -> Response:
    said = ", ".join(f"{row['status']} as {row['role']}" for row in rows)
    return frame.done(_path(found), f"{found['party']} is {said}.")


def _role(found: dict[str, Any]) -> str | None:
    """The role that was picked; None for all of them."""
    role = request.form.get("role") or None
    if role is not None and role not in [row["role"] for row in found["rows"]]:
        abort(HTTPStatus.BAD_REQUEST, f"{found['party']} has no role {role}.")
    return role


def _tell_again(found: dict[str, Any]) -> Response:
    names = actions.tell_again(SOURCE, found["party"])
    return frame.done(_path(found), f"{', '.join(names)} will be told everything again, beginning now.")


def _invite(found: dict[str, Any]) -> Response:
    roles = [row["role"] for row in found["rows"]]
    made = actions.invite(SOURCE, found["country_code"], found["party_id"], roles)
    return invited(found["country_code"], found["party_id"], made)


STEPS = {
    "probe": Step(
        BUTTONS["probe"],
        "Probe {party} now?",
        "Its versions URL is asked once. The page waits for the answer. An answer makes an OFFLINE party CONNECTED; "
        "a failure counts as any other probe that failed.",
        _probe,
    ),
    "suspend": Step(
        BUTTONS["suspend"],
        "Suspend {party}?",
        "It becomes SUSPENDED, and every other party is told so. It stays so until an operator resumes it.",
        _suspend,
        takes_role=True,
    ),
    "resume": Step(
        BUTTONS["resume"],
        "Resume {party}?",
        "It is let back in, and every other party is told so. With credentials it is OFFLINE until it answers, and is "
        "probed at once; without, it is PLANNED.",
        _resume,
        takes_role=True,
    ),
    "tell-again": Step(
        BUTTONS["tell-again"],
        "Tell {party} everything again?",
        "Its platform gets every ClientInfo that it may see once more, one PUT each. It learns nothing new unless it missed one.",
        _tell_again,
    ),
    "invite": Step(
        BUTTONS["invite"],
        "Invite {party} again?",
        "A new token A is made and shown once. The one it was given before no longer works.",
        _invite,
    ),
}
"""By the last part of their path."""
