"""Grades by content key: what is wanted, what the store holds, what is computed now, and what a judge is asked for.

It knows graders, answers and the store; who answers the judge's questions, and in which batches, is not its affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.grading.judge import Judged, Question, Reading, as_judged, questions_of
from pytest_ftcheck.grading.protocol import Grader, grade_all
from pytest_ftcheck.records import Answer, Case, CaseResult, Failure, Grade, Reply, Request, Role, digest
from pytest_ftcheck.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One grade to be had: a grader's, of one sample of one role's answer, with the judge's questions for it."""

    grader: Grader
    case: Case
    answer: Answer
    other: Answer | None = None
    requests: tuple[Request, ...] = ()


@dataclass(slots=True, kw_only=True)
class GradeBook:
    """The grades of one eval. `ask` answers the judge's requests in one plan; `key_of` names a request by content.

    `fingerprints` of graders, by their ids, are those that are known already.
    """

    eval: str
    store: Store
    ask: Callable[[Sequence[Request]], Sequence[Reply]]
    key_of: Callable[[Request], str]
    fingerprints: dict[int, str | None] = field(default_factory=dict)
    _wanted: dict[str, Wanted] = field(default_factory=dict)
    _keys: dict[tuple[int, str, Role, int], str] = field(default_factory=dict)
    _grades: dict[str, Grade | GraderError] = field(default_factory=dict)

    def want(self, grader: Grader, case: Case, role: Role, number: int, replies: dict[Role, Sequence[Reply]]) -> None:
        """Want the grade of sample `number` of a role's answer; `replies` holds the other's too, if it is compared."""
        reply = replies[role][number]
        if not isinstance(reply, Answer):
            return
        judged = as_judged(grader)
        if judged is None:
            wanted = Wanted(grader=grader, case=case, answer=reply)
        else:
            across = replies["ft" if role == "base" else "base"][number] if judged.opposes else None
            other = across if isinstance(across, Answer) else None
            questions = questions_of(judged, case, reply, other)
            if isinstance(questions, GraderError):
                key = f"unasked {id(grader)} {case.id} {role} {number}"
                self._grades[key], self._keys[id(grader), case.id, role, number] = questions, key
                return
            asked = tuple(self._request(judged, one, case, role, number) for one in questions)
            wanted = Wanted(grader=grader, case=case, answer=reply, other=other, requests=asked)
        key = self._key(wanted)
        self._wanted[key] = wanted
        self._keys[id(grader), case.id, role, number] = key

    def fill(self) -> None:
        """Have all wanted grades: from the store, from the judge, or computed now."""
        kept = [key for key, one in self._wanted.items() if self._fingerprint(one.grader)]
        self._grades.update(self.store.grades(kept))
        absent: dict[int, list[str]] = {}
        for key, one in self._wanted.items():
            if key not in self._grades:
                absent.setdefault(id(one.grader), []).append(key)
        judged = [key for keys in absent.values() for key in keys if as_judged(self._wanted[keys[0]].grader)]
        self._judge(judged)
        for keys in absent.values():
            if keys[0] not in self._grades:
                self._compute(self._wanted[keys[0]].grader, keys)

    def look_up(
        self, grader: Grader, case: Case, role: Role, number: int, reply: Reply
    ) -> Grade | GraderError | Failure:
        """Return a grade, or why there is none."""
        return self._grades[self._keys[id(grader), case.id, role, number]] if isinstance(reply, Answer) else reply

    def _request(self, judged: Judged, question: Question, case: Case, role: Role, number: int) -> Request:
        """Build the judge's request. A recorded judge knows it by its place: eval/grader, and case/role."""
        first = {"own": role, "other": "ft" if role == "base" else "base"}.get(question.first)
        return Request(
            role="judge",
            messages=question.messages,
            decoding=judged.decoding,
            eval=f"{self.eval}/{judged.name}",
            case="/".join([case.id, f"{first} first" if first else role, *([str(number)] if number else [])]),
            label=f"{judged.name} of {self.eval}[{case.id}]",
        )

    def _fingerprint(self, grader: Grader) -> str | None:
        """Return a grader's fingerprint, computed once: some hash a function's source, or a model's files."""
        if id(grader) not in self.fingerprints:
            self.fingerprints[id(grader)] = grader.fingerprint
        return self.fingerprints[id(grader)]

    def _key(self, one: Wanted) -> str:
        """Content key of a grade. A grader without a fingerprint gets one that is no key of the store."""
        mark = self._fingerprint(one.grader) or f"unstored {id(one.grader)}"
        case, answer = one.case, one.answer
        parts: list[object] = [mark, case.digest, case.id, case.tags, case.cluster, str(answer), answer.facts()]
        if as_judged(one.grader) is not None:
            # What decides a judged grade: the judge itself, and every word that it is asked.
            parts.append([self.key_of(request) for request in one.requests])
            parts.append(None if one.other is None else str(one.other))
        return digest(parts)

    def _judge(self, keys: Sequence[str]) -> None:
        """Ask everything that is missing in one plan, and read the replies."""
        requests = {self.key_of(request): request for key in keys for request in self._wanted[key].requests}
        replies = dict(zip(requests, self.ask(list(requests.values())), strict=True)) if requests else {}
        for key in keys:
            self._grades[key] = self._read(self._wanted[key], replies)
        self._store(keys)

    def _read(self, one: Wanted, replies: dict[str, Reply]) -> Grade | GraderError:
        judged = as_judged(one.grader)
        assert judged is not None
        said = [replies[self.key_of(request)] for request in one.requests]
        failed = next((reply for reply in said if isinstance(reply, Failure)), None)
        if failed is not None:
            return GraderError(f"grader {judged.name}, case {one.case.id!r}: the judge has no answer: {failed.reason}")
        texts = tuple(str(reply) for reply in said)
        try:
            return Reading(judged=judged, other=one.other, replies=texts).grade(one.case, one.answer)
        except GraderError as error:
            return error

    def _compute(self, grader: Grader, keys: Sequence[str]) -> None:
        """Grade what the store lacks, all answers of one grader at once, and store it."""
        pairs = [(self._wanted[key].case, self._wanted[key].answer) for key in keys]
        self._grades.update(zip(keys, grade_all(grader, pairs), strict=True))
        self._store(keys)

    def _store(self, keys: Sequence[str]) -> None:
        found = {key: self._grades[key] for key in keys if self._fingerprint(self._wanted[key].grader) is not None}
        self.store.put_grades({key: one for key, one in found.items() if isinstance(one, Grade) and one.graded})


