"""The training curve as a test: which of four patterns a log shows, and on what evidence.

It never replaces a gate on a task: a healthy curve says nothing of what was forgotten.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median

from pytest_ftcheck.errors import CheckFailed, ConfigError
from pytest_ftcheck.records import Pattern, TrainingLog
from pytest_ftcheck.reports.inert import inert

RISE = 0.05
"""Share by which the last validation loss may lie above the best one: more is overfitting."""

JUMP, JUMP_LEAST, BEFORE = 2.0, 0.1, 5
"""A loss that is twice the median of the five before, and 0.1 above it, is a jump: the training is unstable."""

STILL_FALLING, NOT_LEARNED = 0.05, 0.1
"""A loss that fell by a twentieth over the last quarter is still falling; one that fell by less than a tenth in all has
not learned: both are underfitting."""

STOPPED = 0.01
"""A training loss below this has nothing left to learn, whatever share it still falls by."""


def judged(log: TrainingLog) -> TrainingLog:
    """Return the log with its pattern, the evidence, and the step of the best validation loss."""
    finite = [(step, loss) for step, loss in log.validation if math.isfinite(loss)]
    best = min(finite, key=lambda point: (point[1], point[0])) if finite else None
    log = replace(log, best_step=None if best is None else best[0], best_loss=None if best is None else best[1])
    found: tuple[tuple[Pattern, str], ...] = (
        ("unstable", _unstable(log)),
        ("overfitting", _overfitting(log)),
        ("underfitting", _underfitting(log)),
    )
    for pattern, evidence in found:
        if evidence:
            return replace(log, pattern=pattern, evidence=evidence)
    return replace(log, pattern="healthy", evidence=_healthy(log))


def assert_not_overfitted(training_log: TrainingLog, *, rise: float = RISE) -> None:
    """Check that validation loss did not rise again, by more than the share `rise` above its best.

    Fails too where training was unstable. Raises ConfigError for a log without validation losses, of which nothing can
    be said.
    """
    __tracebackhide__ = True
    if not 0 <= rise < 10:
        raise ConfigError(f"assert_not_overfitted: rise={rise!r}; allowed: a share of 0 or more, such as 0.05")
    if len(training_log.validation) < 2:
        raise ConfigError(
            f"{training_log.path} has {len(training_log.validation)} validation losses, so that overfitting cannot be"
            ' told; allowed: at least 2 (eval_strategy="steps")'
        )
    for evidence in (_unstable(training_log), _overfitting(judged(training_log), rise)):
        if evidence:
            raise CheckFailed(inert(f"{evidence} ({training_log.path})", one_line=True))


def _unstable(log: TrainingLog) -> str:
    for name, curve in (("training", log.training), ("validation", log.validation)):
        for number, (step, loss) in enumerate(curve):
            if not math.isfinite(loss):
                return f"unstable: {name} loss is {loss} at step {step:g}"
            before = [value for _, value in curve[max(0, number - BEFORE) : number]]
            usual = median(before) if len(before) == BEFORE else None
            if name == "training" and usual is not None and loss > JUMP * usual and loss > usual + JUMP_LEAST:
                return f"unstable: training loss jumps to {loss:.4g} at step {step:g}, from about {usual:.4g} before"
    return ""


def _overfitting(log: TrainingLog, rise: float = RISE) -> str:
    if len(log.validation) < 2 or log.best_loss is None or log.best_step is None:
        return ""
    step, last = log.validation[-1]
    if step <= log.best_step or not last > log.best_loss * (1 + rise):
        return ""
    share = f"{last / log.best_loss - 1:.0%} above it" if log.best_loss > 0 else "above it"
    text = (
        f"overfitting: validation loss was best, {log.best_loss:.4g}, at step {log.best_step:g}, and is {last:.4g} at"
        f" step {step:g}, {share}"
    )
    after = [loss for at, loss in log.training if at >= log.best_step]
    if len(after) > 1 and after[-1] <= after[0]:
        text += f", while training loss went from {after[0]:.4g} to {after[-1]:.4g}"
    return f"{text}; restore step {log.best_step:g}"


def _underfitting(log: TrainingLog) -> str:
    curve, name = (log.validation, "validation") if len(log.validation) >= 4 else (log.training, "training")
    if len(curve) < 4 or curve[-1][1] < STOPPED:
        return ""
    first, last = curve[0][1], curve[-1][1]
    learned = 1 - last / first if first > 0 else 0.0
    if learned < NOT_LEARNED:
        return f"underfitting: {name} loss went from {first:.4g} to {last:.4g} only, over {len(curve)} logged steps"
    quarter = max(1, len(curve) // 4)
    before = curve[-1 - quarter][1]
    trained = log.training[-1][1] if log.training else last
    if trained >= STOPPED and before > 0 and 1 - last / before > STILL_FALLING:
        return (
            f"underfitting: {name} loss still fell at the end, from {before:.4g} at step {curve[-1 - quarter][0]:g} to"
            f" {last:.4g} at step {curve[-1][0]:g}; train longer"
        )
    return ""


def _healthy(log: TrainingLog) -> str:
    curve, name = (log.validation, "validation") if log.validation else (log.training, "training")
    unknown = "" if log.validation else "; without validation losses overfitting cannot be told"
    return f"healthy: {name} loss went from {curve[0][1]:.4g} to {curve[-1][1]:.4g}{unknown}"
