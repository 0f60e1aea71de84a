"""Instructions that a program can verify: lengths, formats, words asked for and words forbidden."""

from __future__ import annotations

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.evals import eval_cases
from pytest_ftcheck.gates import assert_kept, gate
from pytest_ftcheck.grading.constraints import constraints
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites.offering import offers

__all__ = ["test_instructions", "test_instructions_are_followed"]


@offers("shots/instructions.jsonl")
@eval_cases("cases/instructions.jsonl", grader=[constraints(), constraints(mode="loose")], max_new_tokens=200)
def test_instructions(case: Case, answer: Answer) -> None: ...


@gate(test_instructions)
def test_instructions_are_followed(comparison: Comparison) -> None:
    assert_kept(comparison)
