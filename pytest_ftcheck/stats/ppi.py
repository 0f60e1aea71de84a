"""A mean that a judge scores on all cases and people on a sample of them: the power-tuned PPI++ estimate.

The people's sample says how far the judge is off; the judge's scores of the other cases are corrected by that, and
weigh as much (lambda) as they agree with people. It is unbiased whatever the judge does, as long as the people's cases
are a random sample. Source: Angelopoulos, Duchi and Zrnic 2023 (arXiv 2311.01453), the mean of example 6.1.

The paper's interval is asymptotic. For 50 to 100 rated cases three things are done that it does not: Student's t with
Welch's degrees of freedom, one of them lost to the tuning; and, where at least half of the corrections are the same or
fewer than 30 differ (a judge whom people rarely contradict), the guard of `paired_t`: two pseudo-cases, and Gaffke's
bound, over the range that a correction could have had. Agreement on 60 cases is no proof of agreement.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.clustered import bell_mccaffrey_dof, cr2_error, cr2_mean, sparse_clusters
from pytest_ftcheck.stats.continuous import student_mean
from pytest_ftcheck.stats.guard import is_sparse, most_common
from pytest_ftcheck.stats.inputs import (
    Floats,
    as_scores,
    check_count,
    check_level,
    check_range,
    check_within,
    cluster_codes,
)
from pytest_ftcheck.stats.means import Mean

LEAST_RATED = 3
"""Cases that people must have rated for a standard error and a tuned weight."""


class Calibrated(NamedTuple):
    """A corrected mean, with its interval at `level`. `n` counts the cases that people rated, `lam` (0 to 1) is the
    weight of the judge: 0 leaves the people's mean alone.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str
    lam: float
    std_error: float
    dof: float


