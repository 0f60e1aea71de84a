"""The numbers of the page: each is looked up in the run's document, and carries where it stands there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pytest_ftcheck.reports.figures import Scale, count, p_value, proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number as it is shown, with its value and its JSON pointer in the run's document."""

    text: str
    value: float | int
    path: str


@dataclass(frozen=True)
class Facts:
    """A part of a run's document, at `path` in it."""

    found: Mapping[str, Any]
    path: str = ""
    given: Scale | None = None

    def part(self, *steps: str | int) -> Facts:
        """Return what stands below: of the steps gates and 0 the first gate."""
        found: Any = self.found
        for step in steps:
            found = found[step]
        return Facts(found, f"{self.path}/{'/'.join(map(str, steps))}")

    def parts(self, name: str) -> list[Facts]:
        """Return the entries of a list."""
        return [self.part(name, number) for number in range(len(self.found.get(name) or ()))]

    def third(self) -> Facts | None:
        """Return the third model's figures, in the scale of those that they stand beside; None without one."""
        found = self.found.get("also")
        return None if found is None else Facts(found, f"{self.path}/also", self.scale)

    def figure(self, name: str, write: Callable[[Any], str]) -> Figure | None:
        """Return a number written by `write`; None where there is none."""
        value = self.found.get(name)
        return None if value is None else Figure(text=write(value), value=value, path=f"{self.path}/{name}")

    @cached_property
    def scale(self) -> Scale:
        """The scale of base, ft, delta and their interval, as the terminal writes them."""
        if self.given is not None:
            return self.given
        names = ("base", "ft", "delta", "low", "high")
        percent = self.found.get("percent")
        if percent is None:
            percent = self.found.get("binary") or list(self.found.get("score_range", ())) == [0.0, 1.0]
        return Scale.of(*(self.found.get(name) for name in names), percent=bool(percent))

    def score(self, name: str) -> Figure | None:
        """Return base's or ft's score."""
        return self.figure(name, self.scale.value)

    def difference(self, name: str) -> Figure | None:
        """Return a difference, signed."""
        return self.figure(name, self.scale.signed)

    def bound(self, name: str) -> Figure | None:
        """Return an end of the interval: signed where it bounds a difference."""
        return self.figure(name, self.scale.plain if self.found.get("delta") is None else self.scale.signed)

    def count(self, name: str) -> Figure | None:
        """Return a count."""
        return self.figure(name, lambda number: f"{number:,}")

    def share(self, name: str) -> Figure | None:
        """Return a level."""
        return self.figure(name, proportion)

    def p(self) -> Figure | None:
        """Return the p value of what was decided."""
        name = "p_fail" if self.found.get("verdict") == "fail" else "p_value"
        return self.figure(name, lambda value: p_value(value, self.found.get("alpha")))

    def cases(self, name: str) -> Figure | None:
        """Return a number of cases, in words."""
        return self.figure(name, lambda number: count(number, "case"))


def finite(value: Any) -> float | None:
    """Return a number, or None for what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
