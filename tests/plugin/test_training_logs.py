"""The fixture training_log: the fine-tune's own log, found in its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugin.conftest import Suite

TEST = """
from pytest_ftcheck import assert_not_overfitted

def test_training(training_log):
    assert_not_overfitted(training_log)
"""


def write(suite: Suite, losses: list[float] | None) -> Path:
    """Write a checkpoint's folder with a log of validation losses, and a test of it."""
    folder = suite.pytester.path / "ckpt"
    folder.mkdir()
    if losses is not None:
        history = [{"step": 10 * n, "loss": 1 / n, "eval_loss": loss} for n, loss in enumerate(losses, 1)]
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    suite.pytester.makepyfile(test_suite=TEST)
    return folder


@pytest.mark.parametrize(
    ("losses", "outcome", "said"),
    [
        ([2.0, 1.0, 0.8, 0.79], {"passed": 1}, "*1 passed*"),
        ([2.0, 1.0, 1.4, 1.8], {"failed": 1}, "*CheckFailed: overfitting: validation loss was best, 1, at step 20*"),
        (None, {"errors": 1}, "*no training log in *ckpt*"),
    ],
)
def test_a_log_is_found_and_judged(
    suite: Suite, losses: list[float] | None, outcome: dict[str, int], said: str
) -> None:
    """Healthy passes, overfitted fails with its evidence, no log is an error; no model is loaded."""
    folder = write(suite, losses)
    result = suite.pytester.runpytest("-p", "no:randomly", f"--ft-model={folder}")
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines([said])


def test_without_a_model_it_is_skipped(suite: Suite) -> None:
    """There is no log of nothing."""
    write(suite, [1.0])
    suite.pytester.runpytest("-p", "no:randomly").assert_outcomes(skipped=1)
