"""Telling the operator what needs somebody: by mail, by webhook, through apprise."""

import threading
import time
from collections.abc import Callable

from flask import Flask

from hubinfo.config import Settings
from hubinfo.job import Job
from hubinfo.notify.channels import configured
from hubinfo.notify.courier import Courier
from hubinfo.notify.watch import Watch
from hubinfo.ocpi.crew import Crew

LOOK_SECONDS = 2.0
"""How often is looked for what is to be told and to be sent."""


class Notify:
    """One job that finds what is to be told, and one for each channel, so that none waits for another. None without channels."""

    def __init__(
        self, app: Flask, settings: Settings, crew: Crew, stopped: threading.Event, *, may_run: Callable[[], bool]
    ) -> None:
        channels = configured(settings)
        steps: dict[str, Callable[[], bool]] = {}
        if channels:
            steps["notify"] = Watch(app, settings, list(channels), may_run=may_run).look
        for name, channel in channels.items():
            steps[f"notify by {name}"] = Courier(app, name, channel, may_run=may_run).run
        self._jobs = [Job(name, step, crew, stopped) for name, step in steps.items()]

    def ask(self) -> None:
        """Have all look for work; does nothing that takes long. Called every LOOK_SECONDS; who does not lead finds nothing."""
        for job in self._jobs:
            job.ask()

    def wait(self, deadline: float) -> None:
        """For what is under way, until this moment of time.monotonic()."""
        for job in self._jobs:
            job.wait(max(deadline - time.monotonic(), 0.0))
