"""`/metrics`: what the database says at a scrape, on both databases; and the page itself."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import event, select, update

from hubinfo import clock
from hubinfo.database import db, write
from hubinfo.models import ClientInfo, Lease, Platform
from hubinfo.worker import Worker
from tests.support.apps import MakeApp, lead
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.metrics import scrape

both_databases = pytest.mark.both_databases("every query of a scrape")

PROMETHEUS_ACCEPTS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


def set_platforms(app: Flask, platform_ids: list[int], **values: object) -> None:
    with app.app_context(), write() as session:
        session.execute(update(Platform).where(Platform.id.in_(platform_ids)).values(**values))


def told(app: Flask, platform_id: int, revision: int) -> None:
    set_platforms(app, [platform_id], told_revision=revision)


def revisions(app: Flask) -> list[int]:
    """Of the rows, in the order in which they were made."""
    with app.app_context():
        return list(db.session.scalars(select(ClientInfo.revision).order_by(ClientInfo.id)))


def made_ago(app: Flask, revision: int, seconds: float) -> None:
    """As if this change had been made so long ago."""
    with app.app_context(), write() as session:
        at = clock.now() - timedelta(seconds=seconds)
        session.execute(update(ClientInfo).where(ClientInfo.revision == revision).values(last_updated=at))


@both_databases
def test_parties_are_counted_by_status_and_role_with_the_statuses_nobody_has(hub: Hub) -> None:
    connect(hub.app, ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAA"))
    hub.invite("BE", "BEC", "CPO")
    assert scrape(hub.app).by("hubinfo_parties") == {
        ("CPO", "CONNECTED"): 1,
        ("CPO", "OFFLINE"): 0,
        ("CPO", "PLANNED"): 1,
        ("CPO", "SUSPENDED"): 0,
        ("EMSP", "CONNECTED"): 1,
        ("EMSP", "OFFLINE"): 0,
        ("EMSP", "PLANNED"): 0,
        ("EMSP", "SUSPENDED"): 0,
    }


@both_databases
def test_nobody_is_behind_when_all_know_all(app: Flask) -> None:
    first = connect(app, ("CPO", "NL", "AAA"))
    second = connect(app, ("CPO", "NL", "BBB"))
    for platform_id in (first, second):
        told(app, platform_id, max(revisions(app)))
    found = scrape(app)
    assert (found["hubinfo_platforms_behind"], found["hubinfo_changes_untold"]) == (0, 0)
    assert found["hubinfo_oldest_untold_change_age_seconds"] == 0


@both_databases
def test_what_is_untold_is_counted_without_a_platforms_own_rows_and_aged_by_its_oldest(app: Flask) -> None:
    first, second, third = (connect(app, ("CPO", "NL", name)) for name in ("AAA", "BBB", "CCC"))
    for revision, seconds in zip(revisions(app), (5000, 4000, 3000), strict=True):
        made_ago(app, revision, seconds)
    told(app, first, 0)  # lacks the other two
    told(app, second, revisions(app)[1])  # lacks the last
    told(app, third, revisions(app)[1])  # the last is its own
    found = scrape(app)
    assert (found["hubinfo_platforms_behind"], found["hubinfo_changes_untold"]) == (2, 3)
    assert found["hubinfo_oldest_untold_change_age_seconds"] == pytest.approx(4000, abs=120)


@both_databases
@pytest.mark.parametrize("values", [{"status": "OFFLINE"}, {"status": "SUSPENDED"}, {"receiver_url": None}])
def test_who_is_not_told_at_all_is_not_behind(app: Flask, values: dict[str, object]) -> None:
    behind = connect(app, ("CPO", "NL", "AAA"))
    up_to_date = connect(app, ("CPO", "NL", "BBB"))
    told(app, behind, 0)
    told(app, up_to_date, max(revisions(app)))
    assert scrape(app)["hubinfo_platforms_behind"] == 1
    set_platforms(app, [behind], **values)
    assert scrape(app)["hubinfo_platforms_behind"] == 0


def test_a_connected_party_tells_nobody_and_is_behind_with_nobody(party: Hub) -> None:
    set_platforms(party.app, [1], receiver_url="http://hub.test/hubclientinfo", told_revision=0)
    found = scrape(party.app)
    assert found.value("hubinfo_parties", status="CONNECTED", role="HUB") == 1
    assert (found["hubinfo_platforms_behind"], found["hubinfo_oldest_untold_change_age_seconds"]) == (0, 0)


@both_databases
def test_who_does_the_background_work_and_when_last(make_app: MakeApp) -> None:
    app, worker = make_app(), Worker(make_app())
    before = scrape(app)
    assert (before["hubinfo_worker_lease_held"], before["hubinfo_ready"]) == (0, 0)
    assert not before.names & {"hubinfo_worker_info", "hubinfo_worker_tick_age_seconds"}
    lead(worker)
    during = scrape(app)
    worker.stop()
    assert (during["hubinfo_worker_lease_held"], during["hubinfo_ready"]) == (1, 1)
    assert list(during.by("hubinfo_worker_info")) == [(worker._claim.holder,)]
    assert 0 <= during["hubinfo_worker_tick_age_seconds"] < 15
    assert scrape(app)["hubinfo_worker_lease_held"] == 0


def test_a_lease_of_another_host_that_is_no_longer_renewed_has_an_old_tick(app: Flask) -> None:
    with app.app_context(), write() as session:
        session.add(Lease(name="worker", holder="elsewhere/-/1/x", expires_at=clock.now() - timedelta(seconds=100)))
    found = scrape(app)
    assert found["hubinfo_worker_lease_held"] == 0
    assert 115 <= found["hubinfo_worker_tick_age_seconds"] < 175


@both_databases
def test_own_fault_shows_while_all_fail_and_none_is_called_offline(app: Flask) -> None:
    ids = [connect(app, ("CPO", "NL", f"A{number:02}")) for number in range(3)]
    assert scrape(app)["hubinfo_own_fault"] == 0
    set_platforms(app, ids, failed_probes=1)
    assert scrape(app)["hubinfo_own_fault"] == 0
    set_platforms(app, ids[:1], failed_probes=2)
    assert scrape(app)["hubinfo_own_fault"] == 1
    set_platforms(app, ids[2:], failed_probes=0)
    assert scrape(app)["hubinfo_own_fault"] == 0


@both_databases
def test_two_failing_platforms_are_no_witnesses_of_an_own_fault(app: Flask) -> None:
    ids = [connect(app, ("CPO", "NL", f"A{number:02}")) for number in range(2)]
    set_platforms(app, ids, failed_probes=5)
    assert scrape(app)["hubinfo_own_fault"] == 0


def test_build_and_schema_are_named(app: Flask) -> None:
    found = scrape(app)
    assert list(found.by("hubinfo_build_info")) == [("0.1.0",)]
    [(revision,)] = found.by("hubinfo_schema_info")
    assert revision >= "0003"
    assert found["hubinfo_database_up"] == 1


@both_databases
def test_tokens_that_cannot_be_decrypted_are_counted(make_app: MakeApp) -> None:
    connect(make_app(secret_key="old"), ("CPO", "NL", "TNM"))
    app = make_app(secret_key="new")
    assert scrape(app)["hubinfo_tokens_unreadable"] == 1
    connect(app, ("CPO", "BE", "BEC"))
    assert scrape(app)["hubinfo_tokens_unreadable"] == 1
    assert scrape(make_app(secret_key="new,old"))["hubinfo_tokens_unreadable"] == 0


@both_databases
def test_a_scrape_asks_as_many_queries_for_many_parties_as_for_one(app: Flask) -> None:
    def queries() -> int:
        said: list[str] = []
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", listener := lambda *arguments: said.append(arguments[2]))
        scrape(app)
        event.remove(engine, "before_cursor_execute", listener)
        return len(said)

    told(app, connect(app, ("CPO", "NL", "AAA")), 0)
    connect(app, ("CPO", "NL", "BBB"))
    with_two = queries()
    for number in range(20):
        connect(app, ("EMSP", "NL", f"C{number:02}"))
    assert queries() == with_two < 25


def test_prometheus_gets_openmetrics_and_a_browser_gets_text(app: Flask) -> None:
    client = app.test_client()
    openmetrics = client.get("/metrics", headers={"Accept": PROMETHEUS_ACCEPTS})
    assert openmetrics.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    parse: Any = text_string_to_metric_families
    assert {family.name for family in parse(openmetrics.text)} > {"hubinfo_parties", "hubinfo_pushes"}
    for accept in (None, "*/*", "text/html", "application/openmetrics-text;q=0.1,text/plain", "text/plain;version=junk"):
        text = client.get("/metrics", headers={"Accept": accept} if accept else {})
        assert (text.status_code, text.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_with_a_token_only_its_holder_may_scrape(make_app: MakeApp) -> None:
    client = make_app(metrics_token="right").test_client()
    for given in (None, "Bearer wrong", "Bearer righ", "Bearer ", "Basic cmlnaHQ6cmlnaHQ=", "Token right", "right", "Bearer ríght"):
        refused = client.get("/metrics", headers={"Authorization": given} if given else {})
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), given
        assert "hubinfo_" not in refused.text
    assert "hubinfo_parties" in client.get("/metrics", headers={"Authorization": "Bearer right"}).text


def test_no_token_and_no_name_of_a_party_is_told(hub: Hub) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    hub.call("GET", "/ocpi/versions", token)
    hub.call("GET", "/ocpi/2.2.1/hubclientinfo/NL/TNM", token)
    text = hub.app.test_client().get("/metrics").text
    assert "hubclientinfo/<" in text
    assert not [secret for secret in (token, "TNM", "operator.password", "0123456789abcdef") if secret in text]


def test_two_hosts_on_one_database_say_the_same_of_it_and_each_counts_its_own_requests(make_app: MakeApp) -> None:
    hosts = [make_app(), make_app()]
    connect(hosts[0], ("CPO", "NL", "AAA"), ("EMSP", "NL", "AAA"))
    hosts[1].test_client().get("/healthz")
    hosts[1].test_client().get("/healthz")
    one, other = map(scrape, hosts)
    for gauge in ("hubinfo_parties", "hubinfo_platforms_behind", "hubinfo_changes_untold"):
        assert one.by(gauge) == other.by(gauge) != {}
    requests = [each.by("hubinfo_http_requests_total") for each in (one, other)]
    assert [sum(count for labels, count in each.items() if "/healthz" in labels) for each in requests] == [0, 2]
