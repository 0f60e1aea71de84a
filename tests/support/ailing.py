"""Runs with one thing wrong, made by hand: evals, claims and logs of a support desk, each with figures to choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_ftcheck.records import (
    Decision,
    EvalSummary,
    GateResult,
    Habits,
    ModelRecord,
    Run,
    SliceSummary,
    TrainingLog,
    Verdict,
)

FILE = "tests/test_desk.py"
N = 200
ADAPTER = (
    ModelRecord(role="base", source="b", kind="checkpoint", fingerprint="1", engine="transformers"),
    ModelRecord(role="ft", source="f", kind="adapter", fingerprint="2", engine="transformers"),
)


def habits(**counts: int) -> Habits:
    """Habits of the N answers of a role."""
    return Habits(n=N, **counts)


def exam(name: str = "test_skill", *, base: float = 1.0, ft: float = 1.0, **facts: Any) -> EvalSummary:
    """An eval of N cases with these scores; cases are lost by as many as the scores fell."""
    known = {
        "metric": "exact_match",
        "score_range": (0.0, 1.0),
        "binary": True,
        "n": N,
        "lost": max(0, round((base - ft) * N)),
        "gained": max(0, round((ft - base) * N)),
        "base_habits": habits(),
        "ft_habits": habits(),
    }
    return EvalSummary(nodeid=f"{FILE}::{name}", name=name, base=base, ft=ft, delta=ft - base, **{**known, **facts})


def gate(
    of: EvalSummary, kind: str = "no_worse", decision: Decision = Decision.FAIL, *more: Verdict, **facts: Any
) -> GateResult:
    """A gate that claims something of an eval, and what was decided; `more` verdicts may follow."""
    own = {
        "evals": (of.name,),
        "metric": of.metric,
        "claim": f"{kind} 5.0",
        "words": decision.value,
        "base": of.base,
        "ft": of.ft,
        "delta": of.delta,
        "n": of.n,
        "gained": of.gained,
        "lost": of.lost,
    }
    verdict = Verdict(kind=kind, decision=decision, **{**own, **facts})
    name = f"{of.name}_{kind}"
    return GateResult(nodeid=f"{FILE}::{name}", name=name, decision=decision, verdicts=(verdict, *more))


def run(*gates: GateResult, evals: Sequence[EvalSummary] = (), log: TrainingLog | None = None, **facts: Any) -> Run:
    """A run of gates over evals."""
    own = {"id": "r", "started": "", "duration_s": 1.0, "version": "0", "models": ADAPTER}
    return Run(**{**own, **facts}, gates=gates, evals=tuple(evals), training=log)


def log(*losses: float, pattern: Any = "healthy", best: float | None = None) -> TrainingLog:
    """A log whose training and validation losses are these, at steps 10, 20 and so on; `best` is its best step."""
    curve = tuple((10.0 * number, loss) for number, loss in enumerate(losses, 1))
    found = dict(curve).get(best) if best is not None else None
    return TrainingLog(
        path="trainer_state.json",
        training=curve,
        validation=curve,
        pattern=pattern,
        evidence=f"{pattern}: validation loss",
        best_step=best,
        best_loss=found,
    )


def part(value: str, *, base: float, ft: float, tag: str = "topic", n: int = 50) -> SliceSummary:
    """A slice of an eval."""
    lost = max(0, round((base - ft) * n))
    return SliceSummary(tag=tag, value=value, n=n, base=base, ft=ft, delta=ft - base, gained=0, lost=lost)
