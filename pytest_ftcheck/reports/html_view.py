"""What the page shows, section by section, chosen from a run's document: no markup, and no text that is not inert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_ftcheck.records import Decision, Run
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.html_facts import Facts, Figure, finite
from pytest_ftcheck.reports.html_figures import Axis, Whisker, whisker
from pytest_ftcheck.reports.inert import inert

HEADLINES = {
    "fail": "Do not release",
    "error": "Could not be judged",
    "inconclusive": "Not proven",
    "pass": "Every gate passed",
    None: "Nothing was decided",
}
ORDER = (Decision.FAIL, Decision.ERROR, Decision.INCONCLUSIVE, Decision.PASS)

Kind = Literal["gate", "claim", "slice", "eval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """One row of the verdict table with its whisker. `id` is its anchor; `decision` is empty where nothing is claimed.

    `eval` is the number of the eval whose cases it rests on, None where it rests on several; `beside` is the whisker of
    ft against the third model.
    """

    kind: Kind
    id: str
    name: str
    about: str
    decision: str
    words: str
    facts: Facts
    eval: int | None
    plot: Whisker | None = None
    beside: Whisker | None = None


@dataclass(slots=True, kw_only=True)
class Group:
    """Rows that share an axis."""

    title: str
    unit: str
    percent: bool
    delta: bool
    rows: list[VerdictRow] = field(default_factory=list)
    axis: Axis | None = None

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where the axis has ticks, and what stands there."""
        if self.axis is None:
            return []
        return [(self.axis.at(tick), _tick(tick, self.percent, self.delta)) for tick in self.axis.ticks]


def groups(run: Run, document: Facts) -> list[Group]:
    """Return the verdict table: rows by the axis on which they stand, within it gates in order of their severity."""
    found: dict[tuple[Any, ...], Group] = {}
    for row in _rows(run, document):
        facts = row.facts.found
        delta = facts.get("delta") is not None or row.facts.found.get("ft") is None
        percent = row.facts.scale.percent
        metric = "" if percent else inert(str(facts.get("metric", "")), limit=80, one_line=True)
        key = (delta, percent, metric)
        if key not in found:
            found[key] = Group(title=_title(delta, metric), unit=metric, percent=percent, delta=delta)
        found[key].rows.append(row)
    for group in found.values():
        _place(group)
    return sorted(found.values(), key=lambda group: (not group.delta, not group.percent, group.unit))


def blamed(run: Run, document: Facts, *, most: int) -> list[VerdictRow]:
    """Return the gates that stand in the way, the worst first."""
    rows = [row for row in _rows(run, document) if row.kind == "gate" and row.decision != "pass"]
    return rows[:most]


def eval_names(run: Run) -> list[str]:
    """Return the shortest names that tell the evals of a run apart, inert."""
    names = wording.labels(one.nodeid for one in run.evals)
    return [names[one.nodeid] for one in run.evals]


def _rows(run: Run, document: Facts) -> Iterator[VerdictRow]:
    names = wording.labels([*(gate.nodeid for gate in run.gates), *(one.nodeid for one in run.evals)])
    numbers = _numbers(run)
    read: set[str] = set()
    for number in sorted(range(len(run.gates)), key=lambda at: (ORDER.index(run.gates[at].decision), at)):
        gate, facts = run.gates[number], document.part("gates", number)
        read.update(gate.evals)
        read.update(name for verdict in gate.verdicts for name in verdict.evals)
        yield from _gate_rows(number, names[gate.nodeid], gate.verdicts.index(gate.verdict) if gate.verdict else None,
                              facts, numbers)  # fmt: skip
    for number, one in enumerate(run.evals):
        if one.nodeid not in read and one.name not in read:
            yield VerdictRow(
                kind="eval",
                id=f"row-eval-{number}",
                name=names[one.nodeid],
                about="no gate reads it",
                decision="",
                words=inert(one.reason, limit=wording.REASON_LIMIT, one_line=True),
                facts=document.part("evals", number),
                eval=number,
            )


