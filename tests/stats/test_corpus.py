"""The jackknife of corpus metrics, against the paired t and a by-hand jackknife."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats import clustered_mean, jackknife_t, judge_corpus, paired_t

UNIT = (0.0, 1.0)


class F1:
    """F1 of summed (true positives, false positives, false negatives)."""

    def value(self, sums: np.ndarray) -> float:
        hit, false, missed = sums
        return float(2 * hit / (2 * hit + false + missed)) if hit + false + missed else float("nan")


class Mean:
    """A mean, as a corpus metric of (sum, count)."""

    def value(self, sums: np.ndarray) -> float:
        return float(sums[0] / sums[1])


def _f1_rows(seed: int, n: int, right: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    outcome = rng.choice(3, n, p=[right, (1 - right) / 2, (1 - right) / 2])
    return np.eye(3)[outcome]


def test_the_estimate_is_the_difference_of_the_metric() -> None:
    """The estimate is the metric of ft's sums minus that of base's."""
    base, ft = _f1_rows(0, 80, 0.6), _f1_rows(1, 80, 0.8)
    expected = F1().value(ft.sum(axis=0)) - F1().value(base.sum(axis=0))
    assert jackknife_t(F1(), base, ft).estimate == pytest.approx(expected)


def test_the_standard_error_is_the_jackknifes() -> None:
    """It is sqrt((n-1)/n sum (left out - mean)^2), computed by hand."""
    base, ft = _f1_rows(0, 60, 0.6), _f1_rows(1, 60, 0.8)
    left_out = np.array(
        [
            F1().value(np.delete(ft, i, axis=0).sum(axis=0)) - F1().value(np.delete(base, i, axis=0).sum(axis=0))
            for i in range(60)
        ]
    )
    by_hand = np.sqrt(59 / 60 * ((left_out - left_out.mean()) ** 2).sum())
    assert jackknife_t(F1(), base, ft).std_error == pytest.approx(by_hand)


def test_for_a_mean_it_is_the_paired_t() -> None:
    """A metric that is a mean of scores has the paired t's interval."""
    scores = np.random.default_rng(2).normal(size=(2, 50))
    base, ft = (np.column_stack([row, np.ones(50)]) for row in scores)
    found, oracle = jackknife_t(Mean(), base, ft), paired_t(scores[1] - scores[0])
    assert (found.low, found.high, found.dof) == pytest.approx((oracle.low, oracle.high, oracle.dof))


def test_for_a_mean_in_clusters_it_is_cr2() -> None:
    """With clusters, a metric that is a mean has the clustered interval."""
    scores = np.random.default_rng(3).normal(size=(2, 40))
    base, ft = (np.column_stack([row, np.ones(40)]) for row in scores)
    labels = [number // 3 for number in range(40)]
    found, oracle = jackknife_t(Mean(), base, ft, clusters=labels), clustered_mean(scores[1] - scores[0], labels)
    assert (found.low, found.high, found.dof) == pytest.approx((oracle.low, oracle.high, oracle.dof))


def test_exchanging_roles_mirrors_the_interval() -> None:
    """Swapping base and ft flips the interval, guarded or not."""
    base, ft = _f1_rows(4, 40, 0.6), _f1_rows(5, 40, 0.7)
    found, mirrored = jackknife_t(F1(), base, ft, score_range=UNIT), jackknife_t(F1(), ft, base, score_range=UNIT)
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-6)


def test_identical_roles_have_an_interval_that_is_no_point() -> None:
    """Where no row changed, the guard gives the bound of that many ties."""
    rows = _f1_rows(6, 59, 0.7)
    found = jackknife_t(F1(), rows, rows, level=0.90, score_range=UNIT)
    assert found.low == pytest.approx(-(1 - 0.05 ** (1 / 59)), abs=1e-5)


@pytest.mark.parametrize("clusters", [None, [number // 2 for number in range(60)]])
def test_rows_that_all_changed_are_not_guarded(clusters: list[int] | None) -> None:
    """The guard is for ties and few changes: where all of 60 cases changed, the plain jackknife stands."""
    scores = np.random.default_rng(9).normal(size=(2, 60))
    base, ft = (np.column_stack([row, np.ones(60)]) for row in scores)
    found = jackknife_t(Mean(), base, ft, score_range=(-5.0, 5.0), clusters=clusters)
    plain = jackknife_t(Mean(), base, ft, clusters=clusters)
    assert found == plain


def test_a_constant_change_is_guarded() -> None:
    """Where every case gained the same, the spread says nothing of the next."""
    base, ft = np.column_stack([np.zeros(60), np.ones(60)]), np.ones((60, 2))
    assert "guarded" in jackknife_t(Mean(), base, ft, score_range=(0.0, 5.0)).method


def test_a_gate_reads_the_interval() -> None:
    """judge_corpus passes "no worse" just when the 90 % interval clears the margin."""
    base, ft = _f1_rows(7, 200, 0.6), _f1_rows(8, 200, 0.75)
    found = judge_corpus(F1(), base, ft, margin=0.05, kind="no_worse", alpha=0.05)
    assert (found.p_pass <= 0.05) == (found.low > -0.05)


def test_a_metric_without_a_value_names_the_case() -> None:
    """Where leaving a case out leaves nothing to score, the error says which."""
    rows = np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(StatisticsError, match=r"F1.value == nan for base's all but case 0, must be finite"):
        jackknife_t(F1(), rows, rows, score_range=UNIT)


def test_unequal_cases_are_refused() -> None:
    """Base and ft must hold the same cases."""
    with pytest.raises(StatisticsError, match=r"base has shape \(5, 3\) and ft \(6, 3\)"):
        jackknife_t(F1(), _f1_rows(0, 5, 0.5), _f1_rows(0, 6, 0.5))
