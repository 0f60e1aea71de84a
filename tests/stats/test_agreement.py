"""Agreement, kappa, AC1 and alpha with intervals, against published tables, statsmodels and plain enumeration."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.inter_rater import cohens_kappa

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats import Agreement, cohen_kappa, gwet_ac1, krippendorff_alpha, raw_agreement
from pytest_ftcheck.stats.agreement import alpha_of_coincidences

PARADOX = [[118, 5], [2, 0]]
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
"""irrCAC's cont3x3abstractors, two raters and 100 items."""
# Krippendorff 2011, example D: four observers, twelve units, some of them missing.
OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
COEFFICIENTS = (cohen_kappa, gwet_ac1, krippendorff_alpha)
tables = st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=3, max_size=3)


def test_kappa_of_the_textbook_table() -> None:
    """Kappa of [[20, 5], [10, 15]] is .4."""
    assert cohen_kappa([[20, 5], [10, 15]]).estimate == pytest.approx(0.4)


def test_gwets_paradox() -> None:
    """Agreement .944, kappa -.0234, AC1 .9408."""
    assert cohen_kappa(PARADOX).agreement == pytest.approx(0.944)
    assert cohen_kappa(PARADOX).estimate == pytest.approx(-0.0234, abs=5e-5)
    assert gwet_ac1(PARADOX).estimate == pytest.approx(0.9408, abs=5e-5)


@settings(deadline=None)
@given(counts=st.lists(st.lists(st.integers(1, 40), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_agrees_with_statsmodels(counts: list[list[int]]) -> None:
    """Kappa of any table with three categories is statsmodels'."""
    assert cohen_kappa(counts).estimate == pytest.approx(cohens_kappa(np.array(counts)).kappa)


@settings(deadline=None)
@given(counts=st.lists(st.lists(st.integers(1, 40), min_size=3, max_size=3), min_size=3, max_size=3))
def test_exchanging_raters_changes_nothing(counts: list[list[int]]) -> None:
    """Both coefficients are symmetric in the raters, and at most 1."""
    turned = np.array(counts).T
    for coefficient in (cohen_kappa, gwet_ac1):
        assert coefficient(counts).estimate == pytest.approx(coefficient(turned).estimate)
        assert coefficient(counts).estimate <= 1.0


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[5, 0], [0, 0]], "n == 5 items, all in one category"),
        ([[1, 2, 3], [4, 5, 6]], r"counts has shape \(2, 3\)"),
        ([[-1, 2], [3, 4]], "least -1"),
        ([[0, 0], [0, 0]], "counts sum to 0"),
    ],
)
def test_tables_without_a_coefficient_are_refused(counts: list[list[int]], message: str) -> None:
    """0 / 0 and tables that are none raise an error, never a number."""
    with pytest.raises(StatisticsError, match=message):
        cohen_kappa(counts)


@pytest.mark.parametrize(
    ("coefficient", "estimate", "error", "interval"),
    [
        (cohen_kappa, 0.7964094, 0.05891072, (0.680, 0.913)),
        (gwet_ac1, 0.8493305, 0.04321747, (0.764, 0.935)),
        (krippendorff_alpha, 0.7972585, 0.05905473, (0.680, 0.914)),
    ],
)
def test_irrcacs_published_table(
    coefficient: Callable[..., Agreement], estimate: float, error: float, interval: tuple[float, float]
) -> None:
    """The figures of irrCAC's vignette: estimates to its last digit, its linearised errors within 2 % by jackknife."""
    found = coefficient(ABSTRACTORS)
    assert found.estimate == pytest.approx(estimate, abs=5e-8)
    assert (found.low, found.high) == pytest.approx(interval, abs=0.003)
    half = (found.high - found.low) / 2.0
    assert half / scipy_stats.t.ppf(0.975, 99) == pytest.approx(error, rel=0.02)