def _gate_rows(
    number: int, name: str, decided: int | None, gate: Facts, numbers: Mapping[str, int]
) -> Iterator[VerdictRow]:
    claims = gate.parts("claims")
    order = [] if decided is None else [decided, *(each for each in range(len(claims)) if each != decided)]
    if decided is None:
        yield _row("gate", f"gate-{number}", name, gate, numbers, decision=gate.found["verdict"])
    for each in order or range(len(claims)):
        claim = claims[each]
        first = each == decided
        yield _row(
            "gate" if first else "claim",
            f"gate-{number}" if first else f"gate-{number}-{each}",
            name if first else _about(claim),
            claim,
            numbers,
            decision=claim.found["verdict"],
        )
        for part, facts in enumerate(claim.parts("slices")):
            label = inert(facts.found["slice"] or facts.found["claim"], limit=80, one_line=True)
            yield _row("slice", f"gate-{number}-{each}-{part}", label, facts, numbers, decision=facts.found["verdict"])


def _row(kind: Kind, anchor: str, name: str, facts: Facts, numbers: Mapping[str, int], *, decision: str) -> VerdictRow:
    evals = facts.found.get("evals") or []
    return VerdictRow(
        kind=kind,
        id=anchor,
        name=name,
        about=_about(facts) if kind == "gate" else "",
        decision=decision,
        words=facts.found["words"],
        facts=facts,
        eval=numbers.get(evals[0]) if len(evals) == 1 else None,
    )


def _about(facts: Facts) -> str:
    claim = inert(facts.found["claim"], limit=120, one_line=True)
    evals = ", ".join(wording.short_name(name) for name in facts.found.get("evals") or [])
    return " on ".join(filter(None, [claim, evals]))


def _numbers(run: Run) -> dict[str, int]:
    """Map what verdicts call evals by, their node ids or their names, to the evals' numbers."""
    by_name = {one.name: number for number, one in reversed([*enumerate(run.evals)])}
    return by_name | {one.nodeid: number for number, one in enumerate(run.evals)}


def _title(delta: bool, metric: str) -> str:
    what = "ft minus base" if delta else "ft alone"
    return f"{what}, {metric}" if metric else f"{what}, {'points' if delta else 'per cent'}"


def _place(group: Group) -> None:
    """Give a group its axis and its rows their whiskers; a group without a single estimate has none."""
    name = "delta" if group.delta else "ft"
    estimates = [finite(row.facts.found.get(name)) for row in group.rows]
    if all(each is None for each in estimates):
        return
    ends = [row.facts.found.get(key) for row in group.rows for key in ("low", "high", "pass_above", "pass_below")]
    thirds = [(row.facts.found.get("also") or {}) if group.delta else {} for row in group.rows]
    ends += [third.get(key) for third in thirds if third.get("delta") is not None for key in ("delta", "low", "high")]
    axis = Axis.over([*estimates, *map(finite, ends), *([0.0] if group.delta else [])])
    group.axis = axis
    for number, (row, at) in enumerate(zip(group.rows, estimates, strict=True)):
        if at is None:
            continue
        plot = _drawn(axis, at, row.facts.found, zero=group.delta)
        third = thirds[number]
        against = finite(third.get("delta"))
        beside = None if against is None else _drawn(axis, against, third, zero=True)
        group.rows[number] = replace(row, plot=plot, beside=beside)


def _drawn(axis: Axis, at: float, facts: Mapping[str, Any], *, zero: bool) -> Whisker:
    alone = facts.get("low") is None and facts.get("high") is None
    return whisker(
        axis,
        at,
        at if alone else finite(facts.get("low")),
        at if alone else finite(facts.get("high")),
        zone=(finite(facts.get("pass_above")), finite(facts.get("pass_below"))),
        zero=zero,
    )


def _tick(value: float, percent: bool, signed: bool) -> str:
    number = round(value * 100, 6) if percent else value
    return f"{number:+g}" if signed and number else f"{number:g}"


def figures_of(facts: Facts, names: Sequence[str]) -> list[Figure]:
    """Return the counts of these names that are there."""
    return [figure for figure in map(facts.count, names) if figure is not None]
