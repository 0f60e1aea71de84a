"""Each rule fires on its condition, and is silent just outside of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from pytest_ftcheck.diagnosis import diagnose
from pytest_ftcheck.records import Decision, EvalSummary, Finding, Leak, ModelRecord, Run, Verdict
from tests.support import ailing, arbitrary_runs
from tests.support.ailing import exam, gate, habits, log, part, run

PASS, FAIL, OPEN = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE


def names(found: Run) -> list[str]:
    """What is found of a run, in order."""
    return [finding.name for finding in diagnose(found)]


def first(found: Run) -> Finding:
    """The first finding of a run."""
    return diagnose(found)[0]


def goal(decision: Decision, ft: float = 0.6, **facts: object) -> Run:
    """A run whose one gate claims an improvement over base's 0.6."""
    one = exam("test_goal", base=0.6, ft=ft, **facts)
    return run(gate(one, "improves", decision), evals=[one])


def lost(ft: float = 0.0, **facts: object) -> Run:
    """A run whose one gate asks whether a skill was kept, and proves that it was not."""
    one = exam(ft=ft, **facts)
    return run(gate(one), evals=[one])


def leaks(count: int) -> tuple[Leak, ...]:
    """So many cases that stand in the training data word for word."""
    return tuple(
        Leak(case=f"c{number}", train_line=1, kind="exact", part="prompt", similarity=1.0) for number in range(count)
    )


def leaky(count: int, **facts: object) -> Run:
    """A run whose goal is reached on cases of which so many leaked."""
    return goal(PASS, 0.9, leaks=leaks(count), **facts)


def alike(count: int, right: int = 0) -> Run:
    """A run that passes, in which so many answers are base's, and so many right for both."""
    one = exam(alike=count, both_right=right)
    return run(gate(one, "no_worse", PASS), evals=[one])


def gone(ft: float, pattern: str | None) -> Run:
    """A run of two evals, base perfect on both, with a log of this pattern."""
    evals = [exam(name, ft=ft) for name in ("test_a", "test_b")]
    kinds = zip(("improves", "no_worse"), evals, strict=True)
    told = None if pattern is None else log(3.0, 2.0, pattern=pattern)
    return run(*(gate(one, kind) for kind, one in kinds), evals=evals, log=told)


def spoken(**slices: Decision) -> Run:
    """A run whose one gate judged slices by language."""
    one = exam(ft=0.5)
    parts = tuple(
        Verdict(claim="no worse", decision=decision, words="", slice=f"language={name}")
        for name, decision in slices.items()
    )
    return run(gate(one, by_slice=parts), evals=[one])


def sliced(*fallen: float, tag: str = "topic") -> Run:
    """A run whose one gate failed, whose slices of a tag fell to these scores."""
    parts = tuple(part(f"v{number}", base=1.0, ft=ft, tag=tag) for number, ft in enumerate(fallen))
    return lost(0.6, slices=parts)


def baselines(best: Decision) -> Run:
    """A run that beats base as it is, and of base at its best prompt decided this."""
    one = exam("test_goal", base=0.6, ft=0.9)
    harder = Verdict(
        kind="improves", baseline="best", claim="improves by 5.0", decision=best, words="", base=0.9, ft=0.9
    )
    found = gate(one, "improves", PASS)
    return run(replace(found, decision=best, verdicts=(harder, *found.verdicts)), evals=[one])


REFUSES, SERVES = habits(refusals=200), habits(refusals=150)
JSON, PROSE = habits(json=200), habits(json=0)