@pytest.mark.parametrize(("distance", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_published_example(distance: str, alpha: float) -> None:
    """Alpha of the coincidences of his four observers, at each level of measurement."""
    coincidences = np.zeros((5, 5))
    for unit in zip(*OBSERVERS, strict=True):
        values = [int(value) - 1 for value in unit if value != "."]
        for place, first in enumerate(values):
            for other, second in enumerate(values):
                if place != other:
                    coincidences[first, second] += 1.0 / (len(values) - 1)
    assert alpha_of_coincidences(coincidences, distance) == pytest.approx(alpha, abs=5e-4)  # type: ignore[arg-type]


def naive(name: str, pairs: list[tuple[int, int]], categories: int) -> float:
    """A coefficient from its definition, over a list of pairs."""
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    first = [sum(a == c for a, _ in pairs) / n for c in range(categories)]
    second = [sum(b == c for _, b in pairs) / n for c in range(categories)]
    if name == "cohen_kappa":
        chance = sum(a * b for a, b in zip(first, second, strict=True))
        return (agreed - chance) / (1 - chance)
    if name == "gwet_ac1":
        mean = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
        chance = sum(share * (1 - share) for share in mean) / (categories - 1)
        return (agreed - chance) / (1 - chance)
    values = [value for pair in pairs for value in pair]
    differ = sum(a != b for place, a in enumerate(values) for b in values[place + 1 :])
    return 1 - (1 - agreed) / (differ / math.comb(len(values), 2))


@pytest.mark.parametrize("coefficient", COEFFICIENTS, ids=lambda each: each.__name__)
def test_the_interval_is_the_jackknife(coefficient: Callable[..., Agreement]) -> None:
    """Leaving one item out after the other, by definition and one at a time, gives the same bounds."""
    table = np.array([[9, 2, 1], [1, 6, 2], [0, 3, 7]])
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i, j])]
    n, name = len(pairs), coefficient.__name__
    whole = naive(name, pairs, 3)
    without = [naive(name, pairs[:k] + pairs[k + 1 :], 3) for k in range(n)]
    error = math.sqrt((n - 1) / n * sum((each - sum(without) / n) ** 2 for each in without))
    found = coefficient(table, level=0.9)
    half = scipy_stats.t.ppf(0.95, n - 1) * error
    assert (found.estimate, found.low, found.high) == pytest.approx((whole, whole - half, whole + half))


def test_kappas_error_is_near_the_asymptotic_one() -> None:
    """With 2,000 items the jackknife's interval is statsmodels' (Fleiss, Cohen and Everitt 1969) within 1 %."""
    table = np.array([[620, 90, 30], [110, 540, 60], [20, 80, 450]])
    found, known = cohen_kappa(table), cohens_kappa(table)
    assert found.high - found.low == pytest.approx(known.kappa_upp - known.kappa_low, rel=0.01)


def test_items_of_one_unit_are_not_independent() -> None:
    """Every item said twice, as a unit of two, gives the width of the items said once."""
    once = cohen_kappa(ABSTRACTORS)
    units = []
    for i in range(3):
        for j in range(3):
            for _ in range(ABSTRACTORS[i][j]):
                unit = np.zeros((3, 3))
                unit[i, j] = 2
                units.append(unit)
    twice = cohen_kappa(units)
    assert twice.n == 200
    assert (twice.estimate, twice.low, twice.high) == pytest.approx((once.estimate, once.low, once.high))


def test_raw_agreement_is_clopper_and_pearsons() -> None:
    """The share's bounds are the beta quantiles; also where all agree, the interval has a width."""
    found = raw_agreement(ABSTRACTORS)
    expected = scipy_stats.beta.ppf(0.025, 89, 12), scipy_stats.beta.ppf(0.975, 90, 11)
    assert (found.low, found.high) == pytest.approx(expected)
    assert raw_agreement([[30, 0], [0, 30]]).low == pytest.approx(0.025 ** (1 / 60))


def test_raw_agreement_of_units() -> None:
    """Sixty units of two items that all agree leave a bound below 1 by the guard."""
    found = raw_agreement([[[2, 0], [0, 0]], [[0, 0], [0, 2]]] * 30)
    assert found.estimate == found.high == 1.0
    assert found.low is not None
    assert 0.8 < found.low < 0.97


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([[30, 0], [0, 30]], "no spread"),
        ([[30, 0], [0, 1]], "one unit alone decides"),
        ([[[1, 1], [1, 3]]], "one unit"),
    ],
)
def test_without_a_spread_there_is_no_interval(counts: object, reason: str) -> None:
    """Perfect agreement, a category seen once, a single unit: no interval, with why; never one of zero width."""
    found = cohen_kappa(counts)  # type: ignore[arg-type]
    assert found.low is None
    assert found.high is None
    assert reason in found.reason


@settings(deadline=None)
@given(counts=tables)
def test_bounds_hold_the_estimate(counts: list[list[int]]) -> None:
    """Where there is an interval it has a width, holds the estimate, and lies within -1 and 1."""
    for coefficient in (*COEFFICIENTS, raw_agreement):
        try:
            found = coefficient(counts)
        except StatisticsError:
            continue
        if found.low is None or found.high is None:
            assert found.reason
            continue
        assert -1.0 <= found.low <= found.estimate <= found.high <= 1.0
        assert found.low < found.high


def test_an_unknown_distance_is_refused() -> None:
    """The error names what is allowed."""
    with pytest.raises(StatisticsError, match="distance == 'ratio', must be nominal, ordinal or interval"):
        krippendorff_alpha(PARADOX, distance="ratio")  # type: ignore[arg-type]
