"""Summaries: one EvalSummary per eval of a run, for the reports. It knows comparisons and decides nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from pytest_ftcheck.breakdowns import cases_of, histograms_of, slices_of
from pytest_ftcheck.calibration import is_calibrated, reliability
from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import Eval
from pytest_ftcheck.grading.protocol import Grader
from pytest_ftcheck.habits import alike, habits_of
from pytest_ftcheck.judging import estimate, score_of
from pytest_ftcheck.records import Answer, Calibration, CaseResult, Coefficient, EvalSummary, Table, digest
from pytest_ftcheck.session import Session, metrics_of
from pytest_ftcheck.stats.decide import Evidence
from pytest_ftcheck.stats.samples import variance_split
from pytest_ftcheck.third import third_score
from pytest_ftcheck.win_rates import win_rate, win_rate_words

WORST = 5
MUCH_LONGER = 1.2
"""Ratio of mean lengths from which a gain on a metric that rewards recall is looked at."""


def summarise(session: Session, one: Eval, *, cases: bool = False) -> EvalSummary:
    """Summarise what the session knows of an eval, under its primary metric; with `cases` all of them go along."""
    results = session.results(one)
    whole = [result for result in results if not result.missing]
    metric = metrics_of(one.spec)[0]
    missing = tuple(result.case.id for result in results if result.missing)
    blank = EvalSummary(
        nodeid=one.nodeid,
        name=one.name,
        metric=metric.name,
        score_range=metric.score_range,
        binary=metric.binary,
        lower_is_better=metric.lower_is_better,
        n=len(whole),
        missing=missing,
        case_set=digest(sorted(case.digest for case in one.cases)),
        leaks=session.leaks.get(one.nodeid, ()),
        excluded=len(one.cases) - len(session.cases_of(one)),
        samples=one.spec.samples,
        decoding=one.spec.decoding.content(),
        cases=tuple(results) if cases else (),
        reason="" if whole else "no case has both grades",
    )
    if not whole:
        return blank
    comparison = session.pair(one, whole)
    counted = _counted(replace(blank, tables=_tables(one.spec.graders, whole)), comparison)
    base_habits, ft_habits = habits_of(comparison)
    counted = replace(
        counted,
        base_habits=base_habits,
        ft_habits=ft_habits,
        alike=alike(comparison.cases),
        slices=slices_of(comparison),
        histograms=histograms_of(comparison),
        calibrations=_calibrations(one.spec.graders, comparison),
        win_rate=win_rate(comparison),
        signatures=tuple(filter(None, (comparison.on(each.name).signature for each in comparison.metrics))),
        cases=cases_of(comparison, results) if cases else (),
        also=third_score(comparison),
    )
    rewards_recall = bool(getattr(one.spec.graders[0], "rewards_recall", False))
    return replace(counted, gain_by_length=rewards_recall and _is_by_length(counted))


def _tables(graders: Sequence[Grader], results: Sequence[CaseResult]) -> tuple[Table, ...]:
    makers = (getattr(grader, "tables", None) for grader in graders)
    # Several metrics of labels make the same confusion tables.
    return tuple(dict.fromkeys(table for make in makers if make is not None for table in make(results)))


def _counted(blank: EvalSummary, comparison: Comparison) -> EvalSummary:
    base, ft = comparison.scores("base"), comparison.scores("ft")
    best = comparison.metric.best
    found = estimate(comparison)
    between, within = _variances(comparison)
    right = sum(b == f == best for b, f in zip(base, ft, strict=True))
    ties = sum(b == f for b, f in zip(base, ft, strict=True))
    counted = replace(
        blank,
        base=(base_score := score_of(comparison, "base")),
        ft=(ft_score := score_of(comparison, "ft")),
        delta=_delta_of(comparison, found) if base_score is not None and ft_score is not None else None,
        low=None if isinstance(found, str) else found.low,
        high=None if isinstance(found, str) else found.high,
        level=None if isinstance(found, str) else found.level,
        method="" if isinstance(found, str) else found.method,
        reason=found if isinstance(found, str) else found.reason,
        gained=comparison.gained,
        lost=comparison.lost,
        both_right=right,
        both_wrong=ties - right if blank.binary else 0,
        ties=ties,
        worst=comparison.losses[:WORST],
        variance_between_cases=between,
        variance_between_samples=within,
    )
    return _with_lengths(counted, comparison)


def _with_lengths(counted: EvalSummary, comparison: Comparison) -> EvalSummary:
    """Add what is known of the answers' lengths: nothing where texts were read and no answer was asked for."""
    if all(isinstance(one, Answer) and one.finish_reason == "read" for one in comparison.cases[0].ft_answers):
        return counted
    base, ft = comparison.lengths("base"), comparison.lengths("ft")
    at_equal = _at_equal_length(comparison.deltas, base, ft)
    return replace(counted, base_length=fmean(base), ft_length=fmean(ft), delta_at_equal_length=at_equal)


