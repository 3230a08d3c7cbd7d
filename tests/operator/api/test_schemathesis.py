"""schemathesis against a running server: it reads the description and looks for what does not hold."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hubinfo.operator import guesses
from tests.support.api import basic
from tests.support.hub_peer import client_info, connect_hub, token_of
from tests.support.live import LiveHub
from tests.support.peers import Peer
from tests.support.processes import BIN
from tests.support.receivers import HUB, put

pytestmark = pytest.mark.outside

SECONDS = 600
EXAMPLES = 10
NOT_SAID = """
[[operations]]
include-path-regex = "availability|timeline|heard"
checks.positive_data_acceptance.enabled = false
"""
"""date_from has to be before date_to, days to stand alone, no message to be of the future: OpenAPI cannot say so."""
NOT_OF_OCPI = "negative_data_rejection,unsupported_method,positive_data_acceptance"
"""A wrong value is HTTP 200 with 2001; what may be called when (POST, PUT) depends on who is registered; a role on the version."""


@pytest.fixture(autouse=True)
def _guessing_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong passwords are part of what is tried, and 401 is what is looked for."""
    monkeypatch.setattr(guesses, "FREE", 1_000_000)


OPERATOR = basic("operator")
"""Not by a token: it might be revoked on the way."""


def nothing_is_found(folder: Path, served: LiveHub, authorization: str, *options: str) -> None:
    """Fails the test with what was found; the same requests each time."""
    (folder / "schemathesis.toml").write_text(NOT_SAID)
    limits = [f"--max-examples={EXAMPLES}", "--generation-deterministic", "--no-shrink", "--continue-on-failure", "--no-color"]
    who = ["--url", served.url, "--header", f"Authorization: {authorization}"]
    command = [str(BIN / "st"), "run", f"{served.url}/api/openapi.json", *who, *limits, *options]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture
def hub(make_live_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer]) -> LiveHub:
    """With a party that answers, and one that is invited."""
    hub = make_live_hub(request_timeout_seconds=0.5)
    hub.register(make_peer(), ("CPO", "NL", "TNM"))
    hub.invite("DE", "XYZ", "EMSP")
    return hub


@pytest.fixture
def party(make_live_hub: Callable[..., LiveHub]) -> LiveHub:
    """Told of a party by a hub that nobody serves."""
    party = make_live_hub(roles="CPO", country_code="NL", party_id="OUR", request_timeout_seconds=0.5)
    connect_hub(party.app, HUB)
    put(party, client_info())
    return party


def test_it_finds_nothing_in_the_api_of_a_hub(hub: LiveHub, tmp_path: Path) -> None:
    nothing_is_found(tmp_path, hub, OPERATOR, "--include-path-regex=^/api/")


def test_it_finds_nothing_in_the_api_of_a_party(party: LiveHub, tmp_path: Path) -> None:
    nothing_is_found(tmp_path, party, OPERATOR, "--include-path-regex=^/api/")


@pytest.mark.parametrize("roles", ["HUB", "HUB,CPO"])
def test_it_finds_nothing_in_the_ocpi_endpoints(make_live_hub: Callable[..., LiveHub], roles: str, tmp_path: Path) -> None:
    """All but DELETE, after which every answer is 401."""
    served = make_live_hub(roles=roles, request_timeout_seconds=0.5)
    connect_hub(served.app, HUB)
    options = ["--include-path-regex=^/ocpi/", "--exclude-method=DELETE", f"--exclude-checks={NOT_OF_OCPI}"]
    nothing_is_found(tmp_path, served, f"Token {token_of(HUB)}", *options)
