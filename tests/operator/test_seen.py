"""View as a party: the list exactly as it gets it with GET, all pages, in every version."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from hubinfo.database import db, write
from hubinfo.hub import presence
from hubinfo.models import Platform
from hubinfo.operator import actions, seen
from hubinfo.operator.refused import NoSuchPlatform, Refused
from hubinfo.platforms.vault import digest
from tests.support.apps import MakeApp
from tests.support.hubs import connect
from tests.support.live import Hub
from tests.support.statements import counted

pytestmark = pytest.mark.both_databases("the list as SQL orders and cuts it")

VERSIONS = ("2.2", "2.2.1", "2.3.0")


@pytest.fixture
def hub(make_app: MakeApp) -> Hub:
    """Small pages, and parties in every status and role, one of them a HUB; the first platform has two of them."""
    hub = Hub(make_app(page_limit=2))
    connect(hub.app, ("CPO", "NL", "AAA"), ("EMSP", "nl", "aab"), version="2.2.1")
    offline = connect(hub.app, ("EMSP", "be", "Bbb"), ("CPO", "BE", "BBB"), version="2.2")
    suspended = connect(hub.app, ("HUB", "DE", "HUC"), version="2.3.0")
    with hub.app.app_context():
        actions.invite("command", "FR", "NEW", ["NSP"], None)
        with write() as session:
            presence.probes_failed({offline: "gone"})
            presence.suspended(session.get_one(Platform, suspended).client_infos)
            for platform in session.query(Platform):
                platform.token_hash = digest(f"token-{platform.id}")
    return hub


def names(app: Flask) -> dict[int, str]:
    with app.app_context():
        return {platform.id: platform.name for platform in db.session.scalars(select(Platform).order_by(Platform.id))}


def seen_by(hub: Hub, platform: str, version: str | None = None) -> dict[str, Any]:
    with hub.app.app_context():
        return seen.seen_by(platform, version)


def pulled(hub: Hub, platform_id: int, version: str) -> list[dict[str, Any]]:
    """From page to page, as its platform would."""
    found: list[dict[str, Any]] = []
    url: str | None = f"/ocpi/{version}/hubclientinfo"
    while url:
        response = hub.call("GET", url, f"token-{platform_id}")
        assert response.json is not None
        assert response.json["status_code"] == 1000
        found += response.json["data"]
        link = response.headers.get("Link")
        url = None if link is None else "{0.path}?{0.query}".format(urlsplit(link[1 : link.index(">")]))
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_what_get_answers_on_all_pages(hub: Hub, version: str) -> None:
    connected = list(names(hub.app).items())[:2]
    for platform_id, name in connected:
        found = seen_by(hub, name, version)
        rows = pulled(hub, platform_id, version)
        assert len(rows) >= 3
        assert found == {"platform": name, "version": version, "rows": rows}


def test_roles_are_what_each_version_can_say(hub: Hub) -> None:
    first = names(hub.app)[1]
    roles = {version: [row["role"] for row in seen_by(hub, first, version)["rows"]] for version in VERSIONS}
    assert roles == {version: ["EMSP", "CPO", "OTHER" if version == "2.3.0" else "HUB", "NSP"] for version in VERSIONS}
    assert [row["status"] for row in seen_by(hub, first)["rows"]] == ["OFFLINE", "OFFLINE", "SUSPENDED", "PLANNED"]
    assert (seen_by(hub, first)["rows"][0]["country_code"], seen_by(hub, first)["rows"][0]["party_id"]) == ("BE", "BBB")


def test_without_a_version_it_is_that_of_the_connection_or_the_newest(hub: Hub) -> None:
    assert [seen_by(hub, name)["version"] for name in names(hub.app).values()] == ["2.2.1", "2.2", "2.3.0", "2.3.0"]


def test_the_list_can_be_seen_also_of_who_may_not_get_it_now(hub: Hub) -> None:
    by_name = {platform: len(seen_by(hub, platform)["rows"]) for platform in names(hub.app).values()}
    assert list(by_name.values()) == [4, 4, 5, 5]


def test_the_name_may_be_of_any_case(hub: Hub) -> None:
    assert seen_by(hub, "fr-new")["platform"] == "FR-NEW"


def test_what_there_is_not_is_refused(hub: Hub) -> None:
    with pytest.raises(NoSuchPlatform, match=r"^no connection named NL-ZZZ;"):
        seen_by(hub, "NL-ZZZ")
    with pytest.raises(Refused, match=r"^version='2\.1\.1': must be one of 2\.2, 2\.2\.1, 2\.3\.0$"):
        seen_by(hub, "FR-NEW", "2.1.1")


def test_a_version_that_is_no_longer_offered_is_named(hub: Hub, make_app: MakeApp) -> None:
    newer = Hub(make_app(versions="2.3.0"))
    with pytest.raises(Refused, match=r"^version='2\.2\.1': must be one of 2\.3\.0$"):
        seen_by(newer, names(hub.app)[1])


def test_rows_cost_no_further_statements(hub: Hub) -> None:
    def statements() -> int:
        with counted(hub.app) as found:
            seen_by(hub, "FR-NEW")
        return len(found)

    few = statements()
    connect(hub.app, *(("CPO", "AT", f"{number:03}") for number in range(50)))
    assert statements() == few
