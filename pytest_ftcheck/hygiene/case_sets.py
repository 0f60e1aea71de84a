"""Case sets looked over: duplicates, contradictions, one answer for nearly all, prompts that were cut, garbled or give
the answer away, and labels that both models doubt.

Notices for a reader, never a verdict: whoever reads them decides whether a case is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from pytest_ftcheck.data.leaks import question
from pytest_ftcheck.data.texts import normalise, words
from pytest_ftcheck.records import Answer, Case, CaseResult
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.losses import expected_text

NAMED = 5
MOST_LABELS, LEAST_CASES, ONE_SIDED = 20, 30, 0.9
"""Where 30 cases or more have 20 different answers at the most, one answer for nine tenths of them is one-sided."""

CUT_LENGTH, CUT_CASES, CUT_SHARE, CUT_SPIKE = 20, 10, 0.2, 3
"""Prompts pile up where 10, a fifth of all, and three times as many as of any other length are of the greatest one."""

CLASS_CASES = 3
"""Answers that as many prompts each have, on average, are labels."""

LABEL_WORDS = 5
"""Only answers this short are compared word for word: longer ones agree by chance alone never, and by habit often."""


def case_set_notices(name: str, cases: Sequence[Case]) -> list[str]:
    """Say what is odd about an eval's cases before any is answered."""
    looks = (_duplicates, _contradictions, _balance, _empty, _cut, _garbled, _given_away)
    return [text for text in (look(name, cases) for look in looks) if text]


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


def _cut(name: str, cases: Sequence[Case]) -> str:
    """Say where prompts pile up at the greatest length and end in the middle: none are like that by themselves."""
    prompts = {question(case) for case in cases}
    lengths = Counter(map(len, prompts))
    longest = max(lengths, default=0)
    piled = lengths.pop(longest, 0)
    others = max(lengths.values(), default=0)
    if longest < CUT_LENGTH or piled < max(CUT_CASES, CUT_SHARE * len(prompts), CUT_SPIKE * others):
        return ""
    if sum(_ends_within(text) for text in prompts if len(text) == longest) <= piled / 2:
        return ""
    return (
        f"{name}: {piled:,} of {len(prompts):,} prompts are the longest, all of {longest:,} characters: were they cut?"
    )


def _ends_within(text: str) -> bool:
    return text[-1:].isalpha() or text[-1:] in " ,"


def _empty(name: str, cases: Sequence[Case]) -> str:
    """Name cases that expect a text without a character, which is in every answer."""
    found = [_id(case) for case in cases if isinstance(case.expected, str) and not case.expected.strip()]
    return f"{name}: {count(len(found), 'case')} with an empty expected answer: {_listed(found)}" if found else ""


def _garbled(name: str, cases: Sequence[Case]) -> str:
    """Name cases whose text is UTF-8 that was read as Latin-1 or cp1252."""
    found = [case for case in cases if is_garbled(f"{_whole(case)}\n{expected_text(case.expected)}")]
    if not found:
        return ""
    listed = _listed([_id(case) for case in found])
    return f"{name}: {count(len(found), 'case')} with text that was read in a wrong encoding: {listed}"


def is_garbled(text: str) -> bool:
    """Whether some of a text's characters beyond ASCII are the bytes of UTF-8, each read as a character.

    >>> is_garbled("Der TÃ¼rgriff"), is_garbled("Der Türgriff, élève, 東京")
    (True, False)
    """
    return any(_is_utf8(run) for run in _BEYOND.findall(text))


_BEYOND = re.compile("[\u0080-\u00ff\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2,}")
"""Runs of what single bytes beyond ASCII are read as in Latin-1 and cp1252."""


def _is_utf8(run: str) -> bool:
    if len(run) == 2 and run[0] not in "ÂÃ" and run[1] in "«»‘’“”":  # a capital before a closing quote
        return False
    for encoding in ("latin-1", "cp1252"):
        with suppress(UnicodeError):
            run.encode(encoding).decode("utf-8")
            return True
    return False


def _given_away(name: str, cases: Sequence[Case]) -> str:
    """Say where nearly every prompt holds the label that is expected, and none of the others."""
    labels = {text: _spoken(text) for text in dict.fromkeys(expected_text(case.expected) for case in cases)}
    if len(cases) < LEAST_CASES or not 2 <= len(labels) <= MOST_LABELS:
        return ""
    if len({question(case) for case in cases}) < CLASS_CASES * len(labels):
        return ""
    given = 0
    for case in cases:
        prompt = _spoken(_whole(case))
        given += [label for label, spoken in labels.items() if spoken in prompt] == [expected_text(case.expected)]
    if given < ONE_SIDED * len(cases):
        return ""
    return f"{name}: in {given} of {len(cases)} cases the prompt holds the expected answer, and no other case's"


def _spoken(text: str) -> str:
    """Return a text's words between blanks, so that a label is found as words of its own."""
    return f" {' '.join(words(normalise(text)))} "


def _whole(case: Case) -> str:
    return case.input if isinstance(case.input, str) else "\n".join(message["content"] for message in case.input)


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
