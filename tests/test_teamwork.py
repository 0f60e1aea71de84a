"""A team: places name talks, only requests whose key was announced are answered, and findings come back whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from pytest_ftcheck import eval_cases, exact_match
from pytest_ftcheck.answering import Answering, Unannounced
from pytest_ftcheck.evals import Eval
from pytest_ftcheck.records import (
    Answer,
    Case,
    CaseResult,
    Decoding,
    Failure,
    Grade,
    ModelRecord,
    Request,
    Role,
    digest,
)
from pytest_ftcheck.roles import Roles
from pytest_ftcheck.store import Store
from pytest_ftcheck.teamwork import ROW_CASES, Announced, Selection, Tasks, Team, talks_of


class Plain:
    """Roles without models: a request is its case's input, its key the hash of its content and place."""

    specs: ClassVar = {"base": SimpleNamespace(kind="served"), "ft": SimpleNamespace(kind="recorded")}

    def records(self) -> tuple[ModelRecord, ...]:
        """Nobody."""
        return ()

    def request(self, role: Role, spec: Any, case: Case, *, sample: int, **rest: Any) -> Request:
        """Ask for the case's input."""
        messages = ({"role": "user", "content": str(case.input)},)
        return Request(role=role, messages=messages, sample=sample, eval=spec.name, case=case.id)

    def key_of(self, request: Request) -> str:
        """Hash all of it."""
        return digest([request.role, request.eval, request.case, request.content()])


class Silent:
    """A watcher that says nothing."""

    def phase(self, text: str) -> None:
        """Say nothing."""

    def answered(self, counts: object) -> None:
        """Say nothing."""


ROLES = cast(Roles, Plain())


def eval_of(name: str, count: int, samples: int = 1) -> Eval:
    """An eval of so many cases."""

    def body(case: Case, answer: Answer) -> None: ...

    body.__name__ = name
    spec: Any = eval_cases([], grader=exact_match(), samples=samples)(body)
    cases = tuple(Case(id=f"{name} {number}", input=f"question {number}") for number in range(count))
    return Eval(nodeid=f"test.py::{name}", spec=spec.__dict__["__ftcheck_eval__"], cases=cases, total=count)


def selection_of(*evals: Eval) -> Selection:
    """All cases of evals."""
    return Selection(evals=tuple((one, one.cases) for one in evals))


def name_of(selection: Selection) -> str:
    """The selection's name, with fingerprints as they are."""
    graders = [grader for one, _ in selection.evals for grader in one.spec.graders]
    return selection.name(ROLES, {id(grader): grader.fingerprint for grader in graders})


def team_of(folder: Path, owner: str, selection: Selection) -> Team:
    """One process's part."""
    answering = Answering(
        store=Store(folder), run="run", owner=owner, key_of=ROLES.key_of, open_engine=lambda: None, watcher=Silent()
    )  # type: ignore[arg-type]
    return Team(answering=answering, roles=ROLES, selection=selection, name=name_of(selection))


def result_of(case: Case, said: Sequence[Any], grades: Sequence[Grade], missing: str = "") -> CaseResult:
    """A result under one grader."""
    return CaseResult(
        case=case,
        base_answers=(said[0],),
        ft_answers=(said[1],),
        base_grades={"exact_match": [grades[0]]},
        ft_grades={"exact_match": list(grades[1:])},
        missing=missing,
    )


def test_a_place_names_a_talk() -> None:
    """The n-th talk of a selection is the n-th of all evals' talks, whatever their numbers of cases and samples."""
    evals = (eval_of("one", 3), eval_of("none", 0), eval_of("several", 2, samples=3), eval_of("last", 1))
    selection = selection_of(*evals)
    talks = [talk for one in evals for case in one.cases for talk in talks_of(one, case, ("base", "ft"))]
    assert [selection.talk(number) for number in range(selection.first_talks())] == talks


@pytest.mark.parametrize("changed", ["input", "expected", "cluster"])
def test_a_changed_case_is_another_selection(changed: str) -> None:
    """A worker that read other cases than the leader does not take the leader's findings."""
    one = eval_of("one", 2)
    other = Case(**{**asdict(one.cases[1]), changed: "changed"})
    assert name_of(Selection(evals=((one, one.cases),))) != name_of(Selection(evals=((one, (one.cases[0], other)),)))


