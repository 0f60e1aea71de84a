"""What `--ft-verbose-case` asks for: everything that a run knows of single cases, looked up when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_ftcheck.data.inputs import turns_of
from pytest_ftcheck.items.gates import gate_spec
from pytest_ftcheck.records import ROLES, Answer, Case, CaseResult, Role
from pytest_ftcheck.reports.verbose_case import CaseView, Exchange
from pytest_ftcheck.session import metrics_of
from pytest_ftcheck.suggestions import did_you_mean

if TYPE_CHECKING:
    from pytest_ftcheck.evals import Eval
    from pytest_ftcheck.session import Session

OPTION = "--ft-verbose-case"


def case_views(session: Session, ids: Sequence[str], items: Iterable[pytest.Item]) -> tuple[CaseView, ...]:
    """Return what is known of the cases with these ids, in the ids' order, for each eval that has one of them."""
    gates = _gates(session, items)
    found = {}
    for one in session.evals:
        for case in session.whole(one):
            if case.id in ids:
                found[ids.index(case.id), one.nodeid] = _view(session, one, case, gates.get(one, ()))
    return tuple(found[place] for place in sorted(found))


def unknown_cases(session: Session, ids: Sequence[str]) -> tuple[str, ...]:
    """Say of each id that no collected eval has which one may have been meant."""
    known = {case.id for one in session.evals for case in session.whole(one)}
    evals = session.evals[0].name if len(session.evals) == 1 else f"any of {len(session.evals)} evals"
    return tuple(
        f"{OPTION}={id}: no case of {evals} has this id{did_you_mean(id, sorted(known))}"
        for id in ids
        if id not in known
    )  # fmt: skip


def _gates(session: Session, items: Iterable[pytest.Item]) -> dict[Eval, list[str]]:
    found: dict[Eval, list[str]] = {}
    for item in items:
        spec = gate_spec(item)
        for one in () if spec is None else spec.evals:
            found.setdefault(session.eval_of(one), []).append(item.name)
    return found


def _view(session: Session, one: Eval, case: Case, gates: Sequence[str]) -> CaseView:
    result = session.known_result(one, case)
    leak = session.leaks_by_case(one).get(case.id)
    if result is None:
        excluded = leak is not None and session.settings.leaks == "exclude"
        why = "left out, since it stands in the training data" if excluded else "no test of this run needed it"
        return CaseView(eval=one.nodeid, case=case, gates=tuple(gates), leak=leak, why=why)
    metric = metrics_of(one.spec)[0]
    base, ft = (
        None if result.missing else metric.score_of_case([grade.score or 0.0 for grade in grades[metric.name]])
        for grades in (result.base_grades, result.ft_grades)
    )
    exchanges = [each for role in ROLES for each in _exchanges(session, one, result, role, role)]
    best = session.best_of(one)
    bested = None if best is None else session.known_result(best, case)
    if best is not None and bested is not None:
        exchanges += _exchanges(session, best, bested, "base", "base at its best prompt")
    return CaseView(
        eval=one.nodeid,
        case=case,
        exchanges=tuple(exchanges),
        gates=tuple(gates),
        leak=leak,
        missing=result.missing,
        outcome="" if base is None or ft is None else metric.outcome(base, ft),
        base_score=base,
        ft_score=ft,
    )


def _exchanges(session: Session, one: Eval, result: CaseResult, role: Role, words: str) -> list[Exchange]:
    """Return a role's requests for a case, turn by turn, for each sample; grades stand with the last turn."""
    graded = result.base_grades if role == "base" else result.ft_grades
    replies = result.base_answers if role == "base" else result.ft_answers
    found = []
    for sample in range(one.spec.samples):
        earlier: list[str] = []
        # Where a sample lacks a grade the others' places are not known: `missing` says why.
        grades = [(name, row[sample]) for name, row in graded.items() if len(row) == len(replies)]
        turns = len(turns_of(result.case.input)) or 1
        for turn in range(turns):
            request, key, reply, stored = session.exchange(role, one, result.case, sample=sample, earlier=earlier)
            last = turn + 1 == turns
            which = [
                words,
                f"sample {sample + 1} of {one.spec.samples}" if one.spec.samples > 1 else "",
                f"turn {turn + 1} of {turns}" if turns > 1 else "",
            ]
            found.append(
                Exchange(
                    role=", ".join(filter(None, which)),
                    request=request,
                    key=key,
                    stored=stored,
                    reply=reply,
                    grades=grades if last else (),
                )
            )
            if not isinstance(reply, Answer):
                break
            earlier.append(str(reply))
    return found
