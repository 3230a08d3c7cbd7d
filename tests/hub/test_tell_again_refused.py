"""Who cannot be told everything again, and that nobody else is."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.operator import actions, log_book
from hubinfo.operator.refused import NoSuchParty, Refused
from tests.support.apps import MakeApp
from tests.support.hub_peer import connect_hub
from tests.support.hubs import connect, stored
from tests.support.telling import Telling, tell_again

both_databases = pytest.mark.both_databases("a cursor that goes back while it is being moved")


def suspend(app: Flask, platform_id: int) -> None:
    with app.app_context(), write() as session:
        presence.suspended(session.get_one(Platform, platform_id).client_infos)


def go_offline(app: Flask, platform_id: int) -> None:
    with app.app_context(), write():
        presence.probes_failed({platform_id: "gone"})


@pytest.mark.parametrize(
    ("made_so", "reason"),
    [
        (go_offline, "it is OFFLINE, and owes itself a GET when it is back"),
        (suspend, "it is SUSPENDED, and owes itself a GET when it is back"),
    ],
)
def test_who_is_not_connected_is_not_told(telling: Telling, made_so: Callable[[Flask, int], None], reason: str) -> None:
    made_so(telling.app, telling.receiver)
    name = stored(telling.app, telling.receiver)["name"]
    assert refusal(telling.app) == f"{name} cannot be told: {reason}"


def refusal(app: Flask, party: str = "NL-AAA") -> str:
    """What it says; it leaves no trace."""
    with app.app_context():
        before = [row.told_revision for row in db.session.scalars(select(Platform))]
        with pytest.raises(Refused) as refused:
            actions.tell_again("board", party)
        assert [row.told_revision for row in db.session.scalars(select(Platform))] == before
        assert log_book.actions(party=party) == []
    return str(refused.value)


def test_who_has_no_receiver_or_has_not_registered_is_not_told(telling: Telling) -> None:
    assert refusal(telling.app, "NL-BBB").endswith(" cannot be told: it has no Receiver")
    with telling.app.app_context():
        actions.invite("command", "NL", "NEW", ["CPO"], None)
    with telling.app.app_context(), pytest.raises(Refused, match=r"^NL-NEW cannot be told: it has not registered$"):
        actions.tell_again("board", "NL-NEW")


def test_a_party_that_there_is_not(app: Flask) -> None:
    with app.app_context(), pytest.raises(NoSuchParty, match="no such party: NL-ZZZ"):
        actions.tell_again("board", "NL-ZZZ")


def test_of_two_platforms_of_a_party_the_one_that_can_be_told_is(app: Flask) -> None:
    first, second = connect(app, ("CPO", "NL", "AAA")), connect(app, ("EMSP", "NL", "AAA"))
    go_offline(app, first)
    assert tell_again(app) == [stored(app, second)["name"]]
    assert [stored(app, key)["tellings"] for key in (first, second)] == [0, 1]


def test_on_the_partys_side_nobody_is_told(make_app: MakeApp) -> None:
    app = make_app(roles="CPO", country_code="NL", party_id="OUR")
    connect_hub(app, "DE-HUB")
    assert refusal(app, "DE-HUB") == "DE-HUB cannot be told: only a hub tells others"
