"""What an eval's summary says beyond its means: its slices, its distributions, its cases. It decides nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_ftcheck.comparison import Comparison, with_third
from pytest_ftcheck.judging import score_of
from pytest_ftcheck.records import CaseResult, Histogram, SliceSummary

MOST_VALUES = 40
"""A tag with more values than this names cases rather than slices."""
SCORE_BINS = 10


def slices_of(comparison: Comparison) -> tuple[SliceSummary, ...]:
    """Break a comparison down by every tag that has 40 values or fewer, tags and values in order."""
    names = sorted({name for result in comparison.cases for name in result.case.tags})
    return tuple(_slice(tag, value, part) for tag in names for value, part in _values(comparison, tag))


def histograms_of(comparison: Comparison) -> tuple[Histogram, ...]:
    """Count cases by score, unless it is right or wrong, and by the length of their answers."""
    found = []
    if not comparison.metric.binary:
        base, ft = comparison.scores("base"), comparison.scores("ft")
        found.append(_histogram("score", _even_edges(comparison.metric.score_range, [*base, *ft]), base, ft))
    base, ft = comparison.lengths("base"), comparison.lengths("ft")
    if max(*base, *ft) > 0:
        found.append(_histogram("length", _length_edges([*base, *ft]), base, ft))
    return tuple(found)


def cases_of(comparison: Comparison, results: Sequence[CaseResult]) -> tuple[CaseResult, ...]:
    """Return all of an eval's cases in their order, those that were paired with their scores and outcome."""
    scores = zip(comparison.cases, comparison.scores("base"), comparison.scores("ft"), strict=True)
    third = with_third(comparison)
    known = () if third is None else zip(third.cases, third.scores("base"), strict=True)
    also = {each.case.id: score for each, score in known}
    paired = {
        result.case.id: replace(
            result,
            outcome=comparison.metric.outcome(base, ft),
            base_score=base,
            ft_score=ft,
            also_score=also.get(result.case.id),
        )
        for result, base, ft in scores
    }
    return tuple(paired.get(result.case.id, result) for result in results)


def _values(comparison: Comparison, tag: str) -> Iterator[tuple[str, Comparison]]:
    if len({result.case.tags.get(tag) for result in comparison.cases}) <= MOST_VALUES:
        yield from comparison.by(tag).items()


def _slice(tag: str, value: str, part: Comparison) -> SliceSummary:
    base, ft = score_of(part, "base"), score_of(part, "ft")
    return SliceSummary(
        tag=tag,
        value=value,
        n=len(part),
        base=base,
        ft=ft,
        delta=None if base is None or ft is None else part.delta,
        gained=part.gained,
        lost=part.lost,
    )


def _histogram(name: str, edges: Sequence[float], base: Sequence[float], ft: Sequence[float]) -> Histogram:
    return Histogram(name=name, edges=tuple(edges), base=_counts(edges, base), ft=_counts(edges, ft))


def _counts(edges: Sequence[float], values: Sequence[float]) -> tuple[int, ...]:
    counts = [0] * (len(edges) - 1)
    for value in values:
        above = sum(value >= edge for edge in edges[1:-1])
        counts[above] += 1
    return tuple(counts)


def _even_edges(score_range: tuple[float, float], values: Sequence[float]) -> list[float]:
    """Return the edges of ten bins of one width over the metric's range, or over the values' where it has no end."""
    low, high = score_range
    low = low if math.isfinite(low) else min(values)
    high = high if math.isfinite(high) else max(values)
    high = high if high > low else low + 1.0
    return [low + (high - low) * step / SCORE_BINS for step in range(SCORE_BINS)] + [high]


def _length_edges(values: Sequence[float]) -> list[float]:
    """Return the edges 0, 1, 2, 5, 10, 20, 50 and so on, from the last below all values to the first above them.

    >>> _length_edges([3.0, 40.0])
    [2.0, 5.0, 10.0, 20.0, 50.0]
    """
    lowest, highest = min(values), max(values)
    steps = [0.0, *(mantissa * 10.0**power for power in range(12) for mantissa in (1, 2, 5))]
    first = max(number for number, step in enumerate(steps) if step <= lowest)
    last = next(number for number, step in enumerate(steps) if step > highest)
    return steps[first : last + 1]
