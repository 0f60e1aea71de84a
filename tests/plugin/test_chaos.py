"""Processes that are killed or stopped at any moment: the same verdicts, nothing lost, next to nothing asked twice."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from tests.support.chaos import SHARD, Disturbed, is_kept, kill
from tests.support.projects import Project

pytestmark = pytest.mark.slow

KILLS = 20
KILLS_A_RUN = 4
WORKERS = 2


@pytest.fixture
def disturbed(project: Project) -> Disturbed:
    """A project of 40 cases whose whole run takes two or three seconds."""
    made = Disturbed(project)
    made.write()
    return made


def undisturbed(disturbed: Disturbed) -> tuple[dict[str, Any], float]:
    """Run to the end without a fault; return the verdicts, and how long it took once both workers were there."""
    run = disturbed.start("-n", str(WORKERS), "--ft-store=elsewhere")
    disturbed.await_workers(run, WORKERS)
    begun = time.monotonic()
    disturbed.end(run)
    assert set(disturbed.asked().values()) == {1}
    return disturbed.verdicts(), time.monotonic() - begun


def forget(disturbed: Disturbed) -> None:
    """Remove the store and what the last run found."""
    for entry in (*disturbed.path.glob(".ftcheck/*"), *disturbed.path.glob("run.json")):
        entry.unlink()


def test_killed_workers(disturbed: Disturbed) -> None:
    """Workers killed at 20 random moments: each run ends green with the undisturbed verdicts, and a kill costs a shard.

    Up to four kills fall on one run, of whichever worker. Every case and the gate pass, each once.
    """
    rng = random.Random(20261121)
    expected, whole_s = undisturbed(disturbed)
    killed = 0
    while killed < KILLS:
        forget(disturbed)
        run = disturbed.start("-n", str(WORKERS))
        stored: dict[bytes, bytes] = {}
        of_run = 0
        for _ in range(KILLS_A_RUN):
            disturbed.await_workers(run, WORKERS)
            time.sleep(rng.uniform(0.0, whole_s / 2))
            if run.poll() is None and (workers := disturbed.workers()):
                kill(rng.choice(workers))
                stored = disturbed.stored()
                of_run += 1
        output = disturbed.end(run)
        assert f"{disturbed.n + 1} passed" in output
        assert disturbed.verdicts() == expected
        assert is_kept(stored, disturbed.stored())
        asked = disturbed.asked()
        assert len(asked) == 2 * disturbed.n
        assert asked.total() <= 2 * disturbed.n + of_run * SHARD
        killed += of_run


def test_killed_controllers(disturbed: Disturbed) -> None:
    """Controllers killed at 20 random moments and started again: the same verdicts, and a kill costs a shard a worker.

    A chain of up to four kills ends with a run that is left alone.
    """
    rng = random.Random(1121)
    expected, whole_s = undisturbed(disturbed)
    killed = 0
    while killed < KILLS:
        forget(disturbed)
        stored: dict[bytes, bytes] = {}
        of_chain = 0
        for _ in range(KILLS_A_RUN):
            run = disturbed.start("-n", str(WORKERS))
            disturbed.await_workers(run, WORKERS)
            time.sleep(rng.uniform(0.0, whole_s))
            if run.poll() is None:
                of_chain += 1
            kill(run.pid)
            run.wait()
            now = disturbed.stored()
            assert is_kept(stored, now)
            stored = now
        run = disturbed.start("-n", str(WORKERS))
        output = disturbed.end(run)
        assert f"{disturbed.n + 1} passed" in output
        assert disturbed.verdicts() == expected
        assert is_kept(stored, disturbed.stored())
        asked = disturbed.asked()
        assert len(asked) == 2 * disturbed.n
        assert asked.total() <= 2 * disturbed.n + of_chain * WORKERS * SHARD
        killed += of_chain
