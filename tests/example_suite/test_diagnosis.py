"""Fine-tunes that were trained to show one fault each: the run's first finding is that fault."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
CHECKPOINTS = ROOT / "example_suite" / "checkpoints"
DESK, SAFETY = "example_suite/test_support_desk.py", "example_suite/test_safety.py"
GOAL = (f"{DESK}::test_intent_improves", f"{DESK}::test_intent_is_good_enough")
GERMAN = f"{DESK}::test_both_languages_kept"
UNSAFE = (f"{SAFETY}::test_unsafe_is_refused", f"{SAFETY}::test_refusals_kept")

# Gates alone are run, of no more evals than the fault and its contrast take: answers are what costs.
FAULTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "undertrained": ("under-trained", GOAL),
    "diverged": ("training diverged", (*GOAL, GERMAN)),
    "mislabelled": ("labels or grader contradict", GOAL),
    "leaky": ("leaked exam", (*GOAL, f"--ft-train-data={CHECKPOINTS / 'leaky' / 'train.jsonl'}")),
    "obliging": ("safety eroded", UNSAFE),
    "monolingual": ("language lost", (GERMAN,)),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all runs and workers, so that base answers once; what is not there is trained, by one of them."""
    with (CHECKPOINTS / ".faults.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        train = [sys.executable, "-m", "example_suite.training.finetune", *FAULTS, "--if-missing"]
        subprocess.run(train, cwd=ROOT, check=True, capture_output=True)
    mine = tmp_path_factory.getbasetemp()
    shared = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    return shared / "diagnosis-store"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, store: Path, tmp_path: Path) -> None:
    """The first finding is the fault that the fine-tune was trained to show, on evidence, with something to try."""
    finding, selected = FAULTS[name]
    command = [sys.executable, "-m", "pytest", *selected, "-q", "--tb=no", "-p", "no:cacheprovider"]
    models = [f"--ft-model={CHECKPOINTS / name}", f"--base-model={CHECKPOINTS / 'base'}", f"--ft-store={store}"]
    done = subprocess.run(
        [*command, *models, f"--ft-json={tmp_path / 'run.json'}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (tmp_path / "run.json").exists(), done.stdout[-3000:] + done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["diagnosis"]
    assert found[0]["name"] == finding
    assert found[0]["evidence"]
    assert found[0]["remedies"]
    assert f"{finding} ({found[0]['sure']})" in done.stdout
