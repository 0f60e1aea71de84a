"""How the page draws the curves of a training: one line a curve over common axes."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ftcheck.reports.html_facts import Facts, finite
from pytest_ftcheck.reports.html_figures import Axis

LEFT, WIDTH, HEIGHT = 44.0, 712.0, 200.0
KINDS = {"training": "base", "validation": "ft"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One curve: its name, its colour, and the points of its line."""

    name: str
    kind: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingView:
    """The drawing of a training: lines, ticks of both axes, where the best step stands, and the same in words."""

    facts: Facts
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    best: float | None
    words: str


def training_view(facts: Facts) -> TrainingView:
    """Place the curves of a training; losses that are no numbers leave a line shorter."""
    drawn = [(name, points) for name in ("training", "validation") if (points := _points(facts.found[name]))]
    across = Axis.over([step for _, points in drawn for step, _ in points])
    up = Axis.over([loss for _, points in drawn for _, loss in points])
    best = finite(facts.found["best_step"])
    return TrainingView(
        facts=facts,
        lines=tuple(
            Line(
                name=name,
                kind=KINDS[name],
                points=" ".join(f"{_x(across, step):.1f},{_y(up, loss):.1f}" for step, loss in points),
            )
            for name, points in drawn
        ),
        across=tuple((round(_x(across, tick), 1), f"{tick:g}") for tick in across.ticks),
        up=tuple((round(_y(up, tick), 1), f"{tick:g}") for tick in up.ticks),
        best=None if best is None or not drawn else round(_x(across, best), 1),
        words="; ".join(f"{name} from {points[0][1]:g} to {points[-1][1]:g}" for name, points in drawn),
    )


def _points(losses: list[list[float | None]]) -> list[tuple[float, float]]:
    pairs = ((finite(step), finite(loss)) for step, loss in losses)
    return [(step, loss) for step, loss in pairs if step is not None and loss is not None]


def _x(axis: Axis, step: float) -> float:
    return LEFT + axis.at(step) * WIDTH / 100


def _y(axis: Axis, loss: float) -> float:
    return HEIGHT - axis.at(loss) * HEIGHT / 100
