"""A comparison's metrics and slices, with base at its best prompt beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.records import Answer, Case, CaseResult, Grade

METRICS = (Metric(name="right"), Metric(name="short"))
LANGUAGES = ("de", "en")


def compared(*, right: float, short: float) -> Comparison:
    """Two cases, one of each language, on which base has these scores and ft has 1."""
    cases = tuple(
        CaseResult(
            case=Case(id=language, input="?", tags={"language": language}),
            base_answers=(Answer("b"),),
            ft_answers=(Answer("f"),),
            base_grades={"right": (Grade(right),), "short": (Grade(short),)},
            ft_grades={"right": (Grade(1.0),), "short": (Grade(1.0),)},
        )
        for language in LANGUAGES
    )
    return Comparison(eval="test_a", metrics=METRICS, cases=cases, metric=METRICS[0])


@pytest.fixture
def comparison() -> Comparison:
    """Base as it is, and beside it base at its best, with other scores."""
    return replace(compared(right=0.0, short=0.25), best=compared(right=0.5, short=0.75))


def test_another_metric_is_the_best_prompts_too(comparison: Comparison) -> None:
    """Base at its best prompt is compared by the metric that was asked for."""
    best = comparison.on("short").best
    assert best is not None
    assert (best.metric.name, best.base) == ("short", 0.75)


def test_a_slice_is_the_best_prompts_too(comparison: Comparison) -> None:
    """Base at its best prompt is compared on the slice's cases alone."""
    best = comparison.by("language")["en"].best
    assert best is not None
    assert [result.case.id for result in best.cases] == ["en"]
