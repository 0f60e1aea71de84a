"""Teamwork: what several processes of one run need to do once only. One leads, the others help it.

The leader names every request by its content, tells the others which they are, and grades the answers; all of them
answer shards. What the leader found is read by the others when a test or a gate asks for it. It knows evals, roles and
the store, but neither items nor gates. Whoever leads is gone: another does the same, from what the store holds.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

from pytest_ftcheck.answering import LEASE_S, WAIT_S, Answering, Unannounced
from pytest_ftcheck.data.inputs import turns_of
from pytest_ftcheck.errors import StoreError
from pytest_ftcheck.evals import Eval
from pytest_ftcheck.records import (
    ROLES,
    Answer,
    Case,
    CaseResult,
    Decoding,
    Failure,
    Grade,
    Reply,
    Request,
    Role,
    canonical_json,
    digest,
)
from pytest_ftcheck.roles import Roles
from pytest_ftcheck.store import Claim, Store
from pytest_ftcheck.store.facts import ANSWERS, GRADES

ROW_CASES = 64
"""Cases of one row of results: a case that is asked for brings so many into memory."""
ROW_REQUESTS = 1_000
TASK_S = 24 * 3600.0
"""How long a task that one process took is its own."""
TASK_WAIT_S = 0.2
LONGEST_WAIT_S = 0.5
"""How long one that has nothing to help with sleeps at the most: each look takes time from the leader."""


@dataclass(slots=True, kw_only=True)
class Talk:
    """One sample of one case with one role: a single question, or user turns answered one after the other."""

    role: Role
    one: Eval
    case: Case
    sample: int
    replies: list[Reply] = field(default_factory=list)

    @property
    def turns(self) -> int:
        """How many user turns there are."""
        return len(turns_of(self.case.input)) or 1

    @property
    def finished(self) -> bool:
        """Whether nothing is left to ask."""
        return len(self.replies) == self.turns or isinstance(self.replies[-1], Failure)

    def next_request(self, roles: Roles) -> Request:
        """Build the request of the next turn."""
        earlier = [str(reply) for reply in self.replies]
        return roles.request(
            self.role, self.one.spec, self.case, sample=self.sample, earlier=earlier, baseline=self.one.baseline
        )


def talks_of(one: Eval, case: Case, roles: Sequence[Role]) -> Iterator[Talk]:
    """Give a case's talks: role by role, sample by sample."""
    for role in roles:
        for sample in range(one.spec.samples):
            yield Talk(role=role, one=one, case=case, sample=sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The evals that a run answers with their cases, in an order that all of its processes share."""

    evals: tuple[tuple[Eval, Sequence[Case]], ...]

    def name(self, roles: Roles, fingerprints: Mapping[int, str | None]) -> str:
        """Name the selection by all that decides its requests and grades, without making one of them."""
        hashed = hashlib.sha256()
        hashed.update(digest([[m.role, m.fingerprint, m.engine, m.profile] for m in roles.records()]).encode())
        for one, cases in self.evals:
            graders = [fingerprints[id(grader)] for grader in one.spec.graders]
            content = [one.nodeid, one.baseline, one.spec.samples, graders, len(cases)]
            hashed.update(canonical_json(content).encode("ascii"))
            # Many at a time: most of what one alone costs is the call.
            for start in range(0, len(cases), ROW_CASES):
                some = cases[start : start + ROW_CASES]
                told = [[case.id, case.input, case.expected, case.fields, case.cluster, case.tags] for case in some]
                hashed.update(canonical_json(told).encode("ascii"))
        return hashed.hexdigest()

    def first_talks(self) -> int:
        """Count the talks of all cases."""
        return sum(self._talks())

    def talk(self, number: int) -> Talk:
        """Return one of them by its place."""
        ends = list(accumulate(self._talks()))
        place = bisect_right(ends, number)
        one, cases = self.evals[place]
        case, rest = divmod(number - (ends[place - 1] if place else 0), len(ROLES) * one.spec.samples)
        role, sample = divmod(rest, one.spec.samples)
        return Talk(role=ROLES[role], one=one, case=cases[case], sample=sample)

    def _talks(self) -> list[int]:
        return [len(cases) * len(ROLES) * one.spec.samples for one, cases in self.evals]


@dataclass(slots=True, kw_only=True)
class Team:
    """One process's part in the work on a selection."""

    answering: Answering
    roles: Roles
    selection: Selection
    name: str
    _heard: int = 0
    _plans: list[str] = field(default_factory=list)
    _wanted: Announced = field(init=False)
    _shard: int = 0

    def __post_init__(self) -> None:
        self._wanted = Announced(selection=self.selection, roles=self.roles)

    def leads(self) -> bool:
        """Help whoever leads until its results are there: False. Or find that nobody does, any more: True."""
        store, run, owner = self.answering.store, self.answering.run, self.answering.owner
        self.answering.enter()
        store.open_plan(run, self.name, [[f"{run} {self.name}"]])
        pause = WAIT_S
        while not store.is_published(run, self._results):
            claim = store.claim(run, self.name, owner, LEASE_S)
            if claim is not None:
                self._shard = claim.index
                return True
            self._listen()
            if self._help():
                pause = WAIT_S
            else:
                self.answering.wait(pause)
                pause = min(pause * 1.1, LONGEST_WAIT_S)
        return False

    def herald(self, plans: Sequence[str], keys: Sequence[str], missing: Mapping[str, Request]) -> None:
        """Tell the others what a plan asks: first talks by their place, all else as it stands.

        What is recorded is left to the leader: to read the files once more takes longer than to look all answers up.
        """
        if all(spec.kind == "recorded" for spec in self.roles.specs.values()):
            return
        places = {key: number for number, key in enumerate(keys[: 0 if self._heard else self.selection.first_talks()])}
        told = [
            [key, places[key] if key in places and request.role in ROLES else _plain(request)]
            for key, request in missing.items()
        ]
        rows = [told[start : start + ROW_REQUESTS] for start in range(0, len(told), ROW_REQUESTS)]
        store, run = self.answering.store, self.answering.run
        store.publish(run, f"{self.name} {self._heard}", [list(plans), *rows])
        self._heard += 1

    def publish(self, results: Mapping[Eval, Mapping[str, CaseResult]]) -> None:
        """Tell the others what was found; nothing of cases that are not in `results`."""
        store, run, owner = self.answering.store, self.answering.run, self.answering.owner
        store.publish(run, self._results, self._rows(results))
        store.finish(run, self.name, self._shard, owner, {}, {})

    def findings(self) -> Findings:
        """Return what the leader told."""
        return Findings(
            store=self.answering.store, run=self.answering.run, name=self._results, selection=self.selection
        )

    @property
    def _results(self) -> str:
        return f"{self.name} results"

    def _rows(self, results: Mapping[Eval, Mapping[str, CaseResult]]) -> Iterator[list[object]]:
        for one, cases in self.selection.evals:
            known = results.get(one, {})
            for start in range(0, len(cases), ROW_CASES):
                some = [known.get(case.id) for case in cases[start : start + ROW_CASES]]
                yield [None if result is None else _packed(one, result) for result in some]

    def _listen(self) -> None:
        """Hear what the leader announced since."""
        store, run = self.answering.store, self.answering.run
        while store.is_published(run, name := f"{self.name} {self._heard}"):
            self._plans += store.bulletin(run, name, 0) or []
            number = 1
            while rows := store.bulletin(run, name, number):
                self._wanted.learn(rows)
                number += 1
            self._heard += 1

    def _help(self) -> bool:
        try:
            return self.answering.help(self._plans, self._wanted)
        except Unannounced:
            # Its plans are left to the leader.
            self._plans = []
            return True


@dataclass(slots=True, kw_only=True)
class Tasks:
    """What one process of a run suffices for, such as summing up: whoever takes a task first has it.

    What one that is gone had taken, and not done, is taken over. Where the store cannot be used each does it.
    """

    answering: Answering
    _taken: dict[str, Claim | None] = field(default_factory=dict)

    def take(self, task: str) -> bool:
        """Whether the task is this process's; it may ask again."""
        store, run = self.answering.store, self.answering.run
        try:
            if not self._taken:
                store.enter(self._owner)
            if self._taken.get(task) is None:
                store.release_gone()
                if task not in self._taken:
                    store.open_plan(run, task, [[f"{run} {task}"]])
                self._taken[task] = store.claim(run, task, self._owner, TASK_S)
            return self._taken[task] is not None
        except StoreError:
            return True

    def take_at_last(self, task: str) -> bool:
        """Answer the same at the end of this process's part: wait until another has done it, or is gone over it."""
        while not self.take(task):
            try:
                if self.answering.store.is_finished(self.answering.run, task):
                    return False
            except StoreError:
                return True
            self.answering.wait(TASK_WAIT_S)
        return True

    def done(self, task: str) -> None:
        """Say that a task that was taken is done, so that nobody takes it over."""
        claim = self._taken.get(task)
        if claim is not None:
            with suppress(StoreError):
                self.answering.store.finish(self.answering.run, task, claim.index, self._owner, {}, {})

    def leave(self) -> None:
        """Leave what is not done to the others."""
        self.answering.store.leave(self._owner)

    @property
    def _owner(self) -> str:
        """A heartbeat would shorten the leases of this process's own name to those of shards."""
        return f"{self.answering.owner}-tasks"


class Announced(Mapping[str, Request]):
    """Requests that the leader announced, each made when it is to be answered, and only if its key is the one told."""

    def __init__(self, *, selection: Selection, roles: Roles) -> None:
        self._selection, self._roles = selection, roles
        self._told: dict[str, Any] = {}

    def learn(self, rows: Sequence[tuple[str, Any]]) -> None:
        """Take a row of keys and what stands behind each."""
        self._told.update(dict(rows))

    def __getitem__(self, key: str) -> Request:
        told = self._told.get(key)
        if told is None:
            raise Unannounced(key)
        place = isinstance(told, int)
        request = self._selection.talk(told).next_request(self._roles) if place else _request(told)
        if self._roles.key_of(request) != key:
            raise Unannounced(key)
        return request

    def __iter__(self) -> Iterator[str]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)


