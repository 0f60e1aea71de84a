"""Judging: from a comparison and a claim to a verdict, in numbers and in words.

It knows nothing of pytest or models; the statistical method of each claim is stats.decide's choice. Imported when the
first gate is judged, since it brings numpy and scipy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pytest_ftcheck.calibration import is_calibrated, weigh
from pytest_ftcheck.claims import Claim
from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.grading.corpus import Corpus
from pytest_ftcheck.records import ROLES, Answer, Case, Decision, GateResult, Role, Verdict
from pytest_ftcheck.reports.wording import verdict_line
from pytest_ftcheck.retention import called, cannot_tell, is_win
from pytest_ftcheck.stats.decide import (
    Evidence,
    judge_corpus,
    judge_corpus_level,
    judge_delta,
    judge_level,
    judge_rate,
    judge_ratio,
)
from pytest_ftcheck.stats.multiplicity import holm
from pytest_ftcheck.win_rates import win_rate, win_rate_words

Event = Callable[[Case, Answer], bool]


def judge(
    comparison: Comparison, claim: Claim, *, slices: Mapping[str, Comparison], event: Event | None = None
) -> Verdict:
    """Judge a claim on the whole comparison, and on each slice after Holm's correction over the slices.

    The decision is the worst found: FAIL, else INCONCLUSIVE, else PASS. Too little data is INCONCLUSIVE, with why.
    """
    whole = _verdict(comparison, claim, _evidence(comparison, claim, event))
    if not slices:
        return _with_caveat(_worded(_only_partial(whole, comparison), claim, comparison.metric), comparison)
    found = [_evidence(part, claim, event) for part in slices.values()]
    parts = tuple(
        _worded(_only_partial(_verdict(part, claim, evidence), part), claim, part.metric)
        for part, evidence in zip(slices.values(), _corrected(found), strict=True)
    )
    worst = _worst([whole.decision, *(part.decision for part in parts)])
    blamed = [part.slice for part in parts if part.decision is worst]
    reason = whole.reason if whole.decision is worst else f"in {', '.join(blamed)}"
    verdict = replace(whole, decision=worst, by_slice=parts, reason=reason if worst is not Decision.PASS else "")
    return _with_caveat(_worded(_only_partial(verdict, comparison), claim, comparison.metric), comparison)


def estimate(comparison: Comparison, *, alpha: float = 0.05) -> Evidence | str:
    """Estimate delta with its interval at level 1 - 2 alpha; a string says why there is too little data."""
    return _evidence(comparison, Claim(kind="no_worse", bound=0.05 * comparison.metric.span, alpha=alpha), None)


def describe(comparison: Comparison) -> str:
    """Say in one line how base and ft compare, with the interval of delta and no claim."""
    claim = Claim(kind="no_worse", bound=0.05 * comparison.metric.span, alpha=0.05)
    found = _verdict(comparison, claim, _evidence(comparison, claim, None))
    return verdict_line(replace(found, claim="", p_value=None, detectable=None, needed_cases=None))


def not_standing(results: Sequence[GateResult]) -> list[str]:
    """Name the gates whose FAIL is not proven once all gates of the run are taken together (Holm)."""
    judged = [
        (result, verdict)
        for result in results
        if (verdict := result.verdict) is not None and verdict.p_fail is not None and verdict.alpha is not None
    ]
    corrected = holm([verdict.p_fail or 0.0 for _, verdict in judged])
    return [
        result.name
        for (result, verdict), p_value in zip(judged, corrected, strict=True)
        if result.decision is Decision.FAIL and p_value > (verdict.alpha or 0.0)
    ]


def _evidence(comparison: Comparison, claim: Claim, event: Event | None) -> Evidence | str:
    """Ask the statistics; a string says why they have nothing to say."""
    try:
        if claim.kind == "never":
            return _rate_of_events(comparison, claim, event)
        if claim.kind == "length_stable":
            return judge_ratio(
                comparison.lengths("base"),
                comparison.lengths("ft"),
                within=claim.bound,
                alpha=claim.alpha,
                clusters=comparison.clusters,
            )
        if is_calibrated(comparison):
            return _corrected_by_people(comparison, claim)
        found = _of_means(comparison, claim)
    except StatisticsError as error:
        return str(error)
    rate = win_rate(comparison)
    details = [found.method, comparison.signature, "" if rate is None else win_rate_words(rate)]
    return found._replace(method="; ".join(filter(None, details)))


def _of_means(comparison: Comparison, claim: Claim) -> Evidence:
    if claim.kind == "at_least":
        return _level(comparison, claim)
    return _delta(comparison, claim, claim.kind)  # type: ignore[arg-type]


def _corrected_by_people(comparison: Comparison, claim: Claim) -> Evidence:
    """Weigh what people bear out of a judge, and by how much that is less certain than the judge alone seems."""
    found = weigh(comparison, claim)
    try:
        alone = _of_means(comparison, claim)
    except StatisticsError:
        return found
    width = alone.high - alone.low
    return found._replace(wider=(found.high - found.low) / width if width > 0.0 else None)


def _level(comparison: Comparison, claim: Claim) -> Evidence:
    metric, clusters = comparison.metric, comparison.clusters
    if metric.corpus is None:
        rows = comparison.observations("ft")
        return judge_level(
            rows, floor=claim.bound, alpha=claim.alpha, score_range=metric.score_range, clusters=clusters
        )
    return judge_corpus_level(
        metric.corpus,
        comparison.statistics("ft"),
        floor=claim.bound,
        alpha=claim.alpha,
        score_range=metric.score_range,
        clusters=clusters,
    )


def _delta(comparison: Comparison, claim: Claim, kind: Literal["improves", "no_worse", "equivalent"]) -> Evidence:
    """Weigh a claim about ft minus base; where less is better, about its negative."""
    metric = comparison.metric
    low, high = metric.score_range
    sign = -1.0 if metric.lower_is_better else 1.0
    score_range = (-high, -low) if metric.lower_is_better else (low, high)
    if metric.corpus is None:
        base, ft = ([[sign * score for score in row] for row in comparison.observations(role)] for role in ROLES)
        found = judge_delta(
            base,
            ft,
            margin=claim.bound,
            kind=kind,
            alpha=claim.alpha,
            score_range=score_range,
            clusters=comparison.clusters,
        )
    else:
        found = judge_corpus(
            _Negated(metric.corpus) if metric.lower_is_better else metric.corpus,
            comparison.statistics("base"),
            comparison.statistics("ft"),
            margin=claim.bound,
            kind=kind,
            alpha=claim.alpha,
            score_range=score_range,
            clusters=comparison.clusters,
        )
    if not metric.lower_is_better:
        return found
    return found._replace(estimate=0.0 - found.estimate, low=0.0 - found.high, high=0.0 - found.low)


@dataclass(frozen=True, slots=True)
class _Negated:
    """A corpus metric of which more is better, made of one of which less is."""

    corpus: Corpus

    def value(self, sums: Iterable[float]) -> float:
        return -self.corpus.value(sums)


def score_of(comparison: Comparison, role: Role) -> float | None:
    """Return a role's score, or None where a corpus metric has none."""
    try:
        return comparison.base if role == "base" else comparison.ft
    except StatisticsError:
        return None


