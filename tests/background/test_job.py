"""What fails in the background is in the log, once as long as it lasts."""

import logging
import threading
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hubinfo import job
from hubinfo.job import Faults, Job
from hubinfo.ocpi.crew import Crew


class Said:
    """The lines of `hubinfo.job`: event and values."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[tuple[str, dict[str, Any]]]:
        return [(record.getMessage(), vars(record)["hubinfo"]) for record in self._caplog.records]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    caplog.set_level(logging.INFO, "hubinfo.job")
    return Said(caplog)


def gone() -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception("connection refused\nIs the server running?"))


FIRST = ("job_failed", {"job": "poll", "failures": 1, "reason": "database: connection refused"})


def test_what_lasts_is_a_line_when_it_begins_and_one_when_it_is_over(said: Said) -> None:
    faults = Faults()
    for _ in range(3):
        faults.report("poll", gone())
    for _ in range(2):
        faults.over("poll")
    assert said.lines == [FIRST, ("job_works_again", {"job": "poll", "failures": 3})]
    faults.report("poll", gone())
    assert said.lines[2:] == [FIRST]


def test_what_lasts_for_long_is_said_again(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_SILENT_SECONDS", 0.0)
    faults = Faults()
    for _ in range(3):
        faults.report("poll", gone())
    assert [values["failures"] for _, values in said.lines] == [1, 2, 3]


def test_another_job_and_another_kind_of_fault_are_not_hidden_by_it(said: Said, caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults()
    faults.report("poll", gone())
    faults.report("push", gone())
    faults.report("poll", ZeroDivisionError("a bug"))
    assert [(values["job"], values["failures"]) for _, values in said.lines] == [("poll", 1), ("push", 1), ("poll", 2)]
    assert [record.exc_info is not None for record in caplog.records] == [False, False, True]


def test_what_has_not_failed_is_not_said_to_work_again(said: Said) -> None:
    Faults().over("poll")
    assert said.lines == []


def test_a_job_that_could_not_run_has_not_worked_again(said: Said) -> None:
    """As when the process has ceased to lead because the database is gone: then nobody has asked the database."""
    steps = iter([gone(), False, None])

    def step() -> bool | None:
        now = next(steps)
        if isinstance(now, Exception):
            raise now
        return now

    job = Job("notify", step, Crew("test"), threading.Event())
    lines = []
    for _ in range(3):
        job.ask()
        assert job.wait(30)
        lines.append(len(said.lines))
    assert lines == [1, 1, 2]
    assert said.lines[1] == ("job_works_again", {"job": "notify", "failures": 1})
