"""Adapters as --ft-model: the base found by itself, one load for both roles, and alarms where nothing was tuned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from pytest_ftcheck.models.loading import Weights
from tests.support.projects import Project, questions

N = 6


@pytest.fixture
def asking(project: Project) -> Project:
    """A project whose cases are answered in few tokens."""
    project.write(questions(N), base={}, ft={}, arguments="grader=exact_match(), max_new_tokens=8")
    return project


def test_the_base_is_found_and_loaded_once(asking: Project, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --base-model the adapter's own base is compared with, and one load serves both roles."""
    loads: list[str] = []
    load = Weights.__init__

    def counted(self: Weights, spec: object, options: object, **more: object) -> None:
        loads.append(str(spec.path))  # type: ignore[attr-defined]
        load(self, spec, options, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Weights, "__init__", counted)
    asking.run_checkpoints(tiny / "adapter", None, "-k", "test_intent").assert_outcomes(passed=N, deselected=1)
    base, ft = asking.document()["models"]
    assert (base["source"], base["kind"]) == (str(tiny / "base"), "checkpoint")
    assert ft["kind"] == "adapter"
    assert loads == [str(tiny / "base")]
    assert asking.document()["notices"] == []


def test_base_under_an_adapter_answers_as_base_alone(asking: Project, tiny: Path) -> None:
    """Base's answers are the same facts with an adapter beside it: a run against another model needs none of them."""
    asking.run_checkpoints(tiny / "adapter", None, "-k", "test_intent")
    asking.run_checkpoints(tiny / "other", tiny / "base", "-k", "test_intent")
    assert asking.answered() == N


def test_an_adapter_that_does_nothing_raises_an_alarm(asking: Project, tiny: Path) -> None:
    """An adapter of zeros gives base's answers to every prompt, and the run asks whether it is active."""
    shutil.copytree(tiny / "adapter", asking.path / "zero")
    shutil.copytree(tiny / "base", asking.path / "base")
    weights = asking.path / "zero" / "adapter_model.safetensors"
    tensors = {name: tensor * 0 for name, tensor in load_file(weights).items()}
    save_file(tensors, weights, metadata={"format": "pt"})
    asking.run_checkpoints("zero", tiny / "base", "-k", "test_intent")
    assert asking.document()["notices"][:1] == [f"ft gave base's answer to all {N} prompts: is the adapter active?"]


def test_the_same_model_twice_is_said(asking: Project, tiny: Path) -> None:
    """Base in both roles is told apart from an adapter that does nothing."""
    asking.run_checkpoints(tiny / "base", tiny / "base", "-k", "test_intent")
    assert asking.document()["notices"][:1] == ["base and ft are the same model"]
    assert asking.answered() == N


def test_the_alarm_is_raised_under_xdist(project: Project) -> None:
    """With -n 2, where each worker sees a part, the alarm is raised once for the whole run."""
    project.write(questions(N), base={"*": "yes"}, ft={"*": "yes", "never asked": "no"})
    project.run("-n", "2")
    assert project.document()["notices"].count(f"ft gave base's answer to all {N} prompts: is the adapter active?") == 1
    assert project.verdict() == "inconclusive"


def test_one_different_answer_is_no_alarm(project: Project) -> None:
    """An alarm is for all answers alike, not for a model that seldom differs."""
    project.write(questions(N), base={"*": "yes"}, ft={"*": "yes", "question 3": "no"})
    project.run()
    assert project.document()["notices"] == []


def test_one_different_answer_is_no_alarm_under_xdist(project: Project) -> None:
    """A worker whose own share of the answers is alike raises no alarm when the run as a whole differs."""
    project.write(questions(40), base={"*": "yes"}, ft={"*": "yes", "question 3": "no"})
    project.run("-n", "2", "-k", "test_intent")
    assert project.document()["notices"] == []
