"""How far two raters (two judges, or a judge and a person) agree beyond chance. It knows nothing of who they are.

Every function takes `counts[i][j]`, how many items the first rater put in category i and the second in j, shape
[q, q]; or one such table for each independent unit, shape [units, q, q], where items come in groups (two answers to
one question). The coefficients' intervals are the jackknife's over units, with Student's t (Fleiss and Davies 1982,
Applied Psychological Measurement 6:419; Efron and Tibshirani 1993, chapter 11). Where it has no spread to go by, as
with raters who agree on everything, there is no interval, and `reason` says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.clustered import level_cluster_mean
from pytest_ftcheck.stats.inputs import ROUNDING, Floats, check_level
from pytest_ftcheck.stats.proportion import clopper_pearson

Distance = Literal["nominal", "ordinal", "interval"]


class Agreement(NamedTuple):
    """A coefficient of agreement (1: perfect, 0: chance) beside the raw share of agreement, over n items.

    `low` and `high` bound the estimate at `level`; both are None where there is no interval, and `reason` says why.
    """

    estimate: float
    agreement: float
    n: int
    method: str
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    reason: str = ""


def raw_agreement(counts: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Return the share of items that both raters put in one category, by Clopper and Pearson.

    Where units have several items, by CR2 over units, guarded as all bounded means are; never of zero width.

    >>> found = raw_agreement([[118, 5], [2, 0]])
    >>> found.estimate, round(found.low, 3), round(found.high, 3)
    (0.944, 0.888, 0.977)
    """
    check_level(level)
    units = _units(counts)
    n = int(units.sum())
    share = float(np.trace(units.sum(axis=0))) / n
    sizes = units.sum(axis=(1, 2))
    if (sizes == 1).all():
        found = clopper_pearson(round(share * n), n, level=level)
        return Agreement(share, share, n, "Clopper-Pearson", found.low, found.high, level)
    if len(units) < 2:
        return Agreement(share, share, n, "CR2", level=level, reason="one unit: at least 2 needed for an interval")
    owners = np.repeat(np.arange(len(units)), sizes.astype(int))
    agreed = np.trace(units, axis1=1, axis2=2)
    scores = np.concatenate([np.repeat([1.0, 0.0], [int(a), int(s - a)]) for a, s in zip(agreed, sizes, strict=True)])
    bounds = level_cluster_mean(scores, owners.tolist(), score_range=(0.0, 1.0)).interval(level)
    return Agreement(share, share, n, bounds.method, bounds.low, bounds.high, level)


