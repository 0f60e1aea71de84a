"""The PPI++ mean, against the paper's formulas written out anew, and at its two ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats import judge_calibrated, paired_t, ppi_mean

WIDE = (-1000.0, 1000.0)
"""A range that no simulated score reaches."""


def drawn(n: int, m: int, *, seed: int = 0, bias: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People's scores, the judge's of the same cases, and the judge's of the rest."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.3, 1.0, n + m)
    judge = bias + 0.8 * truth + rng.normal(0.0, 0.5, n + m)
    return truth[:n], judge[:n], judge[n:]


def papers(people: np.ndarray, judged: np.ndarray, rest: np.ndarray, lam: float | None) -> tuple[float, float, float]:
    """Estimate, weight and standard error as arXiv 2311.01453 has them (equations 2 and 6 for the mean)."""
    n, m = len(people), len(rest)
    if lam is None:
        every = np.concatenate([judged, rest])
        lam = float(np.cov(people, judged)[0, 1] / ((1 + n / m) * every.var(ddof=1)))
        lam = min(max(lam, 0.0), 1.0)
    estimate = lam * rest.mean() + (people - lam * judged).mean()
    every = np.concatenate([judged, rest])
    variance = lam**2 * every.var(ddof=1) / m + (people - lam * judged).var(ddof=1) / n
    return float(estimate), lam, float(np.sqrt(variance))


@pytest.mark.parametrize("lam", [None, 0.0, 0.4, 1.0])
@pytest.mark.parametrize(("n", "m"), [(50, 200), (200, 100), (400, 4000)])
def test_the_papers_formulas(n: int, m: int, lam: float | None) -> None:
    """Estimate, weight and error are the paper's; a tuned weight costs one degree of freedom."""
    people, judged, rest = drawn(n, m)
    found = ppi_mean(people, judged, rest, score_range=WIDE, lam=lam)
    estimate, weight, error = papers(people, judged, rest, lam)
    assert (found.estimate, found.lam) == pytest.approx((estimate, weight))
    correction = np.var(people - weight * judged, ddof=1) / n
    wider = correction / (n - 2) if lam is None else 0.0
    assert found.std_error == pytest.approx(np.sqrt(error**2 + wider))


def test_a_weight_of_0_is_the_peoples_mean() -> None:
    """With lambda 0 the interval is Student's t of the people's scores alone."""
    people, judged, rest = drawn(60, 500)
    found = ppi_mean(people, judged, rest, score_range=WIDE, lam=0.0)
    alone = scipy_stats.ttest_1samp(people, 0.0).confidence_interval(0.95)
    assert (found.estimate, found.low, found.high) == pytest.approx((people.mean(), alone.low, alone.high))


def test_a_weight_of_1_is_plain_ppi() -> None:
    """With lambda 1 it is the judge's mean of the rest plus the mean correction (Angelopoulos et al. 2023)."""
    people, judged, rest = drawn(60, 500)
    found = ppi_mean(people, judged, rest, score_range=WIDE, lam=1.0)
    assert found.estimate == pytest.approx(rest.mean() + (people - judged).mean())


def test_the_tuned_weight_is_the_best() -> None:
    """No other weight gives a smaller standard error, but for what its own degree of freedom costs."""
    people, judged, rest = drawn(400, 3000)
    tuned = ppi_mean(people, judged, rest, score_range=WIDE)
    fixed = {lam: ppi_mean(people, judged, rest, score_range=WIDE, lam=lam).std_error for lam in np.linspace(0, 1, 101)}
    assert 0.3 < tuned.lam < 0.95
    assert tuned.std_error < 1.005 * min(fixed.values()) < 0.7 * max(fixed.values())


def test_a_judge_that_is_right_narrows_and_one_that_guesses_does_no_harm() -> None:
    """The interval is narrower than the people's own with a good judge, hardly wider with a random one."""
    rng = np.random.default_rng(3)
    people, judged, rest = drawn(100, 2000)
    alone = ppi_mean(people, judged, rest, score_range=WIDE, lam=0.0)
    good = ppi_mean(people, judged, rest, score_range=WIDE)
    guessing = ppi_mean(people, rng.normal(size=100), rng.normal(size=2000), score_range=WIDE)
    assert good.high - good.low < 0.75 * (alone.high - alone.low)
    assert guessing.high - guessing.low < 1.03 * (alone.high - alone.low)


def test_a_constant_judge_weighs_nothing() -> None:
    """A judge that gives all the same score leaves the people's mean."""
    people, _, _ = drawn(60, 0)
    found = ppi_mean(people, np.ones(60), np.ones(300), score_range=WIDE)
    assert (found.lam, found.estimate) == (0.0, pytest.approx(people.mean()))


def test_all_cases_rated_leaves_the_people() -> None:
    """Where people rated every case, the judge is not needed."""
    people, judged, _ = drawn(60, 0)
    found = ppi_mean(people, judged, [], score_range=WIDE)
    assert (found.lam, found.estimate) == (0.0, pytest.approx(people.mean()))


