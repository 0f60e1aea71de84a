"""Error rates of a biased judge, believed as it is and corrected by people: simulated, with the truth known.

The judge calls a good answer good in 92 % and a bad one bad in 70 % (sensitivity and specificity). It says of each
answer what it says: so it halves what ft gained or lost, whatever the number of cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from pytest_ftcheck.stats import judge_calibrated, judge_delta

pytestmark = pytest.mark.slow

SENSITIVITY, SPECIFICITY = 0.92, 0.70
REPEATS = 500
ALPHA = 0.05
Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Rates:
    """Shares over simulated runs; `covered` is of the interval at level 1 - 2 alpha."""

    covered: float
    passed: float
    failed: float


def by_a_judge(rng: np.random.Generator, good: np.ndarray) -> np.ndarray:
    """What the judge says of answers that are good or not."""
    says = np.where(good == 1.0, rng.random(len(good)) < SENSITIVITY, rng.random(len(good)) >= SPECIFICITY)
    return says.astype(float)


def pairs(rng: np.random.Generator, n: int, delta: float, discordant: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw whether base's and ft's answers are good, with a true delta; half of the rest are good."""
    gained, lost = (discordant + delta) / 2, (discordant - delta) / 2
    same = (1.0 - discordant) / 2
    kind = rng.choice(4, size=n, p=[gained, lost, same, same])
    return np.isin(kind, (1, 2)).astype(float), np.isin(kind, (0, 2)).astype(float)


def rates(delta: float, margin: float, *, n: int, rated: int, alpha: float = ALPHA, repeats: int = REPEATS) -> Rates:
    """Judge "no worse than the margin" in many runs, by the judge alone or corrected by people where some are rated."""
    rng = np.random.default_rng([n, rated])
    covered = passed = failed = 0
    for _ in range(repeats):
        base, ft = pairs(rng, n, delta, 0.3)
        base_said, ft_said = by_a_judge(rng, base), by_a_judge(rng, ft)
        people, judge = ft - base, ft_said - base_said
        if rated:
            found = judge_calibrated(
                people[:rated],
                judge[:rated],
                judge[rated:],
                kind="no_worse",
                bound=margin,
                alpha=alpha,
                score_range=(-1.0, 1.0),
            )
        else:
            found = judge_delta(base_said, ft_said, margin=margin, kind="no_worse", alpha=alpha)
        covered += found.low <= delta <= found.high
        passed += found.p_pass <= alpha
        failed += found.p_fail <= alpha
    return Rates(covered / repeats, passed / repeats, failed / repeats)


def allowed(rate: float) -> float:
    """Rate plus three standard errors of the simulation."""
    return rate + 3.0 * math.sqrt(rate * (1.0 - rate) / REPEATS)


@pytest.mark.parametrize(("n", "delta"), [(400, -0.15), (1000, 0.2)])
def test_a_biased_judge_is_not_covered(n: int, delta: float) -> None:
    """The judge's own 95 % interval misses the truth in far more than 5 of 100 runs, and the more cases the more."""
    assert rates(delta, 0.1, n=n, rated=0, alpha=0.025, repeats=150).covered < 0.85


def test_a_biased_judge_passes_what_is_too_bad() -> None:
    """Believed as it is, the judge passes a fine-tune on the margin in most runs."""
    assert rates(-0.15, 0.15, n=600, rated=0, repeats=150).passed > 0.3


@pytest.mark.parametrize("rated", [50, 100])
@pytest.mark.parametrize(("n", "delta"), [(400, -0.15), (1000, 0.2)])
def test_corrected_by_people_it_is_covered(n: int, delta: float, rated: int) -> None:
    """With 50 or 100 cases rated by people the 95 % interval holds the truth in at least 93 of 100 runs."""
    assert rates(delta, 0.1, n=n, rated=rated, alpha=0.025).covered >= 0.93


@pytest.mark.parametrize("rated", [50, 100])
@pytest.mark.parametrize(("n", "margin"), [(150, 0.1), (1000, 0.15)])
def test_corrected_it_passes_on_the_margin_at_most_at_alpha(n: int, margin: float, rated: int) -> None:
    """A fine-tune that is worse by the margin itself passes, and fails, at most in 5 of 100 runs."""
    found = rates(-margin, margin, n=n, rated=rated)
    assert max(found.passed, found.failed) <= allowed(ALPHA)


def rare_losses(judge: str) -> Draw:
    """Draw differences of which one in twenty is a loss, and what a judge says of them."""

    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        people = -(rng.random(n) < 0.05).astype(float)
        seen = {"blind": 0.0, "half": (rng.random(n) < 0.5) * people, "perfect": people, "inverted": -people}
        return people, np.zeros(n) + seen[judge]

    return draw


@pytest.mark.parametrize("rated", [50, 100])
@pytest.mark.parametrize("judge", ["blind", "half", "perfect", "inverted"])
def test_rare_losses_do_not_slip_through(judge: str, rated: int) -> None:
    """One loss in twenty, just the margin, seen by the judge or not: at most 5 passes in 100 runs."""
    rng = np.random.default_rng(rated)
    passes = 0
    for _ in range(REPEATS):
        people, said = rare_losses(judge)(rng, 300)
        found = judge_calibrated(
            people[:rated],
            said[:rated],
            said[rated:],
            kind="no_worse",
            bound=0.05,
            alpha=ALPHA,
            score_range=(-1.0, 1.0),
        )
        passes += found.p_pass <= ALPHA
    assert passes / REPEATS <= allowed(ALPHA)


def test_corrected_gates_are_not_merely_silent() -> None:
    """A fine-tune that is no worse passes a margin of 15 points in most runs with 100 ratings, a bad one fails."""
    assert rates(0.05, 0.15, n=1000, rated=100, repeats=100).passed > 0.5
    assert rates(-0.3, 0.05, n=1000, rated=100, repeats=100).failed > 0.9