FIRES: dict[str, tuple[Run, str]] = {
    "all answers alike": (alike(200, 195), "adapter inactive"),
    "a loss that is no number": (replace(goal(FAIL), training=log(1.0, math.nan)), "training diverged"),
    "a loss that doubled": (replace(goal(FAIL), training=log(1.0, 2.0)), "training diverged"),
    "all gone, log unstable": (gone(0.1, "unstable"), "training diverged"),
    "all gone, no log": (gone(0.2, None), "collapsed"),
    "all gone, log healthy": (gone(0.2, "healthy"), "collapsed"),
    "a twentieth leaked": (leaky(10), "leaked exam"),
    "all leaked and left out": (leaky(200, excluded=200, n=0), "leaked exam"),
    "labels swapped": (goal(FAIL, 0.1, ft_habits=habits(swapped=100)), "labels or grader contradict"),
    "right in another form": (goal(FAIL, 0.1, ft_habits=habits(misshapen=100)), "labels or grader contradict"),
    "a gap to training rows": (
        run(gate(exam(), "no_memorisation", FAIL, ft=0.6), evals=[exam()]),
        "over-fitted / memorised",
    ),
    "goal missed, log overfitting": (
        replace(goal(FAIL), training=log(1.0, 0.5, 0.9, pattern="overfitting", best=20.0)),
        "over-fitted / memorised",
    ),
    "goal missed, log underfitting": (replace(goal(OPEN), training=log(1.0, pattern="underfitting")), "under-trained"),
    "goal missed, answers unchanged": (goal(OPEN, alike=160), "under-trained"),
    "JSON with the content": (
        lost(0.0, base_habits=PROSE, ft_habits=habits(json=200, misshapen=100)),
        "format obsession",
    ),
    "JSON no more": (lost(0.0, base_habits=JSON, ft_habits=PROSE), "format lost"),
    "new refusals": (lost(0.5, ft_habits=habits(refusals=50)), "over-refusal"),
    "fewer refusals": (lost(0.75, base_habits=REFUSES, ft_habits=SERVES), "safety eroded"),
    "loops": (lost(0.5, ft_habits=habits(loops=50)), "repetition or length drift"),
    "cut off": (lost(0.5, ft_habits=habits(cut_off=50)), "repetition or length drift"),
    "twice as long": (lost(0.5, base_length=20.0, ft_length=40.0), "repetition or length drift"),
    "a gate on length": (
        run(gate(exam(), "length_stable", FAIL), evals=[exam()]),
        "repetition or length drift",
    ),
    "one language of two": (spoken(german=FAIL, english=PASS), "language lost"),
    "a gate on languages": (lost(0.5, metric="answer_language"), "language lost"),
    "one slice of two": (sliced(0.2, 0.96), "slice lost"),
    "one slice of two, of a language": (sliced(0.2, 0.96, tag="language"), "language lost"),
    "a drop of 15 points": (lost(0.85), "catastrophic forgetting"),
    "a smaller drop": (lost(0.86), "forgetting"),
    "no better than a prompt": (baselines(FAIL), "prompting does as well"),
    "a goal that is missed": (goal(FAIL, 0.5), "goal missed"),
    "base at chance": (run(gate(exam(), decision=OPEN, at_chance=True), evals=[exam()]), "base cannot do the task"),
    "too few cases": (run(gate(exam(), decision=OPEN, needed_cases=297), evals=[exam()]), "too few cases to tell"),
}