def _delta_of(comparison: Comparison, found: Evidence | str) -> float:
    """Return delta, corrected where people rated some of a judge's cases."""
    return found.estimate if isinstance(found, Evidence) and found.rated else comparison.delta


def _calibrations(graders: Sequence[Grader], comparison: Comparison) -> tuple[Calibration, ...]:
    """Say of each judge that people's ratings correct how far it agrees with them."""
    found = []
    for grader in graders:
        part = comparison.on(grader.name)
        told = reliability(part, grader.levels) if is_calibrated(part) else None  # type: ignore[attr-defined]
        found += [] if told is None else [told]
    return tuple(found)


def _at_equal_length(deltas: Sequence[float], base: Sequence[float], ft: Sequence[float]) -> float | None:
    """Return where the least-squares line through the deltas, by the logarithm of the ratio of lengths, meets 0."""
    longer = [math.log((after + 1.0) / (before + 1.0)) for before, after in zip(base, ft, strict=True)]
    center = fmean(longer)
    spread = sum((each - center) ** 2 for each in longer)
    if spread <= 1e-9 * len(longer):
        return fmean(deltas) if abs(center) <= 1e-9 else None
    mean = fmean(deltas)
    slope = sum((each - center) * (delta - mean) for each, delta in zip(longer, deltas, strict=True)) / spread
    return mean - slope * center


def _is_by_length(summary: EvalSummary) -> bool:
    """Whether ft's answers are much longer, and at equal length half of the gain or more is gone, or cannot be told."""
    delta, at_equal, base, ft = summary.delta, summary.delta_at_equal_length, summary.base_length, summary.ft_length
    if delta is None or delta <= 0.0 or base is None or ft is None or ft <= MUCH_LONGER * base:
        return False
    return at_equal is None or at_equal <= delta / 2.0


def _variances(comparison: Comparison) -> tuple[float | None, float | None]:
    """Split the variance of delta between cases and samples, where cases enter with the mean of several samples."""
    if comparison.metric.combine is not None:
        return None, None
    base, ft = comparison.samples("base"), comparison.samples("ft")
    if len(base) < 2 or len(base[0]) < 2:
        return None, None
    split = variance_split(base, ft)
    return split.between, split.within


def advice(summary: EvalSummary) -> str:
    """Say what would narrow the interval most, and that a gain may be one of length; empty where neither is known."""
    return "; ".join(filter(None, [_of_variance(summary), _of_length(summary), _of_win_rate(summary)]))


def agreements(summary: EvalSummary) -> list[str]:
    """Say of each judge that people rated beside how far it agrees with them."""
    return [
        f"{summary.name}: {each.metric}'s judge and people on {each.items} ratings of {each.rated} cases: "
        + ", ".join(map(_coefficient, each.coefficients))
        for each in summary.calibrations
    ]


def _coefficient(found: Coefficient) -> str:
    if found.estimate is None:
        return f"{found.name} undefined"
    bounds = "no interval" if found.low is None else f"[{found.low:.2f}, {found.high:.2f}]"
    return f"{found.name} {found.estimate:.2f} {bounds}"


def _of_variance(summary: EvalSummary) -> str:
    """Say whether more cases or more samples would help; empty where cases have one sample."""
    between, within = summary.variance_between_cases, summary.variance_between_samples
    if between is None or within is None:
        return ""
    more = "cases" if between > within else "samples"
    return (
        f"{summary.name}: the variance of a case's delta is {between:.4f} between cases and {within:.4f} between"
        f" samples: more {more} would narrow its interval most"
    )


def _of_length(summary: EvalSummary) -> str:
    if not summary.gain_by_length:
        return ""
    return (
        f"{summary.name}: ft's gain on {summary.metric} may be one of length: its answers have {summary.ft_length:.0f}"
        f" characters, base's {summary.base_length:.0f}, and this metric rewards recall (see assert_length_stable)"
    )


def _of_win_rate(summary: EvalSummary) -> str:
    """Say how often ft wins, and how often it would at equal length; empty where no answers were opposed."""
    if summary.win_rate is None or summary.base_length is None or summary.ft_length is None:
        return ""
    lengths = f"ft's answers have {summary.ft_length:.0f} characters, base's {summary.base_length:.0f}"
    return f"{summary.name}: {win_rate_words(summary.win_rate)} ({lengths})"
