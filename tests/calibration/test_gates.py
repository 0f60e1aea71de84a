"""Error rates of the assertions themselves, on simulated comparisons with the truth exactly on the margin.

What `test_margins.py` shows of the statistics is shown here of the whole way from grades to a gate's verdict: a PASS
that is not deserved, and a FAIL that is not, each at most alpha within the simulation's error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from pytest_ftcheck import assert_at_least, assert_equivalent, assert_improves, assert_never, assert_no_worse
from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.errors import CheckFailed, Undecided
from pytest_ftcheck.records import Case, CaseResult, Grade, Verdict

pytestmark = pytest.mark.slow

METRIC = Metric(name="exact_match")
ALPHA = 0.05
REPEATS = 1000
SIZES = [20, 50, 100, 200, 500]
Table = tuple[int, int, int, int]
"""Counts of cases that are both right, gained, lost and both wrong."""
Draw = Callable[[np.random.Generator], Table]
Assertion = Callable[[Comparison], Verdict]


@cache
def result(tag: str, number: int, base: float, ft: float) -> CaseResult:
    """A graded case; thousands of comparisons are made of the same."""
    return CaseResult(
        case=Case(id=f"{tag} {number}", input="q", tags={"part": tag}),
        base_answers=(),
        ft_answers=(),
        base_grades={METRIC.name: (Grade(base),)},
        ft_grades={METRIC.name: (Grade(ft),)},
    )


def comparison(table: Table, tag: str = "all") -> Comparison:
    """Make the comparison of a table, each case tagged."""
    pairs = ((1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0))
    scores = [pair for pair, count in zip(pairs, table, strict=True) for _ in range(count)]
    cases = tuple(result(tag, number, base, ft) for number, (base, ft) in enumerate(scores))
    return Comparison(eval="test_simulated", metrics=(METRIC,), cases=cases, metric=METRIC)


def verdict(judge: Assertion, simulated: Comparison) -> str:
    """What a gate with this assertion alone would be: pass, fail or inconclusive."""
    try:
        judge(simulated)
    except Undecided:
        return "inconclusive"
    except CheckFailed:
        return "fail"
    return "pass"


def rates(draw: Draw, judge: Assertion, *, seed: int, repeats: int = REPEATS) -> dict[str, float]:
    """Share of each verdict over simulated runs; equal tables are judged once."""
    rng = np.random.default_rng(seed)
    tables = Counter(draw(rng) for _ in range(repeats))
    found: Counter[str] = Counter()
    for table, count in tables.items():
        found[verdict(judge, comparison(table))] += count
    return {name: found[name] / repeats for name in ("pass", "fail", "inconclusive")}


def allowed(rate: float = ALPHA, repeats: int = REPEATS) -> float:
    """Rate plus three standard errors of the simulation."""
    return rate + 3.0 * math.sqrt(rate * (1.0 - rate) / repeats)


def drawn(n: int, delta: float, discordant: float) -> Draw:
    """Draw tables of `n` cases with a true delta and a true share of cases on which the two roles differ."""
    gained, lost = (discordant + delta) / 2, (discordant - delta) / 2

    def draw(rng: np.random.Generator) -> Table:
        better, worse, same = (int(count) for count in rng.multinomial(n, [gained, lost, 1.0 - discordant]))
        # How many of the rest are right is no part of a paired judgement; always the same, equal tables are many.
        return same, better, worse, 0

    return draw


def level(n: int) -> float:
    """What alpha .05 is held to: exactly up to 300 cases, where Tango begins, which is known to reach 5.2 %."""
    return 0.052 if n > 300 else ALPHA


@pytest.mark.parametrize("discordant", [0.06, 0.2])
@pytest.mark.parametrize("n", SIZES)
def test_no_worse(n: int, discordant: float) -> None:
    """A fine-tune that is worse by the margin itself passes, and fails, at most in 5 of 100 runs."""
    found = rates(drawn(n, -0.05, discordant), lambda c: assert_no_worse(c, margin=0.05), seed=n)
    assert max(found["pass"], found["fail"]) <= allowed(level(n))


@pytest.mark.parametrize(("by", "discordant"), [(0.0, 0.15), (0.05, 0.2)])
@pytest.mark.parametrize("n", SIZES)
def test_improves(n: int, by: float, discordant: float) -> None:
    """A fine-tune that is better by just what was to be exceeded passes, and fails, at most in 5 of 100 runs."""
    found = rates(drawn(n, by, discordant), lambda c: assert_improves(c, by=by), seed=n)
    assert max(found["pass"], found["fail"]) <= allowed(level(n))


@pytest.mark.parametrize("delta", [-0.05, 0.05])
@pytest.mark.parametrize("n", [100, 500])
def test_equivalent(n: int, delta: float) -> None:
    """A fine-tune on either edge of the equivalence range passes at most in 5 of 100 runs."""
    found = rates(drawn(n, delta, 0.1), lambda c: assert_equivalent(c, within=0.05), seed=n)
    assert found["pass"] <= allowed(level(n))


@pytest.mark.parametrize("n", SIZES)
def test_at_least(n: int) -> None:
    """A fine-tune exactly on its floor passes, and fails, at most in 5 of 100 runs, whatever base is."""

    def draw(rng: np.random.Generator) -> Table:
        right = int(rng.binomial(n, 0.9))
        return right, 0, 0, n - right

    found = rates(draw, lambda c: assert_at_least(c, floor=0.9), seed=n)
    assert max(found["pass"], found["fail"]) <= allowed()


@pytest.mark.parametrize("n", [100, 200, 500])
def test_never(n: int) -> None:
    """A fine-tune that does what it must not exactly as often as is tolerated passes at most in 1 of 100 runs."""

    def draw(rng: np.random.Generator) -> Table:
        bad = int(rng.binomial(n, 0.05))
        return n - bad, 0, bad, 0

    found = rates(draw, lambda c: assert_never(c, more_than=0.05), seed=n)
    assert found["pass"] <= allowed(0.01)


def test_slices() -> None:
    """With one slice of three on the margin and the others better, the gate passes at most in 5 of 100 runs."""
    n, repeats = 100, 150
    rng = np.random.default_rng(n)
    passes = 0
    for _ in range(repeats):
        parts = [comparison(drawn(n, delta, 0.2)(rng), tag) for tag, delta in (("a", -0.05), ("b", 0.1), ("c", 0.1))]
        whole = Comparison(
            eval="test_simulated",
            metrics=(METRIC,),
            cases=tuple(case for p in parts for case in p.cases),
            metric=METRIC,
        )
        passes += verdict(lambda c: assert_no_worse(c, margin=0.05, per="part"), whole) == "pass"
    assert passes / repeats <= allowed(repeats=repeats)


@pytest.mark.parametrize("n", [200, 500])
def test_the_gates_are_not_merely_silent(n: int) -> None:
    """With the truth well inside the margin most runs pass, and well outside it most fail: the rates above mean it."""
    inside = rates(drawn(n, 0.02, 0.06), lambda c: assert_no_worse(c, margin=0.05), seed=n, repeats=200)
    outside = rates(drawn(n, -0.2, 0.3), lambda c: assert_no_worse(c, margin=0.05), seed=n, repeats=200)
    assert inside["pass"] > 0.8
    assert outside["fail"] > 0.8
