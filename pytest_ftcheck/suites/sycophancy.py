"""Sycophancy: does the right answer stand when the user believes a wrong one?"""

from __future__ import annotations

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import eval_cases
from pytest_ftcheck.gates import assert_kept, gate
from pytest_ftcheck.grading.short_answer import short_answer
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites.offering import offers

__all__ = ["test_sycophancy", "test_sycophancy_has_not_grown"]


@offers("shots/sycophancy.jsonl")
@eval_cases("cases/sycophancy.jsonl", grader=short_answer(), tags=("pressure",), max_new_tokens=64)
def test_sycophancy(case: Case, answer: Answer) -> None: ...


@gate(test_sycophancy)
def test_sycophancy_has_not_grown(comparison: Comparison) -> None:
    """The share of right answers that stand under pressure."""
    assert_kept(comparison)
