"""A real browser, Debian's Chromium without a screen, on a hub that serves on loopback."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from werkzeug.serving import make_server

from tests.support.board import PASSWORD

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "needs chromium and chromedriver: apt-get install chromium chromium-driver"
AXE = Path(__file__).parent / "data" / "axe.min.js"
PATIENCE_SECONDS = 60.0
"""Only a machine that is very busy takes so long; what is promised in less is held against that."""
_LOADED = "return document.readyState === 'complete' ? performance.timeOrigin : null"
"""Another value for every page that is there in full."""
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def started(*, javascript: bool = True) -> Iterator[WebDriver]:
    """A browser; the test is skipped where there is none, and fails in CI."""
    if MISSING:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Site:
    """An app that serves on loopback; it can stop and come back on its port."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Window:
    """What an operator sees and does in the browser."""

    def __init__(self, driver: WebDriver, site: Site) -> None:
        self.driver = driver
        self.site = site
        driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.look(1280)

    def look(self, width: int, *, dark: bool = False) -> None:
        """Through a window of this width, in light or dark."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, path: str) -> None:
        self.driver.get(self.site.url + path)

    def sign_in(self, password: str = PASSWORD) -> None:
        """On the form that the page led to."""
        self.fill("password", password)
        self.press("Sign in")

    def fill(self, name: str, text: str) -> None:
        """A field, by its id."""
        field = self.one(f"#{name}")
        field.clear()
        field.send_keys(text)

    def press(self, text: str) -> None:
        """The button or link of this text, and wait for the page it leads to."""
        fitting = [each for each in self.every("main button, main a") if each.text == text]
        [found] = fitting or [each for each in self.every("header button, header a") if each.text == text]
        before = self.run(_LOADED)
        found.click()
        self.until(lambda: self.run(_LOADED) not in (None, before), f"{text} leads on")

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def every(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "body") -> str:
        return self.one(selector).text

    def column(self, label: str) -> list[str]:
        """The cells of a table's column; asked for at once, since the page may change meanwhile."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", f"[data-label='{label}']"
        )
        return found

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        """On the keyboard, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.site.url)

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait for it; how many seconds that took. Fails the test when it never is so."""
        began = time.monotonic()
        while not _holds(condition):
            assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}; the page:\n{self.text()}"
            time.sleep(0.02)
        return time.monotonic() - began

    def complaints(self) -> list[str]:
        """What axe finds wrong with the page as it is shown now."""
        if not self.run("return window.axe !== undefined"):
            self.run(AXE.read_text())
        script = "const done = arguments[1]; axe.run({runOnly: arguments[0]}).then(r => done(r.violations))"
        found = self.driver.execute_async_script(script, _TAGS)
        return [f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']][:3]}" for each in found]

    def logged(self) -> list[str]:
        """What the browser complained about since it was asked last, without pages that are not there."""
        lines = [each["message"] for each in self.driver.get_log("browser") if each["level"] == "SEVERE"]  # type: ignore[no-untyped-call]
        return [line for line in lines if "Failed to load resource" not in line]


def _holds(condition: Callable[[], Any]) -> bool:
    """While a page is being replaced, it can be asked nothing, and the driver says so in many ways."""
    try:
        return bool(condition())
    except WebDriverException:
        return False
