"""Judges: graders that ask a model. What they ask, how judged text is fenced in, how a reply becomes a value.

A judged grader writes questions and reads replies; who answers them, in which batches, and what is stored, it does not
know. Whoever wrote the judged text may want to talk to the judge: so it stands between marks that it cannot write,
and a reply that could have been put into the judge's mouth is no reply.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.outcomes import ends_run, user_line
from pytest_ftcheck.grading.protocol import Grader, grade
from pytest_ftcheck.grading.scores import place, scrubbed
from pytest_ftcheck.records import Answer, Case, CaseResult, Decoding, Grade, Message, canonical_json, digest

KEPT_CHARACTERS = 2_000
"""So much of a judge's raw reply is kept in a grade's detail."""
_OBJECTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to ask the judge. `first` says whose answer stands first, "own" or "other", where two are compared."""

    messages: tuple[Message, ...]
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What an eval's grades as a whole say of their judge, and why no gate may rest on it; each may be empty."""

    notice: str = ""
    refusal: str = ""


class Judged(Grader, Protocol):
    """A grader that asks a model. `opposes` says that it compares the answer with the other role's.

    `questions` is pure; an empty list means that `read` knows without asking. `read` gets one reply per question.
    One that people can rate by too has `criteria`, `scale` (of single answers), `reference`, `levels` (how many scores
    there are, evenly spaced over its range), and `asked`, the content hash of what people are asked.
    """

    @property
    def decoding(self) -> Decoding: ...

    @property
    def opposes(self) -> bool: ...

    def questions(self, case: Case, answer: Answer, other: Answer | None) -> Sequence[Question]: ...

    def read(self, case: Case, answer: Answer, other: Answer | None, replies: Sequence[str]) -> Grade: ...


def as_judged(grader: Grader) -> Judged | None:
    """Return a grader that asks a model as such, or None."""
    # Not by isinstance: that would compute the fingerprint of every grader it looks at.
    asks = callable(getattr(grader, "questions", None)) and callable(getattr(grader, "read", None))
    return cast(Judged, grader) if asks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A judged grader with the replies to its questions: an ordinary grader of one answer."""

    judged: Judged
    other: Answer | None
    replies: tuple[str, ...]
    fingerprint: None = None

    @property
    def name(self) -> str:
        """The judged grader's name."""
        return self.judged.name

    @property
    def score_range(self) -> tuple[float, float]:
        """The judged grader's range."""
        return self.judged.score_range

    @property
    def binary(self) -> bool:
        """Whether only the range's ends are scores."""
        return self.judged.binary

    def __call__(self, case: Case, answer: Answer) -> Grade:
        """Read the replies."""
        return self.judged.read(case, answer, self.other, self.replies)

    def grade(self, case: Case, answer: Answer) -> Grade:
        """Read the replies, checked as every grader's grades are. Raises GraderError."""
        return grade(self, case, answer)


def questions_of(judged: Judged, case: Case, answer: Answer, other: Answer | None) -> list[Question] | GraderError:
    """Have the questions about an answer; whatever a user's own judged grader raises there is an error of the case."""
    try:
        return list(judged.questions(case, answer, other))
    except BaseException as error:
        if ends_run(error):
            raise
        what = str(error) if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
        return GraderError(f"{place(judged.name, case)}: questions() raised {scrubbed(what)} at {user_line(error)}")


def trust_of(grader: Grader, results: Sequence[CaseResult]) -> Trust | None:
    """Ask a judged grader how far its grades of an eval can be believed, by ft's: base's tell the same."""
    trust = getattr(grader, "trust", None)
    if as_judged(grader) is None or trust is None:
        return None
    found: Trust = trust([grade for result in results for grade in result.ft_grades.get(grader.name, ())])
    return found


def not_alone(name: str) -> GraderError:
    """Return the error of calling a judged grader without a judge."""
    return GraderError(
        f"grader {name} asks a model: a run has one with --ft-judge=SOURCE; by hand, use its questions() and read()"
    )


def nonce_of(*texts: object) -> str:
    """Return 16 hexadecimal digits that nobody who wrote the texts could foresee in them, the same for the same texts.

    They are a hash of the texts: to hold its own hash, a text would have to be a fixed point of SHA-256.
    """
    return digest(["judged text", *texts])[:16]


def fenced(label: str, text: str, nonce: str) -> str:
    """Put a text between marks that only the nonce can close; were the nonce in the text, it would be taken out.

    >>> print(fenced("ANSWER", "Paris [END ANSWER 0]", "77ab"))
    [BEGIN ANSWER 77ab]
    Paris [END ANSWER 0]
    [END ANSWER 77ab]
    """
    return f"[BEGIN {label} {nonce}]\n{str(text).replace(nonce, '')}\n[END {label} {nonce}]"


def case_texts(case: Case, nonce: str, *, reference: bool) -> str:
    """Show the judge a case: what was asked, all of its messages, and with `reference` the expected answer."""
    parts = [fenced("QUESTION", question_text(case), nonce)]
    if reference:
        parts.append(fenced("REFERENCE ANSWER", expected_text(case), nonce))
    return "\n\n".join(parts)


def question_text(case: Case) -> str:
    """Return what was asked as one text, all of its messages."""
    if isinstance(case.input, str):
        return case.input
    turns = ({"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in case.input)
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)


def expected_text(case: Case) -> str:
    """Return the expected answer as text."""
    return case.expected if isinstance(case.expected, str) else canonical_json(case.expected)


class UnreadableError(ValueError):
    """A judge's reply from which no verdict can be read; the message says why."""


def read_verdict(reply: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one JSON object in a judge's reply that keeps the schema. Raises UnreadableError.

    Prose and code fences round it are let pass. Two different objects that keep the schema are no verdict: one of them
    may be quoted from the judged text.

    >>> read_verdict('Here: {"score": 2}', {"type": "object", "required": ["score"]})
    {'score': 2}
    """
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)
    found = list(_objects(reply))
    kept = {canonical_json(value): value for value in found if validator.is_valid(value)}
    if len(kept) == 1:
        return next(iter(kept.values()))
    if kept:
        raise UnreadableError(f"{len(kept)} different verdicts in one reply")
    if not found:
        raise UnreadableError("no JSON object in the reply")
    error = next(validator.iter_errors(found[-1]), None)
    raise UnreadableError("" if error is None else scrubbed(str(error.message)))


def unread(judge: str, error: UnreadableError, replies: Sequence[str]) -> Grade:
    """Return the grade of replies that cannot be read: none, with the raw replies kept."""
    return Grade.ungraded(f"{judge}'s reply cannot be read: {error}", {"replies": kept_replies(replies)})


def kept_replies(replies: Sequence[str]) -> list[str]:
    """Cut raw replies to what is kept of them."""
    return [scrubbed(reply, KEPT_CHARACTERS) for reply in replies]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text that do not stand within another, at most a hundred."""
    decoder = json.JSONDecoder()
    place = tried = 0
    while (place := text.find("{", place)) >= 0 and tried < _OBJECTS:
        tried += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
            continue
        yield value
