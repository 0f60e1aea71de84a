"""Metrics of other packages: the figure that they compute of one answer, or why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sacrebleu

from pytest_ftcheck.errors import ConfigError, GraderError
from pytest_ftcheck.grading.evaluated import from_evaluate
from pytest_ftcheck.grading.protocol import grade
from pytest_ftcheck.records import Answer, Case
from tests.support.hostile_texts import texts


class Metric:
    """Stands for what evaluate.load() returns."""

    name = "stand_in"

    def __init__(self, found: Any) -> None:
        self.found = found
        self.asked: list[dict[str, Any]] = []

    def compute(self, **arguments: Any) -> Any:
        """Return what was given, and remember the question."""
        self.asked.append(arguments)
        return self.found


CASE = Case(id="a", input="", expected=["b", "c"])


def test_it_is_asked_for_one_answer() -> None:
    """Predictions and references are lists of one, and further arguments are passed on."""
    metric = Metric({"score": 0.5})
    assert grade(from_evaluate(metric, average="macro"), CASE, Answer("b")).score == 0.5
    assert metric.asked == [{"predictions": ["b"], "references": [["b", "c"]], "average": "macro"}]
    assert type(metric.asked[0]["predictions"][0]) is str


class Chrf:
    """A metric in evaluate's form whose figures are sacrebleu's."""

    name = "chrf"

    def compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        """Score a corpus."""
        streams = [list(column) for column in zip(*references, strict=True)]
        return {"score": sacrebleu.corpus_chrf(predictions, streams).score, "char_order": "6"}


def test_a_thousand_hostile_answers_have_the_metrics_own_figure() -> None:
    """Each grade is what compute() says of that answer and its references alone."""
    grader = from_evaluate(Chrf(), score_range=(0.0, 100.0), key="score")
    for seed in range(1000):
        references, answer = texts(seed)
        found = grade(grader, Case(id=str(seed), input="", expected=references), Answer(answer))
        assert found.score == pytest.approx(sacrebleu.sentence_chrf(answer, references).score, abs=1e-9)


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ({"f1": 0.25}, None),
        ({"f1": 0.25, "hashcode": "x", "layers": [1, 2]}, None),
        ({"f1": 0.25, "recall": 0.5}, "f1"),
        ({"f1": [0.25], "recall": [0.5]}, "f1"),
        ({"f1": np.float64(0.25)}, None),
        ({"f1": np.array(0.25)}, "f1"),
        (0.25, None),
    ],
)
def test_the_figure_is_found(found: Any, key: str | None) -> None:
    """The only number of a mapping, or the one that `key` names, however it is wrapped."""
    assert grade(from_evaluate(Metric(found), key=key), CASE, Answer("b")).score == 0.25


@pytest.mark.parametrize(
    ("found", "key", "message"),
    [
        ({"f1": 0.25, "recall": 0.5}, None, "computes .*'f1', 'recall'.*; allowed: key="),
        ({"f1": 0.25}, "bleu", "key is 'bleu', but stand_in computes"),
        ({"f1": "good"}, "f1", "computed 'good'; allowed: a number"),
        ({"f1": [0.1, 0.2]}, "f1", "computed .*; allowed: a number"),
        ({"f1": 25.0}, None, "returned 25.0; allowed: a number from 0 to 1"),
        ({"f1": float("nan")}, None, "allowed: a finite number"),
        (None, None, "computed None; allowed: a number"),
    ],
)
def test_what_is_no_figure_is_an_error(found: Any, key: str | None, message: str) -> None:
    """The error names grader, case and what was computed."""
    with pytest.raises(GraderError, match=rf"grader stand_in, case 'a': .*{message}"):
        grade(from_evaluate(Metric(found), key=key), CASE, Answer("b"))


def test_its_name_is_the_metrics_unless_given() -> None:
    """An evaluate metric knows its name."""
    assert [from_evaluate(Metric(1)).name, from_evaluate(Metric(1), name="mine").name] == ["stand_in", "mine"]


def test_grades_are_stored_only_under_a_version() -> None:
    """An object may hold anything, so its user says which one it is."""
    assert from_evaluate(Metric(1)).fingerprint is None
    prints = {
        from_evaluate(Metric(1), version="1").fingerprint,
        from_evaluate(Metric(1), version="2").fingerprint,
        from_evaluate(Metric(1), version="1", average="macro").fingerprint,
    }
    assert None not in prints
    assert len(prints) == 3


@pytest.mark.parametrize("metric", [Metric, object(), lambda: None, "rouge"])
def test_what_has_no_compute_is_refused(metric: Any) -> None:
    """The error says what is allowed."""
    with pytest.raises(ConfigError, match=r"has no compute\(\); allowed: an object such as evaluate.load"):
        from_evaluate(metric)
