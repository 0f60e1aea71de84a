"""Rules about the exam: leaked, contradicting itself, too small, too hard for base, or passed by a prompt as well."""

from __future__ import annotations

from pytest_ftcheck.diagnosis.signs import (
    KEPT,
    Claimed,
    Signs,
    about,
    evals_of,
    gates_of,
    habit_told,
    rise,
    told,
)
from pytest_ftcheck.records import Decision, EvalSummary, Finding
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.wording import short_name

LEAKED = 0.05
"""Share of leaked cases from which they can move a score by the usual margin, five points."""

MOSTLY = 0.5
"""Share of an eval's answers from which a habit decides its score."""


def leaked(signs: Signs) -> Finding | None:
    """A twentieth or more of a gated eval's cases stand in the training data, and were judged all the same.

    Fewer cannot move a score by five points. Cases that were left out, or a gate that was left none, did no harm.
    """
    evals = [one for one in evals_of(signs.claims) if not one.excluded and _leaked(one) >= max(1.0, LEAKED * one.n)]
    unjudged = [one for one in signs.run.evals if one.excluded and not one.n]
    if not evals and not unjudged:
        return None
    claims = about(signs.claims, evals)
    left = [gate.nodeid for gate in signs.run.gates if {one.name for one in unjudged} & set(gate.evals)]
    surely = any(leak.kind != "near" for one in (*evals, *unjudged) for leak in one.leaks)
    return Finding(
        name="leaked exam",
        sure="likely" if surely else "possible",
        what="It was trained on cases that examine it, so that their gates say what it remembers and not what it can.",
        evidence=(
            *(f"{short_name(one.name)}: {_leaked(one):,} of {_cases(one)} stand in the training data" for one in evals),
            *(f"{short_name(one.name)}: all {_cases(one)} stand there, so that none is left" for one in unjudged),
        ),
        remedies=(
            "leave the leaked cases out (--ft-leaks=exclude), if enough are left",
            "split before training (ftcheck split), and train again without them",
            "a fresh set of cases",
        ),
        gates=(*gates_of(claims), *left),
    )


def contradiction(signs: Signs) -> Finding | None:
    """Wrong answers follow a rule: one other label to all that expect the same, or the right one in another form.

    Half of the answers to a gated eval that failed are so, and half more than base's. What is wrong at random was not
    learned; what is wrong by a rule was learned, from rows that say so.
    """
    failed = [one for one in signs.claims if one.verdict.decision is Decision.FAIL]
    goals = [one for one in failed if one.verdict.kind not in KEPT and one.verdict.kind != "never"]
    swapped = [one for one in evals_of(failed) if rise(one, "swapped") >= MOSTLY]
    misshapen = [one for one in evals_of(goals) if one not in swapped and rise(one, "misshapen") >= MOSTLY]
    if not swapped and not misshapen:
        return None
    claims = about(failed, [*swapped, *misshapen])
    rule = "gives another's label, the same one wherever the same is expected"
    form = "holds what is expected and is graded wrong"
    learned = signs.log_told if signs.pattern == "healthy" else ()
    return Finding(
        name="labels or grader contradict",
        sure="likely",
        what="It learned well what its training rows say, and the cases or their grader say something else.",
        evidence=(
            *(f"{short_name(one.name)}: ft {rule}, in {habit_told(one, 'swapped')}" for one in swapped),
            *(f"{short_name(one.name)}: ft's answer {form}, in {habit_told(one, 'misshapen')}" for one in misshapen),
            *told(claims),
            *learned,
        ),
        remedies=(
            *(["compare the labels of training rows and cases: a column may be shifted or swapped"] if swapped else []),
            *(
                ["a grader that takes the form it was trained in, or rows in the form that is graded"]
                if misshapen
                else []
            ),
            "read ten of the lost cases (-v shows them)",
        ),
        gates=gates_of(claims),
    )


def prompting(signs: Signs) -> Finding | None:
    """A gain over base is proven, and over base with its best prompt it is not.

    Fails there, and a prompt does as well; where nothing is proven, it may.
    """
    gates = {one.gate.nodeid for one in signs.decided(Decision.PASS, ["improves"]) if not one.verdict.baseline}
    best = [
        one
        for one in signs.claims
        if one.verdict.baseline == "best"
        and one.verdict.kind == "improves"
        and one.verdict.decision is not Decision.PASS
        and one.gate.nodeid in gates
    ]
    if not best:
        return None
    return Finding(
        name="prompting does as well",
        sure="likely" if any(one.verdict.decision is Decision.FAIL for one in best) else "possible",
        what="It beats base as it is, but not base with its best prompt: the gain may be had without tuning.",
        evidence=tuple(f"{each} (base at its best prompt)" for each in told(best)),
        remedies=("prompt instead of tuning", "give ft the same prompt (--ft-profile), and compare again"),
        gates=gates_of(best),
    )


def at_chance(signs: Signs) -> Finding | None:
    """Base scores so close to chance that no loss could show."""
    unable = [one for one in signs.claims if one.verdict.at_chance]
    if not unable:
        return None
    return Finding(
        name="base cannot do the task",
        sure="likely",
        what="Base itself is at chance, so that whether anything was lost cannot be told.",
        evidence=told(unable),
        remedies=("leave these evals out", "show examples in the prompt (--ft-suite-shots, shots=)", "easier cases"),
        gates=gates_of(unable),
    )


def too_few(signs: Signs) -> Finding | None:
    """A gate is inconclusive and more cases would decide it. That is no evidence of loss."""
    open_ = [
        one
        for one in signs.claims
        if one.verdict.decision is Decision.INCONCLUSIVE and not one.verdict.at_chance and one.verdict.needed_cases
    ]
    if not open_:
        return None
    return Finding(
        name="too few cases to tell",
        sure="likely",
        what="The cases prove neither the claim nor its opposite.",
        evidence=told(open_),
        remedies=tuple(map(_more, open_)),
        gates=gates_of(open_),
    )


def _more(claimed: Claimed) -> str:
    verdict = claimed.verdict
    needed = count(verdict.needed_cases or 0, "case")
    return f"about {needed} for {short_name(claimed.gate.name)}, which has {verdict.n:,}"


def _leaked(one: EvalSummary) -> int:
    return len({leak.case for leak in one.leaks})


def _cases(one: EvalSummary) -> str:
    return count(one.n + len(one.missing) + one.excluded, "case")
