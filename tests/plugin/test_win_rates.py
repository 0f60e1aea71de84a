"""Pairwise judges: the win rate at equal length stands beside the plain one, in verdict, notices and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import pytest_ftcheck.models.endpoint
import pytest_ftcheck.stats.length_control  # noqa: F401
from tests.plugin.conftest import write_jsonl
from tests.plugin.test_judges import answers_in
from tests.support.fault_server import FaultServer, fault_server, listing
from tests.support.projects import QUIET, Project

N = 60
TEST = """
from pytest_ftcheck import assert_no_worse, eval_cases, exact_match, gate, pairwise, rubric

@eval_cases("cases.jsonl", grader={grader})
def test_said(case, answer): ...

@gate(test_said)
def test_gate(comparison):
    assert_no_worse(comparison, margin=0.2{metric})
"""


def likes_length(model: str, prompt: str) -> str:
    """A judge that takes the longer answer, and of two that are nearly as long the one that says please."""
    first, second = answers_in(prompt)
    if abs(len(first) - len(second)) > 9:
        return json.dumps({"reasons": "", "better": "A" if len(first) > len(second) else "B"})
    polite = ["please" in first, "please" in second]
    return json.dumps({"reasons": "", "better": "tie" if polite[0] == polite[1] else "A" if polite[0] else "B"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A server with a judge that likes length."""
    for name in ("OPENAI_API_KEY", "FTCHECK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with fault_server() as running:
        running.models = [listing("judge", created=1_700_000_000)]
        running.say = likes_length
        yield running


def answers(role: str) -> list[str]:
    """What a role says: ft's answers are longer in two thirds of the cases, and polite in some."""
    rng = np.random.default_rng(5)
    base = ["word " * int(rng.integers(3, 9)) for _ in range(N)]
    if role == "base":
        return base
    more = [int(rng.integers(-1, 4)) for _ in range(N)]
    return ["word " * max(1, len(text) // 5 + k) + ("please" if at % 4 == 0 else "") for at, (text, k) in
            enumerate(zip(base, more, strict=True))]  # fmt: skip


def run(project: Project, server: FaultServer, grader: str, metric: str = "", *args: str) -> pytest.RunResult:
    """Run an eval of recorded answers under the judge."""
    write_jsonl(
        project.path / "cases.jsonl", [{"id": f"c{at}", "input": f"q {at}", "expected": "x"} for at in range(N)]
    )
    for role in ("base", "ft"):
        rows = [{"case": f"c{at}", "answer": text} for at, text in enumerate(answers(role))]
        write_jsonl(project.path / f"{role}.jsonl", rows)
    (project.path / "test_suite.py").write_text(TEST.format(grader=grader, metric=metric))
    models = ["--ft-model=ft.jsonl", "--base-model=base.jsonl", f"--ft-judge={server.url}#judge", "--ft-json=run.json"]
    return project.pytester.runpytest(*QUIET, *models, *args)


def the_eval(project: Project) -> dict[str, Any]:
    """The eval of the last run."""
    (found,) = project.document()["evals"]
    return dict(found)


def test_the_rate_at_equal_length_stands_beside_the_plain_one(project: Project, server: FaultServer) -> None:
    """It is an independent fit's, in the JSON file, in a notice with both mean lengths and in the verdict's method."""
    done = run(project, server, 'pairwise("Which is better?")')
    base, ft = answers("base"), answers("ft")
    longer = np.array([len(after) - len(before) for before, after in zip(base, ft, strict=True)])
    wins = np.array([0.5 + 0.5 * np.sign(d) if abs(d) > 9 else 1.0 if "please" in text else 0.5
                     for d, text in zip(longer, ft, strict=True)])  # fmt: skip
    x = np.tanh(longer / longer.std())
    fit = LogisticRegression(C=10, tol=1e-12, max_iter=10_000)
    fit.fit(np.concatenate([x, x])[:, None], np.repeat([1, 0], N), np.concatenate([wins, 1 - wins]))
    rate = the_eval(project)["win_rate"]
    assert rate["raw"] == pytest.approx(wins.mean())
    assert rate["at_equal_length"] == pytest.approx(1 / (1 + np.exp(-fit.intercept_[0])), abs=1e-4)
    assert rate["low"] < rate["at_equal_length"] < rate["high"]
    assert rate["at_equal_length"] < rate["raw"] - 0.05
    said = f"win rate {rate['raw'] * 100:.1f} %, at equal length {rate['at_equal_length'] * 100:.1f} %, 90 % CI ["
    (gate,) = project.document()["gates"]
    assert said in gate["method"]
    (notice,) = [text for text in project.document()["notices"] if said in text]
    lengths = [sum(map(len, texts)) / N for texts in (ft, base)]
    assert f"ft's answers have {lengths[0]:.0f} characters, base's {lengths[1]:.0f}" in notice
    done.stdout.fnmatch_lines(["*win rate *at equal length*"])


def test_a_second_run_says_the_same(project: Project, server: FaultServer) -> None:
    """The bootstrap has a seed: nothing is asked again and not a digit moves."""
    run(project, server, 'pairwise("Which is better?")')
    before, asked = the_eval(project)["win_rate"], server.tries.total()
    run(project, server, 'pairwise("Which is better?")')
    assert (the_eval(project)["win_rate"], server.tries.total()) == (before, asked)


def test_one_grader_is_primary_and_a_gate_names_another(project: Project, server: FaultServer) -> None:
    """The eval is summed up under the first, the gate under the one it names; both grades are kept."""
    run(project, server, '[exact_match(), pairwise("Which is better?")]', ', metric="pairwise"')
    (gate,) = project.document()["gates"]
    assert (the_eval(project)["metric"], gate["metric"]) == ("exact_match", "pairwise")
    assert the_eval(project)["win_rate"] is None
    assert "win rate" in gate["method"]


def test_answers_that_are_all_longer_by_the_same_tell_nothing(project: Project, server: FaultServer) -> None:
    """The plain rate stands, with why there is no other."""
    run(project, server, 'pairwise("Which is better?")')
    rows = [{"case": f"c{at}", "answer": "word " * 5} for at in range(N)]
    write_jsonl(project.path / "base.jsonl", rows)
    write_jsonl(project.path / "ft.jsonl", [{**row, "answer": "word " * 8} for row in rows])
    models = ["--ft-model=ft.jsonl", "--base-model=base.jsonl", f"--ft-judge={server.url}#judge", "--ft-json=run.json"]
    project.pytester.runpytest(*QUIET, *models)
    rate = the_eval(project)["win_rate"]
    assert (rate["raw"], rate["at_equal_length"], rate["low"]) == (1.0, None, None)
    assert "must differ for a win rate at equal length" in rate["reason"]
