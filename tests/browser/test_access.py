"""Every page as everybody has it: axe finds nothing, in light and dark, on a desktop and on a phone; nothing sticks out."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from selenium.webdriver.chrome.webdriver import WebDriver

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Activity, Known, Platform, Refusal
from hubinfo.operator import actions
from tests.support.board import rename, suspend_in_secret
from tests.support.browser import Site, Window
from tests.support.hub_peer import connect_hub
from tests.support.hubs import connect

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
LOOKS = [(1280, False), (1280, True), (390, False), (390, True)]
OF_HUB = [
    "/",
    "/?text=nobody",
    "/?status=OFFLINE",
    "/parties/NL/TNM",
    "/parties/DE/PLN",
    "/parties/NL/TNM/suspend",
    "/invite",
    "/activity",
    "/actions",
    "/availability",
    "/availability?date_from=2020-02-02&date_to=2020-01-01",
    "/view-as",
    "/view-as?platform=FIRST",
    "/tokens",
    "/tokens/revoke?name=billing",
    "/nothing-here",
]
OF_PARTY = ["/known", "/known/sync", "/register", "/parties/DE/HUB", "/availability"]
ALONE = ["/sign-in", "/not/there"]


def full_hub(app: Flask) -> None:
    """Every status, every outcome, and names as long as they come."""
    first = connect(app, ("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
    second = connect(app, ("EMSP", "BE", "XYZ"), receiver=False)
    connect(app, ("NSP", "FR", "SUS"))
    with app.app_context():
        actions.invite("command", "DE", "PLN", ["CPO"], LONG)
        actions.make_api_token("api: operator", "billing")
        actions.make_api_token("board", LONG[:64])
        with write() as session:
            session.get_one(Platform, second).client_infos[0].status = "OFFLINE"
            platform = session.get_one(Platform, first)
            platform.name, platform.probe_reason, platform.push_reason = "FIRST", LONG, LONG
            platform.endpoints = [{"identifier": "hubclientinfo", "role": "RECEIVER", "url": f"https://x.example/{LONG}"}]
            told = platform.client_infos[0].id
            session.add(Refusal(platform_id=second, client_info_id=told, at=clock.now(), reason=LONG))
            for outcome in ("ok", "refused", "failed"):
                of = {"at": clock.now(), "platform_id": first, "outcome": outcome, "reason": LONG, "seconds": 1.5}
                session.add(Activity(kind="push", client_info_id=told, told="OFFLINE", **of))
                session.add(Activity(kind="probe", **of))
    suspend_in_secret(app, "FR-SUS")
    rename(app, "NL-TNM", LONG)


def full_party(app: Flask) -> None:
    hub_id = connect_hub(app, "DE-HUB")
    at = {"last_updated": clock.now(), "received_at": clock.now()}
    with app.app_context(), write() as session:
        session.get_one(Platform, hub_id).sync_reason = LONG
        for number, status in enumerate(("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED")):
            name = {"country_code": "NL", "party_id": f"00{number}", "party": f"NL-00{number}"}
            session.add(Known(platform_id=hub_id, role="CPO", status=status, valid=number != 2, **name, **at))


@pytest.fixture
def hub_window(window: Window) -> Window:
    full_hub(window.site.app)
    window.open("/")
    window.sign_in()
    return window


@pytest.fixture
def party_window(driver: WebDriver, make_site: Callable[..., Site]) -> Window:
    window = Window(driver, make_site(roles="CPO,EMSP", name=LONG, country_code="NL", party_id="OUR"))
    full_party(window.site.app)
    window.open("/")
    window.sign_in()
    return window


def look_at(window: Window, path: str) -> None:
    """In every way; fails the test where anybody would have trouble."""
    for width, dark in LOOKS:
        window.look(width, dark=dark)
        window.open(path)
        assert urlsplit(window.path).path == urlsplit(path).path
        assert window.complaints() == [], f"{width} px, {'dark' if dark else 'light'}"
    window.look(360)
    sticks_out = window.run(STICKS_OUT)
    assert sticks_out == [], "360 px"


STICKS_OUT = """
const wide = document.documentElement.scrollWidth > innerWidth;
return wide ? [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 120)) : [];
"""


@pytest.mark.parametrize("path", OF_HUB)
def test_of_a_hub(hub_window: Window, path: str) -> None:
    look_at(hub_window, path)


@pytest.mark.parametrize("path", OF_PARTY)
def test_of_a_party(party_window: Window, path: str) -> None:
    look_at(party_window, path)


@pytest.mark.parametrize("path", ALONE)
def test_for_strangers(window: Window, path: str) -> None:
    look_at(window, path)


def test_an_empty_hub(window: Window) -> None:
    window.open("/")
    window.sign_in()
    look_at(window, "/")


def test_what_is_shown_once(hub_window: Window) -> None:
    hub_window.open("/invite")
    hub_window.fill("country_code", "DE")
    hub_window.fill("party_id", "ABC")
    hub_window.press("Invite")
    assert hub_window.complaints() == []
    hub_window.one("label[for=role-cpo]").click()
    hub_window.press("Invite")
    assert hub_window.text("h1") == "DE-ABC is invited"
    assert hub_window.complaints() == []
    hub_window.look(360)
    assert hub_window.run(STICKS_OUT) == []
    hub_window.open("/tokens")
    hub_window.fill("name", "reporting")
    hub_window.press("Make a token")
    assert hub_window.text("h1") == "Token of reporting"
    assert hub_window.complaints() == []
    assert hub_window.run(STICKS_OUT) == []


def test_axe_would_find_something(window: Window) -> None:
    window.open("/sign-in")
    window.run("document.querySelector('label').remove(); document.querySelector('h1').style.color = '#aaa'")
    found = [line.partition(":")[0] for line in window.complaints()]
    assert {"label", "color-contrast"} <= set(found)
