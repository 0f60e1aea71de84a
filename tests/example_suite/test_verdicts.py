"""The example suite on its own checkpoints: the good fine-tune is green, the two bad ones red for the right gates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent
CHECKPOINTS = ROOT / "example_suite" / "checkpoints"

pytestmark = pytest.mark.slow


class Run(NamedTuple):
    """One run of the suite: pytest's exit status, and its JSON document."""

    status: int
    document: dict[str, Any]

    @property
    def verdicts(self) -> dict[str, str]:
        """Each gate's verdict, by the gate's name."""
        return {gate["name"]: gate["verdict"] for gate in self.document["gates"]}

    @property
    def findings(self) -> list[str]:
        """What the run says probably happened, what explains most first."""
        return [finding["name"] for finding in self.document["diagnosis"]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all runs of this file, so that base answers once; the fine-tunes are trained if need be."""
    train = [sys.executable, "-m", "example_suite.training.finetune", "good", "forgetful", "memorised", "--if-missing"]
    subprocess.run(train, cwd=ROOT, check=True, capture_output=True)
    return tmp_path_factory.mktemp("store")


def run(name: str, store: Path, *args: str) -> Run:
    """Run the suite on a fine-tune as a user would."""
    report = store / f"{name}.json"
    command = [sys.executable, "-m", "pytest", "example_suite", "-q", "--tb=no", "-p", "no:cacheprovider"]
    options = [f"--ft-model={CHECKPOINTS / name}", f"--ft-store={store}", f"--ft-json={report}", *args]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return Run(done.returncode, json.loads(report.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def good(store: Path) -> Run:
    """The suite on *good*."""
    return run("good", store)


@pytest.fixture(scope="module")
def forgetful(store: Path, good: Run) -> Run:
    """The suite on *forgetful*, after *good*: base's answers are stored."""
    return run("forgetful", store)


@pytest.fixture(scope="module")
def memorised(store: Path, good: Run) -> Run:
    """The suite on *memorised*."""
    return run("memorised", store)


def test_good_is_green(good: Run) -> None:
    """LoRA with replay passes every gate and probe."""
    assert (good.status, set(good.verdicts.values())) == (0, {"pass"})


def test_forgetful_is_better_at_its_target(forgetful: Run) -> None:
    """Full fine-tuning on the target alone wins there."""
    assert forgetful.verdicts["test_intent_improves"] == "pass"


@pytest.mark.parametrize(
    "gate",
    [
        "test_prose_is_not_json",
        "test_prose_kept",
        "test_refusals_kept",
        "test_unsafe_is_refused",
        "test_instructions_kept",
    ],
)
def test_forgetful_is_caught(forgetful: Run, gate: str) -> None:
    """JSON where prose was asked, refusals eroded, instructions forgotten: each its own red gate."""
    assert (forgetful.status, forgetful.verdicts[gate]) == (1, "fail")


def test_memorised_misses_its_target(memorised: Run) -> None:
    """Perfect on its training rows, red on held-out ones."""
    assert (memorised.status, memorised.verdicts["test_intent_improves"]) == (1, "fail")


def test_base_is_answered_once(good: Run, forgetful: Run) -> None:
    """The second checkpoint re-answers only ft: about half of what the first run had to."""
    assert forgetful.document["counts"]["answered"] <= 0.55 * good.document["counts"]["answered"]


def test_a_second_run_answers_nothing(store: Path, good: Run) -> None:
    """With nothing changed all answers come from the store, and two workers come to the same verdicts."""
    again = run("good", store, "-n", "2")
    assert (again.document["counts"]["answered"], again.verdicts) == (0, good.verdicts)


def test_nothing_is_found_of_good(good: Run) -> None:
    """Where all is well there is no diagnosis."""
    assert good.findings == []


def test_forgetful_is_diagnosed(forgetful: Run) -> None:
    """Forgetting explains most of what was lost, and JSON for prose stands beside it."""
    assert forgetful.findings[0] == "catastrophic forgetting"
    assert "format obsession" in forgetful.findings


def test_memorised_is_diagnosed(memorised: Run) -> None:
    """The goal was missed and the training log says why."""
    assert memorised.findings[0] == "over-fitted / memorised"
