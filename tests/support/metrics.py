"""`/metrics` as a scraper reads it."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from hubinfo.worker import Worker
from tests.support.apps import lead
from tests.support.hubs import connect

MAIL = {"notify_mail_to": "ops@example.com", "notify_mail_from": "hubinfo@example.com", "smtp_url": "smtp://127.0.0.1:1"}
"""Settings of a channel: without any, there is nothing to tell of notifications."""


class Scrape:
    """The samples of one answer."""

    def __init__(self, text: str) -> None:
        parse: Any = text_string_to_metric_families
        self.families = list(parse(text))
        self._samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value for family in self.families for sample in family.samples
        }

    def __getitem__(self, name: str) -> float:
        return self.value(name)

    def value(self, name: str, **labels: str) -> float:
        """Of the one sample with exactly these labels."""
        return self._samples[name, frozenset(labels.items())]

    def by(self, name: str) -> dict[tuple[str, ...], float]:
        """Every sample of this name, by the values of its labels in the labels' alphabetical order."""
        found = ((labels, value) for (sample, labels), value in self._samples.items() if sample == name)
        return {tuple(value for _, value in sorted(labels)): number for labels, number in found}

    @property
    def names(self) -> set[str]:
        """Of all samples, those of histograms with `_bucket` and the like."""
        return {name for name, _ in self._samples}


def with_every_metric(make_app: Callable[..., Flask]) -> Flask:
    """An app of which every metric there is can be seen."""
    app = make_app(**MAIL)
    connect(app, ("CPO", "NL", "AAA"))
    app.test_client().get("/healthz")
    worker = Worker(app)
    lead(worker)
    worker.stop()
    return app


def scrape(app: Flask) -> Scrape:
    """In this process."""
    response = app.test_client().get("/metrics")
    assert response.status_code == 200, response.text
    return Scrape(response.text)
