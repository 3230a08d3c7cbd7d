"""An outage of many is one message, though silence, and so OFFLINE, spreads over KEEPALIVE_SECONDS; and so is their return."""

from hubinfo.notify.outbox import Message
from tests.support.apps import MakeApp
from tests.support.notices import Desk, Told, names

OFFLINE, BACK = "party.offline", "party.back"
PARTIES = [f"{country}-P{number:02}" for country in ("DE", "FR") for number in range(25)]


def desk_of(make_app: MakeApp, *parties: str, **settings: object) -> Desk:
    """That looks as often as a hub does."""
    desk = Desk(make_app(**settings))
    desk.connect(*parties)
    assert desk.after(10) == []
    return desk


def one_by_one(desk: Desk, status: str, parties: list[str], seconds: float) -> None:
    for party in parties:
        desk.become(status, party)
        desk.passes(seconds, step=2)


def told(messages: list[Message]) -> list[Told]:
    return [[(event["type"], names(event)) for event in message.events] for message in messages]


def test_fifty_that_go_within_five_minutes_and_return_within_two_are_two_messages(make_app: MakeApp) -> None:
    desk = desk_of(make_app, *PARTIES)
    one_by_one(desk, "OFFLINE", PARTIES, 6)
    desk.passes(900, step=2)
    assert told(desk.messages()) == [[(OFFLINE, PARTIES)]]
    one_by_one(desk, "CONNECTED", PARTIES, 2)
    desk.passes(900, step=2)
    assert told(desk.messages()) == [[(BACK, PARTIES)]]


def test_a_return_that_spreads_as_much_is_one_message_too(make_app: MakeApp) -> None:
    desk = desk_of(make_app, *PARTIES)
    desk.become("OFFLINE", *PARTIES)
    assert desk.after(650) == [(OFFLINE, PARTIES)]
    one_by_one(desk, "CONNECTED", PARTIES, 6)
    desk.passes(900, step=2)
    assert told(desk.messages()) == [[(BACK, PARTIES)]]


def test_where_offline_is_told_at_once_what_the_first_message_could_not_know_is_one_more(make_app: MakeApp) -> None:
    desk = desk_of(make_app, *PARTIES, notify_offline_seconds=0)
    one_by_one(desk, "OFFLINE", PARTIES, 6)
    desk.passes(900, step=2)
    first, second = told(desk.messages())
    assert first + second == [(OFFLINE, PARTIES[:5]), (OFFLINE, PARTIES[5:])]


def test_who_goes_alone_is_told_of_in_time_and_so_is_the_return(make_app: MakeApp) -> None:
    desk = desk_of(make_app, "NL-TNM", "BE-BEC")
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(628, step=2) == []
    assert desk.after(6, step=2) == [(OFFLINE, ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(28, step=2) == []
    assert desk.after(4, step=2) == [(BACK, ["NL-TNM"])]


def test_who_goes_much_later_is_not_part_of_it_and_waits_its_own_time(make_app: MakeApp) -> None:
    desk = desk_of(make_app, "NL-TNM", "BE-BEC")
    desk.become("OFFLINE", "NL-TNM")
    desk.passes(340, step=2)
    desk.become("OFFLINE", "BE-BEC")
    assert desk.after(300, step=2) == [(OFFLINE, ["NL-TNM"])]
    assert desk.after(340, step=2) == [(OFFLINE, ["BE-BEC"])]


def test_who_went_along_and_has_been_told_early_is_told_to_be_back(make_app: MakeApp) -> None:
    desk = desk_of(make_app, "NL-TNM", "BE-BEC")
    desk.become("OFFLINE", "NL-TNM")
    desk.passes(200, step=2)
    desk.become("OFFLINE", "BE-BEC")
    assert desk.after(440, step=2) == [(OFFLINE, ["BE-BEC", "NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM", "BE-BEC")
    assert desk.after(60, step=2) == [(BACK, ["BE-BEC", "NL-TNM"])]


def test_who_returns_is_told_of_after_five_minutes_though_others_do_not(make_app: MakeApp) -> None:
    desk = desk_of(make_app, *PARTIES)
    desk.become("OFFLINE", *PARTIES)
    assert desk.after(650) == [(OFFLINE, PARTIES)]
    desk.become("CONNECTED", *PARTIES[1:])
    assert desk.after(290, step=2) == []
    assert desk.after(20, step=2) == [(BACK, PARTIES[1:])]
    desk.passes(600)
    desk.become("CONNECTED", PARTIES[0])
    assert desk.after(60, step=2) == [(BACK, PARTIES[:1])]


def test_something_else_does_not_wait_for_it(make_app: MakeApp) -> None:
    desk = desk_of(make_app, *PARTIES, "NL-TNM")
    desk.become("OFFLINE", *PARTIES)
    assert desk.after(650) == [(OFFLINE, PARTIES)]
    desk.become("CONNECTED", *PARTIES[1:])
    desk.become("SUSPENDED", "NL-TNM")
    assert desk.after(40, step=2) == [("party.suspended", ["NL-TNM"])]
    assert desk.after(300, step=2) == [(BACK, PARTIES[1:])]


def test_without_a_quiet_time_nobody_waits_for_others(make_app: MakeApp) -> None:
    desk = desk_of(make_app, "NL-TNM", "BE-BEC", notify_quiet_seconds=0)
    desk.become("OFFLINE", "NL-TNM", "BE-BEC")
    assert desk.after(640) == [(OFFLINE, ["BE-BEC", "NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(40, step=2) == [(BACK, ["NL-TNM"])]
    desk.become("CONNECTED", "BE-BEC")
    assert desk.after(40, step=2) == [(BACK, ["BE-BEC"])]
