"""What all pages share: who this platform is, where one can go, the token of forms, and what is said once."""

from dataclasses import dataclass
from typing import Any

from flask import Response, g, redirect, request

from hubinfo.config import current_settings
from hubinfo.ocpi.dialect import HUB
from hubinfo.operator.board import door, sessions
from hubinfo.operator.board.blueprint import blueprint

SAID_COOKIE = "hubinfo_said"
_SAID_SECONDS = 60
_LONGEST = 600


@dataclass(frozen=True)
class Place:
    """A page that the navigation leads to."""

    endpoint: str
    title: str
    for_hub: bool = True
    for_party: bool = True


PLACES = (
    Place("board.parties", "Parties", for_party=False),
    Place("board.known", "Hubs", for_hub=False),
    Place("board.activity", "Activity"),
    Place("board.availability", "Availability"),
    Place("board.view_as", "View as", for_party=False),
    Place("board.invite", "Invite"),
    Place("board.tokens", "API tokens"),
)


def is_hub() -> bool:
    """Whether this platform is a hub, which it may be besides being a party."""
    return HUB in current_settings().roles


def is_party() -> bool:
    """Whether this platform is a party with hubs of its own."""
    return bool(set(current_settings().roles) - {HUB})


def say_next(response: Response, message: str, *, wrong: bool = False) -> None:
    """Have the next page say this, once; kept by the browser, since any process may answer next."""
    said = sessions.signed("said", {"message": message[:_LONGEST], "wrong": wrong})
    sessions.set_cookie(response, SAID_COOKIE, said, _SAID_SECONDS)


def done(path: str, message: str, *, wrong: bool = False) -> Response:
    """After a POST: on to a page, which says what came of it."""
    answer = redirect(path, 303)
    assert isinstance(answer, Response)
    say_next(answer, message, wrong=wrong)
    return answer


def _take_said() -> dict[str, Any] | None:
    g.said_is_taken = SAID_COOKIE in request.cookies
    found = sessions.unsigned("said", request.cookies.get(SAID_COOKIE), _SAID_SECONDS)
    return found if isinstance(found, dict) else None


@blueprint.after_request
def _forget_said(response: Response) -> Response:
    if g.get("said_is_taken"):
        response.delete_cookie(SAID_COOKIE)
    return response


def _places() -> list[Place]:
    here_hub, here_party = is_hub(), is_party()
    return [place for place in PLACES if (place.for_hub and here_hub) or (place.for_party and here_party)]


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    """For the templates of the board, also where Flask answers without any blueprint."""
    return {
        "settings": current_settings(),
        "is_hub": is_hub,
        "is_party": is_party,
        "places": _places,
        "signed_in": lambda: door.session_id() is not None,
        "form_token": lambda: sessions.form_token(door.identity()),
        "take_said": _take_said,
    }
