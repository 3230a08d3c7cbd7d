"""What tests of notifications share."""

import pytest

from tests.support.apps import MakeApp
from tests.support.notices import Desk


@pytest.fixture
def desk(make_app: MakeApp) -> Desk:
    """Of a hub with two parties, that has begun to tell."""
    made = Desk(make_app(country_code="NL", party_id="HUX"))
    made.connect("NL-TNM", "BE-BEC")
    assert made.after(10) == []
    return made
