"""Answers and grades looked over: what is said, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ftcheck import contains, exact_match, refusal
from pytest_ftcheck.grading.functions import BodyGrader
from pytest_ftcheck.grading.protocol import Grader, grade
from pytest_ftcheck.hygiene.answer_sets import LEAST_CASES, answer_notices
from pytest_ftcheck.records import Answer, Case, CaseResult

N = 40


def results(
    grader: Grader, base: Sequence[str], ft: Sequence[str], *, expected: str = "yes", reasons: Sequence[str] = ()
) -> list[CaseResult]:
    """Return one graded case for each pair of answers; `reasons` are why ft's ended."""
    found = []
    for number, (before, after) in enumerate(zip(base, ft, strict=True)):
        case = Case(id=f"c{number}", input="?", expected=expected)
        said = [Answer(before, finish_reason="stop"), Answer(after, finish_reason=[*reasons, *["stop"] * N][number])]
        grades = [{grader.name: (grade(grader, case, answer),)} for answer in said]
        pair = {"base_answers": (said[0],), "ft_answers": (said[1],)}
        found.append(CaseResult(case=case, **pair, base_grades=grades[0], ft_grades=grades[1], missing=""))
    return found


def notices(grader: Grader, base: Sequence[str], ft: Sequence[str], **more: object) -> list[str]:
    """Return what is said of these answers."""
    return answer_notices("e", [grader], results(grader, base, ft, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("cut", "said"), [(N, True), (N // 2, True), (N // 2 - 1, False)])
def test_answers_that_hit_their_limit_are_told(cut: int, said: bool) -> None:
    """From half of a role's answers on."""
    found = notices(exact_match(), ["yes"] * N, ["yes"] * N, reasons=["length"] * cut)
    expected = [f"e: {cut} of ft's {N} answers ran into max_new_tokens: too small, or is no end said?"]
    assert found == (expected if said else [])


@pytest.mark.parametrize(("right", "said"), [(0, True), (2, True), (3, False)])
def test_an_eval_that_nobody_passes_is_told(right: int, said: bool) -> None:
    """Where both models are right in no more than a usual margin of cases, a loss cannot be seen."""
    found = notices(exact_match(), ["no"] * N, ["yes"] * right + ["no"] * (N - right))
    assert bool(found) == said
    if said:
        assert found[0].startswith(f"e: of {N} cases base has 0 right and ft {right}: no loss can be seen there")


def test_a_body_without_an_assertion_is_told() -> None:
    """Every answer is right, and so would any be."""

    def body(case: Case, answer: Answer) -> None:
        assert case.id

    grader = BodyGrader(function=body)
    found = notices(grader, ["yes"] * N, ["no"] * N)
    assert found == ["e: body finds all answers right, and any senseless text too: does it look at the answer?"]


@pytest.mark.parametrize(
    ("grader", "answer"),
    [
        (exact_match(), "yes"),
        (contains(), "yes, it is"),
        (refusal(), "I'm sorry, but I can't help with that."),
        (refusal(expected=False), "Water them in the morning."),
    ],
)
def test_a_grader_that_looks_is_not_told(grader: Grader, answer: str) -> None:
    """Two good models please it, and nonsense does not: over-refusal too, which an empty answer would pass."""
    assert notices(grader, [answer] * N, [answer] * N) == []


def test_a_grader_that_stumbles_over_nonsense_is_not_told() -> None:
    """An exception shows that the answer was read."""

    def body(case: Case, answer: Answer) -> None:
        assert [1][answer.count("?")] == 1
        answer.index("y")

    assert notices(BodyGrader(function=body), ["yes"] * N, ["yes"] * N) == []


def test_a_few_cases_say_nothing() -> None:
    """Below twenty cases all of these come about by chance."""
    few = LEAST_CASES - 1
    assert notices(exact_match(), ["no"] * few, ["no"] * few, reasons=["length"] * few) == []
