"""The third model of a run (--also) beside a verdict or an eval: its score, and ft's difference to it.

Nothing that it finds, and no failure of it, reaches a verdict. Imported with judging, since it asks the statistics.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_ftcheck.claims import Claim
from pytest_ftcheck.comparison import Comparison, has_third, with_third
from pytest_ftcheck.judging import Event, judge
from pytest_ftcheck.records import CaseResult, ThirdScore

OF_FT_ALONE = ("at_least", "never", "length_stable")


def third_score(comparison: Comparison, claim: Claim | None = None, event: Event | None = None) -> ThirdScore | None:
    """Return what stands beside a claim, or without one beside an eval; None where the run has no third model.

    Its figures are those that the claim's verdict would have with the third model in base's place; beside a claim about
    ft alone, those with the third model in ft's.
    """
    third = with_third(comparison)
    if third is None:
        return None
    metric = comparison.metric
    if metric.opposes:
        return ThirdScore(reason=f"{metric.name} compares base and ft alone")
    blank = ThirdScore(n=len(third), missing=len(comparison) - len(third))
    if not third.cases:
        return replace(blank, reason="no answer")
    claim = replace(claim, catastrophic=None) if claim is not None else _no_claim(comparison)
    try:
        return _beside(blank, third, comparison, claim, event)
    except Exception as error:  # noqa: BLE001 - the boundary: an event may raise anything, and no verdict rests on this
        return replace(blank, reason=f"{type(error).__name__}: {error}")


def _beside(
    blank: ThirdScore, third: Comparison, comparison: Comparison, claim: Claim, event: Event | None
) -> ThirdScore:
    alone = claim.kind in OF_FT_ALONE
    if alone:
        third = replace(third, cases=_in_fts_place(comparison))
    found = judge(third, claim, slices={}, event=event)
    bounded = found.low is not None or found.high is not None
    blank = replace(blank, score=found.ft if alone else found.base, reason="" if bounded else found.reason)
    if not alone and comparison.metric.name in comparison.apart:
        return replace(blank, reason=f"by {comparison.metric.name} it does not compare with ft")
    bounds = replace(blank, low=found.low, high=found.high, level=found.level)
    return bounds if alone else replace(bounds, delta=found.delta, gained=found.gained, lost=found.lost)


def _no_claim(comparison: Comparison) -> Claim:
    return Claim(kind="no_worse", bound=0.05 * comparison.metric.span, alpha=0.05)


def _in_fts_place(comparison: Comparison) -> tuple[CaseResult, ...]:
    """Return the cases with the third model in ft's place, and base in its own."""
    return tuple(
        replace(result, ft_answers=result.also_answers, ft_grades=result.also_grades, people={})
        for result in comparison.cases
        if has_third(result, comparison.metric.name)
    )