def beside_third(
    results: Mapping[str, CaseResult],
    replies: Mapping[str, Sequence[Reply]],
    graders: Sequence[Grader],
    book: GradeBook,
) -> dict[str, CaseResult]:
    """Put the third model's replies, graded, beside the results of an eval, both by case id.

    A book of its own grades them, so that nothing that base's and ft's grades rest on is computed in their company.
    Graders that compare base's answer with ft's leave it out.
    """
    chosen = [grader for grader in graders if not getattr(grader, "opposes", False)]
    for id, result in results.items():
        for grader in chosen:
            for number in range(len(replies[id])):
                book.want(grader, result.case, "also", number, {"also": replies[id]})
    book.fill()
    return {id: _with_third(result, replies[id], chosen, book) for id, result in results.items()}


def _with_third(result: CaseResult, replies: Sequence[Reply], graders: Sequence[Grader], book: GradeBook) -> CaseResult:
    grades: dict[str, list[Grade]] = {grader.name: [] for grader in graders}
    missing = [f"no answer: {reply.reason}" for reply in replies if isinstance(reply, Failure)]
    for grader in graders:
        for number, reply in enumerate(replies):
            found = book.look_up(grader, result.case, "also", number, reply)
            if isinstance(found, Failure):
                continue
            grade = Grade.ungraded(str(found)) if isinstance(found, GraderError) else found
            grades[grader.name].append(grade)
            missing += [] if grade.graded else [f"ungraded by {grader.name}: {grade.reason}"]
    return replace(
        result,
        also_answers=tuple(replies),
        also_grades={name: tuple(found) for name, found in grades.items()},
        also_missing="; ".join(dict.fromkeys(missing)),
    )
