"""Which cases a file holds when a run has more than it should: the most telling first, in the order of their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_ftcheck.records import Answer, CaseResult, EvalSummary

MOST_CASES = 10_000
MOST_CHARACTERS = 48_000_000

_TELLING = ("loss", "win", "", "tie", "both wrong", "both right")


def kept_cases(
    evals: Sequence[EvalSummary], *, most_cases: int = MOST_CASES, most_characters: int = MOST_CHARACTERS
) -> list[tuple[CaseResult, ...]]:
    """Return the cases of each of a run's evals that a file holds: losses before wins, before what is missing or equal.

    At most `most_cases` over all evals, and no further ones once their texts have `most_characters` together.
    """
    every = [(number, result) for number, summary in enumerate(evals) for result in summary.cases]
    ranked = sorted(range(len(every)), key=lambda at: rank(every[at][1]))
    held, characters = set[int](), 0
    for at in ranked[:most_cases]:
        held.add(at)
        characters += size_of(every[at][1])
        if characters > most_characters:
            break
    kept: list[list[CaseResult]] = [[] for _ in evals]
    for at, (number, result) in enumerate(every):
        if at in held:
            kept[number].append(result)
    return [tuple(results) for results in kept]


def with_kept_cases(evals: Sequence[EvalSummary]) -> tuple[EvalSummary, ...]:
    """Return a run's evals with the cases alone that a file will hold, and the number of the others."""
    return tuple(
        replace(one, cases=cases, cases_left_out=one.cases_left_out + len(one.cases) - len(cases))
        for one, cases in zip(evals, kept_cases(evals), strict=True)
    )


def size_of(result: CaseResult) -> int:
    """Count the characters of a case's prompt and answers."""
    asked = result.case.input
    prompt = len(asked) if isinstance(asked, str) else sum(len(message.get("content", "")) for message in asked)
    return prompt + sum(map(_said, (result.base_answers, result.ft_answers, result.also_answers)))


def rank(result: CaseResult) -> int:
    """Return how telling a case is, 0 the most: losses, wins, what is missing, ties, both wrong, both right."""
    return _TELLING.index(result.outcome) if result.outcome in _TELLING else len(_TELLING)


def _said(replies: Sequence[object]) -> int:
    return sum(len(reply) for reply in replies if isinstance(reply, Answer))
