"""Case sets looked over: duplicates, contradictions, one answer for nearly all, and labels that both models doubt.

Notices for a reader, never a verdict: whoever reads them decides whether a case is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_ftcheck.data.leaks import question
from pytest_ftcheck.data.texts import normalise, words
from pytest_ftcheck.records import Answer, Case, CaseResult
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.losses import expected_text

NAMED = 5
MOST_LABELS, LEAST_CASES, ONE_SIDED = 20, 30, 0.9
"""Where 30 cases or more have 20 different answers at the most, one answer for nine tenths of them is one-sided."""

LABEL_WORDS = 5
"""Only answers this short are compared word for word: longer ones agree by chance alone never, and by habit often."""


def case_set_notices(name: str, cases: Sequence[Case]) -> list[str]:
    """Say what is odd about an eval's cases before any is answered."""
    return [text for text in (_duplicates(name, cases), _contradictions(name, cases), _balance(name, cases)) if text]


def label_notices(name: str, results: Sequence[CaseResult]) -> list[str]:
    """Name the cases in which base and ft give one and the same short answer that is not the expected one."""
    doubted = []
    for result in results:
        said = {_answer(reply) for reply in (*result.base_answers, *result.ft_answers)}
        if len(said) != 1 or result.missing or result.case.expected is None:
            continue
        (text,) = said
        wrong = all(
            grade.score is not None and grade.score <= 0
            for grades in (*result.base_grades.values(), *result.ft_grades.values())
            for grade in grades
        )
        if text and wrong and len(words(text)) <= LABEL_WORDS:
            expected = inert(expected_text(result.case.expected), limit=40, one_line=True)
            doubted.append(f"{_id(result.case)} (expected {expected}, both say {inert(text, limit=40, one_line=True)})")
    if not doubted:
        return []
    return [
        f"{name}: base and ft agree against the expected answer in {count(len(doubted), 'case')}: is it right?"
        f" {_listed(doubted)}"
    ]


def _duplicates(name: str, cases: Sequence[Case]) -> str:
    """Name cases that ask the same and expect the same: they count twice, as if they were independent."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(f"{_asked(case)}\n{normalise(expected_text(case.expected))}", []).append(case)
    found = [group for group in groups.values() if len(group) > 1]
    if not found:
        return ""
    named = [" = ".join(map(_id, group[:NAMED])) for group in found]
    extra = sum(len(group) - 1 for group in found)
    return f"{name}: {count(extra, 'case')} ask{'s' if extra == 1 else ''} what another asks: {_listed(named)}"


def _contradictions(name: str, cases: Sequence[Case]) -> str:
    """Name cases that ask the same and expect something else: no model can have both right."""
    groups: dict[str, dict[str, Case]] = {}
    for case in cases:
        if case.expected is not None:
            groups.setdefault(_asked(case), {}).setdefault(normalise(expected_text(case.expected)), case)
    found = [list(group.values()) for group in groups.values() if len(group) > 1]
    if not found:
        return ""
    named = [" against ".join(map(_id, group[:NAMED])) for group in found]
    return f"{name}: {count(len(found), 'prompt')} with more than one expected answer: {_listed(named)}"


def _balance(name: str, cases: Sequence[Case]) -> str:
    """Say where one answer for everything would score high."""
    expected = Counter(expected_text(case.expected) for case in cases if case.expected is not None)
    if len(cases) < LEAST_CASES or not 2 <= len(expected) <= MOST_LABELS:
        return ""
    label, times = expected.most_common(1)[0]
    if times < ONE_SIDED * len(cases):
        return ""
    shown = inert(label, limit=40, one_line=True)
    return (
        f"{name}: {times} of {len(cases)} cases expect {shown}: a model that always says so scores"
        f" {times / len(cases):.0%}"
    )


def _asked(case: Case) -> str:
    """Return what makes two cases ask the same: the whole input, normalised, and the fields beside it."""
    system = "" if isinstance(case.input, str) else "\n".join(message["content"] for message in case.input)
    # Signs decide in code and sums: what normalises to nothing, or differs in other fields, is not taken for the same.
    text = normalise(system or question(case)) or question(case)
    return f"{text}\n{sorted((key, str(value)) for key, value in case.fields.items())}"


def _answer(reply: object) -> str:
    return normalise(str(reply)) if isinstance(reply, Answer) else ""


def _id(case: Case) -> str:
    return inert(case.id, limit=40, one_line=True)


def _listed(named: Sequence[str]) -> str:
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more
