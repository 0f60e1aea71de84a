"""--ft-train-data: cases that stand in the training data are found before any model loads, named, and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasketch  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.support.projects import Project, questions

assert datasketch  # An in-process run forgets the modules it imports, and numpy cannot be imported twice.

ASKED = [f"Which team should read the message of customer {name} about it?" for name in "abcdefghijklmnopqrstuvwxyz"]


def write(project: Project, leaked: int, *, body: str = "assert_improves(comparison)", fields: Any = None) -> Path:
    """Write 26 cases that ft wins, and training rows of which the first are the first cases."""
    rows = [{"id": f"c{n}", "input": text, "expected": "yes"} for n, text in enumerate(ASKED)]
    project.write(rows, base={"*": "no"}, ft={"*": "yes"}, body=body)
    train = project.path / "train.jsonl"
    lines = [{"prompt": text, "completion": "yes"} for text in ASKED[:leaked]]
    lines += [{"prompt": f"Something else altogether, number {n}?", "completion": "no"} for n in range(50)]
    train.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return train


def gate(project: Project) -> dict[str, Any]:
    """Return the gate of the last run."""
    (found,) = project.document()["gates"]
    return dict(found)


def summary(project: Project) -> dict[str, Any]:
    """Return the eval of the last run."""
    (found,) = project.document()["evals"]
    return dict(found)


def test_leaked_cases_are_left_out_and_named(project: Project) -> None:
    """The gate judges the others and says so; the leaked cases are skipped, counted and listed."""
    write(project, 3)
    result = project.run("--ft-train-data=train.jsonl")
    result.assert_outcomes(passed=23 + 1, skipped=3)
    assert (gate(project)["verdict"], gate(project)["n"]) == ("pass", 23)
    assert gate(project)["words"] == "the win (3 of 26 cases leaked, left out)"
    found = summary(project)
    assert (found["n"], found["excluded"]) == (23, 3)
    assert [(leak["case"], leak["train_line"], leak["kind"]) for leak in found["leaks"]] == [
        ("c0", 1, "exact"),
        ("c1", 2, "exact"),
        ("c2", 3, "exact"),
    ]
    (notice,) = [text for text in project.document()["notices"] if "training data" in text]
    assert notice.startswith(
        "test_intent: 3 of 26 cases stand in the training data train.jsonl: c0 (prompt exact, line 1)"
    )
    assert notice.endswith("; they are left out")
    assert len(project.asked()) == 2 * 23


def test_a_warning_leaves_them_in(project: Project) -> None:
    """With warn all cases are judged, and the verdict says how many leaked."""
    write(project, 3)
    project.run("--ft-train-data=train.jsonl", "--ft-leaks=warn").assert_outcomes(passed=27)
    assert (gate(project)["n"], gate(project)["words"]) == (26, "the win (3 of 26 cases leaked)")
    assert summary(project)["excluded"] == 0


def test_fail_ends_the_run_before_any_model(project: Project) -> None:
    """With fail nothing is answered, and the cases are named."""
    write(project, 2)
    result = project.run("--ft-train-data=train.jsonl", "--ft-leaks=fail")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ft-leaks=fail: test_intent: 2 of 26 cases stand in the training data*c0*c1*"])
    assert project.asked() == []


def test_fail_is_an_error_under_workers(project: Project) -> None:
    """With workers every item errors with the reason, and nothing is answered."""
    write(project, 2)
    result = project.run("--ft-train-data=train.jsonl", "--ft-leaks=fail", "-n1")
    assert result.ret != 0
    assert gate(project)["verdict"] == "error"
    assert "--ft-leaks=fail" in gate(project)["reason"]
    assert project.asked() == []


def test_no_leak_is_not_mentioned(project: Project) -> None:
    """Training data without a case changes nothing."""
    write(project, 0)
    project.run("--ft-train-data=train.jsonl").assert_outcomes(passed=27)
    assert gate(project)["words"] == "the win"
    assert summary(project)["leaks"] == []


def test_an_eval_that_leaked_whole_is_an_error(project: Project) -> None:
    """Where nothing is left to judge the gate cannot be judged."""
    write(project, 26)
    project.run("--ft-train-data=train.jsonl")
    assert gate(project)["verdict"] == "error"
    assert "all 26 cases stand in the training data" in gate(project)["reason"]


def test_too_few_remaining_cases_are_foretold(project: Project) -> None:
    """The foretelling counts the cases that are left."""
    write(project, 10, body="assert_no_worse(comparison, margin=0.17)")
    project.run("--ft-train-data=train.jsonl")
    assert any("cannot be proven with 16 cases" in text for text in project.document()["notices"])


def test_the_training_data_is_read_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run, and every worker, takes what was found from the store; a changed file is read again."""
    train = write(project, 3)
    project.run("--ft-train-data=train.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr("pytest_ftcheck.hygiene.scan.training_rows", lambda path: pytest.fail("read again"))
        project.run("--ft-train-data=train.jsonl")
    assert summary(project)["excluded"] == 3
    train.write_text(train.read_text().splitlines()[0] + "\n")
    project.run("--ft-train-data=train.jsonl", "-n2")
    assert summary(project)["excluded"] == 1


def test_a_missing_file_is_named(project: Project) -> None:
    """Training data that is not there ends the run before any model loads."""
    project.write(questions(12), base={"*": "no"}, ft={"*": "yes"})
    result = project.run("--ft-train-data=no.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no.jsonl*"])
    assert project.asked() == []


def test_one_item_for_a_whole_eval_leaves_them_out(project: Project) -> None:
    """Where an eval is one test, that test and the gate count the cases that are left."""
    write(project, 3)
    project.run("--ft-train-data=train.jsonl", "--ft-items=eval").assert_outcomes(passed=2)
    assert (gate(project)["n"], len(project.asked())) == (23, 2 * 23)


def test_the_strongest_baseline_meets_the_same_cases(project: Project) -> None:
    """Base at its best prompt is not asked the leaked cases either."""
    write(project, 3)
    (project.path / "best.toml").write_text('system = "Say yes."\n')
    project.run("--ft-train-data=train.jsonl", "--ft-best-base-profile=best.toml")
    asked = {note["messages"][-1]["content"] for note in project.asked()}
    assert asked == set(ASKED[3:])
