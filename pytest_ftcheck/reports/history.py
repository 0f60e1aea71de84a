"""Runs of the ledger in the order of the checkpoints that they judged, and each eval's line through them. No markup.

What a ledger holds may be of an older version, or not as it should be: what cannot be read is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORST = ("fail", "error", "inconclusive", "pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """One run of the ledger; `place` counts from 0, the oldest. `started` is ISO 8601 in UTC."""

    place: int
    id: str
    started: str
    facts: Mapping[str, Any]

    def part(self, name: str) -> Mapping[str, Any]:
        """Return a mapping among the facts; an empty one where there is none."""
        return mapping(self.facts, name)

    def model(self, role: str) -> str:
        """Return the fingerprint of the model in a role; empty where unknown."""
        return str(self.part("models").get(role, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A column of the history: one checkpoint, in the runs that judged it one after the other on the same exam.

    `number` counts from 1, the oldest.
    """

    number: int
    runs: tuple[RecordedRun, ...]

    @property
    def last(self) -> RecordedRun:
        """The newest of its runs."""
        return self.runs[-1]

    def found(self, kind: str, nodeid: str) -> tuple[RecordedRun, Mapping[str, Any]] | None:
        """Return what the newest run that knows an eval or a gate says of it; None where none does."""
        for run in reversed(self.runs):
            facts = run.part(kind).get(nodeid)
            if isinstance(facts, Mapping):
                return run, facts
        return None

    def names(self, kind: str) -> dict[str, None]:
        """Return the node ids of its evals or gates, in the order in which they were met."""
        return {nodeid: None for run in self.runs for nodeid, facts in run.part(kind).items() if _is_mapping(facts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An eval at one checkpoint. `decision` is the worst of the gates that read it, empty without one.

    `margins` are the bounds that gates set its delta; `breaks` says what changed since the point before.
    """

    checkpoint: Checkpoint
    run: RecordedRun
    facts: Mapping[str, Any]
    case_set: str
    decision: str
    margins: tuple[float, ...]
    breaks: tuple[str, ...] = ()

    def number(self, name: str) -> float | None:
        """Return one of its figures, None where there is none."""
        return number(self.facts, name)


def checkpoints(runs: Sequence[RecordedRun]) -> list[Checkpoint]:
    """Put runs, the oldest first, into columns."""
    found: list[Checkpoint] = []
    for run in runs:
        if found and _continues(found[-1], run):
            found[-1] = Checkpoint(number=found[-1].number, runs=(*found[-1].runs, run))
        else:
            found.append(Checkpoint(number=len(found) + 1, runs=(run,)))
    return found


def line(columns: Sequence[Checkpoint], nodeid: str) -> list[Point]:
    """Return an eval's points where it has a delta, in the order of the checkpoints."""
    points: list[Point] = []
    for column in columns:
        found = column.found("evals", nodeid)
        if found is None or number(found[1], "delta") is None:
            continue
        run, facts = found
        case_set = str(run.part("case_sets").get(nodeid, ""))
        gates = list(_gates_of(column, nodeid, case_set))
        decisions = [str(gate.get("verdict")) for gate in gates]
        point = Point(
            checkpoint=column,
            run=run,
            facts=facts,
            case_set=case_set,
            decision=next((each for each in WORST if each in decisions), ""),
            margins=tuple(sorted({bound for gate in gates for bound in _bounds(gate, nodeid)})),
            breaks=_breaks(points[-1], run, facts, case_set) if points else (),
        )
        points.append(point)
    return points


def judged(runs: Sequence[RecordedRun]) -> dict[str, int]:
    """Return how many checkpoints each case set has judged, by its hash."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for case_set in run.part("case_sets").values():
            found.setdefault(str(case_set), set()).update({run.model("ft")} - {""})
    return {case_set: len(models) for case_set, models in found.items()}


def names(columns: Sequence[Checkpoint], kind: str) -> list[str]:
    """Return the node ids of all evals or gates, sorted."""
    return sorted({nodeid for column in columns for nodeid in column.names(kind)})


def number(facts: Mapping[str, Any], name: str) -> float | None:
    """Return a finite number among facts, or None."""
    value = facts.get(name)
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None  # type: ignore[arg-type]


def mapping(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a mapping among facts, or an empty one."""
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _continues(column: Checkpoint, run: RecordedRun) -> bool:
    """Whether a run judged the column's checkpoint once more: the same models and prompts, no exam that changed."""
    if not run.model("ft") or _identity(column.last) != _identity(run):
        return False
    for kind, named in (("evals", "metric"), ("gates", "claim")):
        for nodeid, facts in run.part(kind).items():
            known = column.found(kind, nodeid)
            if known is not None and (not _is_mapping(facts) or known[1].get(named) != facts.get(named)):
                return False
    sets = {nodeid: one for each in column.runs for nodeid, one in each.part("case_sets").items()}
    return all(sets.get(nodeid, one) == one for nodeid, one in run.part("case_sets").items())


def _identity(run: RecordedRun) -> tuple[object, ...]:
    profiles = run.part("profiles")
    return (run.model("base"), run.model("ft"), profiles.get("base"), profiles.get("ft"), run.facts.get("limit"))


def _gates_of(column: Checkpoint, nodeid: str, case_set: str) -> Iterator[Mapping[str, Any]]:
    """Yield the gates that read an eval; those of older versions name its case set alone."""
    for gate in column.names("gates"):
        found = column.found("gates", gate)
        if found is not None:
            evals, sets = (found[1].get(name) for name in ("evals", "sets"))
            if nodeid in evals if isinstance(evals, list) else isinstance(sets, list) and case_set in sets:
                yield found[1]


def _bounds(gate: Mapping[str, Any], nodeid: str) -> Iterator[float]:
    margins = gate.get("margins")
    for margin in margins if isinstance(margins, list) else ():
        if isinstance(margin, Mapping) and margin.get("eval") == nodeid:
            yield from (bound for name in ("above", "below") if (bound := number(margin, name)) is not None)


def _breaks(before: Point, run: RecordedRun, facts: Mapping[str, Any], case_set: str) -> tuple[str, ...]:
    """Say what makes a point no continuation of the one before."""
    changed = (
        ("other cases", before.case_set, case_set),
        ("another metric", before.facts.get("metric"), facts.get("metric")),
        ("another base", before.run.model("base"), run.model("base")),
    )
    return tuple(words for words, old, new in changed if old != new)
