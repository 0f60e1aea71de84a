"""docs/seeded-faults.md says what was found, and faults are found as it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.seeded_faults.__main__ import FAULTS, inject_all
from benchmarks.seeded_faults.exam import Outcome
from benchmarks.seeded_faults.findings import Finding, compare
from benchmarks.seeded_faults.page import PAGE, REMEDIES, page

ROOT = Path(__file__).parent.parent
RESULTS = json.loads(sorted((ROOT / "benchmarks" / "results").glob("*-seeded-faults.json"))[-1].read_text("utf-8"))


def outcome(*, verdict: str = "pass", notices: tuple[str, ...] = (), **more: Any) -> Outcome:
    """Return what a run of one gate left."""
    gate = {"name": "test_gate", "verdict": verdict, "words": f"{verdict} in words"}
    document = {"gates": [gate], "notices": list(notices), "evals": [], **more}
    return Outcome(status=0 if verdict == "pass" else 1, document=document, printed="")


def signs(found: Finding) -> list[str]:
    """Return where what was found is seen."""
    return [sign.how for sign in found.signs]


def test_a_run_like_the_control_shows_nothing() -> None:
    """No sign: what is harmful was missed, what is not went through in quiet."""
    found = compare(outcome(), outcome())
    assert (signs(found), found.caught(harmful=True), found.caught(harmful=False)) == ([], "missed", "quiet")


def test_a_gate_that_was_green_is_a_sign() -> None:
    """It names the gate, and the run was stopped."""
    found = compare(outcome(), outcome(verdict="fail"))
    assert [(sign.how, sign.name) for sign in found.signs] == [("gate", "test_gate")]
    assert found.caught(harmful=True) == "stopped"


@pytest.mark.parametrize(
    ("notice", "new"), [("e: 60 cases ask what another asks", False), ("e: 1 prompt with two answers", True)]
)
def test_only_a_notice_of_another_kind_is_a_sign(notice: str, new: bool) -> None:
    """Other numbers in a notice that the control has too are none."""
    found = compare(outcome(notices=("e: 2 cases ask what another asks",)), outcome(notices=(notice,)))
    assert signs(found) == (["notice"] if new else [])


def test_a_diagnosis_that_the_control_has_not_is_a_sign() -> None:
    """Where documents have one."""
    told = [{"rule": "not-applied", "text": "ft answers as base does"}]
    assert signs(compare(outcome(diagnosis=[]), outcome(diagnosis=told))) == ["diagnosis"]


def test_a_run_without_a_document_shows_its_error() -> None:
    """The first that pytest printed."""
    run = Outcome(
        status=2, document=None, printed="collecting\nE   CaseError: data/a.jsonl:3: id 'x' twice\nE   more\n"
    )
    found = compare(outcome(), run)
    assert [sign.what for sign in found.signs] == ["CaseError: data/a.jsonl:3: id 'x' twice"]


def test_the_page_is_what_the_results_say() -> None:
    """Nothing in it was written by hand."""
    assert PAGE.read_text(encoding="utf-8") == page(RESULTS)


def test_every_fault_has_its_row() -> None:
    """And no row is of a fault that the script no longer has."""
    assert [one["name"] for one in RESULTS["faults"]] == [fault.name for fault in FAULTS]


def test_every_miss_has_a_remedy() -> None:
    """What follows from a miss is said."""
    assert {one["name"] for one in RESULTS["faults"] if one["caught"] == "missed"} <= REMEDIES.keys()


@pytest.mark.slow
def test_faults_are_caught_as_the_page_says(tmp_path: Path) -> None:
    """A broken fine-tune, a broken grader and wrong labels, injected anew into a control that is green."""
    train = [sys.executable, "-m", "example_suite.training.finetune", "good", "--if-missing"]
    subprocess.run(train, cwd=ROOT, check=True, capture_output=True)
    names = ("adapter-of-zeros", "labels-shuffled", "grader-without-assert", "recorded-off-by-one")
    found = inject_all([fault for fault in FAULTS if fault.name in names], tmp_path, jobs=2)
    assert found["controls"]["adapter"]["notices"] == []
    documented = {one["name"]: one for one in RESULTS["faults"]}
    for one in found["faults"]:
        before = documented[one["name"]]
        assert one["caught"] == before["caught"]
        assert [(sign["how"], sign["name"]) for sign in one["signs"]] == [
            (sign["how"], sign["name"]) for sign in before["signs"]
        ]
