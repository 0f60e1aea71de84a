"""A win rate at equal length: how often ft's answer would be preferred were it as long as base's.

Judges favour the longer answer. As AlpacaEval 2 does (Dubois et al. 2024, arXiv 2404.04475, section 3), the preference
is explained by a logistic regression on tanh of the standardised difference of lengths, and read off where that is 0.
The paper's term for an instruction's difficulty needs many models on the same instructions, and is left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.inputs import Floats, as_scores, check_count, check_level, check_within, cluster_codes

RIDGE = 0.1
"""Penalty on the square of the length's coefficient, half of it: where length alone tells the wins it stays finite."""
RESAMPLES = 1000
LARGEST = 30.0
"""Log-odds are cut there: where all cases are won they would be infinite."""
_STEPS = 60
_CELLS = 4_000_000


class LengthControlledWinRate(NamedTuple):
    """`estimate` is the win rate at equal length, 0 to 1, with its bootstrap interval; `raw` the plain one.

    `slope` is the log-odds that a length difference of many standard deviations adds to ft's.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str
    raw: float
    slope: float


def length_controlled_win_rate(
    wins: ArrayLike,
    longer: ArrayLike,
    *,
    seed: int,
    level: float = 0.95,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
) -> LengthControlledWinRate:
    """Estimate ft's win rate at equal length, with a percentile interval of a bootstrap over cases or clusters.

    `wins` is 1 where ft's answer is preferred, 0 where base's is, 0.5 for a tie (or a mean of samples), shape [n];
    `longer` is ft's length minus base's, in any unit, shape [n]. Raises StatisticsError for fewer than 2 cases, and
    where all differences are the same and not 0: then length and preference cannot be told apart.

    >>> found = length_controlled_win_rate([1, 1, 1, 0, 1, 0], [9, 8, 9, -1, 7, 0], seed=0)
    >>> found.raw > found.estimate, found.slope > 0
    (True, True)
    """
    check_level(level)
    won, by = as_scores("wins", wins), as_scores("longer", longer)
    if won.shape != by.shape:
        raise StatisticsError(f"wins has shape {won.shape} and longer {by.shape}, must be the same cases")
    check_within("wins", won, 0.0, 1.0)
    check_count(len(won), 2)
    if np.ptp(by) == 0.0 and by[0] != 0.0:
        raise StatisticsError(f"every answer of ft is longer by {by[0]:g}, must differ for a win rate at equal length")
    whole = _fit(won, by, np.ones((1, len(won))))
    drawn = _draws(len(won), clusters, resamples, np.random.default_rng(seed))
    size = max(1, _CELLS // len(won))
    rates = np.concatenate([expit(_fit(won, by, drawn[at : at + size])[:, 0]) for at in range(0, resamples, size)])
    low, high = np.quantile(rates, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return LengthControlledWinRate(
        estimate=float(expit(whole[0, 0])),
        low=float(low),
        high=float(high),
        level=level,
        n=len(won),
        method="logistic in tanh of length, bootstrap",
        raw=float(won.mean()),
        slope=float(whole[0, 1]),
    )


def _draws(
    n: int, clusters: Sequence[Hashable] | None, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return how often each case is in each resample, shape [resamples, n]."""
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    groups = int(codes.max()) + 1
    counts = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples)
    return np.asarray(counts[:, codes], dtype=np.float64)


def _fit(won: Floats, by: Floats, weights: Floats) -> Floats:
    """Return intercept and slope of each weighting of the cases, weights [k, n] -> [k, 2], by damped Newton steps."""
    totals = weights.sum(axis=1, keepdims=True)
    means = (weights * by).sum(axis=1, keepdims=True) / totals
    spread = np.sqrt((weights * (by - means) ** 2).sum(axis=1, keepdims=True) / totals)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(spread > 0.0, np.tanh(by / spread), 0.0)
    found = np.zeros((len(weights), 2))
    for _ in range(_STEPS):
        odds = found[:, :1] + found[:, 1:] * x
        share = expit(odds)
        off = weights * (won - share)
        bend = weights * share * (1.0 - share)
        slopes = np.stack([off.sum(axis=1), (off * x).sum(axis=1) - RIDGE * found[:, 1]], axis=1)
        a, b, c = bend.sum(axis=1) + 1e-12, (bend * x).sum(axis=1), (bend * x * x).sum(axis=1) + RIDGE
        step = np.stack([c * slopes[:, 0] - b * slopes[:, 1], a * slopes[:, 1] - b * slopes[:, 0]], axis=1)
        step /= np.maximum(a * c - b * b, 1e-12)[:, None]
        # A step of more than one unit of log-odds may overshoot where the curve is flat.
        step /= np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True))
        found = np.clip(found + step, -LARGEST, LARGEST)
        if float(np.abs(step).max()) < 1e-10:
            break
    return found
