"""Two independent samples against statsmodels, scipy and published tables."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.optimize import minimize_scalar
from scipy.special import ndtr
from statsmodels.stats.proportion import (  # type: ignore[import-untyped, unused-ignore]
    test_proportions_2indep as proportions_test,
)

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.independent import (
    judge_gap,
    miettinen_nurminen_interval,
    miettinen_nurminen_test,
    welch_t,
)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((56, 70, 48, 80), 0.0528, 0.3382), ((9, 10, 3, 10), 0.1700, 0.8406)],
)
def test_intervals_of_newcombes_table(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    """Newcombe 1998 (17:873), table II, Miettinen-Nurminen."""
    found = miettinen_nurminen_interval(*counts)
    assert [found.low, found.high] == pytest.approx([low, high], abs=6e-5)


def by_likelihood(counts: tuple[int, int, int, int], margin: float) -> float:
    """Return the score test's p with the restricted estimate found by maximising the likelihood."""
    right, n, other_right, other_n = counts

    def unlikely(share: float) -> float:
        pairs = ((right, share), (n - right, 1 - share), (other_right, share - margin))
        told = [*pairs, (other_n - other_right, 1 - share + margin)]
        return -sum(count * math.log(max(each, 1e-300)) for count, each in told)

    ends = (max(0.0, margin) + 1e-12, min(1.0, 1.0 + margin) - 1e-12)
    share = float(minimize_scalar(unlikely, bounds=ends, method="bounded", options={"xatol": 1e-13}).x)
    shifted, total = share - margin, n + other_n
    variance = (share * (1 - share) / n + shifted * (1 - shifted) / other_n) * total / (total - 1)
    return float(1 - ndtr((right / n - other_right / other_n - margin) / math.sqrt(variance)))


COUNTS = [(56, 70, 48, 80), (16, 16, 98, 300), (40, 50, 45, 50), (3, 20, 1, 90)]


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("margin", [0.0, 0.05, 0.2, -0.1])
def test_the_restricted_estimate_is_the_likeliest(counts: tuple[int, int, int, int], margin: float) -> None:
    """The closed form gives what a search for the greatest likelihood gives."""
    expected = by_likelihood(counts, margin)
    assert miettinen_nurminen_test(*counts, margin=margin).p_value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (40, 50, 45, 50), (3, 20, 1, 90)])
def test_without_a_margin_it_is_the_test_of_statsmodels(counts: tuple[int, int, int, int]) -> None:
    """At no difference; with a margin statsmodels' restricted estimate is not the likeliest one."""
    expected = proportions_test(*counts, method="score", alternative="larger", correction=True)
    assert miettinen_nurminen_test(*counts, margin=0.0).p_value == pytest.approx(expected.pvalue, abs=1e-9)


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=30).filter(lambda drawn: len({round(x, 3) for x in drawn}) > 1),
    st.lists(st.floats(0, 1), min_size=3, max_size=30).filter(lambda drawn: len({round(x, 3) for x in drawn}) > 1),
)
def test_welch_is_scipys(one: list[float], other: list[float]) -> None:
    """p-value and interval are those of scipy.stats.ttest_ind without equal variances."""
    found = welch_t(one, other, level=0.9)
    expected = scipy_stats.ttest_ind(one, other, equal_var=False)
    bounds = expected.confidence_interval(0.9)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=1e-9)


@given(st.integers(0, 30), st.integers(30, 60), st.integers(0, 20), st.integers(20, 60))
def test_bounds_and_tests_agree(right: int, n: int, other_right: int, other_n: int) -> None:
    """The interval holds the estimate, mirrors when the samples are swapped, and its ends are where the test turns."""
    found = miettinen_nurminen_interval(right, n, other_right, other_n, level=0.9)
    mirrored = miettinen_nurminen_interval(other_right, other_n, right, n, level=0.9)
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-7)
    if found.low > -0.999:
        p_value = miettinen_nurminen_test(right, n, other_right, other_n, margin=found.low).p_value
        assert p_value == pytest.approx(0.05, abs=1e-4)


def test_a_gap_is_weighed_both_ways() -> None:
    """16 of 16 against 98 of 300 proves a gap above ten points; 98 of 300 on both sides proves the opposite of none."""
    memorised = judge_gap(
        [1.0] * 16, [1.0] * 98 + [0.0] * 202, margin=0.1, alpha=0.05, binary=True, score_range=(0.0, 1.0)
    )
    assert memorised.p_fail < 1e-3 < 0.99 < memorised.p_pass
    even = [1.0] * 98 + [0.0] * 202
    assert judge_gap(even, even, margin=0.1, alpha=0.05, binary=True, score_range=(0.0, 1.0)).p_pass < 0.05


def test_samples_that_do_not_vary_are_not_certain() -> None:
    """Two samples of one value each have an interval as wide as what may be unseen, or none."""
    found = judge_gap([0.5] * 20, [0.5] * 20, margin=0.1, alpha=0.05, binary=False, score_range=(0.0, 1.0))
    assert found.high - found.low > 0.1
    with pytest.raises(StatisticsError, match="neither sample varies"):
        welch_t([0.5] * 20, [0.5] * 20)


@pytest.mark.parametrize("counts", [(3, 2, 1, 5), (0, 0, 1, 5), (-1, 4, 1, 5), (1, 1, 1, 1)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    """More right than cases, or none at all, is an error."""
    with pytest.raises(StatisticsError):
        miettinen_nurminen_interval(*counts)
