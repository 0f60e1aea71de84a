"""Perplexity and bits per byte: how well a model reads a text. Corpus metrics of log-probabilities; less is better.

An eval under these asks for no answer: each case's input is read by itself (see records.Decoding), and the answer is
empty but for its log-probability. Counts of words and bytes are those of lm-evaluation-harness (0.4.13).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pytest_ftcheck.errors import GraderError, StatisticsError
from pytest_ftcheck.grading.corpus import STATISTICS, floats
from pytest_ftcheck.grading.parameters import check_choice, parameters_fingerprint
from pytest_ftcheck.grading.scores import shown
from pytest_ftcheck.records import Answer, Case, CaseResult, Grade

RULES = 1
Unit = Literal["token", "word", "byte"]
UNITS: tuple[Unit, ...] = ("token", "word", "byte")
LARGEST = 1e6
"""A case's own perplexity is cut there: a document that a model finds impossible must have a score."""
BITS_OF_A_BYTE = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Perplexity:
    """See `perplexity` and `bits_per_byte`. With `bits` the mean is given in bits, else its exponential."""

    name: str
    unit: Unit
    bits: bool = False
    binary: ClassVar[bool] = False
    lower_is_better: ClassVar[bool] = True
    reads: ClassVar[bool] = True

    @property
    def score_range(self) -> tuple[float, float]:
        """From a text foretold to its last token, up to where a case's own score is cut."""
        return (0.0, BITS_OF_A_BYTE) if self.bits else (1.0, LARGEST)

    @property
    def fingerprint(self) -> str:
        """Content hash of the unit and the rules."""
        return parameters_fingerprint(self, rules=RULES)

    @property
    def corpus(self) -> Perplexity:
        """The metric of the sums."""
        return self

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Return the document's own score, with its negative log-probability in nats and its count of units."""
        if not isinstance(case.input, str):
            raise GraderError(f"{self.name} has {shown(case.input)} to read; allowed: text")
        if answer.logprob is None or answer.finish_reason != "read" or not answer.completion_tokens:
            raise GraderError(
                f"{self.name} got an answer without the log-probability of its text: {shown(str(answer))};"
                " allowed: a text that a local checkpoint read, or an engine that answers request.decoding.reads"
            )
        counts = {
            "tokens": answer.completion_tokens,
            "words": len(re.split(r"\s+", case.input)),
            "bytes": len(case.input.encode("utf-8", "replace")),
        }
        row = [-answer.logprob, float(counts[f"{self.unit}s"])]
        low, high = self.score_range
        score = self._exact(*row)
        return Grade(high if score is None else min(max(score, low), high), detail={STATISTICS: row, **counts})

    def value(self, sums: Iterable[float]) -> float:
        """Return the metric of summed nats and units. Raises StatisticsError where it exceeds all numbers."""
        nats, units = floats(sums)
        found = self._exact(nats, units) if units > 0 else None
        if found is None:
            raise StatisticsError(f"{self.name} is not defined: {nats:g} nats for {units:g} {self.unit}s")
        return found

    def refusal(self, results: Sequence[CaseResult]) -> str:
        """Say why no gate may rest on it: by token, where the roles read the same texts as different tokens."""
        tokens = [
            sum(_tokens(grades, self.name) for grades in role)
            for role in ([one.base_grades for one in results], [one.ft_grades for one in results])
        ]
        if self.unit != "token" or tokens[0] == tokens[1]:
            return ""
        return (
            f"base reads the texts as {tokens[0]:,} tokens and ft as {tokens[1]:,}, so that figures by token do not"
            ' compare; allowed: bits_per_byte(), perplexity(per="word")'
        )

    def _exact(self, nats: float, units: float) -> float | None:
        """Return the metric, or None where it is larger than any number."""
        if self.bits:
            return nats / math.log(2) / units
        try:
            return math.exp(nats / units)
        except OverflowError:
            return None


def perplexity(per: Unit = "token") -> Perplexity:
    """Measure perplexity over all documents of an eval, 1 or more: exp of the mean nats by token, word or byte.

    Less is better: a delta below 0 is an improvement. The eval's cases are documents, each read by itself: after the
    begin token, without system prompt, shots or template; one longer than the context in windows, each conditioned on
    all before it that fits. By token, models with different tokenizers do not compare, and the gate says so. By word
    and by byte it is lm-evaluation-harness's `word_perplexity` and `byte_perplexity`. Margins are differences of
    perplexity: `assert_no_worse(comparison, margin=0.5)` claims that ft's is less than 0.5 above base's. A case's own
    score is cut at a million; the eval's is not. Raises ConfigError for another unit.

    >>> read = Answer("", finish_reason="read", logprob=-6.0, completion_tokens=3)
    >>> round(perplexity()(Case(id="a", input="All is well."), read).score, 3)    # e ** 2
    7.389
    """
    check_choice("perplexity", "per", per, UNITS)
    return Perplexity(name="perplexity" if per == "token" else f"{per}_perplexity", unit=per)


def bits_per_byte() -> Perplexity:
    """Measure bits per UTF-8 byte over all documents of an eval, 0 or more; see `perplexity`.

    Less is better. Models with different tokenizers compare. A margin is a ratio of byte perplexities:
    `assert_no_worse(comparison, margin=0.02)` claims that ft needs less than 0.02 bits more for each byte. A case's own
    score is cut at 8, what a byte takes without any model.

    >>> read = Answer("", finish_reason="read", logprob=-6.0, completion_tokens=3)
    >>> round(bits_per_byte()(Case(id="a", input="All is well."), read).score, 4)    # 6 nats are 8.656 bits
    0.7213
    """
    return Perplexity(name="bits_per_byte", unit="byte", bits=True)


def _tokens(grades: Mapping[str, Sequence[Grade]], name: str) -> int:
    return sum(int(grade.detail.get("tokens", 0)) for grade in grades.get(name, ()))
