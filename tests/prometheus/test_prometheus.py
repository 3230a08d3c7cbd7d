"""promtool on what we ship and on what we say, and a real Prometheus that scrapes a real gunicorn and lets an alert fire."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from tests.support.apps import MakeApp
from tests.support.metrics import scrape, with_every_metric
from tests.support.peers import Peer
from tests.support.processes import SOURCES, Installation
from tests.support.prometheus import DEPLOY, Prometheus, needs_prometheus, promtool

DASHBOARD = json.loads((SOURCES / "deploy" / "grafana" / "hubinfo.json").read_text())
TOKEN = "a-token-for-scraping"
NAME = re.compile(r"\bhubinfo_\w+")


def test_configuration_and_rules_are_valid() -> None:
    assert "SUCCESS: 1 rule files found" in promtool("check", "config", "prometheus.yml")


def test_the_rules_pass_their_own_tests() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_every_alert_is_tested_both_ways() -> None:
    alerts = re.findall(r"- alert: (\w+)", (DEPLOY / "alerts.yml").read_text())
    tested = (DEPLOY / "alerts_test.yml").read_text()
    assert len(alerts) == len(set(alerts)) >= 10
    assert [alert for alert in alerts if f"alertname: {alert}\n" not in tested] == []


@pytest.fixture
def complete_app(make_app: MakeApp) -> Flask:
    return with_every_metric(make_app)


@pytest.mark.both_databases("every query of a scrape")
def test_promtool_finds_nothing_to_improve_in_a_scrape(complete_app: Flask) -> None:
    assert promtool("check", "metrics", given=complete_app.test_client().get("/metrics").text) == ""


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel.get("targets", ())]


def test_rules_and_dashboard_name_no_metric_that_is_not_there(complete_app: Flask) -> None:
    there = scrape(complete_app).names
    shown = [expression for panel in DASHBOARD["panels"] for expression in expressions(panel)]
    rules = re.findall(r"expr: (.*(?:\n {10,}.*)*)", (DEPLOY / "alerts.yml").read_text())
    for expression in (*shown, *rules):
        named = set(NAME.findall(expression))
        assert named <= there, expression
    assert len(shown) > 15
    assert len(rules) > 10


def for_a_test(installation: Installation) -> Callable[[str], str]:
    """Our configuration with the port of the test, its token, and seconds instead of minutes."""

    def changed(text: str) -> str:
        text = text.replace("127.0.0.1:5000", f"127.0.0.1:{installation.port}").replace(": 15s", ": 500ms")
        text = text.replace("    # authorization:", "    authorization:")
        text = text.replace("    #   credentials_file: /etc/prometheus/", "      credentials_file: ")
        return re.sub(r"for: \d+m", "for: 1s", text)

    return changed


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with Installation(tmp_path, DATABASE_URL=database_url, METRICS_TOKEN=TOKEN, PUSH_RETRY_SECONDS="0.2") as made:
        yield made


@pytest.mark.both_databases("every query of a scrape")
def test_a_real_prometheus_reads_both_workers_and_lets_alerts_fire_and_end(
    installation: Installation, tmp_path: Path, make_peer: Callable[..., Peer]
) -> None:
    needs_prometheus()
    server, peer = installation.gunicorn("-w", "2").wait_until_ready(), make_peer()
    installation.connect(peer.base, ("EMSP", "BE", "BEC"))
    asked = [requests.get(f"{server.url}/healthz", timeout=60).ok for _ in range(50)]
    with Prometheus(tmp_path / "prometheus", for_a_test(installation), **{"hubinfo.token": TOKEN}) as prometheus:
        prometheus.wait_for(lambda it: it.value('hubinfo_http_requests_total{route="/healthz"}') == sum(asked))
        prometheus.wait_for(lambda it: it.value("hubinfo_worker_lease_held") == 1)
        assert "HubinfoPlatformsBehind" not in prometheus.firing()
        peer.behave("PUT", "/", lambda handler: handler.answer(http_status=500, status_code=3000))
        installation.invite("NL", "TNM")
        prometheus.wait_for(lambda it: {"HubinfoPlatformsBehind"} <= it.firing())
        peer.behave("PUT", "/", None)
        prometheus.wait_for(lambda it: "HubinfoPlatformsBehind" not in it.firing())
        prometheus.wait_for(lambda it: it.value('hubinfo_pushes_total{outcome="ok"}') == 1)
        assert (prometheus.value('hubinfo_pushes_total{outcome="failed"}') or 0) >= 1
        server.signal(signal.SIGTERM)
        prometheus.wait_for(lambda it: "HubinfoDown" in it.firing())


def test_the_dashboard_is_laid_out_as_grafana_wants_it() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert [target["datasource"]["uid"] for target in panel["targets"]] == ["${datasource}"] * len(expressions(panel)) != []
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
    assert DASHBOARD["schemaVersion"] >= 36


def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    shown = [expression for panel in DASHBOARD["panels"] for expression in expressions(panel)]
    rules = [{"record": f"shown:{number}", "expr": filled_in(expression)} for number, expression in enumerate(shown)]
    (tmp_path / "shown.json").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"SUCCESS: {len(shown)} rules found" in promtool("check", "rules", str(tmp_path / "shown.json"))


def filled_in(expression: str) -> str:
    """As Grafana fills in its variables."""
    return expression.replace("$__rate_interval", "1m").replace("$job", "hubinfo")