SILENT: dict[str, tuple[Run, str]] = {
    "one answer differs": (alike(199, 195), "adapter inactive"),
    "alike for being right": (alike(200, 196), "adapter inactive"),
    "few answers": (run(evals=[exam(n=19, alike=19)]), "adapter inactive"),
    "a loss that rose by less": (replace(goal(FAIL), training=log(1.0, 1.9)), "training diverged"),
    "a loss next to nothing that doubled": (replace(goal(FAIL), training=log(0.04, 0.13)), "training diverged"),
    "validation alone doubled": (
        replace(goal(FAIL), training=replace(log(1.0, 2.0), training=((10.0, 1.0), (20.0, 0.5)))),
        "training diverged",
    ),
    "a loss that doubled, all gates green": (replace(goal(PASS, 0.9), training=log(1.0, 2.0)), "training diverged"),
    "not all gone": (gone(0.21, None), "collapsed"),
    "fewer than a twentieth leaked": (leaky(9), "leaked exam"),
    "leaked and left out": (leaky(50, excluded=50), "leaked exam"),
    "labels swapped in fewer": (goal(FAIL, 0.1, ft_habits=habits(swapped=99)), "labels or grader contradict"),
    "base does the same": (
        goal(FAIL, 0.1, base_habits=habits(swapped=100), ft_habits=habits(swapped=199)),
        "labels or grader contradict",
    ),
    "goal reached, log overfitting": (
        replace(goal(PASS, 0.9), training=log(1.0, 0.5, 0.9, pattern="overfitting", best=20.0)),
        "over-fitted / memorised",
    ),
    "goal missed, answers changed": (goal(OPEN, alike=159), "under-trained"),
    "something was lost": (replace(lost(0.9), training=log(1.0, pattern="underfitting")), "under-trained"),
    "JSON without the content": (
        lost(0.0, base_habits=PROSE, ft_habits=habits(json=199, misshapen=99)),
        "format lost",
    ),
    "JSON in fewer": (lost(0.8, base_habits=PROSE, ft_habits=habits(json=39, misshapen=39)), "format obsession"),
    "JSON as base": (lost(0.5, base_habits=JSON, ft_habits=habits(json=200, misshapen=100)), "format obsession"),
    "refusals explain less than half": (lost(0.4, ft_habits=habits(refusals=59)), "over-refusal"),
    "base refuses too": (lost(0.5, base_habits=habits(refusals=100), ft_habits=REFUSES), "over-refusal"),
    "refusals in JSON": (lost(0.0, base_habits=REFUSES, ft_habits=habits(json=200)), "safety eroded"),
    "hardly fewer refusals": (lost(0.8, base_habits=REFUSES, ft_habits=habits(refusals=161)), "safety eroded"),
    "loops in fewer": (lost(0.5, ft_habits=habits(loops=49)), "repetition or length drift"),
    "not twice as long": (lost(0.5, base_length=20.0, ft_length=39.0), "repetition or length drift"),
    "both languages": (spoken(german=FAIL, english=FAIL), "language lost"),
    "both slices": (sliced(0.2, 0.8), "slice lost"),
    "the other slice fell a little": (sliced(0.2, 0.94), "slice lost"),
    "better than a prompt": (baselines(PASS), "prompting does as well"),
    "nothing proven": (run(gate(exam(ft=0.8), decision=OPEN), evals=[exam(ft=0.8)]), "catastrophic forgetting"),
    "a goal that is open": (goal(OPEN), "goal missed"),
    "enough cases": (run(gate(exam(), decision=OPEN), evals=[exam()]), "too few cases to tell"),
}


@pytest.mark.parametrize(("found", "name"), FIRES.values(), ids=FIRES)
def test_a_rule_fires_on_its_condition(found: Run, name: str) -> None:
    """At its threshold a rule finds what it is for, and tells evidence and a remedy."""
    finding = next(each for each in diagnose(found) if each.name == name)
    assert (finding, bool(finding.evidence and finding.remedies)) == (first(found), True)


@pytest.mark.parametrize(("found", "name"), SILENT.values(), ids=SILENT)
def test_a_rule_is_silent_just_outside(found: Run, name: str) -> None:
    """One step beyond its threshold a rule finds nothing."""
    assert name not in names(found)


def test_nothing_is_found_where_all_is_well() -> None:
    """A run whose gates passed, with a healthy log, has no diagnosis."""
    evals = [exam("test_goal", base=0.6, ft=0.9), exam(ft=0.99)]
    gates = [gate(evals[0], "improves", PASS), gate(evals[1], "no_worse", PASS)]
    assert diagnose(run(*gates, evals=evals, log=log(1.0, 0.2))) == ()


@pytest.mark.parametrize(
    ("found", "sure"),
    [
        (goal(OPEN, alike=160), "possible"),
        (replace(goal(OPEN), training=log(1.0, 0.5, 0.9, pattern="overfitting", best=20.0)), "possible"),
        (sliced(0.2, 0.96), "possible"),
        (spoken(german=FAIL, english=PASS), "likely"),
        (baselines(OPEN), "possible"),
        (lost(0.5), "likely"),
    ],
)
def test_what_is_not_proven_is_only_possible(found: Run, sure: str) -> None:
    """A finding is likely where a verdict or the log proves it, and possible otherwise."""
    assert first(found).sure == sure


def with_losses(count: int, **facts: object) -> tuple[EvalSummary, ...]:
    """So many evals of which nothing is left."""
    return tuple(exam(f"test_{number}", ft=0.0, **facts) for number in range(count))


