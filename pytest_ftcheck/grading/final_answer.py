"""GSM8K's final answers: the number behind `####`, or the last number that the answer has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.parameters import parameters_fingerprint
from pytest_ftcheck.grading.scores import shown
from pytest_ftcheck.records import Answer, Case, Grade

RULES = 1
_MARKED = re.compile(r"#### (-?[0-9.,]+)")
_NUMBER = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalAnswer:
    """See `final_answer`."""

    name: str
    strict: bool
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    binary: ClassVar[bool] = True

    @property
    def fingerprint(self) -> str:
        """Content hash of the rules."""
        return parameters_fingerprint(self, rules=RULES)

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Return 1.0 where both numbers are written alike, else 0.0."""
        marked = _MARKED.search(str(case.expected))
        if marked is None:
            raise GraderError(f"expected is {shown(case.expected)}; allowed: a solution that ends in '#### NUMBER'")
        found = _MARKED.findall(answer)[:1] if self.strict else _NUMBER.findall(answer)[-1:]
        if not found:
            return Grade(0.0, f"no {'#### NUMBER' if self.strict else 'number'} in {shown(answer)}")
        expected, said = _bare(marked[1]), _bare(found[0])
        return Grade(float(said == expected), "" if said == expected else f"expected {expected}, got {said}")


def final_answer(*, strict: bool = True) -> FinalAnswer:
    """Grade 1 where the answer's final number is that of the solution in `case.expected`.

    `strict` takes the first number behind `####`, as the data's authors do (Cobbe et al. 2021, arXiv 2110.14168);
    without it the last number anywhere in the answer. Numbers are compared as text, without commas, dollar signs and a
    full stop behind. These are `strict-match` and `flexible-extract` of lm-evaluation-harness 0.4.13.

    >>> case = Case(id="a", input="How many?", expected="3 + 4 = 7, times 1,000. #### 7,000")
    >>> final_answer()(case, Answer("So many: #### 7000")).score
    1.0
    >>> final_answer()(case, Answer("$7,000.")).score, final_answer(strict=False)(case, Answer("$7,000.")).score
    (0.0, 1.0)
    """
    return FinalAnswer(name="strict_match" if strict else "flexible_extract", strict=strict)


def _bare(number: str) -> str:
    return number.replace(",", "").replace("$", "").removesuffix(".")