def _rate_of_events(comparison: Comparison, claim: Claim, event: Event | None) -> Evidence:
    """Count cases in which any of ft's samples is bad, so that more samples never hide an event."""
    if event is None:
        best = comparison.metric.best
        bad = sum(any(score != best for score in row) for row in comparison.samples("ft"))
    else:
        bad = sum(
            any(event(result.case, answer) for answer in result.ft_answers if isinstance(answer, Answer))
            for result in comparison.cases
        )
    return judge_rate(bad, len(comparison), ceiling=claim.bound, alpha=claim.alpha)


def _corrected(found: list[Evidence | str]) -> list[Evidence | str]:
    """Correct the p-values of slices by Holm, for PASS and for FAIL apart."""
    told = [number for number, evidence in enumerate(found) if isinstance(evidence, Evidence)]
    passes = holm([found[number].p_pass for number in told])  # type: ignore[union-attr]
    fails = holm([found[number].p_fail for number in told])  # type: ignore[union-attr]
    corrected = list(found)
    for number, p_pass, p_fail in zip(told, passes, fails, strict=True):
        evidence = found[number]
        assert isinstance(evidence, Evidence)
        corrected[number] = evidence._replace(p_pass=float(p_pass), p_fail=float(p_fail))
    return corrected


def _verdict(comparison: Comparison, claim: Claim, evidence: Evidence | str) -> Verdict:
    about_ft = claim.kind in ("at_least", "never", "length_stable")
    percent = (comparison.metric.percent or claim.kind == "never") and claim.kind != "length_stable"
    less = " (less is better)"
    base, ft = score_of(comparison, "base"), score_of(comparison, "ft")
    above, below = claim.zone(lower_is_better=comparison.metric.lower_is_better)
    common = Verdict(
        evals=(comparison.eval,),
        metric=comparison.metric.name if claim.kind != "length_stable" else "length ratio",
        claim=claim.words(percent=percent) + (less if comparison.metric.lower_is_better and not about_ft else ""),
        decision=Decision.INCONCLUSIVE,
        words="",
        bound=claim.bound,
        pass_above=above,
        pass_below=below,
        alpha=claim.alpha,
        base=None if about_ft else base,
        ft=ft if claim.kind != "length_stable" else None,
        delta=None if about_ft or base is None or ft is None else comparison.delta,
        n=len(comparison),
        gained=None if about_ft else comparison.gained,
        lost=None if about_ft else comparison.lost,
        slice=comparison.slice,
        percent=percent,
        kind=claim.kind,
        baseline=comparison.policy.baseline,
    )
    if isinstance(evidence, str):
        return replace(common, reason=evidence)
    decision = Decision.INCONCLUSIVE
    if not evidence.reason:
        if evidence.p_pass <= claim.alpha:
            decision = Decision.PASS
        elif evidence.p_fail <= claim.alpha:
            decision = Decision.FAIL
    judged = replace(
        common,
        decision=decision,
        ft=evidence.estimate if about_ft else common.ft,
        low=evidence.low,
        high=evidence.high,
        level=evidence.level,
        method=evidence.method,
        p_value=evidence.p_pass,
        p_fail=evidence.p_fail,
        detectable=evidence.detectable,
        needed_cases=evidence.needed_cases if not evidence.rated else None,
        reason=evidence.reason or _ratings_needed(evidence, decision),
        delta=evidence.estimate if evidence.rated and not about_ft else common.delta,
        rated=evidence.rated,
        wider=evidence.wider,
    )
    if decision is Decision.FAIL or (decision is Decision.PASS and is_win(judged, comparison.metric)):
        return judged
    unable = cannot_tell(claim, base, comparison.metric)
    return replace(judged, decision=Decision.INCONCLUSIVE, reason=unable, at_chance=True) if unable else judged


