"""Answers and grades looked over: answers that were cut, evals that neither model passes, graders that are blind.

Notices for a reader, never a verdict: a gate over such an eval may be green and prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.judge import as_judged
from pytest_ftcheck.grading.protocol import Grader, grade
from pytest_ftcheck.records import Answer, CaseResult, Reply
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert

LEAST_CASES = 20
"""With fewer cases all of these come about by chance."""

MOST_CUT = 0.5
FLOOR = 0.05
"""Share of right answers that is no more than a usual margin: a model that lost them all would lose no more."""

TRIED = 3
SENSELESS = ("", "{}", "I'm sorry, but I cannot help with that.", "qzx 7; qzx 7")
"""Texts of which no grader that looks at an answer takes every one for right, whatever the case."""

_SPECIAL = ("corpus", "combine", "grade_many", "reads")
"""What a grader has that is no plain function of one answer, or costs more than a call."""


def answer_notices(name: str, graders: Sequence[Grader], results: Sequence[CaseResult]) -> list[str]:
    """Say what is odd about an eval's answers and grades, by its primary grader."""
    whole = [result for result in results if not result.missing]
    if len(whole) < LEAST_CASES:
        return []
    return [
        text for text in (_cut(name, whole), _floor(name, graders[0], whole), _blind(name, graders[0], whole)) if text
    ]


def _cut(name: str, results: Sequence[CaseResult]) -> str:
    """Say of each role of which half the answers ended at the limit of tokens, and not where the model ends them."""
    said = {
        "ft": [reply for result in results for reply in result.ft_answers],
        "base": [reply for result in results for reply in result.base_answers],
    }
    cut = {role: sum(map(_is_cut, replies)) for role, replies in said.items()}
    found = [
        f"{cut[role]:,} of {role}'s {count(len(replies), 'answer')}"
        for role, replies in said.items()
        if cut[role] >= MOST_CUT * len(replies)
    ]
    if not found:
        return ""
    return f"{name}: {' and '.join(found)} ran into max_new_tokens: too small, or is no end said?"


def _is_cut(reply: Reply) -> bool:
    return isinstance(reply, Answer) and reply.finish_reason == "length"


def _floor(name: str, grader: Grader, results: Sequence[CaseResult]) -> str:
    """Say where neither role scores enough to lose anything."""
    if not grader.binary or any(getattr(grader, special, None) for special in ("corpus", "combine")):
        return ""
    base = sum(_all_best(grader, result.base_grades[grader.name]) for result in results)
    ft = sum(_all_best(grader, result.ft_grades[grader.name]) for result in results)
    if max(base, ft) > FLOOR * len(results):
        return ""
    return (
        f"{name}: of {count(len(results), 'case')} base has {base:,} right and ft {ft:,}: no loss can be seen there;"
        " are the expected answers and the grader right?"
    )


def _blind(name: str, grader: Grader, results: Sequence[CaseResult]) -> str:
    """Say where a grader found every answer right, and finds senseless ones right too."""
    if as_judged(grader) is not None or any(getattr(grader, special, None) for special in _SPECIAL):
        return ""
    if not all(
        _all_best(grader, grades[grader.name])
        for result in results
        for grades in (result.base_grades, result.ft_grades)
    ):
        return ""
    if not all(right for result in results[:TRIED] for right in _tries(grader, result)):
        return ""
    shown = inert(grader.name, limit=40, one_line=True)
    return f"{name}: {shown} finds all answers right, and any senseless text too: does it look at the answer?"


def _tries(grader: Grader, result: CaseResult) -> Iterable[bool]:
    """Say of each senseless text whether the grader takes it for right; a grader that stumbles over one looks at it."""
    for text in SENSELESS:
        try:
            found = grade(grader, result.case, Answer(text))
        except GraderError:
            yield False
        else:
            yield found.score == _best(grader)


def _all_best(grader: Grader, grades: Sequence[object]) -> bool:
    return bool(grades) and all(getattr(each, "score", None) == _best(grader) for each in grades)


def _best(grader: Grader) -> float:
    return grader.score_range[0 if getattr(grader, "lower_is_better", False) else 1]
