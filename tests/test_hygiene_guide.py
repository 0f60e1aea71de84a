"""docs/hygiene.md says what is so: its code runs, its thresholds are the program's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import pytest_ftcheck.stats.independent  # noqa: F401 - an in-process run forgets its modules, and numpy imports once
from pytest_ftcheck import curves
from pytest_ftcheck.cli import COMMANDS, main
from pytest_ftcheck.data import leaks
from pytest_ftcheck.hygiene import answer_sets, case_sets, reuse

GUIDE = (Path(__file__).parent.parent / "docs" / "hygiene.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


def run(pytester: pytest.Pytester) -> dict[str, str]:
    """Run the guide's tests and return the gates' verdicts."""
    pytester.runpytest("-p", "no:randomly", "--ft-model=both.jsonl", "--base-model=both.jsonl", "--ft-json=run.json")
    document = json.loads((pytester.path / "run.json").read_text())
    return {gate["name"]: gate["verdict"] for gate in document["gates"]}


def questions(n: int, about: str) -> list[dict[str, str]]:
    """Return `n` rows."""
    return [{"id": f"{about}{k}", "input": f"Which {about} is number {k}?", "expected": f"{k}"} for k in range(n)]


def test_its_folds_run(pytester: pytest.Pytester) -> None:
    """The union of two folds of 30 proves what neither proves alone."""
    pytester.makepyfile(test_guide=BLOCKS[0])
    rows = questions(60, "row")
    (pytester.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["split", str(pytester.path / "rows.jsonl"), "--folds", "2"]) == 0
    folds = {n: (pytester.path / "rows-split" / f"fold-{n}.test.jsonl").read_text() for n in (1, 2)}
    said = [
        {"eval": f"test_fold_{n}", "case": row["id"], "answer": row["expected"]}
        for n, text in folds.items()
        for row in map(json.loads, text.splitlines())
    ]
    (pytester.path / "both.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))
    assert run(pytester) == {"test_kept": "pass"}


def test_its_memorisation_runs(pytester: pytest.Pytester) -> None:
    """Equal scores on 100 training rows and 100 held-out cases pass at ten points."""
    pytester.makepyfile(test_guide=BLOCKS[1])
    kept = []
    for name, about in (("train-sample", "lamp"), ("held-out", "sofa")):
        rows = questions(100, about)
        kept += rows
        (pytester.path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [
        {"eval": name, "case": row["id"], "answer": row["expected"]}
        for name, about in (("test_train", "lamp"), ("test_held_out", "sofa"))
        for row in kept
        if row["id"].startswith(about)
    ]
    (pytester.path / "both.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))
    assert run(pytester) == {"test_not_memorised": "pass"}


def test_its_training_test_runs(pytester: pytest.Pytester) -> None:
    """The fixture finds the log of a checkpoint's folder."""
    pytester.makepyfile(test_guide=BLOCKS[2])
    history = [{"step": n, "loss": 1 / n, "eval_loss": 1 + 1 / n} for n in range(1, 9)]
    (pytester.path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    pytester.runpytest("-p", "no:randomly", f"--ft-model={pytester.path}").assert_outcomes(passed=1)


def test_its_commands_exist() -> None:
    """Every command that it shows is one."""
    shown = set(re.findall(r"ftcheck (split|leaks|freeze|history)\b", GUIDE))
    assert shown == {"split", "leaks", "freeze", "history"} <= {name for name, _, _ in COMMANDS}


def test_its_thresholds_are_the_programs() -> None:
    """The numbers of the rules stand where they are used."""
    assert (leaks.NEAR, leaks.SHORT_PROMPT_WORDS, leaks.SHORT_ANSWER_WORDS, leaks.LEAST_WORDS) == (0.8, 5, 8, 8)
    assert (leaks.LEAST_SHINGLES, leaks.TEMPLATE_SHARE, leaks.TEMPLATE_LEAST) == (20, 0.1, 5)
    assert (case_sets.ONE_SIDED, reuse.FRESH_FROM) == (0.9, 10)
    assert (answer_sets.MOST_CUT, answer_sets.FLOOR, answer_sets.LEAST_CASES) == (0.5, 0.05, 20)
    assert (curves.RISE, curves.JUMP, curves.JUMP_LEAST, curves.BEFORE) == (0.05, 2.0, 0.1, 5)
    assert (curves.STILL_FALLING, curves.NOT_LEARNED) == (0.05, 0.1)
