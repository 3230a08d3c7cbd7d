"""Fixtures of the browser tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from hubinfo import create_app
from hubinfo.database import db
from tests.support.board import PASSWORD
from tests.support.browser import Site, Window, started


@pytest.fixture(scope="session")
def driver() -> Iterator[WebDriver]:
    """One browser for all tests; none where there is no Chromium."""
    with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def plain_driver() -> Iterator[WebDriver]:
    """One without JavaScript."""
    with started(javascript=False) as browser:
        yield browser


@pytest.fixture
def make_site(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Serve an app with these settings, on SQLite, without background work."""
    made: list[Site] = []

    def make(**overrides: object) -> Site:
        database = tmp_path / f"site-{len(made)}.sqlite3"
        shutil.copy(sqlite_template, database)
        settings = {"database_url": f"sqlite:///{database}", "secret_key": "0123456789abcdef", "operator_password": PASSWORD}
        made.append(Site(create_app({**settings, **overrides}, instance_path=tmp_path)))
        return made[-1]

    yield make
    for site in made:
        site.stop()
        with site.app.app_context():
            db.engine.dispose()


@pytest.fixture
def window(driver: WebDriver, make_site: Callable[..., Site]) -> Window:
    """A browser on a hub; not signed in."""
    return Window(driver, make_site(name="Voltaire", country_code="NL", party_id="VLT"))
