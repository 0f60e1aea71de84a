"""assert_no_memorisation: training rows against held-out ones, as a gate over two evals."""

from __future__ import annotations

import json
from typing import Any

import pytest

import pytest_ftcheck.stats.independent  # noqa: F401 - an in-process run forgets its modules, and numpy imports once
from tests.support.projects import Project

TEST = """
from pytest_ftcheck import assert_no_memorisation, eval_cases, exact_match, gate

@eval_cases("train.jsonl", grader=exact_match())
def test_train(case, answer): ...

@eval_cases("held_out.jsonl", grader={grader})
def test_held_out(case, answer): ...

@gate(test_train, test_held_out)
def test_not_memorised(comparisons):
    assert_no_memorisation(*comparisons, margin={margin})
"""


def write(
    project: Project, *, seen: int, unseen: int, n: int = 60, margin: Any = 0.1, grader: str = "exact_match()"
) -> None:
    """Write `n` training rows of which ft has `seen` right, and as many held-out cases of which it has `unseen`."""
    project.write_win(2)
    answers: dict[str, str] = {}
    for name, right in (("train", seen), ("held_out", unseen)):
        rows = [
            {"prompt": f"{name} question number {k} of the day?", "completion": "yes", "id": f"{k}"} for k in range(n)
        ]
        answers |= {row["prompt"]: "yes" if k < right else "no" for k, row in enumerate(rows)}
        lines = [{**row, "expected": row["completion"]} for row in rows]
        (project.path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    project.model("ft", answers)
    (project.path / "test_suite.py").write_text(TEST.format(margin=margin, grader=grader))


def gate(project: Project, *options: str) -> dict[str, Any]:
    """Run and return the gate."""
    project.run(*options)
    (found,) = project.document()["gates"]
    return dict(found)


@pytest.mark.parametrize(
    ("seen", "unseen", "verdict", "words"),
    [
        (60, 20, "fail", "memorised: 100.0 % on training rows, 33.3 % held-out"),
        (57, 57, "pass", "no memorisation (95.0 % on training rows, 95.0 % held-out)"),
        (57, 50, "inconclusive", "inconclusive: nothing proven either way (95.0 % on training rows, 83.3 % held-out)"),
    ],
)
def test_a_gap_is_judged(project: Project, seen: int, unseen: int, verdict: str, words: str) -> None:
    """A proven gap fails, a gap proven small passes, anything else is inconclusive; the words show both scores."""
    write(project, seen=seen, unseen=unseen)
    found = gate(project)
    assert (found["verdict"], found["words"], found["n"]) == (verdict, words, 120)
    assert found["method"] == "Miettinen-Nurminen"
    assert found["low"] <= (seen - unseen) / 60 <= found["high"]


def test_its_training_rows_are_no_leaks(project: Project) -> None:
    """With --ft-train-data the eval over training rows is left whole; the held-out one is looked through."""
    write(project, seen=60, unseen=20)
    found = gate(project, "--ft-train-data=train.jsonl")
    assert (found["verdict"], found["n"]) == ("fail", 120)
    assert [one["excluded"] for one in project.document()["evals"]] == [0, 0]


def test_a_part_cannot_pass(project: Project) -> None:
    """Under --ft-limit a small gap proves nothing of the whole."""
    write(project, seen=60, unseen=60)
    found = gate(project, "--ft-limit=50")
    assert found["verdict"] == "inconclusive"
    assert "--ft-limit" in found["words"]


@pytest.mark.parametrize(
    ("more", "said"),
    [({"margin": 5}, "margin=5; allowed: above 0 and below 1"), ({"grader": "contains"}, "same grader")],
)
def test_what_cannot_be_meant_is_an_error(project: Project, more: dict[str, Any], said: str) -> None:
    """A margin in points, or two graders, are errors that say what is allowed."""
    write(project, seen=60, unseen=60, **more)
    if "grader" in more:
        path = project.path / "test_suite.py"
        path.write_text(
            path.read_text().replace("import assert", "import contains, assert").replace("=contains)", "=contains())")
        )
    assert said in gate(project)["reason"]
