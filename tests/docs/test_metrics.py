"""docs/metrics.md, held to what a scrape says and to the rules that are shipped."""

import re

from tests.support.apps import MakeApp
from tests.support.metrics import scrape, with_every_metric
from tests.support.processes import SOURCES
from tests.support.prometheus import DEPLOY

PAGE = (SOURCES / "docs" / "metrics.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table with this heading."""
    _, found, below = PAGE.partition(f"{heading}\n")
    assert found, heading
    lines = below.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_has_every_metric_with_its_type_and_labels_and_nothing_else(make_app: MakeApp) -> None:
    there = {}
    for family in scrape(with_every_metric(make_app)).families:
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        there[family.name + ("_total" if family.type == "counter" else "")] = (family.type, labels)
    documented = {
        name: (kind, {label.strip() for label in labels.split(",")} - {""})
        for name, kind, labels, _ in rows("| metric | type | labels | meaning |")
    }
    assert documented == there


def test_the_table_has_every_alert_with_its_severity_and_nothing_else() -> None:
    there = re.findall(r"- alert: (\w+)\n(?:.*\n)+?        labels: \{severity: (\w+)\}", (DEPLOY / "alerts.yml").read_text())
    assert {alert: severity for alert, severity, _ in rows("| alert | severity | what to do |")} == dict(there)


def test_what_promtool_is_shown_to_say_names_as_many_rules_as_there_are() -> None:
    rules = (DEPLOY / "alerts.yml").read_text().count("- alert: ")
    assert f"SUCCESS: {rules} rules found" in PAGE