def test_only_what_was_announced_is_asked() -> None:
    """A place whose request has another key than the leader's is left to the leader, as is an unknown key."""
    selection = selection_of(eval_of("one", 2))
    request = selection.talk(1).next_request(ROLES)
    announced = Announced(selection=selection, roles=ROLES)
    announced.learn([(ROLES.key_of(request), 1), ("another key", 0)])
    assert announced[ROLES.key_of(request)] == request
    for key in ("another key", "unknown"):
        with pytest.raises(Unannounced):
            announced[key]


def test_a_request_crosses_as_it_stands(tmp_path: Path) -> None:
    """A judge's question, with its choices, reaches a helper as the leader built it."""
    selection = selection_of(eval_of("one", 1))
    leader, helper = (team_of(tmp_path, owner, selection) for owner in ("leader", "helper"))
    asked = Request(
        role="judge",
        messages=({"role": "system", "content": "Judge."}, {"role": "user", "content": "Which \ud800?"}),
        decoding=Decoding(choices=("A", "B"), stop=("\n",), greedy=True),
        eval="one/judge",
        case="c/base first",
    )
    keys = [ROLES.key_of(selection.talk(number).next_request(ROLES)) for number in range(selection.first_talks())]
    leader.herald(["plan"], keys, {})
    leader.herald(["judge plan"], [ROLES.key_of(asked)], {ROLES.key_of(asked): asked})
    helper._listen()
    assert helper._wanted[ROLES.key_of(asked)] == asked


def test_findings_come_back_whole(tmp_path: Path) -> None:
    """Answers with their facts, failures, ungraded grades and reasons are what the leader had, in each of the rows."""
    one = eval_of("one", ROW_CASES + 2)
    said = [
        (Answer("yes", prompt_tokens=3, logprob=-0.1), Answer("A", choice_logprobs=[-0.1, -0.2])),
        (Failure(reason="no answer"), Answer("\ud800")),
    ]
    grades = [(Grade(0.1), Grade(1.0, "so", {"row": [1, 2]})), (Grade(0.0), Grade.ungraded("cut off"))]
    results = {
        case.id: result_of(case, said[n % 2], grades[n % 2], "base has no answer" if n % 2 else "")
        for n, case in enumerate(one.cases)
    }
    leader, helper = (team_of(tmp_path, owner, selection_of(one)) for owner in ("leader", "helper"))
    assert leader.leads()
    leader.publish({one: results})
    assert not helper.leads()
    found = helper.findings().of(one, one.cases)
    assert found == results
    facts = [reply.facts() for reply in found[one.cases[0].id].ft_answers if isinstance(reply, Answer)]
    assert facts == [said[0][1].facts()]


def test_what_the_leader_lacks_is_left_out(tmp_path: Path) -> None:
    """A case without a result is not known, rather than known as something else."""
    one, other = eval_of("one", 2), eval_of("other", 1)
    team = team_of(tmp_path, "leader", selection_of(one))
    assert team.leads()
    team.publish({})
    assert team.findings().of(one, one.cases) == {} == team.findings().of(other, other.cases)


def test_a_dead_leader_is_followed_by_another(tmp_path: Path) -> None:
    """Whoever was helping a process that ended leads, at once."""
    selection = selection_of(eval_of("one", 1))
    first, second = (team_of(tmp_path, owner, selection) for owner in ("first", "second"))
    assert first.leads()
    first.answering.store.leave("first")
    assert second.leads()


def tasks_of(store: Store, owner: str) -> Tasks:
    """What one process of the run takes upon itself."""
    answering: Any = Answering(
        store=store, run="run", owner=owner, key_of=ROLES.key_of, open_engine=lambda: None, watcher=cast(Any, Silent())
    )
    return Tasks(answering=answering)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Tasks, Tasks]]:
    """The tasks of two processes of one run."""
    with Store(tmp_path) as one, Store(tmp_path) as other:
        first, second = tasks_of(one, "first"), tasks_of(other, "second")
        yield first, second
        first.leave()
        second.leave()


def test_a_task_is_one_process_s(two: tuple[Tasks, Tasks]) -> None:
    """Whoever asks first has it, and keeps it."""
    first, second = two
    assert [first.take("sum"), second.take("sum"), first.take("sum")] == [True, False, True]


def test_who_waits_hears_that_a_task_is_done(two: tuple[Tasks, Tasks]) -> None:
    """Nobody does it again."""
    first, second = two
    assert first.take("sum")
    assert not second.take("sum")
    first.done("sum")
    assert not second.take_at_last("sum")


def test_a_task_of_one_that_is_gone_is_taken_over(two: tuple[Tasks, Tasks]) -> None:
    """Who left without having done it has lost it to whoever waits."""
    first, second = two
    assert first.take("sum")
    first.leave()
    assert second.take_at_last("sum")
