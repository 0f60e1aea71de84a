"""Tasks of lm-evaluation-harness: what a built task becomes, without the harness."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_ftcheck.benchmarks.harness import Harness
from pytest_ftcheck.benchmarks.harness_eval import lm_eval_cases
from pytest_ftcheck.benchmarks.harness_graders import OfMean, metrics_of
from pytest_ftcheck.errors import CaseError, ConfigError, GraderError
from pytest_ftcheck.evals import EvalSpec, spec_of
from pytest_ftcheck.records import Answer, Case

ACC = {"metric": "acc", "aggregation": "mean", "higher_is_better": True, "filter": "none"}


def built(form: str, requests: list[Any], *metrics: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A built task of one document, as the script writes it."""
    doc = {"doc_id": 4, "repeats": 1, "requests": requests}
    task = {"task": "local", "output_type": form, "unsafe_code": False, "multimodal": False, "custom": False}
    return {"version": "0.4.13", "tasks": [{**task, "metrics": list(metrics or [ACC]), "docs": [{**doc, **more}]}]}


def declared(monkeypatch: pytest.MonkeyPatch, task: dict[str, Any], **options: Any) -> tuple[EvalSpec, Case]:
    """Declare an eval of a built task; return it with its case."""
    monkeypatch.setattr(Harness, "_run", lambda self, asked: task)

    def test_task(case: Case, answer: Answer) -> None: ...

    spec = spec_of(lm_eval_cases("local", **options)(test_task))
    assert spec is not None
    return spec, spec.load()[0]


def test_choices_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request of a document is a choice behind its own context, asked plainly and for greediness too."""
    pairs = [["The cup", " fits."], ["The box", " fits."]]
    spec, case = declared(monkeypatch, built("multiple_choice", pairs))
    assert (spec.contexts_of(case), spec.choices_of(case)) == (("The cup", "The box"), (" fits.", " fits."))
    assert (spec.raw, spec.decoding.greedy, case.id, case.tags) == (True, True, "4", {"task": "local"})


def test_texts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rolling task reads its document, with the begin token that the tokenizer puts there."""
    spec, case = declared(monkeypatch, built("loglikelihood_rolling", [["Once upon a time"]]))
    assert (case.input, spec.decoding.reads, spec.decoding.keeps_begin) == ("Once upon a time", True, True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"until": ["\n"], "do_sample": False}, (256, 0.0, ("\n",))),
        ({"until": "Q:", "max_gen_toks": 9, "temperature": 0.7}, (9, 0.0, ("Q:",))),
        ({"until": [], "do_sample": True, "temperature": 0.7}, (256, 0.7, ())),
    ],
)
def test_generation_follows_the_task(monkeypatch: pytest.MonkeyPatch, given: Any, expected: Any) -> None:
    """Stops, length and temperature are the task's; without do_sample it is greedy, as the harness does."""
    spec, _ = declared(monkeypatch, built("generate_until", [["Say:", given]]))
    decoding = spec.decoding
    assert (decoding.max_new_tokens, decoding.temperature, decoding.stop) == expected


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (built("generate_until", [["a", {"num_beams": 2}]]), "generation_kwargs have num_beams"),
        (built("loglikelihood", [["a", "b"]], repeats=3), "several times; allowed: repeats: 1"),
        (built("loglikelihood", [["a", "b"]], {**ACC, "aggregation": "f1"}), r"metrics are acc \(f1\)"),
        (built("other", [["a"]]), "output types are other"),
    ],
)
def test_what_cannot_be_run_is_refused(monkeypatch: pytest.MonkeyPatch, task: dict[str, Any], said: str) -> None:
    """A task that cannot be run as the harness means it says why."""
    with pytest.raises(CaseError, match=said):
        declared(monkeypatch, task)


def test_a_limit_of_none_is_refused() -> None:
    """A limit below 1 is named."""
    with pytest.raises(ConfigError, match="limit=0"):
        lm_eval_cases("hellaswag", limit=0)


def test_every_metric_and_filter_is_a_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters tell metrics apart where there are several; a custom rule's scores need not be 0 or 1."""
    metrics = [{**ACC, "metric": "exact_match", "filter": name} for name in ("strict", "loose")]
    monkeypatch.setattr(Harness, "_run", lambda self, asked: built("generate_until", [["a", {}]], *metrics))
    graders = metrics_of(Harness(python="python", task="local"), (0.0, 1.0), lambda metric: True)
    assert [(one.name, one.binary) for one in graders] == [("exact_match,strict", True), ("exact_match,loose", True)]


def test_perplexities_are_of_sums() -> None:
    """The metric is of all documents together: the harness's formulas on summed log-probabilities and weights."""
    assert OfMean("weighted_perplexity").value([-6.0, 3.0]) == math.exp(2.0)
    assert OfMean("bits_per_byte").value([-6.0, 3.0]) == 2.0 / math.log(2)


def test_an_engine_without_log_probabilities_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without log-probabilities is an error of its case, not a score."""
    spec, case = declared(monkeypatch, built("loglikelihood", [["a", "b"]]))
    with pytest.raises(GraderError, match="gave no log-probability"):
        spec.graders[0](case, Answer("b"))
