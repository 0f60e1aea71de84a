"""What a gate that asks whether a skill was kept calls its finding, and whether base could have shown a loss at all.

It knows no statistics: what is proven is in the verdict. docs/suites.md tells users the same.
"""

from __future__ import annotations

from pytest_ftcheck.claims import Claim
from pytest_ftcheck.comparison import Metric
from pytest_ftcheck.records import Decision, Verdict

AT_CHANCE = "base at chance: cannot tell"


def cannot_tell(claim: Claim, base: float | None, metric: Metric) -> str:
    """Say that base scores too little for a loss to show: less than a catastrophic drop above chance; else nothing.

    >>> from pytest_ftcheck.claims import Claim
    >>> claim = Claim(kind="no_worse", bound=0.05, alpha=0.05, catastrophic=0.15, chance=0.25)
    >>> cannot_tell(claim, 0.31, Metric(name="choice")), cannot_tell(claim, 0.40, Metric(name="choice"))
    ('base at chance: cannot tell', '')
    """
    if claim.catastrophic is None or base is None:
        return ""
    room = claim.chance - base if metric.lower_is_better else base - claim.chance
    return AT_CHANCE if room < claim.catastrophic - 1e-9 else ""


def is_win(verdict: Verdict, metric: Metric) -> bool:
    """Whether the whole interval of delta is on the better side of zero."""
    edge = verdict.high if metric.lower_is_better else verdict.low
    return edge is not None and (edge < 0 if metric.lower_is_better else edge > 0)


def called(verdict: Verdict, claim: Claim, metric: Metric) -> str:
    """Name a finding: the win, acceptable, watch, catastrophic forgetting; or that base could not have shown it.

    - **the win**: passed, and the interval lies above zero;
    - **acceptable**: passed: a drop of less than the acceptable one is proven;
    - **catastrophic forgetting**: failed, and the drop itself is at least the catastrophic one;
    - **watch**: failed with a smaller drop, or nothing is proven either way.
    """
    if verdict.decision is Decision.PASS:
        return "the win" if is_win(verdict, metric) else "acceptable"
    if verdict.decision is Decision.FAIL:
        drop = -(verdict.delta or 0.0) * (-1.0 if metric.lower_is_better else 1.0)
        catastrophic = claim.catastrophic is not None and drop >= claim.catastrophic - 1e-9
        return "catastrophic forgetting" if catastrophic else "watch: the drop is proven"
    if verdict.reason == AT_CHANCE:
        return AT_CHANCE
    if verdict.reason:
        return f"watch: {verdict.reason}"
    if verdict.needed_cases is not None:
        return f"watch: needs about {verdict.needed_cases} cases"
    return "watch: nothing proven either way"
