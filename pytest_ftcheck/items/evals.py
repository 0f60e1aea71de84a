"""Eval items: one pytest item per case. It knows nothing of stores, engines and statistics: the session does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.data.ids import item_id
from pytest_ftcheck.records import Case, Grade
from pytest_ftcheck.session import metrics_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ftcheck.evals import Eval
    from pytest_ftcheck.session import Session

NO_MODEL = "needs --ft-model"


class EvalItem(pytest.Item):
    """One case of one eval. Its set-up answers and grades, so that what goes wrong there is an error, not a failure."""

    def __init__(self, *, one: Eval, case: Case, ftcheck: Session, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.eval = one
        self.case = case
        self.ftcheck = ftcheck
        self.outcome = ""
        for mark in getattr(one.spec.body, "pytestmark", ()):
            self.add_marker(mark)

    def setup(self) -> None:
        """Look the case's grades up, or have it answered and graded. Raises EngineError or GraderError."""
        result = self.ftcheck.result(self.eval, self.case)
        metric = metrics_of(self.eval.spec)[0]
        base = metric.score_of_case(_scores(result.base_grades[metric.name]))
        ft = metric.score_of_case(_scores(result.ft_grades[metric.name]))
        self.outcome = metric.outcome(base, ft)
        self.user_properties += [("base", base), ("ft", ft), ("outcome", self.outcome)]

    def runtest(self) -> None:
        """Pass: whatever its score, a case alone proves nothing."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Point at the eval's function."""
        return self.eval.spec.path, self.eval.spec.line - 1, self.name


def eval_items(collector: pytest.Module | pytest.Class, one: Eval, session: Session) -> list[EvalItem]:
    """Make one item per case; without a model each is skipped, with why."""
    names: dict[str, int] = {}
    items = []
    for case in one.cases:
        name = f"{one.name}[{item_id(case.id)}]"
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name[:-1]}#{names[name]}]"
        item = EvalItem.from_parent(collector, name=name, one=one, case=case, ftcheck=session)
        if session.settings.model is None:
            item.add_marker(pytest.mark.skip(reason=NO_MODEL))
        items.append(item)
    return items


def _scores(grades: Sequence[Grade]) -> list[float]:
    return [grade.score for grade in grades if grade.score is not None]
