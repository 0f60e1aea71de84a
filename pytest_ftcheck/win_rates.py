"""Win rates of a comparison whose judge opposed the two roles' answers: the plain one, and the one at equal length.

It is reported beside the verdict and decides none: the gate reads the judge's scores. Imported by `judging`.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import fmean

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.records import WinRate
from pytest_ftcheck.reports.figures import Scale, proportion
from pytest_ftcheck.stats.length_control import LengthControlledWinRate, length_controlled_win_rate

LEVEL = 0.90
SEED = 0


def win_rate(comparison: Comparison) -> WinRate | None:
    """Return ft's win rate with ties counted half, and at equal length; None where no answers were opposed."""
    if not comparison.metric.opposes:
        return None
    low, _ = comparison.metric.score_range
    wins = tuple((score - low) / comparison.metric.span for score in comparison.scores("ft"))
    longer = tuple(ft - base for base, ft in zip(comparison.lengths("base"), comparison.lengths("ft"), strict=True))
    clusters = comparison.clusters
    try:
        found = _controlled(wins, longer, None if clusters is None else tuple(clusters))
    except StatisticsError as error:
        return WinRate(raw=fmean(wins), reason=str(error))
    return WinRate(raw=found.raw, at_equal_length=found.estimate, low=found.low, high=found.high, level=found.level)


def win_rate_words(rate: WinRate) -> str:
    """Write a win rate on one line.

    >>> win_rate_words(WinRate(raw=0.7, at_equal_length=0.612, low=0.55, high=0.671, level=0.9))
    'win rate 70.0 %, at equal length 61.2 %, 90 % CI [55.0, 67.1]'
    """
    scale = Scale.of(percent=True)
    if rate.at_equal_length is None or rate.level is None:
        return f"win rate {scale.value(rate.raw)}, at equal length not told: {rate.reason}"
    interval = scale.interval(rate.low, rate.high, signed=False)
    controlled = f"at equal length {scale.value(rate.at_equal_length)}, {proportion(rate.level)} CI {interval}"
    return f"win rate {scale.value(rate.raw)}, {controlled}"


@lru_cache(maxsize=32)
def _controlled(
    wins: tuple[float, ...], longer: tuple[float, ...], clusters: tuple[str, ...] | None
) -> LengthControlledWinRate:
    return length_controlled_win_rate(wins, longer, seed=SEED, level=LEVEL, clusters=clusters)
