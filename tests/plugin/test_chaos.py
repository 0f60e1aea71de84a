"""Processes that are killed or stopped at any moment: the same verdicts, nothing lost, next to nothing asked twice."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.chaos import PATIENCE_S, SHARD, Disturbed, is_kept, kill, signal_to
from tests.support.projects import Project, questions

pytestmark = pytest.mark.slow

KILLS = 20
KILLS_A_RUN = 5
WORKERS = 2


@pytest.fixture
def disturbed(project: Project) -> Disturbed:
    """A project of 40 cases whose whole run takes two or three seconds."""
    made = Disturbed(project)
    made.write()
    return made


@dataclass(frozen=True)
class Undisturbed:
    """What a run without a fault finds and stores, and how long it takes once both workers are there."""

    verdicts: dict[str, Any]
    stored: dict[bytes, bytes]
    whole_s: float


@pytest.fixture(scope="module")
def known() -> dict[str, Undisturbed]:
    """What was found once for all tests: their projects are the same."""
    return {}


@pytest.fixture
def expected(disturbed: Disturbed, known: dict[str, Undisturbed]) -> Undisturbed:
    """What a disturbed run must find too."""
    if "run" not in known:
        known["run"] = undisturbed(disturbed)
    return known["run"]


def undisturbed(disturbed: Disturbed) -> Undisturbed:
    """Run to the end without a fault, beside the store."""
    run = disturbed.start("-n", str(WORKERS), "--ft-store=elsewhere")
    disturbed.await_workers(run, WORKERS)
    begun = time.monotonic()
    disturbed.end(run)
    assert set(disturbed.asked().values()) == {1}
    whole_s = time.monotonic() - begun
    return Undisturbed(verdicts=disturbed.verdicts(), stored=disturbed.stored("elsewhere"), whole_s=whole_s)


def forget(disturbed: Disturbed) -> None:
    """Remove the store and what the last run found."""
    for entry in (*disturbed.path.glob(".ftcheck/*"), *disturbed.path.glob("run.json")):
        entry.unlink()


def test_killed_workers(disturbed: Disturbed, expected: Undisturbed) -> None:
    """Workers killed at 20 random moments: each run ends green with the undisturbed verdicts, and a kill costs a shard.

    Up to five kills fall on one run, of whichever worker. Every case and the gate pass, each once. More than two may
    fall on one shard, so a case is named after more deaths than there are.
    """
    disturbed.deaths = KILLS_A_RUN
    disturbed.write()
    rng = random.Random(20261121)
    killed = 0
    while killed < KILLS:
        forget(disturbed)
        run = disturbed.start("-n", str(WORKERS))
        stored: dict[bytes, bytes] = {}
        of_run = 0
        for _ in range(KILLS_A_RUN):
            disturbed.await_workers(run, WORKERS)
            time.sleep(rng.uniform(0.0, expected.whole_s / 2))
            if run.poll() is None and (workers := disturbed.workers()):
                kill(rng.choice(workers))
                stored = disturbed.stored()
                of_run += 1
        output = disturbed.end(run)
        assert f"{disturbed.n + 1} passed" in output
        assert disturbed.verdicts() == expected.verdicts
        assert is_kept(stored, disturbed.stored())
        asked = disturbed.asked()
        assert len(asked) == 2 * disturbed.n
        assert asked.total() <= 2 * disturbed.n + of_run * SHARD
        killed += of_run


def test_killed_controllers(disturbed: Disturbed, expected: Undisturbed) -> None:
    """Controllers killed at 20 random moments and started again: the same verdicts, and a kill costs a shard a worker.

    A chain of up to five kills ends with a run that is left alone.
    """
    rng = random.Random(1121)
    killed = 0
    while killed < KILLS:
        forget(disturbed)
        stored: dict[bytes, bytes] = {}
        of_chain = 0
        for _ in range(KILLS_A_RUN):
            run = disturbed.start("-n", str(WORKERS))
            disturbed.await_workers(run, WORKERS)
            time.sleep(rng.uniform(0.0, expected.whole_s))
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
        assert disturbed.verdicts() == expected.verdicts
        assert is_kept(stored, disturbed.stored())
        asked = disturbed.asked()
        assert len(asked) == 2 * disturbed.n
        assert asked.total() <= 2 * disturbed.n + of_chain * WORKERS * SHARD
        killed += of_chain


@pytest.mark.parametrize("workers", ["0", "2"])
def test_resuming_costs_the_open_shards(disturbed: Disturbed, expected: Undisturbed, workers: str) -> None:
    """A run killed in the midst of its answers is taken up where it was: what is asked again is what was open."""
    open_at_most = max(1, int(workers))
    for kills, share in enumerate((0.2, 0.4, 0.6, 0.8), start=1):
        run = disturbed.start("-n", workers)
        until = time.monotonic() + PATIENCE_S
        while len(disturbed.stored()) < share * 2 * disturbed.n:
            assert time.monotonic() < until
            assert run.poll() is None
            time.sleep(0.01)
        kill(run.pid)
        run.wait()
        assert sum(disturbed.noted().values()) <= 2 * disturbed.n + kills * open_at_most * SHARD
    disturbed.end(disturbed.start("-n", workers))
    assert disturbed.verdicts() == expected.verdicts
    asked = disturbed.asked()
    assert len(asked) == 2 * disturbed.n
    assert asked.total() <= 2 * disturbed.n + 4 * open_at_most * SHARD


def test_a_stopped_worker_that_wakes(disturbed: Disturbed, expected: Undisturbed) -> None:
    """A worker stands still until its lease is taken over, and wakes: no answer is torn, and a shard is asked twice."""
    disturbed.lease_s = 3.0
    disturbed.write()
    run = disturbed.start("-n", "2")
    (first, _) = disturbed.await_workers(run, 2)
    until = time.monotonic() + PATIENCE_S
    while len(disturbed.stored()) < SHARD:
        assert time.monotonic() < until
        time.sleep(0.01)
    signal_to(first, signal.SIGSTOP)
    try:
        while len(disturbed.stored()) < 2 * disturbed.n:
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        signal_to(first, signal.SIGCONT)
    disturbed.end(run)
    assert disturbed.verdicts() == expected.verdicts
    assert disturbed.stored() == expected.stored
    assert disturbed.asked().total() <= 2 * disturbed.n + SHARD


def test_two_runs_on_one_store(disturbed: Disturbed, expected: Undisturbed) -> None:
    """Two runs that begin at once share the work: both have the undisturbed verdicts, and nothing is asked twice."""
    runs = [disturbed.start(f"--ft-json={name}.json", output=f"{name}.txt") for name in ("left", "right")]
    for run, name in zip(runs, ("left", "right"), strict=True):
        disturbed.end(run, output=f"{name}.txt")
        assert disturbed.verdicts(f"{name}.json") == expected.verdicts
    assert set(disturbed.asked().values()) == {1}
    counts = [disturbed.project.document(f"{name}.json")["counts"]["answered"] for name in ("left", "right")]
    assert sum(counts) == 2 * disturbed.n
    assert min(counts) > 0


def test_a_prompt_that_kills_its_worker(disturbed: Disturbed) -> None:
    """An engine in the worker's own process that a prompt ends costs that case alone, for base and for ft.

    The workers are replaced by xdist; the shard is split after two deaths, and the prompt named after one more.
    """
    rows = questions(disturbed.n)
    rows[7]["input"] = "poison"
    disturbed.project.cases(rows)
    run = disturbed.start("-n", "2", engine="Exiting", process="off")
    output = disturbed.end(run, status=1)
    assert f"{disturbed.n - 1} passed" in output
    assert "2 errors" in output
    (gate,) = disturbed.verdicts()["gates"]
    assert gate["verdict"] == "error"
    assert f"1 of {disturbed.n} cases" in gate["reason"]
    assert "c7" in gate["reason"]
    (entry,) = disturbed.verdicts()["evals"]
    assert (entry["n"], entry["missing"]) == (disturbed.n - 1, ["c7"])
    asked = disturbed.asked()
    assert {asked.pop((role, "poison")) for role in ("base", "ft")} == {3}