def _ratings_needed(evidence: Evidence, decision: Decision) -> str:
    if not evidence.rated or evidence.needed_cases is None or decision is not Decision.INCONCLUSIVE:
        return ""
    return f"needs about {evidence.needed_cases} rated cases"


def _only_partial(verdict: Verdict, comparison: Comparison) -> Verdict:
    """A part of an eval can refute a claim about the whole, but cannot prove it; a judge not relied on does neither."""
    refusal = comparison.refusals.get(comparison.metric.name, "")
    if refusal and verdict.metric == comparison.metric.name:
        return replace(verdict, decision=Decision.INCONCLUSIVE, reason=refusal)
    if comparison.policy.partial and verdict.decision is Decision.PASS:
        return replace(verdict, decision=Decision.INCONCLUSIVE, reason=comparison.policy.partial)
    return verdict


def _with_caveat(verdict: Verdict, comparison: Comparison) -> Verdict:
    caveat = comparison.policy.caveat
    return replace(verdict, words=f"{verdict.words} ({caveat})") if caveat else verdict


def _worded(verdict: Verdict, claim: Claim, metric: Metric) -> Verdict:
    words = _words(verdict, claim, metric)
    judged = metric.judge and verdict.metric == metric.name
    return replace(verdict, words=f"{words} ({_standing(verdict, metric)})" if judged else words)


def _standing(verdict: Verdict, metric: Metric) -> str:
    """Say what stands behind a judge's verdict: nobody, or the people who rated some of its cases."""
    if not verdict.rated:
        return metric.judge
    wider = "" if verdict.wider is None else f", interval {verdict.wider:.1f} times the judge's own"
    return f"judge corrected by people on {verdict.rated} of {verdict.n} cases{wider}"


def _words(verdict: Verdict, claim: Claim, metric: Metric) -> str:
    if claim.catastrophic is not None:
        return called(verdict, claim, metric)
    if verdict.decision is Decision.PASS:
        return {
            "improves": "the win",
            "no_worse": "no worse",
            "equivalent": "equivalent",
            "at_least": "above the floor",
            "never": "under the limit",
            "length_stable": "as long",
        }[claim.kind]
    if verdict.decision is Decision.FAIL:
        worst = verdict.high if not metric.lower_is_better or verdict.low is None else -verdict.low
        if claim.kind in ("improves", "no_worse") and worst is not None and worst < 0:
            return "regression"
        return {
            "improves": "no win",
            "no_worse": "regression",
            "equivalent": "different",
            "at_least": "below the floor",
            "never": "over the limit",
            "length_stable": "longer or shorter",
        }[claim.kind]
    if verdict.reason:
        return f"inconclusive: {verdict.reason}"
    if verdict.needed_cases is not None:
        return f"inconclusive: needs about {verdict.needed_cases} cases"
    return "inconclusive: nothing proven either way"


def _worst(decisions: list[Decision]) -> Decision:
    for decision in (Decision.FAIL, Decision.INCONCLUSIVE):
        if decision in decisions:
            return decision
    return Decision.PASS
