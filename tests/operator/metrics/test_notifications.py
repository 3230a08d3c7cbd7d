"""What `/metrics` says of notifications: how many wait and for how long, and what came of the attempts to send them."""

from datetime import timedelta

import pytest
from flask import Flask

from hubinfo import clock
from hubinfo.config import current_settings
from hubinfo.database import write
from hubinfo.notify import channels, outbox
from hubinfo.notify.channel import NotSent
from hubinfo.notify.courier import Courier
from hubinfo.notify.outbox import Message
from tests.support.apps import MakeApp
from tests.support.metrics import MAIL, scrape

pytestmark = pytest.mark.both_databases("ages are reckoned in SQL")

SETTINGS = MAIL | {
    "notify_webhook_url": "http://127.0.0.1:1/",
    "notify_webhook_secret": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
NAMES = ["mail", "webhook", "apprise-1", "apprise-2"]


class Fickle:
    """A channel that fails as long as it is told to."""

    fails = True

    def send(self, _message: Message) -> None:
        if self.fails:
            raise NotSent("connection refused")


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(**SETTINGS)


def put(app: Flask, channel: str, ago: float) -> None:
    with app.app_context(), write() as session:
        outbox.put(session, channel, [], clock.now() - timedelta(seconds=ago))


def attempts(app: Flask, channel: str) -> dict[str, float]:
    found = scrape(app).by("hubinfo_notifications_total")
    return {outcome: count for (its, outcome), count in found.items() if its == channel}


def test_each_channel_has_how_many_wait_and_the_age_of_the_oldest(app: Flask) -> None:
    put(app, "mail", 5000)
    put(app, "mail", 100)
    found = scrape(app)
    assert found.by("hubinfo_notifications_waiting") == {("mail",): 2, ("webhook",): 0}
    ages = found.by("hubinfo_oldest_notification_age_seconds")
    assert ages == {("mail",): pytest.approx(5000, abs=120), ("webhook",): 0}


def test_what_waits_for_a_channel_that_is_no_longer_configured_will_not_be_sent_and_is_not_told(app: Flask) -> None:
    put(app, "apprise-3", 5000)
    assert set(scrape(app).by("hubinfo_notifications_waiting")) == {("mail",), ("webhook",)}


def test_attempts_are_counted_by_what_came_of_them_from_zero_on(app: Flask) -> None:
    assert attempts(app, "mail") == {"sent": 0, "failed": 0, "given_up": 0}
    channel = Fickle()
    courier = Courier(app, "mail", channel)
    put(app, "mail", 0)
    put(app, "mail", 2 * 86400)
    courier.run()
    assert attempts(app, "mail") == {"sent": 0, "failed": 1, "given_up": 1}
    channel.fails = False
    with app.app_context():
        outbox.make_due("mail", clock.now())
    courier.run()
    assert attempts(app, "mail") == {"sent": 1, "failed": 1, "given_up": 1}
    assert attempts(app, "webhook") == {"sent": 0, "failed": 0, "given_up": 0}


def test_without_a_channel_there_is_nothing_to_tell(make_app: MakeApp) -> None:
    app = make_app()
    put(app, "mail", 5000)
    assert not [name for name in scrape(app).names if "notification" in name]


def test_the_names_are_those_of_the_channels_that_are_made(make_app: MakeApp) -> None:
    app = make_app(**SETTINGS, notify_urls="json://127.0.0.1:1,json://127.0.0.1:2")
    with app.app_context():
        assert channels.names(current_settings()) == list(channels.configured(current_settings())) == NAMES
