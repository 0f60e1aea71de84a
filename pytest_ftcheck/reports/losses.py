"""What a report says of one lost case: prompt, expected, and both roles' answers with their grades. It draws nothing.

Of several samples, base's best and ft's worst are shown: the pair that makes the loss plain. All texts are inert.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ftcheck.records import Answer, Case, CaseResult, EvalSummary, Failure, Grade, Reply, Role
from pytest_ftcheck.reports.figures import Scale, count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.rows import is_percent

PROMPT_LIMIT = 400
EXPECTED_LIMIT = 300
ANSWER_LIMIT = 600
REASON_LIMIT = 200
ID_LIMIT = 80
LINES_LIMIT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One role's half: the answer shown, what the grader said of it, and which of how many samples it is."""

    role: Role
    answer: str
    grade: str
    sample: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One lost case. `source` is the file and line it came from, empty where unknown."""

    case: str
    source: str
    prompt: str
    expected: str
    base: Side
    ft: Side


def losses(summary: EvalSummary, *, limit: int) -> tuple[Loss, ...]:
    """Return the first `limit` of an eval's worst losses, in their order: the largest drop first."""
    return tuple(_loss(result, summary) for result in summary.worst[:limit])


def last_question(case: Case) -> str:
    """Return what the case asks in the end: its prompt, or the last user message of its conversation."""
    if isinstance(case.input, str):
        return case.input
    asked = [message["content"] for message in case.input if message.get("role", "user") == "user"]
    return asked[-1] if asked else ""


def expected_text(expected: object) -> str:
    """Write what a grader compares with: text as it is, anything else as JSON; empty for None."""
    if expected is None:
        return ""
    if isinstance(expected, str):
        return expected
    return json.dumps(expected, ensure_ascii=False, default=str)


def grades_of(grades: Mapping[str, Sequence[Grade]], metric: str) -> Sequence[Grade]:
    """Return one role's grades under `metric`, or none where it was not graded so."""
    return grades.get(metric, ())


def _loss(result: CaseResult, summary: EvalSummary) -> Loss:
    case = result.case
    return Loss(
        case=inert(case.id, limit=ID_LIMIT, one_line=True),
        source=inert(case.source, limit=200, one_line=True),
        prompt=_excerpt(last_question(case), PROMPT_LIMIT),
        expected=_excerpt(expected_text(case.expected), EXPECTED_LIMIT),
        base=_side("base", result.base_answers, grades_of(result.base_grades, summary.metric), summary),
        ft=_side("ft", result.ft_answers, grades_of(result.ft_grades, summary.metric), summary),
    )


def _side(role: Role, answers: Sequence[Reply], grades: Sequence[Grade], summary: EvalSummary) -> Side:
    chosen = _chosen(role, grades, sign=-1.0 if summary.lower_is_better else 1.0)
    answer = answers[chosen] if chosen < len(answers) else None
    grade = grades[chosen] if chosen < len(grades) else None
    sample = f"sample {chosen + 1} of {len(answers)}" if len(answers) > 1 else ""
    return Side(role=role, answer=_answer_text(answer), grade=_grade_text(grade, summary), sample=sample)


def _chosen(role: Role, grades: Sequence[Grade], *, sign: float) -> int:
    scores = [(sign * grade.score, number) for number, grade in enumerate(grades) if grade.score is not None]
    if not scores:
        return 0
    best = max(scores, key=lambda pair: (pair[0], -pair[1]))
    return best[1] if role == "base" else min(scores)[1]


def _answer_text(answer: Reply | None) -> str:
    if answer is None:
        return "(no answer)"
    if isinstance(answer, Failure):
        return f"(no answer: {inert(answer.reason, limit=REASON_LIMIT, one_line=True)})"
    if answer.finish_reason == "read":
        return f"(read, {count(answer.completion_tokens or 0, 'token')})"
    return (_excerpt(answer, ANSWER_LIMIT) or "(empty)") + _stopped(answer)


def _excerpt(text: str, limit: int) -> str:
    """Return the beginning of `text`, inert: at most `limit` characters and 16 lines, with what is left out counted."""
    *_, rest = text.split("\n", LINES_LIMIT)
    if text.count("\n") < LINES_LIMIT or len(text) - len(rest) > limit:
        return inert(text, limit=limit)
    return f"{inert(text[: len(text) - len(rest) - 1])}\n… ({len(rest):,} more characters)"


def _stopped(answer: Answer) -> str:
    return " (stopped at the token limit)" if answer.finish_reason == "length" else ""


def _grade_text(grade: Grade | None, summary: EvalSummary) -> str:
    if grade is None:
        return "not graded"
    reason = inert(grade.reason, limit=REASON_LIMIT, one_line=True)
    if grade.score is None:
        return f"ungraded: {reason}"
    low, high = summary.score_range
    if summary.binary and grade.score in (low, high):
        word = "right" if grade.score == (low if summary.lower_is_better else high) else "wrong"
    else:
        word = Scale.of(grade.score, percent=is_percent(summary)).value(grade.score)
    return f"{word}: {reason}" if reason else word
