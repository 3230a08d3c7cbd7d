"""The board by keyboard alone, and without JavaScript."""

from collections.abc import Callable

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys

from tests.support.board import actions, statuses, suspend_in_secret
from tests.support.browser import Site, Window
from tests.support.hubs import connect


class TestWithoutJavaScript:
    """Everything but the freshness is there."""

    @pytest.fixture
    def board(self, plain_driver: WebDriver, make_site: Callable[..., Site]) -> Window:
        """Signed in, on a hub with two parties."""
        window = Window(plain_driver, make_site())
        connect(window.site.app, ("CPO", "NL", "TNM"))
        connect(window.site.app, ("EMSP", "BE", "XYZ"))
        window.open("/")
        window.sign_in()
        return window

    def test_there_is_none(self, board: Window) -> None:
        board.driver.get("data:text/html,<p>off</p><script>document.querySelector('p').textContent = 'on'</script>")
        assert board.text("p") == "off"

    def test_search_sort_and_look(self, board: Window) -> None:
        board.fill("text", "tnm")
        board.press("Show")
        assert [each.text for each in board.every("th[data-label=Party]")] == ["NL-TNM"]
        board.press("Show all")
        board.press("Name")
        assert board.path == "/?sort=name"
        board.press("NL-TNM")
        assert board.text("h1").startswith("NL-TNM")

    def test_a_change_is_there_on_the_next_look(self, board: Window) -> None:
        suspend_in_secret(board.site.app, "NL-TNM")
        board.open("/")
        assert board.text("#count-suspended").startswith("1")

    def test_suspend(self, board: Window) -> None:
        board.open("/parties/NL/TNM")
        board.press("Suspend")
        board.press("Suspend")
        assert board.text(".said") == "NL-TNM is SUSPENDED as CPO."
        assert actions(board.site.app) == [("board", "suspend", "NL-TNM")]

    def test_invite(self, board: Window) -> None:
        board.open("/invite")
        board.fill("country_code", "DE")
        board.fill("party_id", "ABC")
        board.one("label[for=role-cpo]").click()
        board.press("Invite")
        assert board.text("#token") in (board.one("#letter").get_attribute("value") or "")
        assert not board.one("[data-copies]").is_displayed(), "what needs JavaScript is not offered"

    def test_signing_out(self, board: Window) -> None:
        board.press("Sign out")
        board.open("/")
        assert board.text("h1") == "Sign in"


class TestByKeyboard:
    """Tab, Enter, Space and letters are enough, and one sees where one is."""

    def tab_to(self, window: Window, element_id: str) -> None:
        """Press Tab until this element has the focus; each that has it on the way shows it."""
        for _ in range(80):
            window.keys(Keys.TAB)
            assert window.run(IS_FOCUS_SEEN), window.focused.get_attribute("outerHTML")
            if window.focused.get_attribute("id") == element_id:
                return
        raise AssertionError(f"Tab does not lead to {element_id}")

    def follow(self, window: Window) -> None:
        """Press Enter on a link or a button, and wait for the page."""
        before = window.driver.current_url + window.text("main")
        window.keys(Keys.ENTER)
        window.until(lambda: window.driver.current_url + window.text("main") != before, "Enter leads on")

    def test_the_content_can_be_skipped_to(self, window: Window) -> None:
        connect(window.site.app, ("CPO", "NL", "TNM"))
        window.open("/")
        window.keys("operator", Keys.ENTER)
        window.until(lambda: window.text("h1") == "Parties", "signed in")
        window.keys(Keys.TAB)
        assert window.focused.text == "Skip to the content"
        assert window.run("return document.activeElement.getBoundingClientRect().top") >= 0, "it is seen"
        window.keys(Keys.ENTER)
        window.keys(Keys.TAB)
        assert window.focused.text == "Invite a party"

    def test_invite_and_suspend(self, window: Window) -> None:
        connect(window.site.app, ("CPO", "NL", "TNM"))
        window.open("/")
        window.keys("operator", Keys.ENTER)
        window.until(lambda: window.text("h1") == "Parties", "signed in")
        self.tab_to(window, "to-invite")
        self.follow(window)
        self.tab_to(window, "country_code")
        window.keys("DE", Keys.TAB, "ABC", Keys.TAB, Keys.SPACE, Keys.ENTER)
        window.until(lambda: window.text("h1") == "DE-ABC is invited", "invited")
        assert statuses(window.site.app)["DE-ABC CPO"] == "PLANNED"
        self.tab_to(window, "to-parties")
        self.follow(window)
        row = window.run("return [...document.querySelectorAll('tbody a')].find(e => e.textContent == 'NL-TNM').id")
        self.tab_to(window, row)
        self.follow(window)
        self.tab_to(window, "step-suspend")
        self.follow(window)
        for _ in range(80):
            window.keys(Keys.TAB)
            if window.focused.text == "Suspend":
                break
        self.follow(window)
        assert window.text(".said") == "NL-TNM is SUSPENDED as CPO."
        assert statuses(window.site.app)["NL-TNM CPO"] == "SUSPENDED"


IS_FOCUS_SEEN = """
const style = getComputedStyle(document.activeElement);
return document.activeElement === document.body || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
"""
