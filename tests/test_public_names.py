"""The one public door: every name is there, is documented, and nothing else is promised."""

from __future__ import annotations

import pytest

import pytest_ftcheck


def test_the_list_is_pinned() -> None:
    """Adding or removing a public name is a decision, so it is written here too."""
    assert set(pytest_ftcheck.__all__) == {
        *("Answer", "Case", "Comparison", "Grade", "Grader", "Model", "Verdict"),
        *("assert_at_least", "assert_equivalent", "assert_improves", "assert_never", "assert_no_worse"),
        *("assert_kept", "assert_length_stable", "answer_language", "short_answer"),
        *("eval_cases", "gate", "grader", "probe"),
        *("union", "assert_no_memorisation", "assert_not_overfitted"),
        *(
            "choice",
            "contains",
            "exact_match",
            "json_fields",
            "json_schema",
            "json_valid",
            "numeric",
            "refusal",
            "regex",
        ),
        *(
            "accuracy",
            "f1",
            "macro_f1",
            "precision",
            "recall",
            "rouge",
            "rubric",
            "pairwise",
            "bleu",
            "chrf",
            "ter",
            "bertscore",
            "similarity",
        ),
        *("bits_per_byte", "perplexity"),
        *("comet", "constraints", "external", "from_evaluate", "pass_at_k", "sandbox_report"),
        "is_refusal",
        *("assert_capable", "assert_direction", "assert_invariant", "assert_no_new_failures", "falls", "rises"),
        *("benchmarks", "lm_eval_cases", "noisy", "perturb", "prompts", "template"),
        *("CaseError", "CheckFailed", "ConfigError", "EngineError", "FtcheckError", "GraderError"),
        *("StatisticsError", "StoreError", "Undecided"),
    }


@pytest.mark.parametrize("name", pytest_ftcheck.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    """Each public name can be looked up and says what it is."""
    assert (getattr(pytest_ftcheck, name).__doc__ or "").strip()


def test_an_unknown_name_is_told_the_known_ones() -> None:
    """A misspelt import says what there is."""
    with pytest.raises(AttributeError, match="assert_improves"):
        pytest_ftcheck.assert_improved  # noqa: B018
