"""The cases of the page as data for its script: inert texts, cut so that all of them together stay readable.

The script shows them as text alone. What is written here can stand in an HTML script element: no text closes it.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_ftcheck.records import Answer, CaseResult, EvalSummary, Failure, Grade, Reply, Run
from pytest_ftcheck.reports.figures import Scale
from pytest_ftcheck.reports.html_view import eval_names
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.losses import expected_text
from pytest_ftcheck.reports.rows import is_percent
from pytest_ftcheck.reports.selection import kept_cases, rank

LIMITS = (100_000, 50_000, 20_000, 10_000, 5_000, 3_000, 2_000, 1_400, 1_000, 700, 500, 300, 120)
"""How many characters of one text are shown: the first of these with which all texts together keep below MOST_BYTES."""
MOST_BYTES = 20_000_000
REASON_LIMIT = 4_000

# What would end the script element, and what is no text that UTF-8 can hold.
_UNSAFE = re.compile("[<>&\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def cases_data(run: Run) -> dict[str, Any]:
    """Return the evals and cases of a run as plain data, with short names: the page may have ten thousand of them.

    A run read from a file of the first versions holds no cases; its worst losses stand in their place.
    """
    kept = kept_cases(run.evals)
    held = [
        (number, at, result)
        for number, (one, cases) in enumerate(zip(run.evals, kept, strict=True))
        for at, result in enumerate(cases or one.worst)
    ]
    limit = text_limit(result for _, _, result in held)
    return {
        "evals": [
            {"name": name, "metric": _line(one.metric), "list": "cases" if cases else "worst"}
            for name, one, cases in zip(eval_names(run), run.evals, kept, strict=True)
        ],
        "cases": [
            {"e": number, "j": at, **_case(result, run.evals[number], limit)}
            for number, at, result in _fitting(held, limit)
        ],
        "limit": limit,
    }


def script_json(data: object) -> str:
    r"""Write data as JSON that no text in it can end the script element of.

    >>> script_json("</script><!--")
    '"\\u003c/script\\u003e\\u003c!--"'
    """
    written = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def text_limit(results: Iterable[CaseResult]) -> int:
    """Return how many characters of each text are shown."""
    texts = [each for result in results for each in _sizes(result)]
    return next((limit for limit in LIMITS if _shown(texts, limit) <= MOST_BYTES), LIMITS[-1])


def _fitting(held: list[tuple[int, int, CaseResult]], limit: int) -> list[tuple[int, int, CaseResult]]:
    """Leave out the least telling cases where even with the shortest texts all of them are too much."""
    sizes = [_shown(_sizes(result), limit) for _, _, result in held]
    order = sorted(range(len(held)), key=lambda at: rank(held[at][2]))
    sums = itertools.accumulate(sizes[at] for at in order)
    fitting = {at for at, total in zip(order, sums, strict=True) if total <= MOST_BYTES}
    return [each for at, each in enumerate(held) if at in fitting]


def _shown(texts: Iterable[tuple[int, int]], limit: int) -> int:
    return sum(size if length <= limit else size * limit // length for length, size in texts)


def _sizes(result: CaseResult) -> list[tuple[int, int]]:
    """Return the lengths of a case's texts, in characters and in bytes of UTF-8."""
    asked = result.case.input
    texts = [asked] if isinstance(asked, str) else [message.get("content", "") for message in asked]
    said = (*result.base_answers, *result.ft_answers, *result.also_answers)
    texts += [reply for reply in said if isinstance(reply, Answer)]
    texts.append(expected_text(result.case.expected))
    for grades in (*result.base_grades.values(), *result.ft_grades.values(), *result.also_grades.values()):
        texts += [grade.reason[:REASON_LIMIT] for grade in grades]
    return [(len(text), len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) for text in texts]


def _case(result: CaseResult, one: EvalSummary, limit: int) -> dict[str, Any]:
    case, third = result.case, bool(result.also_answers)
    return {
        "id": _line(case.id),
        "o": result.outcome or ("missing" if result.missing else "loss"),
        "p": _prompt(case.input, limit),
        "x": inert(expected_text(case.expected), limit=limit),
        "t": {_line(name): _line(str(value)) for name, value in case.tags.items()},
        "s": _line(case.source),
        "m": inert(result.missing, limit=REASON_LIMIT),
        "c": None if case.cluster is None else _line(str(case.cluster)),
        "b": _side(result.base_answers, result.base_grades, result.base_score, one, limit),
        "f": _side(result.ft_answers, result.ft_grades, result.ft_score, one, limit),
        **({"a": _side(result.also_answers, result.also_grades, result.also_score, one, limit)} if third else {}),
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
        "g": [
            [_line(metric), [_grade(grade, metric, one, limit) for grade in given]] for metric, given in grades.items()
        ],
        "v": score,
        "w": scale.value(score),
    }


def _answer(answer: Reply, limit: int) -> list[str]:
    """Return an answer's text and a note on how it came, or of one that is missing why."""
    if isinstance(answer, Failure):
        return ["", f"no answer: {inert(answer.reason, limit=REASON_LIMIT)}"]
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


def _grade(grade: Grade, metric: str, one: EvalSummary, limit: int) -> list[str]:
    """Return a grade in a word (right, wrong, a score, ungraded) and the grader's reason."""
    reason = inert(grade.reason, limit=min(limit, REASON_LIMIT))
    if grade.score is None:
        return ["ungraded", reason]
    low, high = one.score_range
    primary = metric == one.metric
    if primary and one.binary and grade.score in (low, high):
        return ["right" if grade.score == high else "wrong", reason]
    return [Scale.of(grade.score, percent=primary and is_percent(one)).value(grade.score), reason]


def _line(text: str) -> str:
    return inert(text, limit=400, one_line=True)