def test_agreement_on_all_rated_cases_is_no_certainty() -> None:
    """A judge whom people never contradicted on 60 cases may still be wrong on 1 in 20: the interval says so."""
    rng = np.random.default_rng(0)
    judge = rng.choice([-1.0, 0.0, 1.0], size=2060, p=[0.05, 0.85, 0.1])
    found = ppi_mean(judge[:60], judge[:60], judge[60:], level=0.9, score_range=(-1.0, 1.0))
    assert found.low < found.estimate - 0.05
    assert found.high > found.estimate + 0.05


def test_ties_alone_prove_what_ties_prove() -> None:
    """59 rated ties, and a judge that sees ties only, prove "no worse than 5 points" as 59 ties do; 58 do not."""
    for n, proven in ((59, True), (58, False)):
        rest = np.zeros(400)
        found = judge_calibrated(
            np.zeros(n), np.zeros(n), rest, kind="no_worse", bound=0.05, alpha=0.05, score_range=(-1.0, 1.0)
        )
        assert (found.p_pass <= 0.05) is proven, n
        assert found.rated == n
        assert found.n == n + 400


def test_clusters_of_one_change_little_and_copies_do_not_narrow() -> None:
    """Labels of their own give nearly the plain interval; every case twice, in clusters of two, no narrower one."""
    people, judged, rest = drawn(60, 400)
    plain = ppi_mean(people, judged, rest, score_range=WIDE, lam=0.5)
    alone = ppi_mean(people, judged, rest, score_range=WIDE, lam=0.5, clusters=range(460))
    assert alone.high - alone.low == pytest.approx(plain.high - plain.low, rel=0.01)
    labels = [*np.repeat(range(60), 2), *np.repeat(range(60, 460), 2)]
    twice = ppi_mean(
        np.repeat(people, 2), np.repeat(judged, 2), np.repeat(rest, 2), score_range=WIDE, lam=0.5, clusters=labels
    )
    assert twice.high - twice.low == pytest.approx(plain.high - plain.low, rel=0.02)


def test_clusters_across_both_samples_are_tied() -> None:
    """A cluster with rated and unrated cases makes the two means vary together, which widens the interval."""
    rng = np.random.default_rng(5)
    effect = np.repeat(rng.normal(size=40), 4)
    truth = effect + rng.normal(0.0, 0.3, 160)
    judge = 0.3 * truth + rng.normal(0.0, 0.3, 160)
    order = np.argsort(np.tile([0, 1, 1, 1], 40), kind="stable")
    labels = np.repeat(range(40), 4)[order].tolist()
    rated, known, rest = truth[order][:40], judge[order][:40], judge[order][40:]
    tied = ppi_mean(rated, known, rest, score_range=WIDE, lam=0.5, clusters=labels)
    apart = ppi_mean(rated, known, rest, score_range=WIDE, lam=0.5, clusters=[*range(40), *range(100, 220)])
    assert tied.std_error > 1.05 * apart.std_error


@settings(deadline=None, max_examples=50)
@given(
    people=st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=3, max_size=40),
    seed=st.integers(0, 1000),
    m=st.integers(0, 60),
)
def test_exchanging_the_roles_flips_the_sign(people: list[float], seed: int, m: int) -> None:
    """Base for ft gives the negative interval, which holds the estimate and lies within the range."""
    rng = np.random.default_rng(seed)
    judge = rng.choice([-1.0, 0.0, 1.0], size=len(people) + m)
    scored = np.array(people)
    n = len(people)
    found = ppi_mean(scored, judge[:n], judge[n:], level=0.9, score_range=(-1.0, 1.0))
    turned = ppi_mean(-scored, -judge[:n], -judge[n:], level=0.9, score_range=(-1.0, 1.0))
    assert (turned.estimate, turned.low, turned.high) == pytest.approx(
        (-found.estimate, -found.high, -found.low), abs=1e-5
    )
    assert found.low <= found.estimate <= found.high
    assert found.low < found.high


@pytest.mark.parametrize(
    ("people", "judged", "rest", "message"),
    [
        ([1.0, 0.0], [1.0, 0.0], [1.0], "n == 2 rated cases, at least 3 needed"),
        ([1.0, 0.0, 1.0], [1.0, 0.0], [1.0], "must be"),
        ([1.0, 0.0, 2.0], [1.0, 0.0, 1.0], [1.0], "people"),
        ([1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [float("nan")], "rest"),
    ],
)
def test_what_cannot_be_is_refused(people: list[float], judged: list[float], rest: list[float], message: str) -> None:
    """Too few ratings, shapes that do not fit, scores outside the range: an error that names it."""
    with pytest.raises(StatisticsError, match=message):
        ppi_mean(people, judged, rest, score_range=(0.0, 1.0))


def test_a_weight_outside_is_refused() -> None:
    """The judge's weight is 0 to 1."""
    with pytest.raises(StatisticsError, match=r"lam == 1.5, must be in \[0, 1\]"):
        ppi_mean([0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0], score_range=(0.0, 1.0), lam=1.5)


def test_without_a_judge_it_is_the_paired_t() -> None:
    """With weight 0 and sparse differences the interval is the guarded t of people's differences."""
    rng = np.random.default_rng(1)
    people = rng.choice([-1.0, 0.0, 1.0], size=60, p=[0.1, 0.7, 0.2])
    found = ppi_mean(people, people, np.zeros(100), level=0.9, score_range=(-1.0, 1.0), lam=0.0)
    alone = paired_t(people, level=0.9, score_range=(0.0, 1.0))
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=1e-4)
