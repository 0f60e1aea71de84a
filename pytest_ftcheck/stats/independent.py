"""Two independent samples: the difference of their proportions or means, with intervals and tests against a margin.

For cases that no pairing ties together, such as training rows and held-out ones. It knows nothing of models.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr, stdtrit

from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.stats.decide import Evidence
from pytest_ftcheck.stats.inputs import Floats, as_scores, check_alpha, check_level, check_range
from pytest_ftcheck.stats.results import Interval, MeanInterval, Significance

STEPS = 60
"""Halvings of the search for a bound: to 1e-18 of the scale."""


def miettinen_nurminen_test(right: int, n: int, other_right: int, other_n: int, *, margin: float) -> Significance:
    """Test "share minus other share is at most `margin`" against greater, by the score statistic.

    Assumes independent cases in each of two independent samples. Source: Miettinen, Nurminen 1985 (Statistics in
    Medicine 4:213), restricted estimates in Farrington and Manning's closed form (1990, 9:1447).

    >>> miettinen_nurminen_test(56, 70, 48, 80, margin=0.0).p_value < 0.005
    True
    """
    _check(right, n, other_right, other_n)
    if not -1.0 < margin < 1.0:
        raise StatisticsError(f"margin == {margin!r}, must be in (-1, 1)")
    z = _score(right, n, other_right, other_n, margin)
    return Significance(right / n - other_right / other_n, n + other_n, "Miettinen-Nurminen", float(ndtr(-z)))


def miettinen_nurminen_interval(right: int, n: int, other_right: int, other_n: int, *, level: float = 0.95) -> Interval:
    """Bound the difference of two independent proportions by the score statistic.

    Source: as `miettinen_nurminen_test`; Newcombe 1998 (Statistics in Medicine 17:873), table II, gives for
    56/70 and 48/80 by this method:

    >>> found = miettinen_nurminen_interval(56, 70, 48, 80)
    >>> round(found.low, 4), round(found.high, 4)
    (0.0528, 0.3382)
    """
    check_level(level)
    _check(right, n, other_right, other_n)
    tail = (1.0 - level) / 2.0
    estimate = right / n - other_right / other_n

    def bound(start: float, sign: float) -> float:
        inside, outside = estimate, start
        for _ in range(STEPS):
            middle = (inside + outside) / 2.0
            p_value = float(ndtr(-sign * _score(right, n, other_right, other_n, middle)))
            inside, outside = (middle, outside) if p_value > tail else (inside, middle)
        return inside

    return Interval(estimate, bound(-1.0, 1.0), bound(1.0, -1.0), level, n + other_n, "Miettinen-Nurminen")


def welch_t(
    scores: ArrayLike, other: ArrayLike, *, level: float = 0.95, score_range: tuple[float, float] | None = None
) -> MeanInterval:
    """Bound the difference of two independent means, variances unequal (Welch-Satterthwaite).

    Assumes independent cases and means near normal. With `score_range` a sample that does not vary gets two
    pseudo-cases at the range's ends, which is conservative: what was not seen in it may still happen. Source: Welch
    1947 (Biometrika 34:28); Student's sleep data, as R's t.test has them:

    >>> one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    >>> found = welch_t(one, [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    >>> round(found.low, 4), round(found.high, 4), round(found.p_value, 5), round(found.dof, 3)
    (-3.3655, 0.2055, 0.07939, 17.776)
    """
    check_level(level)
    mine, theirs = as_scores("scores", scores), as_scores("other", other)
    if min(mine.size, theirs.size) < 2:
        raise StatisticsError(f"n == {mine.size} and {theirs.size} cases, at least 2 in each sample are needed")
    estimate = float(mine.mean() - theirs.mean())
    first, second = (_squared_error(each, score_range) for each in (mine, theirs))
    error = math.sqrt(first[0] + second[0])
    if error == 0.0:
        raise StatisticsError("neither sample varies, and no score_range is given: there is no interval")
    dof = (first[0] + second[0]) ** 2 / (first[0] ** 2 / (first[1] - 1) + second[0] ** 2 / (second[1] - 1))
    half = float(stdtrit(dof, (1.0 + level) / 2.0)) * error
    p_value = 2.0 * float(stdtr(dof, -abs(estimate) / error))
    n = int(mine.size + theirs.size)
    return MeanInterval(estimate, estimate - half, estimate + half, level, n, "Welch t", p_value, error, dof)


def judge_gap(
    scores: ArrayLike,
    other: ArrayLike,
    *,
    margin: float,
    alpha: float,
    binary: bool,
    score_range: tuple[float, float],
) -> Evidence:
    """Weigh the claim that the mean of `scores` is less than `margin` above that of `other`, an independent sample.

    `binary` scores lie at the ends of their range and are judged by Miettinen-Nurminen, others by Welch's t.
    """
    check_alpha(alpha)
    width, (low, _) = check_range(score_range), score_range
    mine, theirs = as_scores("scores", scores), as_scores("other", other)
    if binary:
        counts = [(round(float(((each - low) / width).sum())), int(each.size)) for each in (mine, theirs)]
        (right, n), (other_right, other_n) = counts
        bounds = miettinen_nurminen_interval(right, n, other_right, other_n, level=1.0 - 2.0 * alpha)
        above = miettinen_nurminen_test(right, n, other_right, other_n, margin=margin / width).p_value
        below = miettinen_nurminen_test(other_right, other_n, right, n, margin=-margin / width).p_value
        estimate, ends, method = bounds.estimate * width, (bounds.low * width, bounds.high * width), bounds.method
    else:
        found = welch_t(mine, theirs, level=1.0 - 2.0 * alpha, score_range=score_range)
        t = (found.estimate - margin) / found.std_error
        above, below = float(stdtr(found.dof, -t)), float(stdtr(found.dof, t))
        estimate, ends, method = found.estimate, (found.low, found.high), found.method
    return Evidence(
        estimate=estimate,
        low=ends[0],
        high=ends[1],
        level=1.0 - 2.0 * alpha,
        n=int(mine.size + theirs.size),
        method=method,
        p_pass=below,
        p_fail=above,
    )


def _squared_error(sample: Floats, score_range: tuple[float, float] | None) -> tuple[float, int]:
    """Return the squared standard error of a mean, and on how many values it rests."""
    if score_range is not None and float(sample.min()) == float(sample.max()):
        sample = np.concatenate([sample, np.asarray(score_range, dtype=float)])
    return float(sample.var(ddof=1)) / sample.size, int(sample.size)


def _score(right: int, n: int, other_right: int, other_n: int, difference: float) -> float:
    one, other = right / n, other_right / other_n
    least, most = max(0.0, difference), min(1.0, 1.0 + difference)
    ratio = other_n / n
    a = 1.0 + ratio
    b = -(1.0 + ratio + one + ratio * other + difference * (ratio + 2.0))
    c = difference**2 + difference * (2.0 * one + ratio + 1.0) + one + ratio * other
    d = -one * difference * (1.0 + difference)
    v = (b / (3.0 * a)) ** 3 - b * c / (6.0 * a * a) + d / (2.0 * a)
    u = math.copysign(math.sqrt(max((b / (3.0 * a)) ** 2 - c / (3.0 * a), 0.0)), v)
    w = 0.0 if u == 0.0 else (math.pi + math.acos(max(-1.0, min(1.0, v / u**3)))) / 3.0
    share = min(max(2.0 * u * math.cos(w) - b / (3.0 * a), least), most)
    shifted = min(max(share - difference, 0.0), 1.0)
    total = n + other_n
    variance = (share * (1.0 - share) / n + shifted * (1.0 - shifted) / other_n) * total / (total - 1.0)
    apart = one - other - difference
    if variance <= 0.0:
        return 0.0 if apart == 0.0 else math.copysign(math.inf, apart)
    return apart / math.sqrt(variance)


def _check(right: int, n: int, other_right: int, other_n: int) -> None:
    for count, of in ((right, n), (other_right, other_n)):
        if of < 1 or not 0 <= count <= of:
            raise StatisticsError(f"{count} right of {of}, must be 0 to n of at least 1 case")
    if n + other_n < 3:
        raise StatisticsError(f"n == {n} and {other_n} cases, at least 3 in all are needed")
