"""The cases of the page as data for its script: inert texts, cut so that all of them together stay readable.

The script shows them as text alone. What is written here can stand in an HTML script element: no text closes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_ftcheck.records import Answer, CaseResult, EvalSummary, Failure, Grade, Reply, Run
from pytest_ftcheck.reports.figures import Scale
from pytest_ftcheck.reports.html_view import eval_names
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.losses import expected_text
from pytest_ftcheck.reports.rows import is_percent
from pytest_ftcheck.reports.selection import kept_cases

LIMITS = (100_000, 20_000, 8_000, 3_000, 1_000, 300, 120)
"""How long one text may be: the first of these with which all texts together keep below MOST_CHARACTERS."""
MOST_CHARACTERS = 16_000_000

_CLOSING = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def cases_data(run: Run) -> dict[str, Any]:
    """Return the evals and cases of a run as plain data, with short names: the page may have ten thousand of them.

    A run read from a file of the first versions holds no cases; its worst losses stand in their place.
    """
    kept = kept_cases(run)
    held = [list(cases) or list(one.worst) for one, cases in zip(run.evals, kept, strict=True)]
    limit = text_limit(result for cases in held for result in cases)
    names = eval_names(run)
    return {
        "evals": [
            {"name": name, "metric": _line(one.metric), "list": "cases" if cases else "worst"}
            for name, one, cases in zip(names, run.evals, kept, strict=True)
        ],
        "cases": [
            {"e": number, "j": at, **_case(result, one, limit)}
            for number, (one, cases) in enumerate(zip(run.evals, held, strict=True))
            for at, result in enumerate(cases)
        ],
        "limit": limit,
    }


def script_json(data: object) -> str:
    r"""Write data as JSON that no text in it can end the script element of, and that is ASCII.

    >>> script_json("</script><!--")
    '"\\u003c/script\\u003e\\u003c!--"'
    """
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_CLOSING)


def text_limit(results: Iterable[CaseResult]) -> int:
    """Return how many characters of each text are shown."""
    lengths = [length for result in results for length in _lengths(result)]
    for limit in LIMITS:
        if sum(min(length, limit) for length in lengths) <= MOST_CHARACTERS:
            return limit
    return LIMITS[-1]


def _lengths(result: CaseResult) -> list[int]:
    asked = result.case.input
    prompts = [len(asked)] if isinstance(asked, str) else [len(message.get("content", "")) for message in asked]
    replies = [reply for reply in (*result.base_answers, *result.ft_answers) if isinstance(reply, Answer)]
    return [*prompts, *map(len, replies)]


def _case(result: CaseResult, one: EvalSummary, limit: int) -> dict[str, Any]:
    case = result.case
    return {
        "id": _line(case.id),
        "o": result.outcome or ("missing" if result.missing else "loss"),
        "p": _prompt(case.input, limit),
        "x": inert(expected_text(case.expected), limit=limit),
        "t": {_line(name): _line(str(value)) for name, value in case.tags.items()},
        "s": _line(case.source),
        "m": inert(result.missing, limit=4_000),
        "c": None if case.cluster is None else _line(str(case.cluster)),
        "b": _side(result.base_answers, result.base_grades, result.base_score, one, limit),
        "f": _side(result.ft_answers, result.ft_grades, result.ft_score, one, limit),
    }


def _prompt(asked: Any, limit: int) -> list[list[str]]:
    """Return the conversation: who speaks, and what."""
    if isinstance(asked, str):
        return [["user", inert(asked, limit=limit)]]
    return [[_line(message.get("role", "user")), inert(message.get("content", ""), limit=limit)] for message in asked]


def _side(
    answers: Sequence[Reply],
    grades: Mapping[str, Sequence[Grade]],
    score: float | None,
    one: EvalSummary,
    limit: int,
) -> dict[str, Any]:
    score = score if score is not None and math.isfinite(score) else None
    scale = Scale.of(score, percent=is_percent(one))
    return {
        "a": [_answer(answer, limit) for answer in answers],
        "g": [[_line(metric), [_grade(grade, metric, one) for grade in given]] for metric, given in grades.items()],
        "v": score,
        "w": scale.value(score),
    }


def _answer(answer: Reply, limit: int) -> list[str]:
    """Return an answer's text and a note on how it came, or of one that is missing why."""
    if isinstance(answer, Failure):
        return ["", f"no answer: {inert(answer.reason, limit=4_000)}"]
    notes = []
    if answer.finish_reason == "length":
        notes.append("stopped at the token limit")
    if answer.completion_tokens is not None:
        notes.append(f"{answer.completion_tokens:,} tokens")
    if answer.probability is not None:
        notes.append(f"probability {answer.probability:.3f}")
    if answer.logprob is not None:
        notes.append(f"log-probability {answer.logprob:.2f}")
    return [inert(answer, limit=limit), ", ".join(notes)]


def _grade(grade: Grade, metric: str, one: EvalSummary) -> list[str]:
    """Return a grade in a word (right, wrong, a score, ungraded) and the grader's reason."""
    reason = inert(grade.reason, limit=4_000)
    if grade.score is None:
        return ["ungraded", reason]
    low, high = one.score_range
    primary = metric == one.metric
    if primary and one.binary and grade.score in (low, high):
        return ["right" if grade.score == high else "wrong", reason]
    return [Scale.of(grade.score, percent=primary and is_percent(one)).value(grade.score), reason]


def _line(text: str) -> str:
    return inert(text, limit=400, one_line=True)
