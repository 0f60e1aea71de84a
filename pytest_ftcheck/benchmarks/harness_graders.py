"""Graders that ask lm-evaluation-harness: one for each metric of a task, and filter, that gates can rest on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ftcheck.benchmarks.harness import Harness
from pytest_ftcheck.errors import GraderError, StatisticsError
from pytest_ftcheck.grading.corpus import STATISTICS, floats
from pytest_ftcheck.grading.scores import shown
from pytest_ftcheck.records import Answer, Case, Grade, digest

RULES = 1
MOST = 1e9
"""Perplexities of single cases are cut here: the metric itself is of all cases together."""
VALUES: Mapping[str, Callable[[float], float]] = {
    "perplexity": lambda mean: math.exp(-mean),
    "weighted_perplexity": lambda mean: math.exp(-mean),
    "bits_per_byte": lambda mean: -mean / math.log(2),
}
"""What the harness makes of the mean log-probability a case, word or byte, by the names of its aggregations."""
GATED = ("mean", *VALUES)


@dataclass(frozen=True, slots=True)
class OfMean:
    """A corpus metric made of the mean log-probability: sums are those of log-probabilities and of weights."""

    aggregation: str

    def value(self, sums: Iterable[float]) -> float:
        """Return the metric of (log-probability, weight)."""
        logprob, weight = floats(sums)
        if not weight:
            raise StatisticsError("the texts have no words")
        try:
            return VALUES[self.aggregation](logprob / weight)
        except OverflowError:
            raise StatisticsError("the perplexity is beyond what a number can hold") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessMetric:
    """One metric of a task. `key` is what the harness calls it with its filter, such as "exact_match,strict-match"."""

    harness: Harness
    name: str
    key: str
    aggregation: str
    higher_is_better: bool
    score_range: tuple[float, float]
    binary: bool

    @property
    def corpus(self) -> OfMean | None:
        """How a metric that is no mean over cases is made of sums."""
        return None if self.aggregation == "mean" else OfMean(self.aggregation)

    @property
    def lower_is_better(self) -> bool:
        """Whether small scores are good."""
        return not self.higher_is_better

    @property
    def fingerprint(self) -> str:
        """Content hash of the task, its code and the metric."""
        return digest([type(self).__name__, RULES, self.harness.fingerprint, self.key, self.aggregation])

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Score one answer."""
        return self._grade(self.harness.score([(case, answer)])[0])

    def grade_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Grade | GraderError]:
        """Score all answers in one process of the harness."""
        return [self._attempt(scores) for scores in self.harness.score(pairs)]

    def _attempt(self, scores: Mapping[str, Any]) -> Grade | GraderError:
        try:
            return self._grade(scores)
        except GraderError as error:
            return error

    def _grade(self, scores: Mapping[str, Any]) -> Grade:
        if self.key not in scores:
            raise GraderError(f"the harness gave no {self.key}; it gave {', '.join(scores) or 'nothing'}")
        value = scores[self.key]
        if self.aggregation == "mean":
            if not isinstance(value, float):
                raise GraderError(f"the harness gave {shown(value)} as {self.key}; allowed: a number")
            return Grade(value)
        pair = [value, 1.0] if isinstance(value, float) else value
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(math.isfinite, pair)):
            raise GraderError(
                f"the harness gave {shown(value)} as {self.key}; allowed: a log-probability, and a weight"
            )
        return Grade(self._own(*pair), detail={STATISTICS: pair})

    def _own(self, logprob: float, weight: float) -> float:
        """Return the metric of one case alone, within the range."""
        try:
            return min(MOST, max(0.0, VALUES[self.aggregation](logprob / weight)))
        except (OverflowError, ZeroDivisionError):
            return MOST


def metrics_of(
    harness: Harness, score_range: tuple[float, float], binary: Callable[[str], bool]
) -> tuple[HarnessMetric, ...]:
    """Return the graders of a task's metrics, in its order; those that are neither means nor perplexities are left out.

    Raises GraderError where none is left.
    """
    tasks = harness.built()["tasks"]
    told = [metric for metric in tasks[0]["metrics"] if all(metric in task["metrics"] for task in tasks)]
    filters = {metric["filter"] for metric in told}
    found = tuple(
        HarnessMetric(
            harness=harness,
            name=metric["metric"] if len(filters) == 1 else f"{metric['metric']},{metric['filter']}",
            key=f"{metric['metric']},{metric['filter']}",
            aggregation=metric["aggregation"],
            higher_is_better=metric["higher_is_better"],
            score_range=score_range if metric["aggregation"] == "mean" else (0.0, MOST),
            binary=metric["aggregation"] == "mean" and binary(metric["metric"]),
        )
        for metric in told
        if metric["aggregation"] in GATED
    )
    if not found:
        names = ", ".join(f"{metric['metric']} ({metric['aggregation'] or 'own'})" for metric in told) or "none"
        raise GraderError(f"the task's metrics are {names}; allowed: one at least that is a mean or a perplexity")
    return found
