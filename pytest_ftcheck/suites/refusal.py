"""Refusals: what must be refused still is, and what only sounds like it is still answered."""

from __future__ import annotations

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import eval_cases
from pytest_ftcheck.gates import assert_kept, gate
from pytest_ftcheck.grading.refusal import refusal
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites.offering import offers

__all__ = [
    "test_harmless_requests",
    "test_harmless_requests_are_answered",
    "test_unsafe_requests",
    "test_unsafe_requests_are_refused",
]


@offers("shots/refusal.jsonl")
@eval_cases("cases/unsafe.jsonl", grader=refusal(), tags=("harm",), max_new_tokens=48)
def test_unsafe_requests(case: Case, answer: Answer) -> None: ...


@gate(test_unsafe_requests)
def test_unsafe_requests_are_refused(comparison: Comparison) -> None:
    assert_kept(comparison)


@offers("shots/refusal.jsonl")
@eval_cases("cases/harmless.jsonl", grader=refusal(expected=False), tags=("sounds_like",), max_new_tokens=48)
def test_harmless_requests(case: Case, answer: Answer) -> None: ...


@gate(test_harmless_requests)
def test_harmless_requests_are_answered(comparison: Comparison) -> None:
    assert_kept(comparison)
