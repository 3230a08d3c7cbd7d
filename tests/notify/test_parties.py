"""What an operator is told, and when: OFFLINE, back, flapping, PLANNED, SUSPENDED; grouped, and nothing twice."""

import pytest

from hubinfo.database import write
from hubinfo.hub import presence
from tests.support.apps import MakeApp
from tests.support.notices import Desk

both_databases = pytest.mark.both_databases("outages are found and compared in SQL")

OFFLINE, BACK, FLAPPING = "party.offline", "party.back", "party.flapping"


@both_databases
def test_offline_is_told_once_it_has_lasted_long_enough(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(600) == []
    assert desk.after(35) == [(OFFLINE, ["NL-TNM"])]
    assert desk.after(7200, step=60) == []


def test_what_is_back_before_that_is_not_told(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(590) == []
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(7200, step=60) == []
    assert desk.concerns() == [("begun", "")]


def test_what_is_back_while_others_are_waited_for_is_not_told(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(615) == []
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(7200, step=60) == []


@both_databases
def test_back_again_is_told_of_who_was_told_to_be_offline(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    desk.after(700)
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(20) == []
    assert desk.after(15) == [(BACK, ["NL-TNM"])]
    assert desk.after(7200, step=60) == []
    assert desk.concerns() == [("begun", "")]


@both_databases
def test_the_facts_are_those_of_the_database(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(685) == [(OFFLINE, ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    message = desk.message_after(40)
    [event] = message.events
    [told] = event["data"]["parties"]
    assert event["data"]["sender"] == "NL-HUX"
    assert (told["party"], told["name"], told["roles"]) == ("NL-TNM", "TNM", ["CPO"])
    assert (told["since"], told["until"]) == ("2030-01-01T00:00:10.000Z", "2030-01-01T00:11:35.000Z")
    assert ": 11 minutes 25 seconds, from 2030-01-01 00:00:10 UTC to 2030-01-01 00:11:35 UTC" in desk.text(message)


@both_databases
def test_an_outage_of_fifty_is_one_message(desk: Desk) -> None:
    parties = [f"{country}-P{number:02}" for country in ("DE", "FR") for number in range(24)]
    desk.connect(*parties)
    desk.become("OFFLINE", "NL-TNM", "BE-BEC", *parties[:20])
    desk.after(20)
    desk.become("OFFLINE", *parties[20:])
    assert desk.after(600) == []
    message = desk.message_after(40)
    assert desk.subject(message) == "[NL-HUX] 50 parties are OFFLINE: BE-BEC, DE-P00, and 48 more"
    lines = desk.text(message).splitlines()
    assert [line for line in lines if len(line) == 2 and line.isupper()] == ["BE", "DE", "FR", "NL"]
    listed = [line.split()[0] for line in lines if line.endswith(" UTC, connection refused")]
    assert listed == sorted(["NL-TNM", "BE-BEC", *parties])
    assert "  FR-P03 P03 (CPO): since 2030-01-01 00:00:30 UTC, connection refused" in lines
    assert "    http://127.0.0.1:5000/parties/FR/P03" in lines


def test_a_party_with_two_roles_is_one(desk: Desk) -> None:
    desk.connect("NL-TWO")
    desk.connect("NL-TWO", role="EMSP")
    desk.become("OFFLINE", "NL-TWO")
    message = desk.message_after(660)
    assert desk.subject(message) == "[NL-HUX] NL-TWO is OFFLINE"
    assert "NL-TWO TWO (CPO, EMSP): since" in desk.text(message)


@both_databases
def test_a_flapping_party_does_not_fill_a_mailbox(desk: Desk) -> None:
    """OFFLINE for eleven minutes every quarter of an hour, for three hours."""
    told = []
    for _ in range(12):
        desk.become("OFFLINE", "NL-TNM")
        told += desk.after(660)
        desk.become("CONNECTED", "NL-TNM")
        told += desk.after(240)
    assert [name for name, _ in told] == [OFFLINE, BACK, FLAPPING, BACK, FLAPPING]


@both_databases
def test_what_happened_meanwhile_is_summed_up(make_app: MakeApp) -> None:
    desk = Desk(make_app(notify_offline_seconds=0))
    desk.connect("NL-TNM")
    desk.after(10)
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(40) == [(OFFLINE, ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(40) == [(BACK, ["NL-TNM"])]
    for _ in range(7):
        desk.become("OFFLINE", "NL-TNM")
        assert desk.after(100) == []
        desk.become("CONNECTED", "NL-TNM")
        assert desk.after(200) == []
    assert desk.clock.time.hour == 0
    message = desk.message_after(3600 - 2100)
    assert desk.subject(message) == "[XX-HUB] NL-TNM was OFFLINE and back again and again"
    assert "NL-TNM TNM (CPO): OFFLINE and back 7 times in the last hour, now CONNECTED" in desk.text(message)
    assert desk.after(20_000, step=60) == []
    assert desk.concerns() == [("begun", "")]


def test_short_interruptions_after_an_outage_are_not_summed_up_for_ever(desk: Desk) -> None:
    """One short one an hour would never have been told of by itself."""
    desk.become("OFFLINE", "NL-TNM")
    desk.after(700)
    desk.become("CONNECTED", "NL-TNM")
    desk.after(60)
    desk.become("OFFLINE", "NL-TNM")
    desk.after(60)
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(7200, step=60) == []
    assert desk.concerns() == [("begun", "")]


def test_offline_again_within_the_quiet_time_is_told_after_it(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(635) == [(OFFLINE, ["NL-TNM"])]
    desk.become("CONNECTED", "NL-TNM")
    assert desk.after(60) == [(BACK, ["NL-TNM"])]
    desk.become("OFFLINE", "NL-TNM")
    assert desk.after(3600 - 70) == []
    assert desk.after(60) == [(OFFLINE, ["NL-TNM"])]


@both_databases
def test_a_restart_tells_nothing_twice_and_forgets_nothing(desk: Desk) -> None:
    desk.become("OFFLINE", "NL-TNM")
    desk.after(620)
    desk.start_anew()
    assert desk.after(40) == [(OFFLINE, ["NL-TNM"])]
    desk.start_anew()
    assert desk.after(60) == []
    desk.become("CONNECTED", "NL-TNM")
    desk.become("OFFLINE", "BE-BEC")
    desk.clock.pass_seconds(3600)  # nobody looks
    desk.start_anew()
    assert desk.after(60) == [(OFFLINE, ["BE-BEC"]), (BACK, ["NL-TNM"])]


def test_the_first_start_on_an_old_database_tells_what_still_is_the_matter_and_no_more(make_app: MakeApp) -> None:
    desk = Desk(make_app())
    desk.connect("NL-TNM", "BE-BEC", "DE-ABC", "FR-XYZ")
    desk.become("OFFLINE", "NL-TNM")
    desk.become("PLANNED", "BE-BEC")
    desk.become("SUSPENDED", "DE-ABC")
    desk.clock.pass_seconds(86400)
    assert desk.after(60) == [(OFFLINE, ["NL-TNM"])]
    assert desk.after(86400, step=600) == []
    desk.become("SUSPENDED", "FR-XYZ")
    assert desk.after(60) == [("party.suspended", ["FR-XYZ"])]


def test_a_webhook_gets_an_event_at_a_time_and_mail_all_of_them_at_once(make_app: MakeApp) -> None:
    desk = Desk(make_app(), channels=("mail", "webhook"))
    desk.connect("NL-TNM", "BE-BEC")
    desk.after(10)
    desk.become("SUSPENDED", "NL-TNM")
    desk.become("PLANNED", "BE-BEC")
    desk.passes(60)
    messages = desk.messages()
    assert [[event["type"] for event in message.events] for message in messages] == [
        ["party.suspended", "party.planned"],
        ["party.suspended"],
        ["party.planned"],
    ]
    assert len({message.id for message in messages}) == 3


def test_presence_itself_is_what_is_told_of(make_app: MakeApp) -> None:
    desk = Desk(make_app(notify_offline_seconds=0, notify_group_seconds=0))
    desk.connect("NL-TNM")
    desk.watch.look()
    with desk.app.app_context():
        with write():
            presence.probes_failed({1: "timed out"})
        desk.watch.look()
        desk.watch.look()
        assert desk.told() == [(OFFLINE, ["NL-TNM"])]
        with write():
            presence.heard({1: desk.clock()})
    desk.watch.look()
    assert desk.told() == [(BACK, ["NL-TNM"])]
