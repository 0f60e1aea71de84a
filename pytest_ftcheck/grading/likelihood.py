"""Multiple choice by log-probabilities: whether the right choice is the likeliest, and the mass on the right ones.

For answers chosen from a case's choices, all of whose log-probabilities the answer carries. The case's fields hold the
choices' texts as `options`, and the place of the right one, or the places of all right ones, as `gold`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.parameters import parameters_fingerprint
from pytest_ftcheck.grading.scores import shown
from pytest_ftcheck.records import Answer, Case, Grade

RULES = 1
OPTIONS, GOLD = "options", "gold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeliest:
    """1 where the likeliest choice is right: by log-probability, or by that for each character of its text."""

    name: str
    by: Literal["none", "characters"] = "none"
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    binary: ClassVar[bool] = True

    @property
    def fingerprint(self) -> str:
        """Content hash of how choices are weighed."""
        return parameters_fingerprint(self, rules=RULES)

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Return 1.0 or 0.0; the first of equals is the likeliest."""
        options, gold, logprobs = _facts(case, answer)
        weighed = [
            logprob / max(1, len(option)) if self.by == "characters" else logprob
            for logprob, option in zip(logprobs, options, strict=True)
        ]
        best = weighed.index(max(weighed))
        return Grade(float(best in gold), detail={"chosen": best, "gold": list(gold)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mass:
    """The share of the choices' probability that is on right ones, 0 to 1 (TruthfulQA's MC2)."""

    name: str = "mc2"
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    binary: ClassVar[bool] = False

    @property
    def fingerprint(self) -> str:
        """Content hash of the rules."""
        return parameters_fingerprint(self, rules=RULES)

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Return the share."""
        _, gold, logprobs = _facts(case, answer)
        top = max(logprobs)
        masses = [math.exp(logprob - top) for logprob in logprobs]
        return Grade(sum(masses[place] for place in gold) / sum(masses))


def acc() -> Likeliest:
    """Grade 1 where the likeliest choice is the right one.

    >>> case = Case(id="a", input="2 + 2 =", fields={"options": ["5", "four"], "gold": 1})
    >>> acc()(case, Answer(" 5", choice_logprobs=[-1.0, -2.0])).score
    0.0
    """
    return Likeliest(name="acc")


def acc_norm() -> Likeliest:
    """Grade 1 where the right choice has the highest log-probability for each character of its text.

    >>> case = Case(id="a", input="2 + 2 =", fields={"options": ["5", "four"], "gold": 1})
    >>> acc_norm()(case, Answer(" 5", choice_logprobs=[-1.0, -2.0])).score
    1.0
    """
    return Likeliest(name="acc_norm", by="characters")


def mc1() -> Likeliest:
    """Grade 1 where the likeliest choice is the one true answer (TruthfulQA, arXiv 2109.07958)."""
    return Likeliest(name="mc1")


def mc2() -> Mass:
    """Grade the share of probability on true answers, of that on all (TruthfulQA, arXiv 2109.07958).

    >>> case = Case(id="a", input="Q", fields={"options": ["x", "y", "z"], "gold": [0, 2]})
    >>> round(mc2()(case, Answer("x", choice_logprobs=[-1.0, -1.0, -1.0])).score, 4)
    0.6667
    """
    return Mass()


def _facts(case: Case, answer: Answer) -> tuple[Sequence[str], Sequence[int], Sequence[float]]:
    """Return a case's options, the places of right ones, and the options' log-probabilities. Raises GraderError."""
    options, gold = case.fields.get(OPTIONS), case.fields.get(GOLD)
    places = [gold] if isinstance(gold, int) else gold
    if not isinstance(options, list | tuple) or not isinstance(places, list | tuple) or not places:
        raise GraderError(f"fields {OPTIONS!r}, {GOLD!r} are {shown(options)}, {shown(gold)}; allowed: texts, places")
    if not all(isinstance(place, int) and 0 <= place < len(options) for place in places):
        raise GraderError(f"gold is {shown(gold)}; allowed: places of the {len(options)} options, from 0")
    logprobs = answer.choice_logprobs
    if logprobs is None or len(logprobs) != len(options):
        raise GraderError(f"the answer has {shown(logprobs)} as log-probabilities; allowed: one for each option")
    return options, places, logprobs
