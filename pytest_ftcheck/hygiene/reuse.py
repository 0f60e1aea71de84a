"""How often a held-out set was used to choose: the best of many checkpoints looks better than it is.

Runs are those of the store's ledger; a set is known by the content of its cases, a checkpoint by that of its weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_ftcheck.records import Decision, GateResult, Run
from pytest_ftcheck.store import LedgerEntry

FRESH_FROM = 10
"""Checkpoints from which a fresh set is advised whatever the verdicts."""

EVAL_FACTS = ("base", "ft", "delta", "low", "high", "level", "n", "metric", "gained", "lost", "lower_is_better")
"""What the ledger keeps of an eval's summary as it stands there."""
BESIDE = ("score", "delta", "low", "high", "n", "missing")
"""What it keeps of the third model beside it."""


def facts_of(run: Run) -> dict[str, Any]:
    """Return what the ledger keeps of a run: who was judged, on which sets, with which verdicts and figures."""
    sets = {one.name: one.case_set for one in run.evals}
    nodeids = {one.name: one.nodeid for one in run.evals}
    primary = {one.name: one.metric for one in run.evals}
    gates = {}
    for result in run.gates:
        verdict = result.verdict
        gates[result.nodeid] = {
            "verdict": result.decision.value,
            "sets": [sets.get(name, "") for name in result.evals],
            "evals": [nodeids.get(name, name) for name in result.evals],
            "words": result.reason if verdict is None else verdict.words,
            "margins": [
                {"eval": nodeids.get(name, name), "above": one.pass_above, "below": one.pass_below}
                for one in result.verdicts
                for name in one.evals
                if one.delta is not None and not one.slice and one.metric == primary.get(name)
            ],
            **({} if verdict is None else {"claim": verdict.claim, "p_value": verdict.p_value, "alpha": verdict.alpha}),
        }
    return {
        "models": {model.role: model.fingerprint for model in run.models},
        "profiles": {model.role: model.profile for model in run.models},
        "sources": {model.role: model.source for model in run.models},
        "case_sets": {one.nodeid: one.case_set for one in run.evals},
        "verdicts": {result.nodeid: result.decision.value for result in run.gates},
        "gates": gates,
        "evals": {
            one.nodeid: {
                **{name: getattr(one, name) for name in EVAL_FACTS},
                "percent": one.score_range == (0.0, 1.0),
                "missing": len(one.missing),
                **({} if one.also is None else {"also": {name: getattr(one.also, name) for name in BESIDE}}),
            }
            for one in run.evals
        },
        "version": run.version,
        "limit": run.limit,
        "registration": None if run.registration is None else run.registration.stands,
    }


def with_reuse(run: Run, earlier: Sequence[LedgerEntry]) -> Run:
    """Count for each eval the checkpoints that its cases have judged, this one among them, and say what follows."""
    mine = next((model.fingerprint for model in run.models if model.role == "ft"), "")
    if not mine:
        return run
    judged: dict[str, set[str]] = {}
    for entry in earlier:
        for case_set in _mapping(entry.facts, "case_sets").values():
            judged.setdefault(str(case_set), set()).add(_checkpoint(entry))
    evals = tuple(replace(one, checkpoints=len({*judged.get(one.case_set, ()), mine} - {""})) for one in run.evals)
    said = [text for result in run.gates if (text := _best_of_many(result, run, mine, earlier))]
    for one in evals:
        if one.checkpoints >= FRESH_FROM:
            said.append(
                f"{one.name}: this held-out set has judged {one.checkpoints} checkpoints; what was chosen by it is"
                " to be confirmed on a fresh set"
            )
    return replace(run, evals=evals, notices=(*run.notices, *said))


def _best_of_many(result: GateResult, run: Run, mine: str, earlier: Sequence[LedgerEntry]) -> str:
    """Say that a pass does not stand once all checkpoints that met the same gate and cases are taken together."""
    verdict = result.verdict
    if result.decision is not Decision.PASS or verdict is None or verdict.p_value is None or verdict.alpha is None:
        return ""
    sets = {one.name: one.case_set for one in run.evals}
    own = [sets.get(name, "") for name in result.evals]
    known: dict[str, float] = {}
    for entry in reversed(earlier):
        facts = _mapping(_mapping(entry.facts, "gates"), result.nodeid)
        p_value = facts.get("p_value")
        if facts.get("sets") == own and facts.get("claim") == verdict.claim and isinstance(p_value, int | float):
            known[_checkpoint(entry)] = float(p_value)
    known[mine] = verdict.p_value
    if len(known) == 1:
        return ""
    from pytest_ftcheck.stats.multiplicity import holm  # its package costs a third of a second

    corrected = dict(zip(known, holm(list(known.values())), strict=True))[mine]
    if corrected <= verdict.alpha:
        return ""
    return (
        f"{result.name}: this held-out set has judged {len(known)} checkpoints; as one of them the pass has p"
        f" {corrected:.2g} (Holm; {verdict.p_value:.2g} alone) and may be the best of many by luck: confirm it on a"
        " fresh set"
    )


def _checkpoint(entry: LedgerEntry) -> str:
    return str(_mapping(entry.facts, "models").get("ft", ""))


def _mapping(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}
