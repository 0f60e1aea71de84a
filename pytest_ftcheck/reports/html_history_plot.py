"""Where things stand in the drawing of an eval's deltas over checkpoints. Numbers in, numbers out; it draws nothing.

Both axes are in pixels: a column has a width of its own, so that any number of them can be read, by scrolling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ftcheck.reports.figures import Scale
from pytest_ftcheck.reports.history import Checkpoint, Point
from pytest_ftcheck.reports.html_figures import Axis

HEIGHT, TOP, BOTTOM = 190.0, 10.0, 22.0
NARROWEST, WIDEST, ROOM = 26.0, 96.0, 470.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An estimate with its interval, whose ends are None where there is none."""

    x: float
    y: float
    low: float | None
    high: float | None
    decision: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The bound that a gate sets an eval's delta, across its column."""

    left: float
    right: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where the line begins anew, and why."""

    x: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One drawing. `ticks` are (y, text), `columns` (x, number of the checkpoint), `lines` points of SVG polylines."""

    width: float
    height: float
    zero: float
    ticks: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, int], ...]
    lines: tuple[str, ...]
    marks: tuple[Mark, ...]
    margins: tuple[Margin, ...]
    breaks: tuple[Break, ...]


def plot(points: Sequence[Point], columns: Sequence[Checkpoint], scale: Scale) -> Plot:
    """Draw an eval's points over all columns; the axis is written in `scale`."""
    step = min(WIDEST, max(NARROWEST, ROOM // len(columns)))
    place = {column.number: (at + 0.5) * step for at, column in enumerate(columns)}
    bounds = [bound for point in points for bound in point.margins]
    values = [point.number(name) for point in points for name in ("delta", "low", "high")]
    axis = Axis.over([*values, *bounds, 0.0])

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - axis.at(value) / 100), 2)

    marks: list[Mark] = []
    runs: list[list[str]] = []
    for point in points:
        delta, low, high = (point.number(name) for name in ("delta", "low", "high"))
        x = place[point.checkpoint.number]
        interval = scale.interval(low, high, signed=True)
        marks.append(
            Mark(
                x=x,
                y=y(delta or 0.0),
                low=None if low is None else y(low),
                high=None if high is None else y(high),
                decision=point.decision,
                title=f"{point.checkpoint.number}: {scale.signed(delta)} {interval}".strip(),
            )
        )
        if point.breaks or not runs:
            runs.append([])
        runs[-1].append(f"{x:g},{marks[-1].y:g}")
    return Plot(
        width=step * len(columns),
        height=HEIGHT,
        zero=y(0.0),
        ticks=tuple((y(tick), scale.signed(tick)) for tick in axis.ticks),
        columns=tuple((place[column.number], column.number) for column in columns),
        lines=tuple(" ".join(run) for run in runs if len(run) > 1),
        marks=tuple(marks),
        margins=tuple(
            Margin(
                left=place[point.checkpoint.number] - step / 2,
                right=place[point.checkpoint.number] + step / 2,
                y=y(bound),
            )
            for point in points
            for bound in point.margins
        ),
        breaks=tuple(
            Break(x=place[point.checkpoint.number] - step / 2, words=", ".join(point.breaks))
            for point in points
            if point.breaks
        ),
    )
