"""Format obsession: a model tuned on one form of answer gives it where another was asked.

Prose asked and JSON given; JSON asked and prose given; another language; longer or shorter; the same over and over.
"""

from __future__ import annotations

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import eval_cases
from pytest_ftcheck.gates import assert_kept, assert_length_stable, gate
from pytest_ftcheck.grading.answer_language import answer_language
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites.forms import is_prose, keeps_keys, repeats_nothing
from pytest_ftcheck.suites.offering import offers

__all__ = [
    "test_json",
    "test_json_asked_json_given",
    "test_prose",
    "test_prose_asked_prose_given",
    "test_prose_does_not_repeat_itself",
    "test_prose_is_as_long",
    "test_prose_is_in_the_language_asked",
]


@offers("shots/prose.jsonl")
@eval_cases(
    "cases/prose.jsonl",
    grader=[is_prose, answer_language(least_words=4), repeats_nothing],
    tags=("language",),
    max_new_tokens=120,
)
def test_prose(case: Case, answer: Answer) -> None: ...


@gate(test_prose)
def test_prose_asked_prose_given(comparison: Comparison) -> None:
    assert_kept(comparison)


@gate(test_prose)
def test_prose_is_in_the_language_asked(comparison: Comparison) -> None:
    assert_kept(comparison, metric="answer_language")


@gate(test_prose)
def test_prose_does_not_repeat_itself(comparison: Comparison) -> None:
    assert_kept(comparison, metric="repeats_nothing")


@gate(test_prose)
def test_prose_is_as_long(comparison: Comparison) -> None:
    """On average no longer, and no shorter, than base's by half."""
    assert_length_stable(comparison, within=0.5)


@offers("shots/json.jsonl")
@eval_cases("cases/json.jsonl", grader=keeps_keys, max_new_tokens=120)
def test_json(case: Case, answer: Answer) -> None: ...


@gate(test_json)
def test_json_asked_json_given(comparison: Comparison) -> None:
    assert_kept(comparison)
