"""In which form a platform wants its token is found out in the handshake, whatever it answers to the other one."""

from collections.abc import Callable

import pytest

from hubinfo.database import db
from hubinfo.models import Platform
from tests.support.live import Hub
from tests.support.peers import Handler, Peer

CPO = ("CPO", "NL", "TNM")


def wants_raw(peer: Peer, http_status: int, status_code: int | None) -> Callable[[Handler], None]:
    """A platform that answers so to base64."""

    def behave(handler: Handler) -> None:
        if handler.headers["Authorization"] == f"Token {peer.token}":
            peer._behave_well(handler)
        elif status_code is None:
            handler.raw(b"<html>no</html>", http_status=http_status)
        else:
            handler.answer(status_code=status_code, http_status=http_status)

    return behave


@pytest.mark.parametrize("path", ["/versions", "/2.2.1"], ids=["everywhere", "versions-are-open-to-all"])
@pytest.mark.parametrize(
    ("http_status", "status_code"),
    [(401, 2000), (401, None), (400, 2001), (400, None), (403, 2000), (403, None), (200, 2001), (200, 2002), (404, 2004)],
)
def test_raw_is_tried_once_and_remembered(hub: Hub, peer: Peer, path: str, http_status: int, status_code: int | None) -> None:
    peer.behave("GET", path, wants_raw(peer, http_status, status_code))
    peer.behave("GET", "/2.2.1", wants_raw(peer, http_status, status_code))
    hub.register(peer, CPO)
    with hub.app.app_context():
        assert db.session.query(Platform).one().token_form == "raw"


@pytest.mark.parametrize(("http_status", "status_code"), [(404, None), (500, 3000), (200, 3000), (429, None), (503, None)])
def test_what_says_nothing_of_the_token_is_not_asked_again(hub: Hub, peer: Peer, http_status: int, status_code: int | None) -> None:
    peer.behave("GET", "/versions", wants_raw(peer, http_status, status_code))
    token = hub.invite("NL", "TNM", "CPO")
    answer = hub.call("POST", "/ocpi/2.2.1/credentials", token, json=peer.credentials(CPO)).json
    assert answer is not None
    assert answer["status_code"] == 3001
    assert len(peer.received) == 1