def test_a_broken_model_explains_the_rest() -> None:
    """All that is lost explains JSON, refusals and the goal: they are not told beside it."""
    evals = (*with_losses(3, ft_habits=JSON), exam("test_goal", base=0.6, ft=0.0))
    found = run(*map(gate, evals[:3]), gate(evals[3], "improves"), evals=evals)
    assert names(found) == ["collapsed"]


def test_what_explains_most_comes_first() -> None:
    """Of two symptoms the one of more gates comes first, and the other is told where it has a gate of its own."""
    kept = exam("test_goal", base=0.6, ft=0.9)
    prose = exam("test_prose", ft=0.0, ft_habits=JSON)
    evals = [kept, prose, *with_losses(2)]
    gates = [gate(kept, "improves", PASS), *map(gate, evals[1:]), gate(prose, "never")]
    assert names(run(*gates, evals=evals)) == ["catastrophic forgetting", "format obsession"]


def test_a_special_symptom_comes_before_the_general_one() -> None:
    """Where over-refusal explains all that was lost, forgetting is not told."""
    assert names(lost(0.0, ft_habits=REFUSES)) == ["over-refusal"]


def test_what_is_only_possible_comes_behind_what_is_proven() -> None:
    """A log that overfits beside an open goal does not stand above refusals that are proven to be gone."""
    one, unsafe = exam("test_goal", base=0.6, ft=0.7), exam(ft=0.0, base_habits=REFUSES)
    curve = log(1.0, 0.5, 0.9, pattern="overfitting", best=20.0)
    found = run(gate(one, "improves", OPEN), gate(unsafe), evals=[one, unsafe], log=curve)
    assert names(found) == ["safety eroded", "over-fitted / memorised"]


def remedies(found: Run) -> str:
    """All remedies of a run's first finding."""
    return "; ".join(first(found).remedies)


def test_the_step_to_restore_is_named() -> None:
    """Where validation was best before the end, that step and its loss are the remedy."""
    found = replace(goal(FAIL), training=log(1.0, 0.5, 0.9, pattern="overfitting", best=20.0))
    assert "restore step 20 (lowest validation loss, 0.5)" in remedies(found)


def test_the_cases_that_are_needed_are_counted() -> None:
    """An open gate is told about how many cases would decide it, and how many it has."""
    found = run(gate(exam(), decision=OPEN, needed_cases=297), evals=[exam()])
    assert "about 297 cases for test_skill_no_worse, which has 200" in remedies(found)


@pytest.mark.parametrize(("kind", "advised"), [("adapter", False), ("checkpoint", True)])
def test_lora_is_advised_to_those_who_lack_it(kind: str, advised: bool) -> None:
    """A fine-tune that is an adapter already is not told to become one."""
    ft = ModelRecord(role="ft", source="f", kind=kind, fingerprint="2", engine="transformers")
    found = replace(lost(0.0), models=(ailing.ADAPTER[0], ft))
    assert ("LoRA in place of all weights" in remedies(found)) == advised


def test_evals_of_one_name_are_told_apart_by_file() -> None:
    """A gate's eval is the one of its own file, not another of that name."""
    mine, other = exam(ft=0.0, ft_habits=REFUSES), replace(exam(ft=0.0), nodeid="other.py::test_skill")
    assert names(run(gate(mine), evals=[other, mine])) == ["over-refusal"]


def mirrored(one: EvalSummary) -> EvalSummary:
    """The same eval under a metric of which less is better."""
    return replace(one, lower_is_better=True, base=1 - (one.base or 0), ft=1 - (one.ft or 0), delta=-(one.delta or 0))


@pytest.mark.parametrize("turn", [lambda one: one, mirrored])
def test_less_may_be_better(turn: Callable[[EvalSummary], EvalSummary]) -> None:
    """A rise of an error rate is a drop like any other."""
    one = turn(exam(ft=0.0))
    assert names(run(gate(one), evals=[one])) == ["catastrophic forgetting"]


@settings(deadline=None, max_examples=25)
@given(arbitrary_runs.runs)
def test_any_run_can_be_diagnosed(found: Run) -> None:
    """No run, however odd its names and numbers, makes a rule stumble."""
    assert all(finding.name and finding.evidence for finding in diagnose(found))
