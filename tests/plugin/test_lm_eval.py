"""Tasks of lm-evaluation-harness: its requests, our answers, its scores, and verdicts of ours."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness_tasks import ROWS, TASKS, harness_scores, write_tasks
from tests.support.projects import Project

pytestmark = pytest.mark.slow

SUITE = """
from pytest_ftcheck import assert_no_worse, gate, lm_eval_cases
{evals}
@gate(test_local_choice)
def test_kept(comparison):
    assert_no_worse(comparison, margin=0.9, metric="acc_norm")
@gate(test_local_rolling)
def test_reads(comparison):
    assert_no_worse(comparison, margin=9e8)
"""
EVAL = """
@lm_eval_cases("{name}", include_path={folder!r})
def test_{name}(case, answer): ...
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of local tasks."""
    return write_tasks(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(scope="module")
def reference(tasks: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The harness's own scores of two checkpoints."""
    cache = tmp_path_factory.mktemp("reference")
    return harness_scores(tasks, {"base": tiny / "base", "ft": tiny / "other"}, cache)


def test_scores_are_the_harnesss_own(
    project: Project, tasks: Path, tiny: Path, reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On shared weights every metric of every output type is the harness's own, to the last digit that it prints.

    Both add the same fp32 numbers in other batches, so that log-probabilities differ in their last bits: perplexities,
    which are exponentials of them, are held to 1e-6 of their logarithm; what is counted is the same number.
    """
    monkeypatch.setenv("HF_DATASETS_CACHE", str(project.path / "datasets"))
    evals = "".join(EVAL.format(name=name, folder=str(tasks)) for name in TASKS)
    body = SUITE.format(evals=evals) + ALL_METRICS
    (project.path / "test_harness.py").write_text(body)
    result = project.run_checkpoints(tiny / "other", tiny / "base")
    assert result.parseoutcomes().get("passed", 0) == len(TASKS) * len(ROWS) + 3
    found = json.loads((project.path / "metrics.json").read_text())
    compared = 0
    for role in ("base", "ft"):
        for name, ours in found[role].items():
            for metric, value in ours.items():
                theirs = reference[role][name][metric if "," in metric else f"{metric},none"]
                if metric.endswith("perplexity"):
                    assert math.log(value) == pytest.approx(math.log(theirs), rel=1e-6), (role, name, metric)
                else:
                    # As the harness prints it, to its last digit; what is counted is the very same number.
                    assert f"{value:.4f}" == f"{theirs:.4f}", (role, name, metric)
                    assert value == theirs or not metric.startswith(("acc", "exact_match")), (role, name, metric)
                compared += 1
    assert compared == 2 * 11


ALL_METRICS = """
@gate(test_local_choice, test_local_inputs, test_local_likelihood, test_local_rolling, test_local_written,
      test_local_own)
def test_all(comparisons):
    import json
    found = {"base": {}, "ft": {}}
    for one in comparisons:
        for metric in one.metrics:
            on = one.on(metric.name)
            for role in found:
                found[role].setdefault(one.eval.removeprefix("test_"), {})[metric.name] = getattr(on, role)
    with open("metrics.json", "w") as out:
        json.dump(found, out)
    assert_no_worse(comparisons[0], margin=0.99)
"""


def test_the_harness_says_what_is_wrong(project: Project, tasks: Path, tmp_path: Path) -> None:
    """An unknown task, a metric that no gate can rest on and an interpreter without lm_eval are errors that say so."""
    # In a folder of its own, for it has the name of another test's task.
    (tmp_path / "f1.yaml").write_text(
        (tasks / "local_choice.yaml").read_text().replace("{metric: acc}, {metric: acc_norm}", "{metric: f1}")
    )
    suite = "from pytest_ftcheck import lm_eval_cases\n@lm_eval_cases({!r}{})\ndef test_it(case, answer): ...\n"
    for name, task, more in (
        ("metric", str(tmp_path / "f1.yaml"), ""),
        ("interpreter", "hellaswag", ", python='/nowhere/python'"),
    ):
        (project.path / f"test_{name}.py").write_text(suite.format(task, more))
    result = project.run_checkpoints("ft", "base")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*the task's metrics are f1 (f1); allowed: one at least that is a mean or a perplexity"]
    )
    result.stdout.fnmatch_lines(["*/nowhere/python cannot be started: *"])
