"""What a gate can claim: the kinds of claim, whether a bound can be meant, and how many cases it takes at the least.

It knows nothing of answers, and of numbers only what closed forms say; the tests proper are in stats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.errors import ConfigError

Kind = Literal["improves", "no_worse", "equivalent", "at_least", "never", "length_stable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an assertion says: its kind, its bound in the metric's units, and the error rate it allows.

    With `catastrophic` it asks whether a skill was kept: from that drop on a loss is called forgetting, and base must
    score as much above `chance` for a loss to show at all.
    """

    kind: Kind
    bound: float
    alpha: float
    catastrophic: float | None = None
    chance: float = 0.0

    def words(self, *, percent: bool) -> str:
        """The claim as a person says it, such as "no worse than 5.0"."""
        bound = f"{self.bound * 100:.1f}" if percent else f"{self.bound:g}"
        return {
            "improves": f"improves by {bound}",
            "no_worse": f"no worse than {bound}",
            "equivalent": f"equivalent within {bound}",
            "at_least": f"at least {bound}",
            "never": f"never more than {bound}",
            "length_stable": f"length ratio within {1 + self.bound:g}",
        }[self.kind]

    def zone(self, *, lower_is_better: bool = False) -> tuple[float | None, float | None]:
        """Between which values of delta (of ft, or of the ratio of lengths) the claim is true; None is no end.

        >>> Claim(kind="no_worse", bound=0.05, alpha=0.05).zone()
        (-0.05, None)
        """
        low, high = {
            "improves": (self.bound, None),
            "no_worse": (-self.bound, None),
            "equivalent": (-self.bound, self.bound),
            "at_least": (self.bound, None),
            "never": (None, self.bound),
            "length_stable": (1 / (1 + self.bound), 1 + self.bound),
        }[self.kind]
        if not lower_is_better or self.kind not in ("improves", "no_worse"):
            return low, high
        return None, None if low is None else 0.0 - low


def check_claim(claim: Claim, metric: Metric, name: str) -> None:
    """Refuse bounds that cannot be meant, such as a margin of 5 where 0.05 was meant."""
    argument = {
        "improves": "by",
        "no_worse": "margin",
        "equivalent": "within",
        "at_least": "floor",
        "never": "more_than",
        "length_stable": "within",
    }
    low, high = {
        "improves": (0.0, metric.span),
        "no_worse": (0.0, metric.span),
        "equivalent": (0.0, metric.span),
        "at_least": metric.score_range,
        "never": (0.0, 1.0),
        "length_stable": (0.0, 10.0),
    }[claim.kind]
    where = f"eval {name}: {argument[claim.kind]}={claim.bound!r}"
    number = isinstance(claim.bound, int | float) and not isinstance(claim.bound, bool)
    zero_is_meant = claim.kind == "improves" and claim.bound == 0
    if not number or not (low < claim.bound < high or zero_is_meant):
        hint = f"; five points are {0.05 * (high - low):g}" if number and claim.bound >= high else ""
        units = "a share of base's length" if claim.kind == "length_stable" else f"the units of {metric.name}{hint}"
        raise ConfigError(f"{where}; allowed: above {low:g} and below {high:g}, {units}")
    if claim.catastrophic is not None and not claim.bound < claim.catastrophic <= metric.span:
        raise ConfigError(
            f"eval {name}: catastrophic={claim.catastrophic!r}; allowed: above the acceptable drop {claim.bound:g} and"
            f" at most {metric.span:g}, the units of {metric.name}"
        )
    least, most = metric.score_range
    if claim.catastrophic is not None and not least <= claim.chance < most:
        raise ConfigError(
            f"eval {name}: chance={claim.chance!r}; allowed: a score of {metric.name}, {least:g} to {most:g}"
        )
    if claim.kind == "at_least" and metric.lower_is_better:
        raise ConfigError(f"{where} on {metric.name}, of which less is better; allowed: claims about ft and base")
    if not 0 < claim.alpha < 0.5:
        raise ConfigError(f"eval {name}: alpha={claim.alpha!r}; allowed: above 0 and below 0.5")


def shortfall(part: Comparison, claim: Claim) -> list[str]:
    """Say what a claim would need if every answer of ft were right and base's the same, when that is more than n.

    An improvement is given its best case: every case gained. Only plain binary comparisons are foretold.
    """
    if not part.metric.binary or part.metric.corpus is not None or claim.kind == "length_stable":
        return []
    if part.clusters is not None or any(len(grades) > 1 for grades in part.samples("ft")):
        return []
    unit = claim.bound / part.metric.span
    chance = {
        "improves": (1 + unit) / 2,
        "no_worse": 1 - unit,
        "equivalent": 1 - unit,
        "at_least": (claim.bound - part.metric.score_range[0]) / part.metric.span,
        "never": 1 - claim.bound,
    }[claim.kind]
    needed = math.ceil(math.log(claim.alpha) / math.log(chance) - 1e-9)
    if len(part) >= needed:
        return []
    if_so = "even if ft gains every case" if claim.kind == "improves" else "if ft makes no mistake that base does not"
    if claim.kind in ("at_least", "never"):
        if_so = "even if ft makes no mistake"
    which = f"{part.eval} {part.slice}".strip()
    text = claim.words(percent=part.metric.percent)
    return [f"{which}: {text} cannot be proven with {len(part)} cases, {if_so}: it takes at least {needed}"]
