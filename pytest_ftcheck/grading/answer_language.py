"""Answer language: the answer is in the language that the case asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_ftcheck.errors import ConfigError, GraderError
from pytest_ftcheck.grading.extras import require, versions
from pytest_ftcheck.grading.language import MODULE, known_code, language_of
from pytest_ftcheck.grading.parameters import check_number, parameters_fingerprint
from pytest_ftcheck.grading.prose import word_count
from pytest_ftcheck.grading.scores import shown
from pytest_ftcheck.records import Answer, Case, Grade

RULES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLanguage:
    """See `answer_language`."""

    name: str = "answer_language"
    field: str
    least_words: int
    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    binary: ClassVar[bool] = True

    @property
    def fingerprint(self) -> str:
        """Content hash of the field's name, and the version of the language model."""
        return parameters_fingerprint(self, rules=RULES, versions=versions(MODULE))

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Return 1.0 where the answer is in the language of the case."""
        wanted = case.tags.get(self.field, case.fields.get(self.field))
        code = known_code(wanted) if isinstance(wanted, str) else None
        if code is None:
            raise GraderError(
                f"field {self.field!r} is {shown(wanted)}; allowed: an ISO 639-1 code that can be told, as 'fr'"
            )
        if word_count(answer) < self.least_words:
            return Grade(1.0)
        found = language_of(answer)
        return Grade(1.0) if found == code else Grade(0.0, f"expected {code}, got {found or 'no letters'}")


def answer_language(field: str = "language", *, least_words: int = 0) -> AnswerLanguage:
    """Grade 1 where the answer is in the language that a tag or field of the case names by its ISO 639-1 code.

    Told offline by py3langid (extra `constraints`): give it a sentence, since a word or two may be taken for anything.
    An answer of fewer than `least_words` words counts as right, for evals that ask whether the language has drifted.
    Scores: 0 or 1. Raises ConfigError without the extra; a case without such a code is a GraderError.

    >>> case = Case(id="a", input="Où est la gare ?", fields={"language": "fr"})
    >>> answer_language()(case, Answer("La gare se trouve en face de la mairie.")).score
    1.0
    """
    if not isinstance(field, str) or not field:
        raise ConfigError(f"answer_language: field is {field!r}; allowed: the name of a field of the cases")
    check_number("answer_language", "least_words", least_words)
    require("answer_language", MODULE)
    return AnswerLanguage(field=field, least_words=least_words)
