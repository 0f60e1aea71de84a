"""The length-controlled win rate, against an independent fit and the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.length_control import RIDGE, length_controlled_win_rate


def drawn(seed: int, n: int, *, preference: float = 0.3, of_length: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Return wins, a tenth of them ties, and length differences, of a judge that likes length."""
    rng = np.random.default_rng(seed)
    longer = rng.normal(60, 120, n).round()
    share = 1 / (1 + np.exp(-(preference + of_length * np.tanh(longer / longer.std()))))
    return np.where(rng.random(n) < 0.1, 0.5, rng.random(n) < share), longer


def oracle(wins: np.ndarray, longer: np.ndarray) -> tuple[float, float]:
    """Fit scikit-learn's logistic regression, a tie as half a win and half a loss; its ridge spares the intercept."""
    x = np.tanh(longer / longer.std())
    fit = LogisticRegression(C=1 / RIDGE, tol=1e-12, max_iter=10_000)
    fit.fit(np.concatenate([x, x])[:, None], np.repeat([1, 0], len(x)), np.concatenate([wins, 1 - wins]))
    return float(1 / (1 + np.exp(-fit.intercept_[0]))), float(fit.coef_[0, 0])


@pytest.mark.parametrize(("seed", "n"), [(0, 40), (1, 100), (2, 400)])
def test_it_is_the_fit_of_scikit_learn(seed: int, n: int) -> None:
    """Win rate at equal length and slope are those of an independent fit."""
    wins, longer = drawn(seed, n)
    found = length_controlled_win_rate(wins, longer, seed=0, resamples=10)
    assert (found.estimate, found.slope) == pytest.approx(oracle(wins, longer), abs=1e-5)
    assert found.raw == wins.mean()


def test_the_interval_is_that_of_fits_of_resamples() -> None:
    """Its ends are quantiles of the fits of resampled cases, each with its own spread of lengths."""
    wins, longer = drawn(3, 60)
    found = length_controlled_win_rate(wins, longer, seed=7, level=0.9, resamples=40)
    counts = np.random.default_rng(7).multinomial(60, np.full(60, 1 / 60), size=40)
    fits = [oracle(np.repeat(wins, row), np.repeat(longer, row))[0] for row in counts]
    assert (found.low, found.high) == pytest.approx(np.quantile(fits, [0.05, 0.95]), abs=1e-4)


def test_a_seed_gives_the_same_interval() -> None:
    """The bootstrap is drawn from the seed alone."""
    wins, longer = drawn(4, 50)
    one, same, other = (length_controlled_win_rate(wins, longer, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.low != other.low


def test_a_win_that_length_explains_is_taken_back() -> None:
    """Where ft is no better but longer, and the judge likes length, the raw rate is high and the controlled a half."""
    wins, longer = drawn(5, 4000, preference=0.0, of_length=2.0)
    found = length_controlled_win_rate(wins, longer, seed=0, resamples=100)
    assert found.raw > 0.58
    assert found.low < 0.5 < found.high


def test_equal_lengths_control_nothing() -> None:
    """Without a difference of length the rate is the raw one."""
    found = length_controlled_win_rate([1, 1, 0, 0.5], [0, 0, 0, 0], seed=0)
    assert (found.estimate, found.slope) == pytest.approx((0.625, 0.0))


@given(seed=st.integers(0, 500), n=st.integers(5, 40))
def test_exchanging_roles_mirrors_it(seed: int, n: int) -> None:
    """Swapping base and ft flips the rate about a half, and the interval with it."""
    wins, longer = drawn(seed, n)
    found = length_controlled_win_rate(wins, longer, seed=0, resamples=20)
    mirrored = length_controlled_win_rate(1 - wins, -longer, seed=0, resamples=20)
    assert mirrored.estimate == pytest.approx(1 - found.estimate, abs=1e-6)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-6)


@pytest.mark.parametrize("won", [0.0, 1.0])
def test_all_won_or_lost_is_finite(won: float) -> None:
    """A side that wins all cases has its rate, and so has a preference that length tells without a miss."""
    found = length_controlled_win_rate([won] * 20, range(20), seed=0)
    assert found.estimate == pytest.approx(won, abs=1e-6)
    split = length_controlled_win_rate([0.0] * 10 + [1.0] * 10, range(-10, 10), seed=0)
    assert 0.0 < split.low <= split.estimate <= split.high < 1.0


def test_clusters_are_drawn_whole() -> None:
    """Twins of every case, in clusters of two, have the interval of the single cases."""
    wins, longer = drawn(6, 80)
    single = length_controlled_win_rate(wins, longer, seed=3)
    labels = [f"c{at:03}" for at in range(80)]
    twins = length_controlled_win_rate([*wins, *wins], [*longer, *longer], seed=3, clusters=labels * 2)
    alone = length_controlled_win_rate([*wins, *wins], [*longer, *longer], seed=3)
    assert twins.high - twins.low == pytest.approx(single.high - single.low, rel=0.05)
    assert alone.high - alone.low < 0.85 * (twins.high - twins.low)


@pytest.mark.parametrize(
    ("wins", "longer", "message"),
    [
        ([1.0], [3], r"at least 2"),
        ([1, 0, 1], [5, 5, 5], r"every answer of ft is longer by 5, must differ"),
        ([1, 2], [0, 1], r"wins"),
        ([1, 0], [0, 1, 2], r"must be the same cases"),
    ],
)
def test_what_gives_no_rate_is_refused(wins: list[float], longer: list[float], message: str) -> None:
    """The error says what is lacking."""
    with pytest.raises(StatisticsError, match=message):
        length_controlled_win_rate(wins, longer, seed=0)
