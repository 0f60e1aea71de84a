"""What trackers are told: names that each of them takes, finite numbers, inert texts; the step and the verdicts."""

from __future__ import annotations

import math
import posixpath
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ftcheck.records import ModelRecord, Run, TrainingLog
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.trackers.facts import NOTE_LIMIT, TEXT_LIMIT, Facts, facts_of, key
from tests.support.arbitrary_runs import hostile, runs
from tests.support.runs import gate, mixed_run

# mlflow.utils.validation: validate_param_and_metric_name, path_not_unique, MAX_ENTITY_KEY_LENGTH; TensorBoard and W&B
# take more.
NAME = re.compile(r"[/\w.\- ]{1,250}", re.ASCII)


@settings(max_examples=25, deadline=None)
@given(runs)
def test_names_numbers_and_texts_are_taken_everywhere(run: Run) -> None:
    """Of any run, however hostile, MLflow takes each name, each number is finite, each text inert and short."""
    told = facts_of(run)
    numbers = [told.metrics, *(one.metrics for one in told.evals)]
    texts = [told.params, told.tags, told.verdicts]
    texts += [held for one in told.evals for held in (one.params, one.verdicts)]
    for name in [*(name for held in (*numbers, *texts) for name in held), *(one.name for one in told.evals)]:
        assert NAME.fullmatch(name)
        assert posixpath.normpath(name) == name
        assert not name.startswith(("/", ".."))
    assert all(math.isfinite(value) for held in numbers for value in held.values())
    for text in [told.summary, told.name, *(text for held in texts for text in held.values())]:
        assert inert(text, one_line=True) == text
        assert len(text) <= TEXT_LIMIT
    assert len(told.note.encode()) <= NOTE_LIMIT
    assert Facts.of_plain(told.plain()) == told


@given(st.lists(hostile, unique=True, min_size=2, max_size=5))
def test_two_evals_never_share_a_name(nodeids: list[str]) -> None:
    """Evals that differ have names that differ, though most of their letters may not stand in one."""
    evals = tuple(replace(mixed_run().evals[0], nodeid=nodeid) for nodeid in nodeids)
    assert len({one.name for one in facts_of(replace(mixed_run(), evals=evals)).evals}) == len(nodeids)


def test_a_long_name_is_cut_and_stays_itself() -> None:
    """Two long names with one beginning are told apart."""
    assert key("x" * 300 + "a") != key("x" * 300 + "b")
    assert len(key("x" * 300)) == 80


def test_a_long_text_is_short_though_escapes_are_long() -> None:
    """What is told of a thousand invisible characters is no longer than any other text."""
    model = replace(mixed_run().models[1], source="\U000e0041" * 1000)
    assert len(facts_of(replace(mixed_run(), models=(model,))).params["ft.source"]) == TEXT_LIMIT


def test_a_missing_number_is_not_told() -> None:
    """Where there is no interval there is no low, and a gate that could not be judged has no number at all."""
    told = facts_of(mixed_run())
    assert "test_prose/judge/delta" in told.metrics
    assert "test_prose/judge/low" not in told.metrics
    assert [name for name in told.metrics if name.startswith("gates/test_arithmetic_kept/")] == []
    assert told.verdicts["test_arithmetic_kept"] == "error"


@pytest.mark.parametrize(
    ("source", "logged", "name", "series", "step"),
    [
        ("out/checkpoint-500", 900, "out/checkpoint-500", "out", 500),
        ("runs/support-v2/", 96, "support-v2", "support-v2", 96),
        ("org/name", None, "name", "name", 0),
        ("http://host:8000/v1#name", None, "v1_name", "v1_name", 0),
    ],
)
def test_a_checkpoint_has_its_step_and_its_training(
    source: str, logged: int | None, name: str, series: str, step: int
) -> None:
    """A folder checkpoint-N says its step and stands in its training; else the trainer's log says it, else it is 0."""
    model = ModelRecord(role="ft", source=source, kind="checkpoint", fingerprint="f", engine="")
    training = None if logged is None else TrainingLog(path="log", global_step=logged)
    told = facts_of(replace(mixed_run(), models=(model,), training=training))
    assert (told.name, told.series, told.step) == (name, series, step)


def test_an_eval_has_the_verdicts_that_rest_on_it() -> None:
    """A gate names its eval; where two files have one of that name, it is that of the gate's own file."""
    run = mixed_run()
    elsewhere = replace(run.evals[0], nodeid="tests/test_other.py::test_intent")
    named = replace(gate("test_x", "test_intent", *run.gates[0].verdicts), evals=("test_intent",))
    named = replace(named, verdicts=tuple(replace(each, evals=("test_intent",)) for each in named.verdicts))
    told = facts_of(replace(run, evals=(run.evals[0], elsewhere), gates=(named,)))
    assert [one.verdicts for one in told.evals] == [{"test_x": "pass"}, {}]
