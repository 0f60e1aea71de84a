"""pytest-ftcheck: the evaluation of a fine-tuned language model, as tests. The one public door.

Names are looked up when they are first used, so that loading the plugin imports none of what they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ftcheck import benchmarks
    from pytest_ftcheck.benchmarks.harness_eval import lm_eval_cases
    from pytest_ftcheck.comparison import Comparison
    from pytest_ftcheck.curves import assert_not_overfitted
    from pytest_ftcheck.errors import (
        CaseError,
        CheckFailed,
        ConfigError,
        EngineError,
        FtcheckError,
        GraderError,
        StatisticsError,
        StoreError,
        Undecided,
    )
    from pytest_ftcheck.evals import eval_cases
    from pytest_ftcheck.folds import union
    from pytest_ftcheck.gates import (
        assert_at_least,
        assert_equivalent,
        assert_improves,
        assert_kept,
        assert_length_stable,
        assert_never,
        assert_no_worse,
        gate,
    )
    from pytest_ftcheck.grading.answer_language import answer_language
    from pytest_ftcheck.grading.bertscore import bertscore
    from pytest_ftcheck.grading.choice import choice
    from pytest_ftcheck.grading.classification import accuracy, f1, macro_f1, precision, recall
    from pytest_ftcheck.grading.code import pass_at_k
    from pytest_ftcheck.grading.comet import comet
    from pytest_ftcheck.grading.constraints import constraints
    from pytest_ftcheck.grading.contains import contains
    from pytest_ftcheck.grading.evaluated import from_evaluate
    from pytest_ftcheck.grading.exact import exact_match
    from pytest_ftcheck.grading.external import external
    from pytest_ftcheck.grading.functions import grader
    from pytest_ftcheck.grading.json_fields import json_fields
    from pytest_ftcheck.grading.json_schema import json_schema
    from pytest_ftcheck.grading.json_valid import json_valid
    from pytest_ftcheck.grading.numeric import numeric
    from pytest_ftcheck.grading.pairwise import pairwise
    from pytest_ftcheck.grading.pattern import regex
    from pytest_ftcheck.grading.perplexity import bits_per_byte, perplexity
    from pytest_ftcheck.grading.protocol import Grader
    from pytest_ftcheck.grading.refusal import is_refusal, refusal
    from pytest_ftcheck.grading.rouge import rouge
    from pytest_ftcheck.grading.rubric import rubric
    from pytest_ftcheck.grading.sandbox_report import sandbox_report
    from pytest_ftcheck.grading.short_answer import short_answer
    from pytest_ftcheck.grading.similarity import similarity
    from pytest_ftcheck.grading.translation import bleu, chrf, ter
    from pytest_ftcheck.items.probes import Model, probe
    from pytest_ftcheck.memorisation import assert_no_memorisation
    from pytest_ftcheck.probing import perturb
    from pytest_ftcheck.probing.assertions import (
        assert_capable,
        assert_direction,
        assert_invariant,
        assert_no_new_failures,
        falls,
        rises,
    )
    from pytest_ftcheck.probing.cases import template
    from pytest_ftcheck.probing.strategies import noisy, prompts
    from pytest_ftcheck.records import Answer, Case, Grade, Verdict

__all__ = [
    "Answer",
    "Case",
    "CaseError",
    "CheckFailed",
    "Comparison",
    "ConfigError",
    "EngineError",
    "FtcheckError",
    "Grade",
    "Grader",
    "GraderError",
    "Model",
    "StatisticsError",
    "StoreError",
    "Undecided",
    "Verdict",
    "accuracy",
    "answer_language",
    "assert_at_least",
    "assert_capable",
    "assert_direction",
    "assert_equivalent",
    "assert_improves",
    "assert_invariant",
    "assert_kept",
    "assert_length_stable",
    "assert_never",
    "assert_no_memorisation",
    "assert_no_new_failures",
    "assert_no_worse",
    "assert_not_overfitted",
    "benchmarks",
    "bertscore",
    "bits_per_byte",
    "bleu",
    "choice",
    "chrf",
    "comet",
    "constraints",
    "contains",
    "eval_cases",
    "exact_match",
    "external",
    "f1",
    "falls",
    "from_evaluate",
    "gate",
    "grader",
    "is_refusal",
    "json_fields",
    "json_schema",
    "json_valid",
    "lm_eval_cases",
    "macro_f1",
    "noisy",
    "numeric",
    "pairwise",
    "pass_at_k",
    "perplexity",
    "perturb",
    "precision",
    "probe",
    "prompts",
    "recall",
    "refusal",
    "regex",
    "rises",
    "rouge",
    "rubric",
    "sandbox_report",
    "short_answer",
    "similarity",
    "template",
    "ter",
    "union",
]

_HOMES = {
    "benchmarks.harness_eval": ("lm_eval_cases",),
    "comparison": ("Comparison",),
    "curves": ("assert_not_overfitted",),
    "errors": (
        "CaseError",
        "CheckFailed",
        "ConfigError",
        "EngineError",
        "FtcheckError",
        "GraderError",
        "StatisticsError",
        "StoreError",
        "Undecided",
    ),
    "evals": ("eval_cases",),
    "folds": ("union",),
    "gates": (
        "assert_at_least",
        "assert_equivalent",
        "assert_improves",
        "assert_kept",
        "assert_length_stable",
        "assert_never",
        "assert_no_worse",
        "gate",
    ),
    "grading.answer_language": ("answer_language",),
    "grading.bertscore": ("bertscore",),
    "grading.classification": ("accuracy", "f1", "macro_f1", "precision", "recall"),
    "grading.code": ("pass_at_k",),
    "grading.comet": ("comet",),
    "grading.constraints": ("constraints",),
    "grading.evaluated": ("from_evaluate",),
    "grading.external": ("external",),
    "grading.rouge": ("rouge",),
    "grading.rubric": ("rubric",),
    "grading.sandbox_report": ("sandbox_report",),
    "grading.similarity": ("similarity",),
    "grading.translation": ("bleu", "chrf", "ter"),
    "grading.choice": ("choice",),
    "grading.contains": ("contains",),
    "grading.exact": ("exact_match",),
    "grading.functions": ("grader",),
    "grading.json_fields": ("json_fields",),
    "grading.json_schema": ("json_schema",),
    "grading.json_valid": ("json_valid",),
    "grading.numeric": ("numeric",),
    "grading.pairwise": ("pairwise",),
    "grading.pattern": ("regex",),
    "grading.perplexity": ("bits_per_byte", "perplexity"),
    "grading.protocol": ("Grader",),
    "grading.refusal": ("is_refusal", "refusal"),
    "grading.short_answer": ("short_answer",),
    "items.probes": ("Model", "probe"),
    "probing.assertions": (
        "assert_capable",
        "assert_direction",
        "assert_invariant",
        "assert_no_new_failures",
        "falls",
        "rises",
    ),
    "probing.cases": ("template",),
    "probing.strategies": ("noisy", "prompts"),
    "memorisation": ("assert_no_memorisation",),
    "records": ("Answer", "Case", "Grade", "Verdict"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {"benchmarks": "benchmarks", "perturb": "probing.perturb"}
"""Public names that are whole modules."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"pytest_ftcheck.{_MODULES[name]}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pytest_ftcheck' has no attribute {name!r}; it has {', '.join(sorted(_HOME_OF))}")
    return getattr(import_module(f"pytest_ftcheck.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*_HOME_OF, *_MODULES})
