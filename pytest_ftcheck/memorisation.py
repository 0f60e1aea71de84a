"""Memorisation: does ft score on its training rows what it does not score on held-out ones? A claim of two evals.

The two share no case, so they are two independent samples. It knows nothing of pytest and of models.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.errors import CheckFailed, ConfigError, StatisticsError, Undecided
from pytest_ftcheck.records import Decision, Verdict

KIND = "no_memorisation"


def assert_no_memorisation(
    train: Comparison, held_out: Comparison, *, margin: float, alpha: float = 0.05, metric: str | None = None
) -> Verdict:
    """Prove that ft scores on training rows less than `margin` above what it scores on held-out cases.

    `train` is an eval over a sample of the rows that ft was trained on (which --ft-train-data then takes for what it
    is), `held_out` one of the same kind that it never saw, under the same grader. The two are independent samples:
    right and wrong are judged by Miettinen and Nurminen's score method, other scores, and clusters by their means, by
    Welch's t. Fails where a gap above `margin` is proven. Raises ConfigError for bounds and graders that do not fit.
    """
    __tracebackhide__ = True
    pair = [one if metric is None else one.on(metric) for one in (train, held_out)]
    kind = pair[0].metric
    if (kind.name, kind.score_range) != (pair[1].metric.name, pair[1].metric.score_range):
        raise ConfigError(
            f"assert_no_memorisation of {train.eval} ({kind.name}) and {held_out.eval} ({pair[1].metric.name});"
            " allowed: evals under the same grader"
        )
    if kind.corpus is not None or kind.lower_is_better:
        raise ConfigError(f"assert_no_memorisation on {kind.name}; allowed: a metric of cases, of which more is better")
    number = isinstance(margin, int | float) and not isinstance(margin, bool)
    if not number or not 0 < margin < kind.span:
        raise ConfigError(f"assert_no_memorisation: margin={margin!r}; allowed: above 0 and below {kind.span:g}")
    if not 0 < alpha < 0.5:
        raise ConfigError(f"assert_no_memorisation: alpha={alpha!r}; allowed: above 0 and below 0.5")
    if train.policy.rehearsal is not None:
        if train.policy.claims is not None:
            told = {"eval": train.eval, "held_out": held_out.eval, "metric": kind.name}
            train.policy.claims.append({**told, "kind": KIND, "bound": margin, "alpha": alpha})
        return Verdict(claim=KIND, decision=Decision.PASS, words="rehearsed")
    verdict = _judged(pair[0], pair[1], margin, alpha)
    train.verdicts.append(verdict)
    from pytest_ftcheck.reports.wording import verdict_line

    if verdict.decision is Decision.FAIL:
        raise CheckFailed(verdict_line(verdict))
    if verdict.decision is Decision.INCONCLUSIVE and train.policy.inconclusive == "fail":
        raise Undecided(verdict_line(verdict))
    return verdict


def _judged(train: Comparison, held_out: Comparison, margin: float, alpha: float) -> Verdict:
    from pytest_ftcheck.stats.independent import judge_gap

    metric = train.metric
    samples = [_scores(one) for one in (train, held_out)]
    binary = metric.binary and all(
        one.clusters is None and set(scores) <= set(metric.score_range)
        for one, scores in zip((train, held_out), samples, strict=True)
    )
    trained, unseen = (fmean(scores) for scores in samples)
    shown = (f"{100 * each:.1f} %" if metric.percent else f"{each:g}" for each in (trained, unseen))
    gap = "{} on training rows, {} held-out".format(*shown)
    bound = f"{100 * margin:.1f}" if metric.percent else f"{margin:g}"
    common = Verdict(
        evals=(train.eval, held_out.eval),
        metric=metric.name,
        claim=f"training rows at most {bound} above held-out",
        decision=Decision.INCONCLUSIVE,
        words="",
        bound=margin,
        pass_below=margin,
        alpha=alpha,
        n=len(train) + len(held_out),
        percent=metric.percent,
        kind=KIND,
    )
    try:
        found = judge_gap(*samples, margin=margin, alpha=alpha, binary=binary, score_range=metric.score_range)
    except StatisticsError as error:
        return replace(common, reason=str(error), words=f"inconclusive: {error}")
    decision = Decision.INCONCLUSIVE
    partial = train.policy.partial or held_out.policy.partial
    if found.p_fail <= alpha:
        decision = Decision.FAIL
    elif found.p_pass <= alpha and not partial:
        decision = Decision.PASS
    words = {
        Decision.PASS: f"no memorisation ({gap})",
        Decision.FAIL: f"memorised: {gap}",
        Decision.INCONCLUSIVE: f"inconclusive: {partial or 'nothing proven either way'} ({gap})",
    }[decision]
    return replace(
        common,
        decision=decision,
        words=words,
        ft=found.estimate,
        low=found.low,
        high=found.high,
        level=found.level,
        method=found.method,
        p_value=found.p_pass,
        p_fail=found.p_fail,
    )


def _scores(comparison: Comparison) -> list[float]:
    """Return ft's score of each case, or of each cluster their mean."""
    scores, clusters = comparison.scores("ft"), comparison.clusters
    if clusters is None:
        return scores
    held: dict[str, list[float]] = {}
    for cluster, score in zip(clusters, scores, strict=True):
        held.setdefault(cluster, []).append(score)
    return [fmean(each) for each in held.values()]
