"""Case sets looked over: what is said, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ftcheck.hygiene.case_sets import case_set_notices, label_notices
from pytest_ftcheck.records import Answer, Case, CaseResult, Failure, Grade


def cases(*pairs: tuple[str, Any]) -> list[Case]:
    """Return cases of these inputs and expected answers."""
    return [Case(id=f"c{number}", input=text, expected=expected) for number, (text, expected) in enumerate(pairs)]


def result(base: str, ft: str, expected: str = "yes", *, right: bool = False) -> CaseResult:
    """Return a graded case."""
    grades = {"exact": (Grade(1.0 if right else 0.0),)}
    return CaseResult(
        case=Case(id="c", input="?", expected=expected),
        base_answers=(Answer(base),),
        ft_answers=(Answer(ft),),
        base_grades=grades,
        ft_grades=grades,
    )


def test_duplicates_are_named() -> None:
    """Cases that ask and expect the same, but for case and punctuation."""
    (notice,) = case_set_notices("e", cases(("Where is it?", "a"), ("where is IT", "A"), ("Who?", "a")))
    assert notice == "e: 1 case asks what another asks: c0 = c1"


def test_contradictions_are_named() -> None:
    """The same question with another answer."""
    (notice,) = case_set_notices("e", cases(("Where is it?", "a"), ("Where is it?", "b")))
    assert notice == "e: 1 prompt with more than one expected answer: c0 against c1"


@pytest.mark.parametrize(("many", "said"), [(38, True), (36, True), (35, False)])
def test_one_answer_for_nearly_all_is_said(many: int, said: bool) -> None:
    """From nine tenths on, always giving one answer scores too high to tell models apart."""
    drawn = [(f"question {n}", "ham" if n < many else "spam") for n in range(40)]
    notices = case_set_notices("e", cases(*drawn))
    assert bool(notices) == said
    if said:
        assert notices[0].startswith(f"e: {many} of 40 cases expect ham: a model that always says so scores")


def test_other_fields_make_other_cases() -> None:
    """Cases that differ in a field that only the grader sees are no duplicates."""
    pair = [Case(id=str(n), input="Write add().", fields={"tests": n}) for n in range(2)]
    assert case_set_notices("e", pair) == []


def test_both_models_against_the_label_is_a_hint() -> None:
    """Base and ft give one short answer that is not the expected one."""
    (notice,) = label_notices("e", [result("No.", "no"), result("no", "maybe"), result("yes", "yes", right=True)])
    assert (
        notice
        == "e: base and ft agree against the expected answer in 1 case: is it right? c (expected yes, both say no)"
    )


def test_long_or_missing_answers_are_no_hint() -> None:
    """Prose that is alike, an empty answer, and an answer that could not be had say nothing of a label."""
    prose = "I am sorry but I cannot help you with this"
    failed = CaseResult(
        case=Case(id="c", input="?", expected="x"),
        base_answers=(Failure(reason="down"),),
        ft_answers=(Failure(reason="down"),),
        base_grades={},
        ft_grades={},
        missing="down",
    )
    assert label_notices("e", [result(prose, prose), result("", ""), failed]) == []


def test_hostile_texts_are_inert() -> None:
    """Ids, labels and answers are shown, not obeyed."""
    attack = "\x1b[2J\n::error::x"
    drawn = [Case(id=f"{attack}{n}", input="Same?", expected=attack) for n in range(2)]
    for notice in (*case_set_notices("e", drawn), *label_notices("e", [result(attack, attack)])):
        assert "\x1b" not in notice
        assert "\n" not in notice


def test_prompts_that_pile_up_at_one_length_are_told() -> None:
    """A column of 40 characters cut most of them, in the middle of a word or a sentence."""
    texts = [f"{n}: my {'very ' * (n % 9)}old lamp never arrived and I want it"[:40] for n in range(60)]
    piled = len({text for text in texts if len(text) == 40})
    (notice,) = case_set_notices("e", cases(*((text, None) for text in texts)))
    assert notice == f"e: {piled} of {len(set(texts))} prompts are the longest, all of 40 characters: were they cut?"


@pytest.mark.parametrize("text", ["What is {n:03d} + {n:03d}, as a number?", "Repeat exactly the code: {n:03d}"])
def test_prompts_of_one_form_are_not_cut(text: str) -> None:
    """All are equally long, because they are made so, and each has its end."""
    assert case_set_notices("e", cases(*((text.format(n=n), None) for n in range(60)))) == []


def test_garbled_text_is_named() -> None:
    """UTF-8 that was read as Latin-1 or cp1252, in a prompt or an expected answer."""
    (notice,) = case_set_notices("e", cases(("Ã–ffne die Tür", "ja"), ("Grüße", "schÃ¶n"), ("„MENÜ“ à «CAFÉ»", "é")))
    assert notice == "e: 2 cases with text that was read in a wrong encoding: c0, c1"


def test_an_empty_expected_answer_is_named() -> None:
    """The empty text stands in every answer."""
    (notice,) = case_set_notices("e", cases(("Where?", " "), ("Who?", "she"), ("When?", None)))
    assert notice == "e: 1 case with an empty expected answer: c0"


def test_a_prompt_that_gives_its_label_away_is_told() -> None:
    """Each prompt holds its label alone; where all labels are offered as choices, nothing is said."""
    drawn = [
        (f"Message {n}, about a thing. {'spam' if n % 2 else 'ham'}", "spam" if n % 2 else "ham") for n in range(40)
    ]
    (notice,) = case_set_notices("e", cases(*drawn))
    assert notice == "e: in 40 of 40 cases the prompt holds the expected answer, and no other case's"
    offered = [(f"Message {n}: spam or ham?", label) for n, (_, label) in enumerate(drawn)]
    assert case_set_notices("e", cases(*offered)) == []