@dataclass(slots=True, kw_only=True)
class Findings:
    """What the leader found of a selection, read from the store row by row."""

    store: Store
    run: str
    name: str
    selection: Selection
    _rows: dict[int, list[Any]] = field(default_factory=dict)
    _places: dict[Eval, tuple[int, dict[str, int]]] = field(default_factory=dict)

    def of(self, one: Eval, cases: Sequence[Case]) -> dict[str, CaseResult]:
        """Return what is known of an eval's cases; a case of which nothing is known is left out."""
        first, places = self._of(one)
        found = {}
        for case in cases:
            place = places.get(case.id)
            packed = None if place is None else self._packed(first + place // ROW_CASES, place % ROW_CASES)
            if packed is not None:
                found[case.id] = _unpacked(one, case, packed)
        return found

    def _packed(self, number: int, place: int) -> Any:
        if number not in self._rows:
            self._rows[number] = self.store.bulletin(self.run, self.name, number) or []
        row = self._rows[number]
        return row[place] if place < len(row) else None

    def _of(self, one: Eval) -> tuple[int, dict[str, int]]:
        """Return the number of an eval's first row, and the place of each of its cases."""
        if not self._places:
            first = 0
            for each, cases in self.selection.evals:
                self._places[each] = first, {case.id: place for place, case in enumerate(cases)}
                first += -(-len(cases) // ROW_CASES)
        return self._places.get(one, (0, {}))


def _packed(one: Eval, result: CaseResult) -> list[object]:
    """Write a result as plain values; its case is known to whoever reads it."""
    names = [grader.name for grader in one.spec.graders]
    return [
        [_said(reply) for reply in result.base_answers],
        [_said(reply) for reply in result.ft_answers],
        [[GRADES.encode(grade) for grade in result.base_grades[name]] for name in names],
        [[GRADES.encode(grade) for grade in result.ft_grades[name]] for name in names],
        result.missing,
        *_third(names, result),
    ]


def _third(names: Sequence[str], result: CaseResult) -> list[object]:
    """Write what the third model said as plain values, where there is one."""
    if not result.also_answers:
        return []
    grades = [[GRADES.encode(grade) for grade in result.also_grades.get(name, ())] for name in names]
    return [[_said(reply) for reply in result.also_answers], grades, result.also_missing]


def _unpacked(one: Eval, case: Case, packed: Sequence[Any]) -> CaseResult:
    base_answers, ft_answers, base_grades, ft_grades, missing, *third = packed
    names = [grader.name for grader in one.spec.graders]
    also_answers, also_grades, also_missing = third or ((), [[] for _ in names], "")
    return CaseResult(
        case=case,
        base_answers=tuple(map(_heard, base_answers)),
        ft_answers=tuple(map(_heard, ft_answers)),
        base_grades=_grades(names, base_grades),
        ft_grades=_grades(names, ft_grades),
        missing=missing,
        also_answers=tuple(map(_heard, also_answers)),
        also_grades=_grades(names, also_grades) if third else {},
        also_missing=also_missing,
    )


def _grades(names: Sequence[str], rows: Sequence[Any]) -> dict[str, list[Grade]]:
    return {name: [GRADES.decode(grade) for grade in grades] for name, grades in zip(names, rows, strict=True)}


def _said(reply: Reply) -> object:
    return {"reason": reply.reason} if isinstance(reply, Failure) else ANSWERS.encode(reply)


def _heard(said: Any) -> Reply:
    answer: Answer | Failure = Failure(reason=said["reason"]) if isinstance(said, dict) else ANSWERS.decode(said)
    return answer


def _plain(request: Request) -> dict[str, object]:
    return {**asdict(request), "messages": [dict(message) for message in request.messages]}


def _request(told: Mapping[str, Any]) -> Request:
    decoding: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told["decoding"].items()
    }
    return Request(**{**told, "messages": tuple(told["messages"]), "decoding": Decoding(**decoding)})
