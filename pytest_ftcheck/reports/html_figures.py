"""Where things stand in the page's drawings: axes, intervals, flows, bars. Numbers in, numbers out; it draws nothing.

Positions along an axis are percent of its length, so that drawings stretch with the page and no text is scaled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FLOW_WIDTH, FLOW_HEIGHT, FLOW_BAR = 240.0, 96.0, 10.0
MOST_TICKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis from `low` to `high`, with round numbers as ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Iterable[float | None]) -> Axis:
        """Return the axis that holds all of `values` with a little room at both ends.

        >>> Axis.over([-0.38, 0.0, 0.29]).ticks
        (-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
        """
        known = [value for value in values if value is not None and math.isfinite(value)] or [0.0]
        low, high = min(known), max(known)
        room = (high - low) * 0.06 or abs(high) * 0.1 or 0.1
        low, high = low - room, high + room
        step = _round_step((high - low) / MOST_TICKS)
        first, last = math.ceil(low / step), math.floor(high / step)
        ticks = tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))
        # A tick at the very end may be rounded past it.
        return cls(low=min(low, *ticks[:1]), high=max(high, *ticks[-1:]), ticks=ticks)

    def at(self, value: float) -> float:
        """Return where a value stands, in percent of the axis, cut at its ends."""
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """One row of a forest plot, in percent of its axis: estimate, interval, zero, and where the claim is true."""

    at: float
    low: float
    high: float
    zero: float | None
    zone: tuple[float, float] | None

    @property
    def width(self) -> float:
        """Width of the interval."""
        return round(self.high - self.low, 3)


def whisker(
    axis: Axis,
    at: float,
    low: float | None,
    high: float | None,
    *,
    zone: tuple[float | None, float | None],
    zero: bool,
) -> Whisker:
    """Place an estimate on an axis; an interval or zone without an end runs to the axis's own."""
    above, below = zone
    open_zone = above is None and below is None
    return Whisker(
        at=axis.at(at),
        low=0.0 if low is None else axis.at(low),
        high=100.0 if high is None else axis.at(high),
        zero=axis.at(0.0) if zero else None,
        zone=None
        if open_zone
        else (0.0 if above is None else axis.at(above), 100.0 if below is None else axis.at(below)),
    )


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A band of a flow: its kind and its outline as an SVG path."""

    kind: str
    path: str


def flow(both_right: int, gained: int, lost: int, both_wrong: int) -> tuple[Ribbon, ...]:
    """Draw how pairs flow from base (left: right above wrong) to ft (right, alike): one ribbon per kind of pair."""
    total = both_right + gained + lost + both_wrong
    if not total:
        return ()
    unit = FLOW_HEIGHT / total
    # From the top: on the left what base had right, on the right what ft has right.
    left = {"right": 0, "lost": both_right, "gained": both_right + lost, "wrong": both_right + lost + gained}
    right = {"right": 0, "gained": both_right, "lost": both_right + gained, "wrong": both_right + gained + lost}
    counts = {"right": both_right, "wrong": both_wrong, "gained": gained, "lost": lost}
    return tuple(
        Ribbon(kind, _ribbon(left[kind] * unit, right[kind] * unit, number * unit))
        for kind, number in counts.items()
        if number
    )


def columns(counts: Sequence[int], most: int, *, height: float) -> list[float]:
    """Return the heights of bars."""
    return [round(height * number / most, 2) if most else 0.0 for number in counts]


def _ribbon(left: float, right: float, thickness: float) -> str:
    start, end, middle = FLOW_BAR, FLOW_WIDTH - FLOW_BAR, FLOW_WIDTH / 2
    return (
        f"M{start:g} {left:.2f}C{middle:g} {left:.2f} {middle:g} {right:.2f} {end:g} {right:.2f}"
        f"V{right + thickness:.2f}C{middle:g} {right + thickness:.2f} {middle:g} {left + thickness:.2f}"
        f" {start:g} {left + thickness:.2f}Z"
    )


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is `least` or more."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))
