"""A judge beside the people who rated some of its cases: what of the claim they bear out, and how far the two agree.

It knows comparisons whose cases carry people's scores, and draws no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from statistics import fmean
from typing import NamedTuple

from pytest_ftcheck.claims import Claim
from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.records import ROLES, Calibration, Coefficient, Role
from pytest_ftcheck.stats.agreement import Agreement, cohen_kappa, gwet_ac1, krippendorff_alpha, raw_agreement
from pytest_ftcheck.stats.decide import Evidence, judge_calibrated

COEFFICIENTS: tuple[tuple[str, Callable[..., Agreement]], ...] = (
    ("agreement", raw_agreement),
    ("kappa", cohen_kappa),
    ("AC1", gwet_ac1),
    ("alpha", lambda counts: krippendorff_alpha(counts, distance="ordinal")),
)


class _Seen(NamedTuple):
    """One case: the judge's score over all samples, and over those that people rated both scores of."""

    judged: float
    people: float | None
    judged_there: float | None


def is_calibrated(comparison: Comparison) -> bool:
    """Whether people's scores correct this comparison's judge. A slice is, where its whole is."""
    return bool(comparison.metric.judge) and any(comparison.metric.name in result.people for result in comparison.cases)


def weigh(comparison: Comparison, claim: Claim) -> Evidence:
    """Weigh a claim about the mean of people's scores, by the judge on all cases and people on some (PPI++).

    Raises StatisticsError where people rated too few of the cases.
    """
    metric = comparison.metric
    low, high = metric.score_range
    level = claim.kind == "at_least"
    sign = -1.0 if metric.lower_is_better and not level else 1.0
    seen = [_level(comparison, at) if level else _delta(comparison, at, sign) for at in range(len(comparison))]
    rated = [at for at, each in enumerate(seen) if each.people is not None]
    others = [at for at, each in enumerate(seen) if each.people is None]
    clusters = comparison.clusters
    order: Sequence[Hashable] | None = None if clusters is None else [clusters[at] for at in [*rated, *others]]
    if order is not None and len(set(order)) == len(order):
        order = None
    found = judge_calibrated(
        [seen[at].people or 0.0 for at in rated] or [],
        [seen[at].judged_there or 0.0 for at in rated],
        [seen[at].judged for at in others],
        kind=claim.kind,  # type: ignore[arg-type]
        bound=claim.bound,
        alpha=claim.alpha,
        score_range=(low, high) if level else (-metric.span, metric.span),
        clusters=order,
    )
    return found if sign > 0 else found._replace(estimate=-found.estimate, low=-found.high, high=-found.low)


def reliability(comparison: Comparison, levels: int) -> Calibration | None:
    """Say how far the judge agrees with people, in `levels` evenly spaced scores; None where nobody rated.

    Items are answers, or pairs where the judge compares; those of one case are one unit of the intervals.
    """
    metric = comparison.metric
    units = []
    low = metric.score_range[0]

    def category(score: float) -> int:
        return round((score - low) / metric.span * (levels - 1))

    for at in range(len(comparison)):
        table = [[0] * levels for _ in range(levels)]
        for judged, person in _items(comparison, at):
            table[category(judged)][category(person)] += 1
        if any(map(any, table)):
            units.append(table)
    if not units:
        return None
    found = [_coefficient(name, coefficient, units) for name, coefficient in COEFFICIENTS]
    items = sum(sum(map(sum, table)) for table in units)
    return Calibration(metric=metric.name, rated=len(units), n=len(comparison), items=items, coefficients=tuple(found))


def _coefficient(name: str, coefficient: Callable[..., Agreement], units: Sequence[object]) -> Coefficient:
    try:
        found = coefficient(units)
    except StatisticsError as error:
        return Coefficient(name=name, estimate=None, reason=str(error))
    return Coefficient(
        name=name, estimate=found.estimate, low=found.low, high=found.high, level=found.level, reason=found.reason
    )


def _items(comparison: Comparison, at: int) -> list[tuple[float, float]]:
    """Return (judge's score, people's score) of each answer rated in a case; of pairs ft's side alone, base mirrors it.

    Equal answers are one item.
    """
    result = comparison.cases[at]
    said: dict[tuple[str, str], tuple[float, float]] = {}
    opposes = comparison.metric.opposes
    for role in ROLES[1:] if opposes else ROLES:
        people = _people(comparison, at, role)
        answers = result.base_answers if role == "base" else result.ft_answers
        across = result.ft_answers if role == "base" else result.base_answers
        for judged, person, own, other in zip(_judged(comparison, at, role), people, answers, across, strict=True):
            if person is not None:
                said[str(own), str(other) if opposes else ""] = (judged, person)
    return list(said.values())


def _delta(comparison: Comparison, at: int, sign: float) -> _Seen:
    base, ft = (_judged(comparison, at, role) for role in ROLES)
    base_people, ft_people = (_people(comparison, at, role) for role in ROLES)
    judged = [sign * (after - before) for before, after in zip(base, ft, strict=True)]
    people = [
        None if before is None or after is None else sign * (after - before)
        for before, after in zip(base_people, ft_people, strict=True)
    ]
    return _seen(judged, people)


def _level(comparison: Comparison, at: int) -> _Seen:
    return _seen(_judged(comparison, at, "ft"), _people(comparison, at, "ft"))


def _seen(judged: Sequence[float], people: Sequence[float | None]) -> _Seen:
    both = [(said, person) for said, person in zip(judged, people, strict=True) if person is not None]
    if not both:
        return _Seen(fmean(judged), None, None)
    return _Seen(fmean(judged), fmean(person for _, person in both), fmean(said for said, _ in both))


def _judged(comparison: Comparison, at: int, role: Role) -> list[float]:
    result = comparison.cases[at]
    grades = (result.base_grades if role == "base" else result.ft_grades)[comparison.metric.name]
    return [0.0 if grade.score is None else grade.score for grade in grades]


def _people(comparison: Comparison, at: int, role: Role) -> Sequence[float | None]:
    return comparison.cases[at].people[comparison.metric.name][role]
