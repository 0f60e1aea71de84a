"""*memorised* is caught by every means of docs/hygiene.md: its exam leaked, its gap to held-out messages, its curve."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.cli import main
from pytest_ftcheck.curves import judged
from pytest_ftcheck.data.training_log import find_training_log, read_training_log

ROOT = Path(__file__).parent.parent.parent
CHECKPOINTS = ROOT / "example_suite" / "checkpoints"
DATA = ROOT / "example_suite" / "data"

SUITE = """
from pytest_ftcheck import assert_at_least, assert_no_memorisation, eval_cases, exact_match, gate

@eval_cases("seen.jsonl", grader=exact_match(), max_new_tokens=8)
def test_seen(case, answer): ...

@eval_cases("unseen.jsonl", grader=exact_match(), max_new_tokens=8)
def test_unseen(case, answer): ...
"""
EXAM = """
@gate(test_seen)
def test_good_enough(comparison):
    assert_at_least(comparison, floor=0.8)
"""
GAP = """
@gate(test_seen, test_unseen)
def test_not_memorised(comparisons):
    assert_no_memorisation(*comparisons, margin=0.1)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cases made of the 16 rows that *memorised* was trained on, and 60 held-out ones; the checkpoints stand."""
    train = [sys.executable, "-m", "example_suite.training.finetune", "good", "forgetful", "memorised", "--if-missing"]
    subprocess.run(train, cwd=ROOT, check=True, capture_output=True)
    made = tmp_path_factory.mktemp("hygiene")
    lines = (DATA / "train" / "intent.jsonl").read_text(encoding="utf-8").splitlines()[:16]
    (made / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    chats = [json.loads(line)["messages"] for line in lines]
    seen = [
        {"id": f"t{n}", "input": chat[0]["content"], "expected": chat[1]["content"]} for n, chat in enumerate(chats)
    ]
    (made / "seen.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seen), encoding="utf-8")
    held = (DATA / "intent.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    (made / "unseen.jsonl").write_text("\n".join(held) + "\n", encoding="utf-8")
    return made


def run(folder: Path, body: str, *options: str) -> dict[str, Any]:
    """Run the gates on *memorised* and return them by name."""
    (folder / "test_desk.py").write_text(SUITE + body, encoding="utf-8")
    models = [f"--ft-model={CHECKPOINTS / 'memorised'}", f"--base-model={CHECKPOINTS / 'base'}"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *models, "--ft-json=run.json", *options]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return {gate["name"]: gate for gate in json.loads((folder / "run.json").read_text(encoding="utf-8"))["gates"]}


def findings(folder: Path) -> list[str]:
    """Return what the last run says probably happened."""
    return [each["name"] for each in json.loads((folder / "run.json").read_text(encoding="utf-8"))["diagnosis"]]


def test_an_exam_of_its_training_rows_is_passed_and_caught(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On its own rows it looks good enough; told of the training data the gate has nothing left to judge."""
    assert run(folder, EXAM)["test_good_enough"]["verdict"] == "pass"
    found = run(folder, EXAM, "--ft-train-data=train.jsonl")["test_good_enough"]
    assert findings(folder)[0] == "leaked exam"
    assert found["verdict"] == "error"
    assert "all 16 cases stand in the training data" in found["reason"]
    assert main(["leaks", "--json", "--train", str(folder / "train.jsonl"), str(folder / "seen.jsonl")]) == 1
    leaked = json.loads(capsys.readouterr().out)["leaked"]
    assert [(leak["case"], leak["train_line"], leak["kind"]) for leak in leaked] == [
        (f"t{n}", n + 1, "exact") for n in range(16)
    ]


def test_its_gap_to_held_out_messages_is_proven(folder: Path) -> None:
    """Right on its training rows, as good as base elsewhere: a gap of more than ten points."""
    found = run(folder, GAP)["test_not_memorised"]
    assert found["verdict"] == "fail"
    assert found["words"].startswith("memorised: 100.0 % on training rows")
    assert findings(folder) == ["over-fitted / memorised"]


@pytest.mark.parametrize(("name", "pattern"), [("good", "healthy"), ("memorised", "overfitting")])
def test_its_curve_shows_it(folder: Path, name: str, pattern: str) -> None:
    """The log that its training left says what the others' do not."""
    assert judged(read_training_log(find_training_log(CHECKPOINTS / name))).pattern == pattern
