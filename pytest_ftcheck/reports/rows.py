"""What a verdict table says, row by row: the texts of its cells, chosen once for every report that draws a table.

All texts are inert, on one line, and empty where there is nothing to say. It knows no widths, colours or markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_ftcheck.records import Decision, EvalSummary, GateResult, Run, ThirdScore, Verdict
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.figures import NOTHING, Scale, count, proportion
from pytest_ftcheck.reports.inert import inert

CELL_LIMIT = 40

Kind = Literal["gate", "claim", "slice", "eval", "also"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: a gate, a further claim of it, a slice of a claim, an eval that no gate reads, the third model beside.

    `about` is the claim and the evals it reads; `interval` bounds delta, or ft for a claim about ft alone; `level` is
    the interval's where it is not the table's common one. `pairs` is `52 / 7 of 200`, for a column that is headed
    gained / lost, `counts` the same in words. `decision` is None where nothing was judged.
    """

    kind: Kind
    name: str
    about: str = ""
    base: str = ""
    ft: str = ""
    delta: str = ""
    interval: str = ""
    level: str = ""
    pairs: str = ""
    counts: str = ""
    decision: Decision | None = None
    words: str = ""


def table_rows(run: Run) -> tuple[Row, ...]:
    """Return the rows of a run: each gate with its further claims and slices, then the evals that no gate reads."""
    frame = _Frame(
        names=wording.labels([*(result.nodeid for result in run.gates), *(each.nodeid for each in run.evals)]),
        level=common_level(run),
        several=_with_several_metrics(run),
    )
    read = {reference for result in run.gates for reference in _references(result)}
    rows = [row for result in run.gates for row in frame.gate_rows(result)]
    for each in run.evals:
        if each.nodeid not in read and each.name not in read:
            rows += [frame.eval_row(each), *frame.also_rows(each)]
    return tuple(rows)


def common_level(run: Run) -> float | None:
    """Return the level that most intervals of a run have; the rows name theirs where it is another."""
    verdicts = [verdict for result in run.gates for verdict in all_verdicts(result.verdicts)]
    levels = Counter(verdict.level for verdict in verdicts if verdict.level and _bounded(verdict))
    if not levels:
        levels = Counter(each.level for each in run.evals if each.level and _bounded(each))
    return levels.most_common(1)[0][0] if levels else None


def legend(run: Run) -> str:
    """Say what the figures of the table mean; empty where none are shown."""
    level = common_level(run)
    found: list[Verdict | EvalSummary] = [*run.evals]
    found += all_verdicts(verdict for result in run.gates for verdict in result.verdicts)
    also = "; also: the third model, and ft minus it, not judged" if any(each.also for each in found) else ""
    if level is None or not any(each.delta is not None for each in found):
        return f"intervals hold ft's value at {proportion(level)}{also}" if level is not None else ""
    units = "points" if all(_in_percent(each) for each in found) else "points or the metric's units"
    return (
        f"delta is ft minus base in {units}, with its {proportion(level)} interval; "
        f"gained / lost: cases that ft answered better / worse than base{also}"
    )


