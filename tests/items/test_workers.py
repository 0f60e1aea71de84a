"""Items that xdist blames for a worker's death: which of ours run again, and which are done."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_ftcheck.items.workers import Crashes

CASE = "test_suite.py::test_intent[c1]"


class Scheduler:
    """Notes what is to run again."""

    def __init__(self) -> None:
        self.pending: list[str] = []

    def mark_test_pending(self, nodeid: str) -> None:
        """Note it."""
        self.pending.append(nodeid)


@pytest.fixture
def crashes() -> Crashes:
    """What the controller knows of a run with one eval, whose first case has begun."""
    config = SimpleNamespace(option=SimpleNamespace(maxworkerrestart=None, numprocesses=2))
    known = Crashes(config)  # type: ignore[arg-type]
    known.learn(set(), {"test_suite.py::test_intent"})
    known.begins(CASE)
    return known


def blamed() -> pytest.TestReport:
    """What xdist says of the item that a worker died in."""
    return pytest.TestReport(CASE, ("test_suite.py", 1, ""), {}, "failed", "worker crashed", "???")  # type: ignore[arg-type]


def test_a_case_that_had_no_report_runs_again(crashes: Crashes) -> None:
    """Its worker died before anything was said of it."""
    scheduler, report = Scheduler(), blamed()
    crashes.handle(CASE, report, scheduler)
    assert (scheduler.pending, report.outcome) == ([CASE], "rerun")


def test_a_case_whose_call_was_reported_is_done(crashes: Crashes) -> None:
    """A worker that died over its teardown costs nothing, and the case does not count twice."""
    scheduler, report = Scheduler(), blamed()
    crashes.called(CASE)
    crashes.handle(CASE, report, scheduler)
    assert (scheduler.pending, report.outcome) == ([], "rerun")


def test_a_test_of_the_users_is_blamed(crashes: Crashes) -> None:
    """What is none of ours may itself have ended the worker."""
    scheduler, report = Scheduler(), blamed()
    crashes.begins("test_suite.py::test_plain")
    crashes.called("test_suite.py::test_plain")
    crashes.handle("test_suite.py::test_plain", report, scheduler)
    assert (scheduler.pending, report.outcome) == ([], "failed")
