"""Rules about how it was trained: not at all, apart, by heart, too little."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_ftcheck.diagnosis.signs import GOALS, Claimed, Signs, evals_of, gates_of, told
from pytest_ftcheck.records import Decision, EvalSummary, Finding
from pytest_ftcheck.reports.figures import count, proportion
from pytest_ftcheck.reports.wording import short_name

LEAST_ANSWERS, LEAST_WRONG = 20, 5
"""Answers that must all be alike, and wrong ones among them, before an adapter is thought inactive: a few short answers
agree by chance, and right ones because they are right."""

COULD, GONE = 0.3, 0.2
"""What base could do is an eval on which it scores three tenths of the range; it is gone where ft has a fifth of it."""

LEAST_GONE = 2
"""Evals that must all be gone before a model is thought broken: one alone may have been forgotten."""

ROSE, ROSE_LEAST = 2.0, 0.1
"""A loss that ends at twice what it began with, and 0.1 above it, has gone the wrong way, whatever its noise."""

UNCHANGED = 0.8
"""Share of answers that are base's word for word, from which a fine-tune has hardly changed."""


def inactive(signs: Signs) -> Finding | None:
    """Every answer is base's, word for word, wrong ones too, and the log does not say that nothing was learned.

    A fine-tune that changed at all changes some answer of many; one that was never applied changes none.
    """
    evals = [one for one in signs.run.evals if one.ft_habits is not None]
    answers, alike = sum(one.n for one in evals), sum(one.alike for one in evals)
    wrong = sum(one.n - one.both_right for one in evals)
    if answers < LEAST_ANSWERS or wrong < LEAST_WRONG or alike < answers or signs.pattern == "underfitting":
        return None
    prints = {model.fingerprint for model in signs.run.models if model.role in ("base", "ft")}
    same = len(prints) == 1 and len(signs.run.models) > 1
    return Finding(
        name="adapter inactive",
        sure="likely",
        what="The fine-tune's weights took no part: ft answered every prompt as base did.",
        evidence=(
            f"ft gave base's answer, word for word, to all {count(answers, 'prompt')} of {count(len(evals), 'eval')},"
            f" also to the {wrong:,} that base has not right",
            *(["both models have one fingerprint: they are the same weights"] if same else []),
        ),
        remedies=(
            "give the fine-tune's own folder as --ft-model" if same else "check that the server or script loads it",
            "merge the adapter into its base and compare again",
        ),
        gates=signs.troubled,
    )


def diverged(signs: Signs) -> Finding | None:
    """A loss is no number, training loss ends at twice its beginning, or all is gone and the log is not healthy.

    And a gate is red: a log alone is no fault, what counts is the model, and gates judge that.
    """
    wrong_way = _wrong_way(signs)
    gone = _gone(signs)
    if not signs.troubled or not (wrong_way or (gone and signs.pattern not in ("", "healthy"))):
        return None
    return Finding(
        name="training diverged",
        sure="likely" if gone or "no number" in wrong_way else "possible",
        what="The training ran apart: its steps were too large to learn anything, and undid what base knew.",
        evidence=tuple(filter(None, [wrong_way])) + signs.log_told + _gone_told(gone),
        remedies=(
            "a lower learning rate, by a factor of 10 to 100",
            "a warm-up, and gradients clipped at 1",
        ),
        gates=signs.troubled,
    )


def collapsed(signs: Signs) -> Finding | None:
    """All that base could do is gone, and no log says that the training diverged.

    Weights that were trained well answer like this where they are read wrongly.
    """
    gone = _gone(signs)
    if not gone:
        return None
    return Finding(
        name="collapsed",
        sure="possible",
        what="Nothing is left of what base could do, the goal included: the model is broken, or it is asked wrongly.",
        evidence=_gone_told(gone) + signs.log_told,
        remedies=(
            "compare its chat template, tokenizer and special tokens with those of the training",
            "load it in the precision that it was trained in",
            "a lower learning rate",
        ),
        gates=signs.troubled,
    )


