"""What a fine-tune most often forgets: arithmetic, reasoning, general knowledge, reading."""

from __future__ import annotations

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import eval_cases
from pytest_ftcheck.gates import assert_kept, gate
from pytest_ftcheck.grading.numeric import numeric
from pytest_ftcheck.grading.short_answer import short_answer
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites.offering import offers

__all__ = [
    "test_arithmetic",
    "test_arithmetic_is_kept",
    "test_knowledge",
    "test_knowledge_is_kept",
    "test_reading",
    "test_reading_is_kept",
    "test_reasoning",
    "test_reasoning_is_kept",
]


@offers("shots/arithmetic.jsonl")
@eval_cases("cases/arithmetic.jsonl", grader=numeric(), tags=("kind",), max_new_tokens=64)
def test_arithmetic(case: Case, answer: Answer) -> None: ...


@gate(test_arithmetic)
def test_arithmetic_is_kept(comparison: Comparison) -> None:
    assert_kept(comparison)


@offers("shots/reasoning.jsonl")
@eval_cases("cases/reasoning.jsonl", grader=short_answer(), tags=("kind",), max_new_tokens=96)
def test_reasoning(case: Case, answer: Answer) -> None: ...


@gate(test_reasoning)
def test_reasoning_is_kept(comparison: Comparison) -> None:
    assert_kept(comparison)


@offers("shots/knowledge.jsonl")
@eval_cases("cases/knowledge.jsonl", grader=short_answer(), tags=("field",), max_new_tokens=48)
def test_knowledge(case: Case, answer: Answer) -> None: ...


@gate(test_knowledge)
def test_knowledge_is_kept(comparison: Comparison) -> None:
    assert_kept(comparison)


@offers("shots/reading.jsonl")
@eval_cases("cases/reading.jsonl", grader=short_answer(), max_new_tokens=48)
def test_reading(case: Case, answer: Answer) -> None: ...


@gate(test_reading)
def test_reading_is_kept(comparison: Comparison) -> None:
    assert_kept(comparison)