def cohen_kappa(counts: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Return Cohen's kappa.

    Chance is the product of the raters' own margins (Cohen 1960). Misleading where one category dominates: see
    `gwet_ac1`. Raises StatisticsError where both put everything in one category, and kappa is 0 / 0.

    >>> found = cohen_kappa([[20, 5], [10, 15]])
    >>> round(found.estimate, 4), round(found.low, 2), round(found.high, 2)
    (0.4, 0.14, 0.66)
    """
    return _jackknifed(counts, _kappa, "Cohen's kappa", level)


def gwet_ac1(counts: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Return Gwet's AC1, stable where one category dominates.

    Chance is the sum of p (1 - p) over the categories' mean shares, divided by their number less one (Gwet 2008). His
    paradox: agreement .944, kappa -.0234, AC1 .9408.

    >>> round(gwet_ac1([[118, 5], [2, 0]]).estimate, 4)
    0.9408
    """
    return _jackknifed(counts, _ac1, "Gwet's AC1", level)


def krippendorff_alpha(counts: ArrayLike, *, distance: Distance = "nominal", level: float = 0.95) -> Agreement:
    """Return Krippendorff's alpha: 1 - observed / expected disagreement, corrected for few items.

    Categories are all as far apart ("nominal"), in order ("ordinal"), or evenly spaced ("interval"). Source:
    Krippendorff 2011, Computing Krippendorff's alpha-reliability. Raises StatisticsError where all are in one category.

    >>> round(krippendorff_alpha([[13, 0, 0], [0, 20, 7], [0, 4, 56]]).estimate, 7)    # irrCAC 1.0, krippen2.table
    0.7972585
    """
    if distance not in ("nominal", "ordinal", "interval"):
        raise StatisticsError(f"distance == {distance!r}, must be nominal, ordinal or interval")

    def alpha(table: Floats) -> float:
        return alpha_of_coincidences(table + table.T, distance)

    return _jackknifed(counts, alpha, f"Krippendorff's alpha ({distance})", level)


def alpha_of_coincidences(coincidences: Floats, distance: Distance) -> float:
    """Return alpha of a matrix of coincidences, shape [q, q]: for two raters, their table and its transpose summed."""
    totals = coincidences.sum(axis=1)
    apart = _distances(totals, distance)
    expected = float((np.outer(totals, totals) * apart).sum()) / float(totals.sum() - 1.0)
    if expected <= 0.0:
        raise StatisticsError(_one_category(int(totals.sum() / 2)))
    return 1.0 - float((coincidences * apart).sum()) / expected


def _distances(totals: Floats, distance: Distance) -> Floats:
    """Return the squared distances between categories, shape [q, q]; the ordinal ones depend on how often each is."""
    places = np.arange(len(totals), dtype=np.float64)
    if distance == "nominal":
        return np.asarray(places[:, None] != places, dtype=np.float64)
    if distance == "ordinal":
        # As far as the values that lie between, and half of the two themselves.
        places = np.cumsum(totals) - totals / 2.0
    return np.asarray((places[:, None] - places) ** 2, dtype=np.float64)


def _kappa(table: Floats) -> float:
    shares = table / table.sum()
    return _beyond_chance(shares, float(shares.sum(axis=1) @ shares.sum(axis=0)), table)


def _ac1(table: Floats) -> float:
    shares = table / table.sum()
    mean = (shares.sum(axis=1) + shares.sum(axis=0)) / 2.0
    return _beyond_chance(shares, float((mean * (1.0 - mean)).sum()) / (len(shares) - 1), table)


def _beyond_chance(shares: Floats, chance: float, table: Floats) -> float:
    if chance >= 1.0 - ROUNDING:
        raise StatisticsError(_one_category(int(table.sum())))
    return (float(np.trace(shares)) - chance) / (1.0 - chance)


def _one_category(n: int) -> str:
    return f"n == {n} items, all in one category: agreement beyond chance is undefined"


def _jackknifed(counts: ArrayLike, coefficient: Callable[[Floats], float], method: str, level: float) -> Agreement:
    """Return a coefficient of the whole table with the jackknife's t interval over its units, cut to [-1, 1]."""
    check_level(level)
    units = _units(counts)
    total = units.sum(axis=0)
    n = len(units)
    whole = coefficient(total)
    found = Agreement(whole, float(np.trace(total) / total.sum()), int(total.sum()), method, level=level)
    if n < 2:
        return found._replace(reason="one unit: at least 2 needed for an interval")
    distinct, times = np.unique(units.reshape(n, -1), axis=0, return_counts=True)
    try:
        without = np.array([coefficient(total - each.reshape(total.shape)) for each in distinct])
    except StatisticsError:
        return found._replace(reason="one unit alone decides whether the coefficient is defined: no interval")
    center = float(times @ without) / n
    error = math.sqrt((n - 1) / n * float(times @ (without - center) ** 2))
    if error <= ROUNDING:
        return found._replace(reason="leaving any unit out changes nothing: no spread to make an interval of")
    half = float(stdtrit(n - 1.0, (1.0 + level) / 2.0)) * error
    return found._replace(low=max(whole - half, -1.0), high=min(whole + half, 1.0))


def _units(counts: ArrayLike) -> Floats:
    """Return one table a unit, shape [units, q, q]; the items of a single table are units of their own."""
    try:
        table = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatisticsError(f"counts is no array of numbers: {error}") from None
    if table.ndim not in (2, 3) or table.shape[-1] != table.shape[-2] or table.shape[-1] < 2:
        raise StatisticsError(f"counts has shape {table.shape}, must be [categories, categories], at least 2")
    if not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any() or table.sum() == 0:
        least = float(table.min()) if table.size else 0.0
        raise StatisticsError(f"counts sum to {table.sum():g}, least {least:g}; must be counts of n >= 1 items")
    if table.ndim == 3:
        return np.asarray(table[table.sum(axis=(1, 2)) > 0])
    cells = np.flatnonzero(table)
    single = np.zeros((len(cells), table.size))
    single[np.arange(len(cells)), cells] = 1.0
    repeated = np.repeat(single, table.ravel()[cells].astype(int), axis=0)
    return repeated.reshape(-1, *table.shape)