def all_verdicts(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield verdicts in order, each followed by those of its slices."""
    for verdict in verdicts:
        yield verdict
        yield from all_verdicts(verdict.by_slice)


def cell(value: str | int | float | None) -> str:
    """Write one cell of an eval's table: text made inert, a count, or a share as percent.

    >>> cell(1200), cell(0.125), cell(None)
    ('1,200', '12.5 %', '–')
    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return inert(value, limit=CELL_LIMIT, one_line=True)
    return f"{value:,}" if isinstance(value, int) else Scale.of(percent=True).value(value)


def is_percent(each: EvalSummary) -> bool:
    """Whether an eval's scores are printed as percent: right or wrong, or any share from 0 to 1."""
    return each.binary or tuple(each.score_range) == (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What a row must know of the whole run: names that tell tests apart, the common level, evals of many metrics."""

    names: Mapping[str, str]
    level: float | None
    several: frozenset[str]

    def gate_rows(self, result: GateResult) -> Iterator[Row]:
        decided = result.verdict
        name = self.names[result.nodeid]
        if decided is None:
            about = ", ".join(map(wording.short_name, result.evals))
            yield Row(kind="gate", name=name, about=about, decision=result.decision, words=wording.gate_words(result))
        else:
            yield self._verdict_row("gate", name, self._about(decided, result), decided)
            yield from self.also_rows(decided)
            yield from self._slice_rows(decided)
        for verdict in result.verdicts:
            if verdict is not decided:
                yield self._verdict_row("claim", self._about(verdict, result), "", verdict)
                yield from self.also_rows(verdict)
                yield from self._slice_rows(verdict)

    def eval_row(self, each: EvalSummary) -> Row:
        scale = _scale(each)
        missing = f"{count(len(each.missing), 'case')} missing" if each.missing else ""
        reason = inert(each.reason, limit=wording.REASON_LIMIT, one_line=True)
        paired = each.base is not None
        gained, lost = (each.gained, each.lost) if paired else (None, None)
        return Row(
            kind="eval",
            name=self.names[each.nodeid],
            about=_metric(each.metric) if wording.short_name(each.nodeid) in self.several else "",
            base=scale.value(each.base),
            ft=scale.value(each.ft),
            delta=scale.signed(each.delta),
            interval=_interval(scale, each, paired=paired),
            level=self._other_level(each),
            pairs=_pairs(gained, lost, each.n),
            counts=wording.pairs(gained, lost, each.n),
            words="; ".join(filter(None, ["less is better" if each.lower_is_better else "", missing, reason])),
        )

    def also_rows(self, found: Verdict | EvalSummary) -> Iterator[Row]:
        """Yield the third model's row below what it stands beside, in the same scale."""
        also = found.also
        if also is None:
            return
        scale = wording.verdict_scale(found) if isinstance(found, Verdict) else _scale(found)
        interval = scale.interval(also.low, also.high, signed=also.delta is not None)
        yield Row(
            kind="also",
            name=f"also {scale.value(also.score)}".rstrip(),
            delta=scale.signed(also.delta),
            interval=f"also in {interval}" if interval and also.delta is None else interval,
            level=self._other_level(also),
            pairs=_pairs(also.gained, also.lost, also.n),
            counts=wording.pairs(also.gained, also.lost, also.n),
            words=wording.third_words(also),
        )

    def _slice_rows(self, verdict: Verdict) -> Iterator[Row]:
        for part in verdict.by_slice:
            yield self._verdict_row("slice", inert(part.slice or part.claim, limit=80, one_line=True), "", part)

    def _verdict_row(self, kind: Kind, name: str, about: str, verdict: Verdict) -> Row:
        scale = wording.verdict_scale(verdict)
        return Row(
            kind=kind,
            name=name,
            about=about,
            base=scale.value(verdict.base),
            ft=scale.value(verdict.ft),
            delta=scale.signed(verdict.delta),
            interval=_interval(scale, verdict, paired=verdict.delta is not None),
            level=self._other_level(verdict),
            pairs=_pairs(verdict.gained, verdict.lost, verdict.n),
            counts=wording.pairs(verdict.gained, verdict.lost, verdict.n),
            decision=verdict.decision,
            words=wording.verdict_words(verdict),
        )

    def _about(self, verdict: Verdict, result: GateResult) -> str:
        """Say the claim and what it reads; the metric only where the eval has several."""
        evals = list(map(wording.short_name, verdict.evals or result.evals))
        read = ", ".join(evals) or _metric(verdict.metric)
        metric = f" by {_metric(verdict.metric)}" if verdict.metric and self.several.intersection(evals) else ""
        return " on ".join(part for part in (inert(verdict.claim, limit=120, one_line=True), read + metric) if part)

    def _other_level(self, found: Verdict | EvalSummary | ThirdScore) -> str:
        return proportion(found.level) if found.level and found.level != self.level and _bounded(found) else ""


def _with_several_metrics(run: Run) -> frozenset[str]:
    """Return the short names of the evals that stand in the run under more than one metric."""
    metrics: dict[str, set[str]] = {}
    for result in run.gates:
        for verdict in result.verdicts:
            for each in verdict.evals or result.evals:
                metrics.setdefault(wording.short_name(each), set()).add(verdict.metric)
    for summary in run.evals:
        metrics.setdefault(wording.short_name(summary.nodeid), set()).add(summary.metric)
    return frozenset(name for name, found in metrics.items() if len(found) > 1)


def _references(result: GateResult) -> Iterator[str]:
    yield from result.evals
    for verdict in all_verdicts(result.verdicts):
        yield from verdict.evals


def _metric(name: str) -> str:
    return inert(name, limit=80, one_line=True)


def _scale(each: EvalSummary) -> Scale:
    return Scale.of(each.base, each.ft, each.delta, each.low, each.high, percent=is_percent(each))


def _in_percent(found: Verdict | EvalSummary) -> bool:
    return found.percent if isinstance(found, Verdict) else is_percent(found)


def _interval(scale: Scale, found: Verdict | EvalSummary, *, paired: bool) -> str:
    written = scale.interval(found.low, found.high, signed=paired)
    return written if paired or not written else f"ft in {written}"


def _pairs(gained: int | None, lost: int | None, n: int) -> str:
    if gained is None or lost is None:
        return count(n, "case") if n else ""
    return f"{gained:,} / {lost:,} of {n:,}"


def _bounded(found: Verdict | EvalSummary | ThirdScore) -> bool:
    return found.low is not None or found.high is not None
