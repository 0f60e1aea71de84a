"""The four patterns of a training curve, by construction, on the example's checkpoints and on a real trainer's log."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.curves import assert_not_overfitted, judged
from pytest_ftcheck.data.training_log import find_training_log, read_training_log
from pytest_ftcheck.errors import CheckFailed, ConfigError
from pytest_ftcheck.records import TrainingLog

FALLING = [2.0, 1.2, 0.8, 0.6, 0.5, 0.45, 0.43, 0.42]


def log(training: Sequence[float], validation: Sequence[float]) -> TrainingLog:
    """Return a log of a loss every ten steps."""
    curves = [tuple((10.0 * n, loss) for n, loss in enumerate(curve, 1)) for curve in (training, validation)]
    return TrainingLog(path="log", training=curves[0], validation=curves[1])


@pytest.mark.parametrize(
    ("training", "validation", "pattern", "said"),
    [
        (FALLING, [2.1, 1.3, 0.9, 0.7, 0.6, 0.56, 0.55, 0.545], "healthy", "validation loss went from 2.1 to 0.545"),
        (FALLING, [2.1, 1.3, 0.9, 0.8, 0.9, 1.1, 1.3, 1.5], "overfitting", "0.8, at step 40, and is 1.5 at step 80"),
        (FALLING, [2.0, 1.2, 0.8, 0.7, 0.69, 0.7, 0.7, 0.71], "healthy", "validation"),
        ([2.0] * 8, [2.01, 2.0, 2.0, 1.99, 2.0, 1.99, 1.99, 1.99], "underfitting", "from 2.01 to 1.99 only"),
        ([2, 1.8, 1.6, 1.4, 1.2, 1.0, 0.8, 0.6], [2, 1.8, 1.6, 1.4, 1.2, 1.0, 0.8, 0.6], "underfitting", "still fell"),
        ([2, 1, 0.8, 0.7, 0.6, 0.6, 3.0, 0.6], FALLING, "unstable", "jumps to 3 at step 70, from about 0.7 before"),
        ([2, 1, math.nan, 1], FALLING, "unstable", "training loss is nan at step 30"),
        (FALLING, [2, 1, 0.9, math.inf], "unstable", "validation loss is inf at step 40"),
        (
            [2, 1.2, 0.8, 0.6, 0.5, 0.45, 0.445, 0.44],
            [],
            "healthy",
            "without validation losses overfitting cannot be told",
        ),
    ],
)
def test_each_pattern_is_named_with_its_evidence(
    training: Sequence[float], validation: Sequence[float], pattern: str, said: str
) -> None:
    """Healthy, overfitting, underfitting, unstable: each says on what it rests."""
    found = judged(log(training, validation))
    assert found.pattern == pattern
    assert said in found.evidence


def test_the_best_step_is_that_of_the_least_validation_loss() -> None:
    """The first of equals."""
    found = judged(log(FALLING, [2.1, 1.3, 0.9, 0.8, 0.8, 1.1]))
    assert (found.best_step, found.best_loss) == (40.0, 0.8)


def test_an_overfitted_log_fails_with_the_step_to_restore() -> None:
    """The assertion is a finding about the model, and names the step."""
    with pytest.raises(CheckFailed, match=r"overfitting: .* restore step 40"):
        assert_not_overfitted(log(FALLING, [2.1, 1.3, 0.9, 0.8, 0.9, 1.1]))
    assert_not_overfitted(log(FALLING, [2.1, 1.3, 0.9, 0.8, 0.9, 1.1]), rise=0.5)
    assert_not_overfitted(log(FALLING, FALLING))


def test_without_validation_losses_nothing_is_claimed() -> None:
    """A log that cannot tell is an error, not a pass."""
    with pytest.raises(ConfigError, match="has 0 validation losses, so that overfitting cannot be told"):
        assert_not_overfitted(log(FALLING, []))


@given(
    st.lists(st.floats(0, 10) | st.just(math.nan), max_size=12),
    st.lists(st.floats(0, 10) | st.just(math.inf), max_size=12),
)
def test_every_log_has_one_pattern(training: list[float], validation: list[float]) -> None:
    """Whatever losses a log holds, one of the four is named."""
    if training or validation:
        assert judged(log(training, validation)).pattern in ("healthy", "overfitting", "underfitting", "unstable")


def test_a_trainers_state_is_read(tmp_path: Path) -> None:
    """The last checkpoint's trainer_state.json: losses, evaluation losses and the closing summary, which is no loss."""
    history = [
        {"epoch": 0.5, "loss": 1.5, "learning_rate": 1e-4, "step": 10},
        {"epoch": 0.5, "eval_loss": 1.4, "eval_runtime": 0.1, "step": 10},
        {"epoch": 1.0, "loss": 1.0, "step": 20},
        {"epoch": 1.0, "eval_loss": 1.2, "step": 20},
        {"epoch": 1.0, "train_loss": 1.25, "train_runtime": 9.9, "step": 20},
    ]
    for step, held in (("9", history[:2]), ("20", history)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(json.dumps({"log_history": held}))
    found = read_training_log(find_training_log(tmp_path))
    assert found.training == ((10.0, 1.5), (20.0, 1.0))
    assert found.validation == ((10.0, 1.4), (20.0, 1.2))


def test_several_validation_sets_are_read_by_the_first(tmp_path: Path) -> None:
    """A Trainer with a dict of sets logs eval_NAME_loss."""
    (tmp_path / "trainer_state.json").write_text(
        json.dumps({"log_history": [{"step": 1, "loss": 1.0}, {"step": 1, "eval_help_loss": 2.0}]})
    )
    assert read_training_log(find_training_log(tmp_path)).validation == ((1.0, 2.0),)


@pytest.mark.parametrize(
    "text",
    ["step,loss,eval_loss\n1,2.0,\n2,1.0,1.5\n", "\ufeffEpoch,Train Loss,Val Loss\n1,2.0,\n2,1.0,1.5\n"],
)
def test_a_table_of_losses_is_read(tmp_path: Path, text: str) -> None:
    """A CSV whose columns go by the usual names; an empty cell is no loss."""
    (tmp_path / "losses.csv").write_text(text, encoding="utf-8")
    found = read_training_log(find_training_log(tmp_path))
    assert (found.training, found.validation) == (((1.0, 2.0), (2.0, 1.0)), ((2.0, 1.5),))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("trainer_state.json", "{", "is no JSON"),
        ("trainer_state.json", "[]", "has no log_history"),
        ("trainer_state.json", '{"log_history": [3]}', "has no log_history"),
        ("trainer_state.json", '{"log_history": [{"step": 1, "f1": 2}]}', "holds no loss; .* it has 'f1', 'step'"),
        ("trainer_state.json", '{"log_history": [{"step": 1, "loss": "x"}]}', "entry 1: loss is 'x'"),
        ("trainer_state.json", '{"log_history": [{"step": 1, "loss": []}]}', "entry 1: loss is \\[\\]"),
        ("losses.csv", "step,loss\n1,much\n", "losses.csv:2: loss is 'much'"),
        ("other.txt", "", "no training log in"),
    ],
)
def test_a_bad_log_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    """The file, the entry, and what is allowed."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_training_log(find_training_log(tmp_path))


@pytest.mark.parametrize(
    ("step", "found"), [(96, 96), (None, None), (True, None), (-1, None), ("9", None), (1e3, None)]
)
def test_the_trainers_step_is_read(tmp_path: Path, step: object, found: int | None) -> None:
    """A state says where the trainer was; what is no whole number says nothing."""
    (tmp_path / "trainer_state.json").write_text(
        json.dumps({"global_step": step, "log_history": [{"step": 90, "loss": 1.0}]})
    )
    assert read_training_log(tmp_path / "trainer_state.json").global_step == found
