"""Ledgers for the page of the history: runs as a store keeps them, made of run records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pytest_ftcheck.hygiene.reuse import facts_of
from pytest_ftcheck.records import Decision, EvalSummary, GateResult, ModelRecord, Run, Verdict
from pytest_ftcheck.reports.history import RecordedRun
from tests.support.pages import HOSTILE

MARGINS = {"test_intent": 0.05, "test_arithmetic": -0.05, "test_tone": -0.1}


def run(
    number: int,
    *,
    evals: Sequence[str] = tuple(MARGINS),
    case_set: str = "5e7a" * 16,
    base: str = "3f2a" * 16,
    ft: str = "",
    delta: float | None = None,
) -> Run:
    """Return the run of one checkpoint: its deltas are drawn by its number, unless `delta` gives them."""
    draw = Random(number)
    found = []
    for name in evals:
        value = round(draw.uniform(-0.2, 0.3), 3) if delta is None else delta
        found.append(
            EvalSummary(
                nodeid=f"tests/test_desk.py::{name}",
                name=name,
                metric="exact_match",
                score_range=(0.0, 1.0),
                binary=True,
                n=200,
                base=0.5,
                ft=0.5 + value,
                delta=value,
                low=value - 0.07,
                high=value + 0.06,
                level=0.9,
                case_set=case_set,
            )
        )
    return Run(
        id=f"run-{number}",
        started=(datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=9 * number)).isoformat(),
        duration_s=1.0,
        version="0.1.0",
        models=(
            ModelRecord(role="base", source="models/base", kind="checkpoint", fingerprint=f"w:{base}", engine=""),
            ModelRecord(
                role="ft",
                source=f"runs/2026-09/checkpoint-{number * 100}",
                kind="checkpoint",
                fingerprint=f"w:{ft or f'{number:04x}' * 16}",
                engine="",
            ),
        ),
        evals=tuple(found),
        gates=tuple(_gate(one) for one in found),
    )


def _gate(one: EvalSummary) -> GateResult:
    bound = MARGINS.get(one.name, 0.0)
    low, high = one.low or 0.0, one.high or 0.0
    decision = Decision.PASS if low > bound else Decision.FAIL if high < bound else Decision.INCONCLUSIVE
    kind = f"improves by {bound * 100:.1f}" if bound > 0 else f"no worse than {-bound * 100:.1f}"
    verdict = Verdict(
        claim=kind,
        decision=decision,
        words={Decision.PASS: "the win", Decision.FAIL: "regression"}.get(decision, "inconclusive"),
        evals=(one.name,),
        metric=one.metric,
        base=one.base,
        ft=one.ft,
        delta=one.delta,
        low=one.low,
        high=one.high,
        pass_above=bound,
        p_value=0.01,
        alpha=0.05,
        n=one.n,
    )
    name = f"{one.name}_kept"
    return GateResult(
        nodeid=f"tests/test_desk.py::{name}", name=name, decision=decision, verdicts=(verdict,), evals=(one.name,)
    )


def recorded(runs: Sequence[Run]) -> list[RecordedRun]:
    """Return runs as the ledger gives them back, in their order."""
    return [
        RecordedRun(place=place, id=one.id, started=one.started, facts=json.loads(json.dumps(facts_of(one))))
        for place, one in enumerate(runs)
    ]


def full_history() -> list[RecordedRun]:
    """Return 14 checkpoints: one judged twice, then other cases, then another base, and a gate that could not judge."""
    runs = [run(number) for number in range(8)]
    runs.insert(4, replace(runs[3], id="again", started="2026-09-02T12:00:00+00:00"))
    runs += [run(number, case_set="91be" * 16) for number in range(8, 12)]
    last = run(13, case_set="91be" * 16, base="77d1" * 16)
    failed = replace(
        last.gates[2], decision=Decision.ERROR, verdicts=(), reason="2 of 200 cases have no pair of grades"
    )
    runs += [run(12, case_set="91be" * 16, base="77d1" * 16), replace(last, gates=(*last.gates[:2], failed), limit=10)]
    return recorded(runs)


def old_history() -> list[RecordedRun]:
    """Return what the first version kept, and entries that are not as they should be."""
    first = [_as_first(one.facts) for one in recorded([run(number) for number in range(3)])]
    odd: list[Mapping[str, Any]] = [
        {},
        {"models": None, "evals": [], "gates": {"g": 3}, "case_sets": 7, "verdicts": None},
        {
            "models": {"ft": 3},
            "evals": {"e": {"delta": "much", "low": None}, "f": {"delta": 1e308, "low": [], "n": {}}},
        },
        {"gates": {"g": {"verdict": "maybe", "sets": "x", "evals": 3, "margins": [1, {"eval": "f", "above": "x"}]}}},
    ]
    return [
        RecordedRun(place=place, id=str(place), started="", facts=facts) for place, facts in enumerate([*first, *odd])
    ]


def _as_first(facts: Mapping[str, Any]) -> dict[str, Any]:
    evals = ("base", "ft", "delta", "low", "high", "n", "metric")
    gates = ("verdict", "sets", "claim", "p_value", "alpha")
    return {
        **{name: facts[name] for name in ("models", "sources", "case_sets", "verdicts", "limit", "registration")},
        "evals": {id: {name: one[name] for name in evals} for id, one in facts["evals"].items()},
        "gates": {id: {name: one[name] for name in gates} for id, one in facts["gates"].items()},
    }


def hostile_history() -> list[RecordedRun]:
    """Return a ledger in which every text attacks its reader."""
    nasty = " ".join(HOSTILE[name] for name in HOSTILE if name != "megabyte")
    runs = []
    for number in range(3):
        one = run(number)
        evals = tuple(replace(each, nodeid=f"{nasty}::{each.name}{nasty}", metric=nasty) for each in one.evals)
        gates = tuple(
            replace(
                gate,
                nodeid=f"{nasty}::{gate.name}{nasty}",
                verdicts=tuple(replace(each, claim=nasty, words=nasty) for each in gate.verdicts),
            )
            for gate in one.gates
        )
        models = tuple(replace(model, source=nasty, fingerprint=f"{nasty}{number}") for model in one.models)
        runs.append(replace(one, id=nasty, started=nasty, version=nasty, evals=evals, gates=gates, models=models))
    return recorded(runs)


def long_history(checkpoints: int, evals: int) -> list[RecordedRun]:
    """Return a ledger of so many checkpoints and evals."""
    names = [f"test_eval_{number}" for number in range(evals)]
    return recorded([run(number, evals=names) for number in range(checkpoints)])
