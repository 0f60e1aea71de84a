"""Answers and grades looked over: answers cut or all alike, evals that neither model passes, graders that are blind.

Notices for a reader, never a verdict: a gate over such an eval may be green and prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.judge import as_judged
from pytest_ftcheck.grading.protocol import Grader, grade
from pytest_ftcheck.records import Answer, CaseResult, Reply
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.roles import Roles

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


def likeness(results: Iterable[CaseResult], roles: Roles | None) -> list[str]:
    """Say of a run whose roles gave the same answers throughout that it compared nothing."""
    pairs = [
        (base, ft)
        for result in results
        for base, ft in zip(result.base_answers, result.ft_answers, strict=True)
        if isinstance(base, Answer) and isinstance(ft, Answer)
    ]
    if roles is None or len(pairs) < 2 or not all(_alike(base, ft) for base, ft in pairs):
        return []
    if roles.specs["base"].fingerprint == roles.specs["ft"].fingerprint:
        return ["base and ft are the same model"]
    return [f"ft gave base's answer to all {len(pairs)} prompts: is the adapter active?"]


def silence(results: Iterable[CaseResult], also: str | None) -> list[str]:
    """Say in one line what the third model of a run lacks, which no verdict rests on."""
    asked = [result for result in results if result.also_answers]
    lacking = [result for result in asked if result.also_missing]
    if not lacking:
        return []
    first = f"{lacking[0].case.id}: {lacking[0].also_missing}"
    return [
        f"--also={also} lacks an answer or a grade in {len(lacking):,} of {len(asked):,} cases: no"
        f" verdict rests on it, and it is shown without them ({first})"
    ]


def _alike(base: Answer, ft: Answer) -> bool:
    """Whether two answers are the same: by their text, or by its log-probability where the model only scored it."""
    if base.finish_reason not in ("read", "choice") or base.logprob is None or ft.logprob is None:
        return base == ft
    return base == ft and math.isclose(base.logprob, ft.logprob, rel_tol=1e-6)


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
