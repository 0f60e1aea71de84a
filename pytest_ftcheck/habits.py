"""What sort of answers a role gives: JSON, refusals, loops, the same wrong label. It decides nothing.

Signs of form are told without a model. Of an eval with more than MOST_READ cases every k-th is looked at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mode

from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.data.texts import normalise, words
from pytest_ftcheck.grading.refusal import is_refusal
from pytest_ftcheck.records import Answer, Case, CaseResult, Grade, Habits, Reply, Role
from pytest_ftcheck.reports.losses import expected_text
from pytest_ftcheck.suites.forms import repeats_nothing

MOST_READ = 300
"""Cases of an eval that are looked at: enough to tell shares that differ by a fifth, within a second. Refusals are what
costs, two milliseconds an answer."""

LABEL_WORDS = 5
"""Answers this short may be labels; longer ones agree word for word by habit alone."""

LEAST_OF_A_LABEL = 3
"""Cases that must expect the same before one wrong answer to most of them is a swap."""

_JSON = re.compile(r"\s*(?:```(?:json)?\s*)?[{\[]")


def habits_of(comparison: Comparison) -> tuple[Habits, Habits] | tuple[None, None]:
    """Return base's and ft's habits; None for both where texts were scored and nothing was written."""
    results = comparison.cases[:: -(-len(comparison.cases) // MOST_READ)]
    if any(answer.finish_reason in ("read", "choice", "label") for answer in _first_answers(results[:1], "ft")):
        return None, None
    return _habits(results, "base", comparison.metric), _habits(results, "ft", comparison.metric)


def alike(results: Sequence[CaseResult]) -> int:
    """Count the cases that both roles answered in the same words, in all samples."""
    return sum(tuple(result.base_answers) == tuple(result.ft_answers) for result in results)


def _habits(results: Sequence[CaseResult], role: Role, metric: Metric) -> Habits:
    answers = _first_answers(results, role)
    texts = Counter(map(str, answers))
    wrong = [score != metric.best for score in _first_scores(results, role, metric)]
    pairs = list(zip([result.case for result in results], answers, wrong, strict=True))
    return Habits(
        n=len(answers),
        json=sum(_JSON.match(answer) is not None for answer in answers),
        refusals=sum(times for text, times in texts.items() if is_refusal(text)),
        loops=sum(repeats_nothing(case, answer).score == 0 for case, answer, _ in pairs),
        cut_off=sum(answer.finish_reason == "length" for answer in answers),
        empty=sum(not answer.strip() for answer in answers),
        commonest=max(texts.values(), default=0),
        misshapen=sum(is_wrong and _holds(answer, case) for case, answer, is_wrong in pairs),
        swapped=_swapped(pairs),
    )


def _holds(answer: Answer, case: Case) -> bool:
    """Whether what was expected stands in an answer as words of its own, whatever is around it."""
    if case.expected is None or isinstance(case.expected, Mapping | list | tuple):
        return False
    expected = normalise(expected_text(case.expected))
    return bool(expected) and f" {expected} " in f" {normalise(answer)} "


def _swapped(pairs: Sequence[tuple[Case, Answer, bool]]) -> int:
    """Count wrong answers that are the most frequent to all that expect the same, and hold what others expect.

    None where one answer serves them all: that is no swap.
    """
    said: dict[str, list[str]] = defaultdict(list)
    for case, answer, is_wrong in pairs:
        text = normalise(answer)
        if case.expected is not None and len(words(text)) <= LABEL_WORDS:
            said[normalise(expected_text(case.expected))].append(text if is_wrong else "")
    usual = {label: mode(texts) for label, texts in said.items() if len(texts) >= LEAST_OF_A_LABEL}
    swaps = {label: text for label, text in usual.items() if text and _names_another(text, label, said)}
    if len(set(swaps.values())) < 2:
        return 0
    return sum(said[label].count(text) for label, text in swaps.items())


def _names_another(text: str, label: str, labels: Iterable[str]) -> bool:
    return any(each != label and f" {each} " in f" {text} " for each in labels)


def _first_answers(results: Sequence[CaseResult], role: Role) -> list[Answer]:
    return [_answer((result.base_answers if role == "base" else result.ft_answers)[0]) for result in results]


def _answer(reply: Reply) -> Answer:
    return reply if isinstance(reply, Answer) else Answer("")


def _first_scores(results: Sequence[CaseResult], role: Role, metric: Metric) -> list[float | None]:
    grades: list[Mapping[str, Sequence[Grade]]] = [
        result.base_grades if role == "base" else result.ft_grades for result in results
    ]
    return [graded[metric.name][0].score for graded in grades]
