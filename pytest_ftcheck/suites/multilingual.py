"""Eight languages: short questions in each, and whether an answer is in the language that it was asked in."""

from __future__ import annotations

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import eval_cases
from pytest_ftcheck.gates import assert_kept, gate
from pytest_ftcheck.grading.answer_language import answer_language
from pytest_ftcheck.grading.short_answer import short_answer
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites.offering import offers

__all__ = [
    "test_answer_language",
    "test_answer_language_is_kept",
    "test_multilingual",
    "test_multilingual_is_kept",
]


@offers("shots/multilingual.jsonl")
@eval_cases("cases/multilingual.jsonl", grader=short_answer(), tags=("language",), max_new_tokens=48)
def test_multilingual(case: Case, answer: Answer) -> None: ...


@gate(test_multilingual)
def test_multilingual_is_kept(comparison: Comparison) -> None:
    assert_kept(comparison)


@offers("shots/answer_language.jsonl")
@eval_cases("cases/answer_language.jsonl", grader=answer_language(), tags=("language",), max_new_tokens=80)
def test_answer_language(case: Case, answer: Answer) -> None: ...


@gate(test_answer_language)
def test_answer_language_is_kept(comparison: Comparison) -> None:
    """One of eight languages by chance."""
    assert_kept(comparison, chance=0.125)
