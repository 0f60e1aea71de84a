"""Leaked cases of a run: found before any model loads, named, and left out or fatal as the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ftcheck.errors import CaseError
from pytest_ftcheck.hygiene.scan import kept_leaks
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert

if TYPE_CHECKING:
    from pytest_ftcheck.evals import Eval
    from pytest_ftcheck.records import Leak
    from pytest_ftcheck.session import Session

NAMED = 5


def mark_leaks(session: Session, evals: Sequence[Eval]) -> None:
    """Tell the session which cases stand in the training data of `--ft-train-data`, and note it for the reader.

    Raises CaseError where there are any and `--ft-leaks` is fail; every later question of the run is answered so.
    """
    settings = session.settings
    if settings.train_data is None or not evals:
        return
    session.start()
    found = kept_leaks(
        settings.train_data, {one.nodeid: one.cases for one in evals}, session.store, report=session.watcher.phase
    )
    said = []
    for one in evals:
        leaks = found[one.nodeid]
        if leaks:
            session.leaks[one.nodeid] = leaks
            said.append(f"{one.name}: {leak_words(leaks, len(one.cases), str(settings.train_data.name))}")
    if said and settings.leaks == "fail":
        session.refuse(f"--ft-leaks=fail: {'; '.join(said)}")
        raise CaseError(f"--ft-leaks=fail: {'; '.join(said)}")
    session.notices += [f"{line}{'; they are left out' if settings.leaks == 'exclude' else ''}" for line in said]


def leak_words(leaks: Sequence[Leak], of: int, train: str) -> str:
    """Say how many cases of an eval leaked, and which, with the closest row of each."""
    first = {leak.case: leak for leak in reversed(leaks)}
    named = [
        f"{inert(case, limit=60, one_line=True)} ({leak.part} {leak.kind}, line {leak.train_line})"
        for case, leak in list(reversed(first.items()))[:NAMED]
    ]
    more = f" and {len(first) - NAMED:,} more" if len(first) > NAMED else ""
    verb = "stands" if len(first) == 1 else "stand"
    cases = f"{len(first):,} of {count(of, 'case')} {verb} in the training data {inert(train, one_line=True)}"
    return f"{cases}: {', '.join(named)}{more}"
