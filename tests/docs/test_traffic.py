"""docs/traffic.md and what lies in deploy/ for proxies, held to each other and to what is served."""

import json
import re
import textwrap
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from hubinfo.operator.api.routes import ROUTES
from tests.support.api import Api
from tests.support.heard import CPO, TOKEN, ask, connected, heard_long_ago
from tests.support.live import Hub
from tests.support.processes import SOURCES
from tests.support.proxies import ENVOY, SITE

DOCS = (SOURCES / "docs" / "traffic.md").read_text()
TRAEFIK = SOURCES / "deploy" / "traefik" / "dynamic.yml"


def block(language: str) -> str:
    """The one block of this language."""
    [found] = [part.partition("```")[0] for part in DOCS.split(f"```{language}\n")[1:]]
    return found


def traefik() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TRAEFIK.read_text())["http"]
    return found


def test_traefik_asks_and_passes_on_what_is_served(hub: Hub) -> None:
    connected(hub.app, CPO)
    asks = traefik()["middlewares"]["heard"]["forwardAuth"]
    named = {name for name, _ in ask(hub.app, TOKEN).headers if name.startswith("X-Hubinfo")}
    assert set(asks["authResponseHeaders"]) == named
    assert asks["address"].endswith("/api/heard")
    assert "api.heard" in ROUTES


def test_every_name_that_traefik_s_routers_use_is_there() -> None:
    found = traefik()
    for router in found["routers"].values():
        assert router["service"] in found["services"]
        assert set(router["middlewares"]) <= set(found["middlewares"])


def test_what_is_shown_stands_in_the_files() -> None:
    assert yaml.safe_load(block("yaml"))["heard"] == traefik()["middlewares"]["heard"]
    site = {line.strip() for line in SITE.read_text().splitlines()}
    assert {line.strip() for line in block("nginx").splitlines()} <= site
    assert block("lua") in textwrap.dedent(ENVOY.read_text().partition("inline_string: |\n")[2].partition("- name: codec")[0])


def test_the_batch_that_is_shown_is_answered_as_shown(hub: Hub) -> None:
    heard_long_ago(hub.app, CPO)
    command, answer = block("console").splitlines()
    body = command.partition("--json '")[2].partition("'")[0]
    response = Api(hub.app).send("POST", "/api/heard", data=body, content_type="application/json")
    assert response.json is not None
    assert set(response.json) == set(json.loads(answer))
    assert answer.startswith('{"counted":1,"late":0,')


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics//", "//metrics", "/metrics%2f", "/metrics%2F/"])
def test_traefik_shows_metrics_to_nobody(path: str) -> None:
    """As it sees the path, of which it may or may not have decoded a slash."""
    rule = traefik()["routers"]["hubinfo"]["rule"]
    pattern = re.compile(rule.partition("!PathRegexp(`")[2].partition("`)")[0])
    assert pattern.search(path)
    assert not pattern.search(path.replace("metrics", "metrics-of-ours"))
    assert not pattern.search(f"/board{path}")
