"""Short answers: an accepted text stands in the answer as words of its own, in any script."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.exact import accepted_texts
from pytest_ftcheck.grading.parameters import check_number, parameters_fingerprint
from pytest_ftcheck.grading.scores import shown
from pytest_ftcheck.records import Answer, Case, Grade

RULES = 1

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Letters of scripts that set no spaces between words, or join endings to them: there a text may stand anywhere."""


_ACCENTS = "[\u0300-\u036f]+"
"""Marks dropped behind Latin and Greek letters; elsewhere, as in Russian or Japanese, they make another letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortAnswer:
    """See `short_answer`."""

    name: str = "short_answer"
    max_words: int
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    binary: ClassVar[bool] = True

    @property
    def fingerprint(self) -> str:
        """Content hash of the limit."""
        return parameters_fingerprint(self, rules=RULES)

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Return 1.0 where an accepted text stands in the beginning of the answer."""
        accepted = [plain(text) for text in accepted_texts(case.expected)]
        if not all(accepted):
            raise GraderError(f"expected is {shown(case.expected)}; allowed: texts that are not blank")
        beginning = " ".join(plain(answer).split()[: self.max_words])
        if any(_stands(text, beginning) for text in accepted):
            return Grade(1.0)
        return Grade(0.0, f"none of {', '.join(map(shown, accepted[:5]))} in {shown(beginning)}")


def short_answer(*, max_words: int = 60) -> ShortAnswer:
    """Grade 1 where `case.expected`, or any of a list, stands among the answer's first words as words of its own.

    Case, accents, and the width of letters do not count, nor does punctuation between words; "7" is not in "17", nor
    "art" in "party". In scripts without spaces, such as Chinese, a text may stand anywhere. Only the first `max_words`
    words are looked at, so that a list of everything does not win. Scores: 0 or 1. Raises ConfigError for a limit that
    is no number above 0; an empty `expected` is a GraderError.

    >>> case = Case(id="a", input="What is the capital of Peru?", expected=["Lima"])
    >>> short_answer()(case, Answer("It's Lima.")).score, short_answer()(case, Answer("Climate")).score
    (1.0, 0.0)
    """
    check_number("short_answer", "max_words", max_words, positive=True)
    return ShortAnswer(max_words=int(max_words))


def plain(text: object) -> str:
    """Return a text in small letters without accents, with single spaces for all that is no letter, digit or sign.

    >>> plain("São  Paulo, 1,200 m²!")
    'sao paulo 1200 m2'
    """
    decomposed = unicodedata.normalize("NFKD", str(text).casefold())
    letters = re.sub(rf"([\u0000-\u03ff]){_ACCENTS}", r"\1", decomposed)
    joined = re.sub(r"(?<=\d)[,'’\u00a0\u202f](?=\d{3}(?!\d))", "", unicodedata.normalize("NFC", letters))
    return " ".join(re.sub(r"(?<!\d)[.:]|[.:](?!\d)|[^\w.:/%+-]", " ", joined).split())


def _stands(text: str, beginning: str) -> bool:
    before = rf"(?<![^\W{_UNSPACED}])" if not re.match(f"[{_UNSPACED}]", text) else ""
    after = rf"(?![^\W{_UNSPACED}])" if not re.search(f"[{_UNSPACED}]$", text) else ""
    if text[0].isdigit():
        before = r"(?<![\d.:/-])" + before
    if text[-1].isdigit():
        after += r"(?![.:/]\d)"
    return re.search(before + re.escape(text) + after, beginning) is not None
