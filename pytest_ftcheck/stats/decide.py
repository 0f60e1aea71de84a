"""The one door of gates to the statistics: scores and a claim in, evidence out. It draws no verdict and prints nothing.

The method follows from the data: exact unconditional (Tango above 300 cases) for binary scores with one sample a case,
guarded t for bounded scores and means of samples, CR2 for clusters, jackknife for corpus metrics, Clopper-Pearson for
rates, PPI++ where people rated some of a judge's cases. PASS is `p_pass <= alpha`, FAIL is `p_fail <= alpha`, neither
is INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.attainable import smallest_n
from pytest_ftcheck.stats.claims import (
    EXACT_UP_TO,
    NAMES,
    DeltaKind,
    Kind,
    check_kind,
    p_pass_fail,
    room,
    table_test,
)
from pytest_ftcheck.stats.clustered import LEAST_DOF, level_cluster_mean, paired_cluster_mean
from pytest_ftcheck.stats.continuous import level_mean, paired_mean
from pytest_ftcheck.stats.corpus import CorpusMetric, corpus_level, corpus_mean
from pytest_ftcheck.stats.inputs import (
    Floats,
    as_scores,
    check_alpha,
    check_bound,
    check_margin,
    check_range,
    check_within,
)
from pytest_ftcheck.stats.means import Mean
from pytest_ftcheck.stats.paired import PairedTable, paired_table
from pytest_ftcheck.stats.power import POWER, detectable_effect, z_sum
from pytest_ftcheck.stats.ppi import ppi
from pytest_ftcheck.stats.proportion import binomial_test, clopper_pearson
from pytest_ftcheck.stats.samples import case_differences
from pytest_ftcheck.stats.tango import tango_interval

UNIT = (0.0, 1.0)
Clusters = Sequence[Hashable] | None


class Evidence(NamedTuple):
    """What the data say about one claim, in the metric's units.

    `low`, `high` bound the estimate (a delta, or ft's own value) at `level` = 1 - 2 alpha. `p_pass` is p of "the claim
    is false", `p_fail` p of "the claim is true"; both are 1 where `reason` says why nothing can be decided.
    `detectable` is how far from its bound a true value must lie to be shown at this n with power .80. `needed_cases` is
    about how many cases would decide: for "no worse" and "equivalent" if ft truly ties base; where n is that many
    already, and for the other claims, if the truth is what was seen. It is None where the claim is decided, or the
    estimate lies on the wrong side of its bound. `rated` counts the cases that people rated, where they correct a
    judge: then `needed_cases` is of rated ones, and the interval is `wider` times that of the judge alone.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str
    p_pass: float
    p_fail: float
    detectable: float | None = None
    needed_cases: int | None = None
    reason: str = ""
    rated: int = 0
    wider: float | None = None


def judge_delta(
    base: ArrayLike,
    ft: ArrayLike,
    *,
    margin: float,
    kind: DeltaKind,
    alpha: float,
    score_range: tuple[float, float] = UNIT,
    clusters: Clusters = None,
) -> Evidence:
    """Weigh a claim about ft minus base over paired cases.

    `base` and `ft` hold scores in `score_range`, shape [n], or [n, k] for k samples a case; `margin` is in the scores'
    units ("by" of improves may be 0); `clusters` gives one label a case. Raises StatisticsError for margins, alphas or
    scores that cannot be meant, and for too few cases for an interval.

    >>> base, ft = [1] * 162 + [0] * 38, [1] * 149 + [0] * 13 + [1] * 11 + [0] * 27
    >>> found = judge_delta(base, ft, margin=0.05, kind="no_worse", alpha=0.05)
    >>> round(found.low, 3), round(found.high, 3), round(found.p_pass, 2), found.needed_cases, found.method
    (-0.052, 0.032, 0.06, 297, 'exact unconditional')
    """
    width = _check_claim(kind, margin, alpha, score_range)
    base_scores, ft_scores = _single(as_scores("base", base)), _single(as_scores("ft", ft))
    differences = case_differences(base_scores, ft_scores)
    for name, scores in (("base", base_scores), ("ft", ft_scores)):
        check_within(name, scores, *score_range)
    if _apart(clusters, len(differences)):
        clusters = None
    if clusters is None and _is_binary(base_scores, score_range) and _is_binary(ft_scores, score_range):
        table = paired_table(base_scores == score_range[1], ft_scores == score_range[1])
        return _judge_table(table, kind, margin, alpha, width)
    if clusters is None:
        return _judge_mean(paired_mean(differences, score_range=score_range), kind, margin, alpha)
    found = paired_cluster_mean(differences, clusters, score_range=score_range)
    return _judge_mean(found, kind, margin, alpha)


def judge_corpus(
    metric: CorpusMetric,
    base: ArrayLike,
    ft: ArrayLike,
    *,
    margin: float,
    kind: DeltaKind,
    alpha: float,
    score_range: tuple[float, float] = UNIT,
    clusters: Clusters = None,
) -> Evidence:
    """Weigh a claim about a corpus metric; `base` and `ft` hold sufficient statistics, one row a case, shape [n, d]."""
    _check_claim(kind, margin, alpha, score_range)
    found = corpus_mean(metric, base, ft, score_range=score_range, clusters=clusters)
    return _judge_mean(found, kind, margin, alpha)


def judge_corpus_level(
    metric: CorpusMetric,
    rows: ArrayLike,
    *,
    floor: float,
    alpha: float,
    score_range: tuple[float, float] = UNIT,
    clusters: Clusters = None,
) -> Evidence:
    """Weigh "the corpus metric is above `floor`"; `rows` hold sufficient statistics, one row a case, shape [n, d]."""
    check_alpha(alpha)
    check_range(score_range)
    check_bound("floor", floor, score_range)
    found = corpus_level(metric, rows, score_range=score_range, clusters=clusters)
    return _judge_mean(found, "at_least", floor, alpha)


def judge_ratio(base: ArrayLike, ft: ArrayLike, *, within: float, alpha: float, clusters: Clusters = None) -> Evidence:
    """Weigh "the ratio of means, ft / base, lies between 1 / (1 + within) and 1 + within"; sizes >= 0, shape [n].

    Judged on ft's share of the whole, ft / (base + ft): it is bounded, so that the guard for many ties applies, and
    1 / 2 where the means are equal. The evidence is given back as the ratio (of needed cases and p nothing changes);
    it has no `detectable`. Raises StatisticsError where base's sizes are all 0.

    >>> found = judge_ratio([10.0, 20.0] * 40, [11.0, 19.0] * 40, within=0.2, alpha=0.05)
    >>> found.estimate, found.p_pass < 0.05
    (1.0, True)
    """
    base_sizes, ft_sizes = as_scores("base", base), as_scores("ft", ft)
    if base_sizes.min() < 0.0 or ft_sizes.min() < 0.0 or not base_sizes.any():
        raise StatisticsError(f"base has sum {base_sizes.sum():g}, must be sizes >= 0 that are not all 0 for a ratio")
    check_bound("within", within, (0.0, math.inf))
    check_alpha(alpha)
    rows = np.column_stack([base_sizes, ft_sizes])
    found = corpus_level(_ShareOverHalf(), rows, score_range=(-0.5, 0.5), clusters=clusters)
    weighed = _judge_mean(found, "equivalent", (1.0 + within) / (2.0 + within) - 0.5, alpha)
    return weighed._replace(
        estimate=_ratio(weighed.estimate), low=_ratio(weighed.low), high=_ratio(weighed.high), detectable=None
    )


class _ShareOverHalf:
    """The second sum's share of both, less a half: 0 where they are equal."""

    def value(self, sums: Floats) -> float:
        if not sums.any():
            raise StatisticsError("the sizes are all 0, must not be for a ratio")
        return float(sums[1] / sums.sum()) - 0.5


def _ratio(share_over_half: float) -> float:
    return (0.5 + share_over_half) / (0.5 - share_over_half) if share_over_half < 0.5 else math.inf


def judge_calibrated(
    people: ArrayLike,
    judged: ArrayLike,
    rest: ArrayLike,
    *,
    kind: Kind,
    bound: float,
    alpha: float,
    score_range: tuple[float, float],
    clusters: Clusters = None,
) -> Evidence:
    """Weigh a claim about what people would say, from a judge on all cases and people on a random sample (see `ppi`).

    For claims about ft minus base the three hold differences, and `score_range` is minus and plus the metric's width.
    """
    check_kind(kind, Kind)
    check_alpha(alpha)
    width = check_range(score_range)
    if kind in ("at_least", "at_most"):
        check_bound(NAMES[kind], bound, score_range)
    else:
        check_margin(NAMES[kind], bound, width=width / 2.0, zero=kind == "improves")
    found, weight = ppi(people, judged, rest, score_range=score_range, clusters=clusters)
    weighed = _judge_mean(found, kind, bound, alpha)
    size = found.n + int(np.size(rest))
    return weighed._replace(method=f"{weighed.method}, lambda {weight:.2f}", n=size, rated=found.n)


def judge_level(
    scores: ArrayLike, *, floor: float, alpha: float, score_range: tuple[float, float] = UNIT, clusters: Clusters = None
) -> Evidence:
    """Weigh "the mean score is above `floor`"; scores in `score_range`, shape [n] or [n, k].

    >>> judge_level([1] * 59, floor=0.95, alpha=0.05).p_pass <= 0.05
    True
    """
    check_alpha(alpha)
    check_range(score_range)
    check_bound("floor", floor, score_range)
    values = _single(as_scores("scores", scores))
    check_within("scores", values, *score_range)
    if _apart(clusters, len(values)):
        clusters = None
    if clusters is None and score_range == UNIT and _is_binary(values, UNIT):
        return judge_rate(int(values.sum()), len(values), floor=floor, alpha=alpha)
    means = values if values.ndim == 1 else values.mean(axis=1)
    if clusters is None:
        return _judge_mean(level_mean(means, score_range=score_range), "at_least", floor, alpha)
    found = level_cluster_mean(means, clusters, score_range=score_range)
    return _judge_mean(found, "at_least", floor, alpha)


def judge_rate(
    successes: int, n: int, *, floor: float | None = None, ceiling: float | None = None, alpha: float
) -> Evidence:
    """Weigh "the rate is above `floor`" or "below `ceiling`" (give one) by Clopper-Pearson; cases are independent.

    For a "never" gate `successes` counts what must not happen and `ceiling` is the highest rate to live with.

    >>> found = judge_rate(0, 300, ceiling=0.01, alpha=0.05)
    >>> round(found.high, 5), round(found.p_pass, 5)    # .99 ** 300
    (0.00994, 0.04904)
    """
    check_alpha(alpha)
    kind: Kind
    if floor is not None and ceiling is None:
        kind, bound = "at_least", floor
    elif ceiling is not None and floor is None:
        kind, bound = "at_most", ceiling
    else:
        raise StatisticsError(f"floor == {floor!r} and ceiling == {ceiling!r}, exactly one must be given")
    check_bound(NAMES[kind], bound, UNIT)
    found = clopper_pearson(successes, n, level=1.0 - 2.0 * alpha)
    p_pass, p_fail = p_pass_fail(
        kind, bound, lambda rate, other: binomial_test(successes, n, rate=rate, alternative=other).p_value
    )
    spread = math.sqrt(bound * (1.0 - bound))

    def cases(rate: float) -> int:
        z_alpha = float(ndtri(1.0 - alpha))
        errors = z_alpha * spread + (z_sum(alpha) - z_alpha) * math.sqrt(rate * (1.0 - rate))
        return max(math.ceil((errors / room(kind, bound, rate)) ** 2), smallest_n(kind, bound, alpha))

    needed = _needed(kind, bound, found.estimate, n, cases) if min(p_pass, p_fail) > alpha else None
    return Evidence(*found, p_pass, p_fail, z_sum(alpha) * spread / math.sqrt(n), needed)


def _check_claim(kind: DeltaKind, margin: float, alpha: float, score_range: tuple[float, float]) -> float:
    check_kind(kind)
    check_alpha(alpha)
    width = check_range(score_range)
    check_margin(NAMES[kind], margin, width=width, zero=kind == "improves")
    return width


def _single(scores: Floats) -> Floats:
    """One sample a case is a plain score."""
    return scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores


def _apart(clusters: Clusters, n: int) -> bool:
    """Say whether every case is a cluster of its own: then they are independent cases."""
    return clusters is not None and len(clusters) == n and len(set(clusters)) == n


def _is_binary(scores: Floats, score_range: tuple[float, float]) -> bool:
    return scores.ndim == 1 and bool(np.isin(scores, score_range).all())


def _judge_table(table: PairedTable, kind: DeltaKind, margin: float, alpha: float, width: float) -> Evidence:
    """Judge binary pairs as proportions, and give the evidence back in the scores' units."""
    shown = tango_interval(table, level=1.0 - 2.0 * alpha)
    share = margin / width
    p_pass, p_fail = p_pass_fail(
        kind, share, lambda bound, other: table_test(table, margin=bound, alternative=other).p_value
    )

    def cases(true: float) -> int:
        variance = max(table.discordance - true**2, 0.0)
        # With fewer discordant cases than the margin the formula may ask for less than ties alone need.
        fewest = smallest_n(kind, share, alpha) if table.discordance < share else 1
        return max(_cases(kind, alpha, true, variance, room(kind, share, true)), fewest)

    needed = _needed(kind, share, table.delta, table.n, cases) if min(p_pass, p_fail) > alpha else None
    detectable = detectable_effect(discordance=table.discordance, n=table.n, alpha=alpha) * width
    return Evidence(
        estimate=shown.estimate * width,
        low=shown.low * width,
        high=shown.high * width,
        level=shown.level,
        n=table.n,
        method="exact unconditional" if table.n <= EXACT_UP_TO else "Tango",
        p_pass=p_pass,
        p_fail=p_fail,
        detectable=detectable or None,  # with no discordant pair the formula knows nothing
        needed_cases=needed,
    )


def _judge_mean(found: Mean, kind: Kind, margin: float, alpha: float) -> Evidence:
    """Judge a mean by its t distribution, guarded or not; too few degrees of freedom in clusters decide nothing."""
    shown = found.interval(1.0 - 2.0 * alpha)[:6]
    if found.dof < LEAST_DOF and "CR2" in found.method:
        reason = f"{found.dof:.1f} effective degrees of freedom in the clusters, at least {LEAST_DOF:g} needed"
        return Evidence(*shown, p_pass=1.0, p_fail=1.0, reason=reason)
    p_pass, p_fail = p_pass_fail(kind, margin, found.p_against)
    variance = found.std_error**2 * found.n

    def cases(true: float) -> int:
        return _cases(kind, alpha, true, variance, room(kind, margin, true))

    needed = _needed(kind, margin, found.estimate, found.n, cases) if min(p_pass, p_fail) > alpha else None
    return Evidence(*shown, p_pass, p_fail, z_sum(alpha) * found.std_error, needed)


def _cases(kind: Kind, alpha: float, true: float, variance: float, distance: float) -> int:
    """Return n for power .80; a tie must be shown on both sides of "equivalent", so each gets half of the misses."""
    power = (1.0 + POWER) / 2.0 if kind == "equivalent" and true == 0.0 else POWER
    return math.ceil(z_sum(alpha, power) ** 2 * variance / distance**2)


def _needed(kind: Kind, margin: float, estimate: float, n: int, cases: Callable[[float], int]) -> int | None:
    """Return the cases that would decide, for the first assumed truth that asks for more than there are."""
    if room(kind, margin, estimate) <= 0.0:
        return None
    assumed = (0.0, estimate) if kind in ("no_worse", "equivalent") else (estimate,)
    return next((needed for needed in map(cases, assumed) if needed > n), None)
