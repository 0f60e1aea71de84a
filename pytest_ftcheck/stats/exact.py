"""The exact unconditional test of a paired difference against a margin: never above its level, at any n.

Tables are ordered by Tango's score; the nuisance, the discordance psi, is taken at its worst value within its
Clopper-Pearson interval of confidence 1 - gamma, and gamma is added to p (Berger and Boos 1994). It assumes
independent pairs; its cost grows with n squared (about 0.05 s at n = 300).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

from pytest_ftcheck.stats.inputs import Floats
from pytest_ftcheck.stats.paired import PairedTable, check_table
from pytest_ftcheck.stats.proportion import clopper_pearson
from pytest_ftcheck.stats.results import Alternative, Significance
from pytest_ftcheck.stats.tango import check_alternative, check_signed_margin, tango_z

GAMMA = 1e-4
TIE = 1e-9  # scores closer than this are the same score
COARSE, FINE, ROUNDS, PEAKS = 160, 17, 3, 4
NEGLIGIBLE = 1e-15


def exact_margin_test(
    table: PairedTable, *, margin: float = 0.0, alternative: Alternative = "greater", gamma: float = GAMMA
) -> Significance:
    """Test delta against a signed margin in (-1, 1), exactly: H0 of "greater" is delta <= margin.

    The null distribution is the trinomial of (gained, lost, rest). The supremum over H0 lies on its edge delta =
    margin, because Tango's score rises with a gain and falls with a loss (Barnard's convexity). R's contingencytables
    gives .54207 for McNemar's two-sided problem on [[5, 0], [1, 8]].

    >>> round(exact_margin_test(PairedTable(5, 0, 1, 8), margin=0, alternative="two-sided").p_value, 5)
    0.54207
    """
    table = check_table(table)
    check_signed_margin(margin)
    check_alternative(alternative)
    if alternative == "less":
        mirrored = exact_margin_test(table.swapped, margin=-margin, alternative="greater", gamma=gamma)
        return mirrored._replace(estimate=table.delta)
    observed = float(tango_z(table.gained, table.lost, table.n, margin))
    tails = [upper_counts(table.n, margin, observed if alternative == "greater" else abs(observed))]
    if alternative == "two-sided":
        tails.append(upper_counts(table.n, -margin, abs(observed)))
    worst = _worst_probability(table, margin, tails, gamma)
    return Significance(table.delta, table.n, "exact unconditional", min(1.0, worst + gamma))


def upper_counts(n: int, margin: float, score: float) -> NDArray[np.int64]:
    """For each count m = 0 to n of discordant pairs, return the fewest gains that reach `score` (m + 1: none)."""
    m = np.arange(n + 1)
    # Among m discordant pairs the score rises with each gain: the candidates are halved until one is left.
    low, high = np.zeros_like(m), m + 1
    while (left := low < high).any():
        middle = (low + high) // 2
        reached = tango_z(middle, np.maximum(m - middle, 0), n, margin) >= score - TIE
        low = np.where(left & ~reached, middle + 1, low)
        high = np.where(left & reached, middle, high)
    return high.astype(np.int64)


def reach_probability(n: int, fewest: NDArray[np.int64], psi: Floats, delta: float) -> Floats:
    """Return P(gains >= fewest[m]) where m ~ Binomial(n, psi) and gains | m ~ Binomial(m, (psi + delta) / 2 psi).

    `psi` has shape [g], at least |delta|; so has the result.
    """
    m = np.arange(n + 1)
    psi = np.maximum(psi, 1e-300)
    share = np.clip((psi + delta) / (2.0 * psi), 0.0, 1.0)
    weight = _binomial(n, m, psi)
    rows, columns = np.nonzero((weight > NEGLIGIBLE) & (fewest <= m)[None, :])
    least, of = fewest[columns], m[columns]
    tail = np.ones(len(rows))
    some = least > 0  # betainc needs it; no gain at all is always reached
    tail[some] = betainc(least[some], of[some] - least[some] + 1, share[rows[some]])
    return np.bincount(rows, weights=weight[rows, columns] * tail, minlength=len(psi)).astype(np.float64)


def _binomial(n: int, m: NDArray[np.int64], psi: Floats) -> Floats:
    """Return P(Binomial(n, psi) = m), shape [len(psi), len(m)]."""
    choose = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(m == 0, 0.0, m * np.log(psi)[:, None])
        miss = np.where(m == n, 0.0, (n - m) * np.log1p(-psi)[:, None])
    return np.asarray(np.exp(choose + hit + miss), dtype=np.float64)


def _worst_probability(table: PairedTable, margin: float, tails: list[NDArray[np.int64]], gamma: float) -> float:
    """Maximise the tail probability over psi: a grid, then finer grids around its highest points."""
    low, high = _nuisance_bounds(table, abs(margin), gamma)

    def probability(psi: Floats) -> Floats:
        found = reach_probability(table.n, tails[0], psi, margin)
        for fewest in tails[1:]:
            found = found + reach_probability(table.n, fewest, psi, -margin)
        return found

    grid = _psi_grid(low, high)
    values = probability(grid)
    best = float(values.max())
    peaks = np.argsort(values)[-PEAKS:]
    left, right = grid[np.maximum(peaks - 1, 0)], grid[np.minimum(peaks + 1, len(grid) - 1)]
    for _ in range(ROUNDS):
        local = np.linspace(left, right, FINE)  # a column for each peak
        heights = probability(local.ravel()).reshape(local.shape)
        best = max(best, float(heights.max()))
        top, column = heights.argmax(axis=0), np.arange(len(peaks))
        left, right = local[np.maximum(top - 1, 0), column], local[np.minimum(top + 1, FINE - 1), column]
    return best


def _nuisance_bounds(table: PairedTable, least: float, gamma: float) -> tuple[float, float]:
    """Return where psi may lie: its Clopper-Pearson interval, but never below |margin|, the least that H0 allows.

    Where the whole interval lies below, its supremum is at most the value at |margin|, which is used.
    """
    if gamma <= 0.0:
        return least, 1.0
    bounds = clopper_pearson(table.discordant, table.n, level=1.0 - gamma)
    return max(bounds.low, least), max(bounds.high, least)


def _psi_grid(low: float, high: float) -> Floats:
    """Return points even in arcsine (psi's natural scale), and more near `low`, where gains or losses vanish."""
    turn = np.linspace(math.asin(math.sqrt(low)), math.asin(math.sqrt(high)), COARSE)
    near = low + (high - low) * np.linspace(0.0, 1.0, COARSE // 2) ** 3
    points = np.unique(np.clip(np.concatenate([np.sin(turn) ** 2, near]), low, high))
    return np.asarray(points, dtype=np.float64)
