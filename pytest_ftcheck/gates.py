"""Gates: the decorator, and the assertions that turn a comparison into a verdict.

Each assertion returns its Verdict when the data prove the claim, raises CheckFailed when they prove its opposite, and
Undecided when they prove neither. It knows nothing of pytest and of models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pytest_ftcheck.claims import Claim, check_claim, shortfall
from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.errors import CheckFailed, ConfigError, Undecided
from pytest_ftcheck.evals import EvalSpec, spec_of
from pytest_ftcheck.grading.content import content_of
from pytest_ftcheck.records import Answer, Case, Decision, Verdict

ATTRIBUTE = "__ftcheck_gate__"
ALPHA = 0.05
SAFETY_ALPHA = 0.01
Event = Callable[[Case, Answer], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """Which evals a gate reads, in the order given."""

    name: str
    evals: tuple[EvalSpec, ...]


def gate(*evals: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a gate over one eval (fixture `comparison`) or several (fixture `comparisons`, in this order).

    Raises ConfigError when an argument is no eval.
    """
    specs = tuple(_eval_of(function) for function in evals)
    if not specs:
        raise ConfigError("@gate() reads no eval; allowed: @gate(test_name), a function under @eval_cases, or several")

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, ATTRIBUTE, GateSpec(name=function.__name__, evals=specs))
        return function

    return declare


def gate_of(function: object) -> GateSpec | None:
    """Return the gate that a function declares, or None."""
    spec = getattr(function, ATTRIBUTE, None)
    return spec if isinstance(spec, GateSpec) else None


def _eval_of(function: object) -> EvalSpec:
    spec = spec_of(function)
    if spec is None:
        name = getattr(function, "__name__", repr(function))
        raise ConfigError(f"@gate({name}): {name} is no eval; allowed: a function under @eval_cases")
    return spec


def assert_improves(
    comparison: Comparison,
    *,
    by: float = 0.0,
    alpha: float = ALPHA,
    metric: str | None = None,
    per: str | None = None,
    over: Literal["strongest", "base"] = "strongest",
) -> Verdict:
    """Prove that ft scores more than `by` above base (0 to 1 of the metric's units, one-sided level `alpha`).

    `metric` names another of the eval's graders; `per` a tag whose every value must improve too, Holm-corrected.
    Where the run has base's best prompt (--ft-best-base-profile), ft must beat base without and with it: the stronger
    baseline, without choosing it by the data. `over="base"` leaves the best prompt out.
    """
    __tracebackhide__ = True
    claim = Claim(kind="improves", bound=by, alpha=alpha)
    if over not in ("strongest", "base"):
        raise ConfigError(f"assert_improves: over is {over!r}; allowed: 'strongest' or 'base'")
    if over == "base" or comparison.best is None:
        return _decide(comparison, claim, metric, per)
    # Each is tested at alpha: that both hold is wrongly proven no more often (intersection-union, Berger 1982).
    return _settled(comparison, [_judged(each, claim, metric, per) for each in (comparison, comparison.best)])


def assert_no_worse(
    comparison: Comparison, *, margin: float, alpha: float = ALPHA, metric: str | None = None, per: str | None = None
) -> Verdict:
    """Prove that ft scores less than `margin` below base (non-inferiority, one-sided level `alpha`)."""
    __tracebackhide__ = True
    return _decide(comparison, Claim(kind="no_worse", bound=margin, alpha=alpha), metric, per)


def assert_kept(
    comparison: Comparison,
    *,
    acceptable: float | None = None,
    catastrophic: float | None = None,
    chance: float = 0.0,
    alpha: float = ALPHA,
    metric: str | None = None,
    per: str | None = None,
) -> Verdict:
    """Prove that a skill was kept: ft lost less than the `acceptable` drop (non-inferiority, one-sided level `alpha`).

    The verdict's words call the finding: the win, acceptable, watch, catastrophic forgetting (from the drop
    `catastrophic` on). Drops not given are those of the run, 5 and 15 points of the metric's range unless
    --ft-acceptable-drop and --ft-catastrophic-drop say otherwise. Where base itself scores less than a catastrophic
    drop above `chance`, the score of a guess, no loss could show: then a pass is inconclusive, "base at chance: cannot
    tell", unless ft's gain is proven.
    """
    __tracebackhide__ = True
    span = (comparison if metric is None else comparison.on(metric)).metric.span
    bound = comparison.policy.acceptable * span if acceptable is None else acceptable
    worst = comparison.policy.catastrophic * span if catastrophic is None else catastrophic
    claim = Claim(kind="no_worse", bound=bound, alpha=alpha, catastrophic=worst, chance=chance)
    return _decide(comparison, claim, metric, per)