def ppi_mean(
    people: ArrayLike,
    judged: ArrayLike,
    rest: ArrayLike,
    *,
    level: float = 0.95,
    score_range: tuple[float, float],
    lam: float | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> Calibrated:
    """Bound the mean of the scores that people would give, over all cases.

    `people` and `judged` have shape [n], the two scores of the cases that people rated, a random sample; `rest` has
    shape [m], m >= 0, the judge's of all others; all in `score_range` (of differences ft minus base: minus and plus
    the metric's width). `clusters` has n + m labels, those of the rated cases first. `lam` fixes the judge's weight: 0
    is the people's mean, 1 is plain PPI. A judge who agrees with people on all of 60 cases weighs much, and may still
    be wrong elsewhere:

    >>> people, rest = [0.0, 1.0] * 30, [0.0, 1.0] * 200
    >>> found = ppi_mean(people, people, rest, level=0.9, score_range=(0.0, 1.0))
    >>> round(found.estimate, 3), round(found.lam, 2), round(found.high - found.low, 2)
    (0.5, 0.88, 0.1)
    """
    check_level(level)
    found, weight = ppi(people, judged, rest, score_range=score_range, lam=lam, clusters=clusters)
    return Calibrated(*found.interval(level)[:6], weight, found.std_error, found.dof)


def ppi(
    people: ArrayLike,
    judged: ArrayLike,
    rest: ArrayLike,
    *,
    score_range: tuple[float, float],
    lam: float | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> tuple[Mean, float]:
    """Return what `ppi_mean` bounds, to be tested against margins, and the judge's weight."""
    rated, known, others = _checked(people, judged, rest, score_range)
    n, m = len(rated), len(others)
    every = np.concatenate([known, others])
    weight = _weight(rated, known, every) if lam is None else lam
    if not 0.0 <= weight <= 1.0:
        raise StatisticsError(f"lam == {lam!r}, must be in [0, 1], or None to tune it")
    weight = weight if m else 0.0
    shift = weight * float(others.mean()) if m else 0.0
    corrected = rated - weight * known + shift
    # No correction can lie outside: the people's score is in the range, and the judge's scores are all known.
    low = score_range[0] - weight * float(every.max()) + shift
    high = score_range[1] - weight * float(every.min()) + shift
    codes = None if clusters is None else cluster_codes(clusters, n + m)
    found = _mean_of(corrected, codes, score_range)
    tuned = lam is None and weight > 0.0
    variance = found.std_error**2 * ((n - 1.0) / (n - 2.0) if tuned else 1.0)
    dof = max(found.dof - tuned, 1.0)
    beside, beside_dof = _variance_beside(corrected, every, codes, weight, n)
    total = variance + beside
    freedom = total**2 / (variance**2 / dof + (beside**2 / beside_dof if beside else 0.0))
    mean = replace(
        found,
        std_error=math.sqrt(total),
        dof=freedom,
        ends=None if found.ends is None else (min(low, score_range[0]), max(high, score_range[1])),
        method=found.method.replace("CR2", "PPI++ CR2").replace("paired t", "PPI++"),
    )
    return mean, weight


def _checked(
    people: ArrayLike, judged: ArrayLike, rest: ArrayLike, score_range: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    check_range(score_range)
    rated, known = as_scores("people", people), as_scores("judged", judged)
    others = as_scores("rest", rest) if np.size(rest) else np.zeros(0)
    if rated.ndim != 1 or rated.shape != known.shape or others.ndim != 1:
        raise StatisticsError(
            f"people has shape {rated.shape}, judged {known.shape}, rest {others.shape}; must be [n], [n] and [m]"
        )
    check_count(len(rated), LEAST_RATED, "rated cases")
    for name, values in (("people", rated), ("judged", known), ("rest", others)):
        if len(values):
            check_within(name, values, *score_range)
    return rated, known, others


def _weight(rated: Floats, known: Floats, every: Floats) -> float:
    """Return the weight that makes the variance least, cut to [0, 1]; 0 where the judge says the same of all."""
    n, m = len(rated), len(every) - len(rated)
    spread = float(every.var(ddof=1))
    if m == 0 or spread <= 0.0:
        return 0.0
    shared = float(((rated - rated.mean()) * (known - known.mean())).sum()) / (n - 1.0)
    return min(max(shared / ((1.0 + n / m) * spread), 0.0), 1.0)


def _mean_of(corrected: Floats, codes: NDArray[np.intp] | None, score_range: tuple[float, float]) -> Mean:
    """Return the mean of the corrected people's scores, guarded where they hardly differ."""
    n = len(corrected)
    usual = most_common(corrected)
    if codes is None:
        sparse = is_sparse(corrected, mode=usual)
        return student_mean(corrected, method="paired t", ends=score_range if sparse else None, support=score_range)
    own = np.unique(codes[:n], return_inverse=True)[1]
    check_count(int(own.max()) + 1, 2, "clusters with rated cases")
    sparse = sparse_clusters(corrected - usual, own)
    return cr2_mean(corrected, own, ends=score_range if sparse else None, support=score_range)


def _variance_beside(
    corrected: Floats, every: Floats, codes: NDArray[np.intp] | None, weight: float, n: int
) -> tuple[float, float]:
    """Return the variance of the judge's mean over the cases that nobody rated, and its degrees of freedom.

    It is taken from the judge's scores of all cases. Clusters that hold both kinds of cases tie the two means together;
    that is added where it widens.
    """
    size = len(every)
    m = size - n
    if m == 0 or weight == 0.0:
        return 0.0, 1.0
    if codes is None:
        return weight**2 * float(every.var(ddof=1)) / m, size - 1.0
    sums = np.bincount(codes, weights=every).astype(np.float64)
    sizes = np.bincount(codes).astype(np.float64)
    own = np.bincount(codes[:n], weights=corrected - corrected.mean(), minlength=len(sizes)) / n
    others = every[n:]
    theirs = weight * np.bincount(codes[n:], weights=others - others.mean(), minlength=len(sizes)) / m
    together = max(2.0 * float(own @ theirs), 0.0)
    return weight**2 * cr2_error(sums, sizes) ** 2 * size / m + together, bell_mccaffrey_dof(sizes)
