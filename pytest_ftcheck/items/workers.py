"""xdist's workers, as the controller sees them: how far they are, and which items of those that die run again.

A worker that dies before its first test was answering; xdist blames the item that would have been next. That one runs
again, and so does a case or a gate, whose test does nothing that could end a process. What the workers answered is
read from the store: they send no messages.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.answering import progress
from pytest_ftcheck.errors import FtcheckError
from pytest_ftcheck.records import Decision, GateResult, Role
from pytest_ftcheck.store import FILE_NAME, Store

if TYPE_CHECKING:
    from pytest_ftcheck.answering import Watcher

POLL_S = 0.25
AGAIN = 2
"""How often an item of ours runs again after its worker died in it."""
RESTARTS_PER_WORKER = 4
"""How many workers xdist replaces, for each that was asked for, unless --max-worker-restart says otherwise."""


class Silent:
    """What a worker says of its progress: nothing, since the controller does. It ends where the controller is gone."""

    def __init__(self) -> None:
        self._controller = os.getppid()

    def phase(self, text: str, *, passing: bool = False) -> None:
        """Say nothing."""

    def answered(self, counts: Mapping[Role, tuple[int, int]]) -> None:
        """Say nothing, and stop work that nobody waits for."""
        if os.getppid() != self._controller:
            pytest.exit("pytest's controller is gone")

    def close(self) -> None:
        """End."""


class Watch:
    """A thread of the controller that reads from the store how far the workers of a run are, and tells the watcher."""

    def __init__(self, watcher: Watcher, folder: Path, run: str) -> None:
        self._watcher, self._folder, self._run = watcher, folder, run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="ftcheck-watch", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it was ended."""
        return self._over.is_set()

    def close(self) -> None:
        """End the thread; the watcher hears no more from it. May be called again."""
        self._over.set()
        self._thread.join()

    def _poll(self) -> None:
        # A store that cannot be read is the workers' to tell.
        with contextlib.suppress(FtcheckError):
            # The workers make it: a reader that came first would make one for nothing.
            while not (self._folder / FILE_NAME).exists():
                if self._over.wait(POLL_S):
                    return
            begun = False
            with Store(self._folder) as store:
                while not self._over.wait(POLL_S):
                    counts = progress(store, self._run)
                    if counts and not begun:
                        self._watcher.phase("answering")
                        begun = True
                    if counts:
                        self._watcher.answered(counts)


def outlive(node: Any) -> None:
    """Let the controller go on when it writes to a worker that has just died: xdist would end with an internal error.

    xdist hears of the death by an event of its own, and then hands the worker's items to others.
    """
    send = node.sendcommand

    def sendcommand(name: str, **arguments: Any) -> None:
        with contextlib.suppress(OSError):
            send(name, **arguments)

    node.sendcommand = sendcommand


class Crashes:
    """Which items of workers that died run again."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._running: dict[str, bool] = {}
        self._again: dict[str, int] = {}
        self._gates: set[str] = set()
        self._evals: set[str] = set()
        self.deaths = 0
        self._blamed: dict[str, str] = {}

    def learn(self, gates: set[str], evals: set[str]) -> None:
        """Learn which items are ours: gates by their node ids, cases by those of their evals."""
        self._gates |= gates
        self._evals |= evals

    def begins(self, nodeid: str) -> None:
        """Hear that an item begins."""
        self._running[nodeid] = False

    def called(self, nodeid: str) -> None:
        """Hear what became of an item's call: it is counted, and only its teardown is left."""
        self._running[nodeid] = True

    def ends(self, nodeid: str) -> None:
        """Hear that an item has ended."""
        self._running.pop(nodeid, None)

    def handle(self, nodeid: str, report: pytest.TestReport, sched: Any) -> None:
        """Have the item that xdist blames run again, or leave its report as the failure that it is.

        One of ours whose worker died after its call is done: it would count twice.
        """
        called = self._running.pop(nodeid, None)
        if report.outcome != "failed":
            return
        done = called is True and self._is_ours(nodeid)
        if done or (self._runs_again(nodeid, called is not None) and _reschedule(self._config, nodeid, sched)):
            report.outcome = "rerun"  # type: ignore[assignment]
            vars(report)["ftcheck_outcome"] = "rerun"
        else:
            self._blamed[nodeid] = str(report.longrepr)

    @property
    def exhausted(self) -> bool:
        """Whether more workers died than xdist replaces, so that tests were left out."""
        if not self.deaths:
            return False
        option = self._config.option
        given = option.maxworkerrestart
        return self.deaths > (int(given) if given is not None else RESTARTS_PER_WORKER * (option.numprocesses or 1))

    def errors(self) -> dict[str, GateResult]:
        """Return the gates that workers took with them, as errors."""
        reasons = dict.fromkeys(sorted(self._gates), self._exhaustion) if self.exhausted else {}
        reasons |= {nodeid: why for nodeid, why in self._blamed.items() if nodeid in self._gates}
        return {
            nodeid: GateResult(nodeid=nodeid, name=nodeid.rpartition("::")[2], decision=Decision.ERROR, reason=why)
            for nodeid, why in reasons.items()
        }

    def notices(self) -> list[str]:
        """Say what a reader of the verdicts must know."""
        return [self._exhaustion] if self.exhausted else []

    @property
    def _exhaustion(self) -> str:
        return f"{self.deaths} workers died, more than xdist replaces (--max-worker-restart): not all tests were run"

    def _is_ours(self, nodeid: str) -> bool:
        return nodeid in self._gates or nodeid.partition("[")[0] in self._evals

    def _runs_again(self, nodeid: str, began: bool) -> bool:
        if self.exhausted:
            return False
        if not began:
            return True
        if not self._is_ours(nodeid):
            return False
        self._again[nodeid] = self._again.get(nodeid, 0) + 1
        return self._again[nodeid] <= AGAIN


def _reschedule(config: pytest.Config, nodeid: str, sched: Any) -> bool:
    try:
        sched.mark_test_pending(nodeid)
    except NotImplementedError:
        # Those that hand out whole scopes do it themselves; --dist=each has nobody else to hand it to.
        return bool(config.getoption("dist") != "each")
    return True