def overfitted(signs: Signs) -> Finding | None:
    """A memorisation gate failed; or the log is overfitting and the goal is not reached.

    Where validation loss rose and the goal was reached all the same, nothing is wrong with the goal.
    """
    gaps = signs.decided(Decision.FAIL, ["no_memorisation"])
    missed = signs.missed if signs.pattern == "overfitting" else []
    if not gaps and not missed:
        return None
    proven = gaps or [one for one in missed if one.verdict.decision is Decision.FAIL]
    return Finding(
        name="over-fitted / memorised",
        sure="likely" if proven else "possible",
        what="It knows its training rows by heart and does not carry over what it learned to new cases.",
        evidence=told(gaps) + signs.log_told + told(missed),
        remedies=(
            *signs.restore(),
            "fewer epochs, or stop at the lowest validation loss",
            "more, and more varied, training rows",
            "LoRA of a lower rank, or dropout" if signs.is_adapter else "LoRA in place of all weights",
        ),
        gates=gates_of([*gaps, *missed]),
    )


def undertrained(signs: Signs) -> Finding | None:
    """The goal is not reached, nothing is lost, and the log is underfitting or most answers are still base's.

    A training that had an effect shows it somewhere: better, worse or at least different.
    """
    if not signs.missed or signs.lost:
        return None
    evals = [one for one in evals_of(signs.missed) if one.ft_habits is not None]
    unchanged = [one for one in evals if one.n and one.alike >= UNCHANGED * one.n]
    if signs.pattern != "underfitting" and not unchanged:
        return None
    return Finding(
        name="under-trained",
        sure="likely" if signs.pattern == "underfitting" else "possible",
        what="It has hardly learned its task yet, and nothing else has changed either.",
        evidence=(
            *signs.log_told,
            *told(signs.missed),
            *(f"{short_name(one.name)}: {one.alike:,} of {one.n:,} answers are base's, unchanged" for one in unchanged),
        ),
        remedies=(
            "more steps or epochs, for as long as validation loss falls",
            "a higher learning rate, by a factor of 3 to 10",
            *(["LoRA of a higher rank"] if signs.is_adapter else []),
        ),
        gates=gates_of(signs.missed),
    )


def no_gain(signs: Signs) -> Finding | None:
    """The opposite of a claim about the goal is proven. It says no more than that: stronger rules come first."""
    failed = signs.decided(Decision.FAIL, GOALS)
    if not failed:
        return None
    return Finding(
        name="goal missed",
        sure="possible",
        what="It is not as good at its task as is claimed, and nothing else in this run says why.",
        evidence=told(failed) + signs.log_told,
        remedies=(
            "compare the prompts of the training with those of the cases: template, system prompt, wording",
            "more training rows of the kind that is lost",
        ),
        gates=gates_of(failed),
    )


def _wrong_way(signs: Signs) -> str:
    """Say what went the wrong way. A validation loss that rises while training loss falls is overfitting instead."""
    if signs.log is None:
        return ""
    for name, curve in (("training", signs.log.training), ("validation", signs.log.validation)):
        broken = [step for step, loss in curve if not math.isfinite(loss)]
        if broken:
            return f"training log: {name} loss is no number at step {broken[0]:g}"
    curve = signs.log.training
    if len(curve) > 1 and curve[-1][1] >= max(ROSE * curve[0][1], curve[0][1] + ROSE_LEAST):
        return f"training log: training loss rose from {curve[0][1]:.4g} to {curve[-1][1]:.4g}"
    return ""


def _gone(signs: Signs) -> list[EvalSummary]:
    """Return the gated evals on which base could do something, where all of it is gone from all of them; else none."""
    claims: Sequence[Claimed] = [one for one in signs.claims if one.verdict.kind != "no_memorisation"]
    could = [one for one in evals_of(claims) if (_level(one, one.base) or 0.0) >= COULD]
    gone = [one for one in could if (_level(one, one.ft) or 0.0) <= GONE * (_level(one, one.base) or 0.0)]
    return gone if len(gone) == len(could) >= LEAST_GONE else []


def _level(one: EvalSummary, score: float | None) -> float | None:
    """Return where a score stands in the metric's range, 0 worst and 1 best; None without an end."""
    low, high = one.score_range
    if score is None or not math.isfinite(high - low):
        return None
    share = (score - low) / (high - low)
    return 1.0 - share if one.lower_is_better else share


def _gone_told(gone: Sequence[EvalSummary]) -> tuple[str, ...]:
    levels = [(one, _level(one, one.base) or 0.0, _level(one, one.ft) or 0.0) for one in gone]
    said = [f"{short_name(one.name)} {proportion(base)} to {proportion(ft)}" for one, base, ft in levels]
    return (f"what base could do is gone: {', '.join(said)} of the best score",) if said else ()