def assert_equivalent(
    comparison: Comparison, *, within: float, alpha: float = ALPHA, metric: str | None = None, per: str | None = None
) -> Verdict:
    """Prove that ft and base differ by less than `within` either way (two one-sided tests)."""
    __tracebackhide__ = True
    return _decide(comparison, Claim(kind="equivalent", bound=within, alpha=alpha), metric, per)


def assert_at_least(
    comparison: Comparison, *, floor: float, alpha: float = ALPHA, metric: str | None = None, per: str | None = None
) -> Verdict:
    """Prove that ft's mean score is above `floor`, whatever base's is."""
    __tracebackhide__ = True
    return _decide(comparison, Claim(kind="at_least", bound=floor, alpha=alpha), metric, per)


def assert_never(
    comparison: Comparison,
    *,
    more_than: float,
    event: Event | None = None,
    alpha: float = SAFETY_ALPHA,
    metric: str | None = None,
    per: str | None = None,
) -> Verdict:
    """Prove that at most a share `more_than` of ft's answers are bad: wrong ones, or those for which `event` holds.

    `event(case, answer)` returns a bool. No data prove "not even once"; zero events in 300 cases prove "under 1.6 %"
    at level 0.01 (Clopper-Pearson).
    """
    __tracebackhide__ = True
    return _decide(comparison, Claim(kind="never", bound=more_than, alpha=alpha), metric, per, event)


def assert_length_stable(
    comparison: Comparison, *, within: float = 0.2, alpha: float = ALPHA, per: str | None = None
) -> Verdict:
    """Prove that ft's answers are neither longer nor shorter than base's by more than the factor 1 + `within`.

    Compared are the mean lengths in characters: their ratio lies between 1 / (1 + within) and 1 + within. A metric
    that rewards recall, and most judges, rise with length alone; this says whether a gain may be that.
    """
    __tracebackhide__ = True
    return _decide(comparison, Claim(kind="length_stable", bound=within, alpha=alpha), None, per)


def claimed(comparison: Comparison, claim: Claim, per: str | None, event: Event | None) -> dict[str, Any]:
    """Return what a claim is, exactly and as plain values, so that it can be pinned."""
    return {
        "eval": comparison.eval,
        "metric": comparison.metric.name,
        **{name: value for name, value in asdict(claim).items() if value is not None and (name != "chance" or value)},
        **({} if per is None else {"per": per}),
        **({} if event is None else {"event": content_of(event).hash}),
    }


def _decide(
    comparison: Comparison, claim: Claim, metric: str | None, per: str | None, event: Event | None = None
) -> Verdict:
    __tracebackhide__ = True
    chosen = comparison if metric is None else comparison.on(metric)
    check_claim(claim, chosen.metric, comparison.eval)
    parts = chosen.by(per) if per is not None else {}
    if chosen.policy.rehearsal is not None:
        for part in (chosen, *parts.values()):
            chosen.policy.rehearsal.extend(shortfall(part, claim))
        if chosen.policy.claims is not None:
            chosen.policy.claims.append(claimed(chosen, claim, per, event))
        return Verdict(claim=claim.kind, decision=Decision.PASS, words="rehearsed")
    return _settled(comparison, [_judged(comparison, claim, metric, per, event)])


def _judged(
    comparison: Comparison, claim: Claim, metric: str | None, per: str | None, event: Event | None = None
) -> Verdict:
    """Judge a claim, without drawing consequences."""
    from pytest_ftcheck import judging, third

    chosen = comparison if metric is None else comparison.on(metric)
    verdict = judging.judge(chosen, claim, slices=chosen.by(per) if per is not None else {}, event=event)
    return replace(verdict, also=third.third_score(chosen, claim, event))


def _settled(comparison: Comparison, verdicts: Sequence[Verdict]) -> Verdict:
    """Keep what was found, the least favourable to ft first, and raise where one of the verdicts demands it."""
    __tracebackhide__ = True
    from pytest_ftcheck.reports.wording import verdict_line

    order = (Decision.FAIL, Decision.INCONCLUSIVE, Decision.PASS)
    ranked = sorted(verdicts, key=lambda each: (order.index(each.decision), -(each.p_value or 0.0)))
    comparison.verdicts.extend(ranked)
    verdict = ranked[0]
    if verdict.decision is Decision.FAIL:
        raise CheckFailed(verdict_line(verdict))
    if verdict.decision is Decision.INCONCLUSIVE and comparison.policy.inconclusive == "fail":
        raise Undecided(verdict_line(verdict))
    return verdict
