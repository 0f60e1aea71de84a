"""Eval items: one pytest item per case, or one per eval. It knows nothing of stores, engines and statistics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.comparison import has_third
from pytest_ftcheck.data.ids import item_id
from pytest_ftcheck.records import Case, Grade
from pytest_ftcheck.session import metrics_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_ftcheck.evals import Eval
    from pytest_ftcheck.session import Session

NO_MODEL = "needs --ft-model"
MARK = pytest.mark.ftcheck_eval
COUNTED = {"win": "wins", "loss": "losses", "both right": "both right", "both wrong": "both wrong", "tie": "ties"}
"""How cases stand, in the order in which an item of them all counts them."""


class Item(pytest.Item):
    """An item of an eval. Its set-up answers and grades, so that what goes wrong there is an error, not a failure."""

    def __init__(self, *, one: Eval, ftcheck: Session, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.eval = one
        self.ftcheck = ftcheck
        self.outcome = ""
        self.add_marker(MARK)
        for mark in getattr(one.spec.body, "pytestmark", ()):
            self.add_marker(mark)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases that it stands for."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Pass: whatever its scores, an eval proves nothing without a gate."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Point at the eval's function."""
        return self.eval.spec.path, self.eval.spec.line - 1, self.name


class EvalItem(Item):
    """One case of one eval."""

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case

    @property
    def cases(self) -> tuple[Case, ...]:
        """The one case."""
        return (self.case,)

    def setup(self) -> None:
        """Look the case's grades up, or have it answered and graded. Raises EngineError or GraderError."""
        leak = self.ftcheck.leaks_by_case(self.eval).get(self.case.id)
        if leak is not None and self.ftcheck.settings.leaks == "exclude":
            pytest.skip(f"leaked: its {leak.part} stands in the training data, line {leak.train_line} ({leak.kind})")
        result = self.ftcheck.result(self.eval, self.case)
        metric = metrics_of(self.eval.spec)[0]
        base = metric.score_of_case(_scores(result.base_grades[metric.name]))
        ft = metric.score_of_case(_scores(result.ft_grades[metric.name]))
        self.outcome = metric.outcome(base, ft)
        self.user_properties += [("base", base), ("ft", ft), ("outcome", self.outcome)]
        if has_third(result, metric.name):
            also = metric.score_of_case(_scores(result.also_grades[metric.name]))
            self.user_properties.append(("also", also))


class WholeEvalItem(Item):
    """All cases of one eval, for sets so large that an item for each would cost more than its answer."""

    @property
    def cases(self) -> tuple[Case, ...]:
        """All of them."""
        return self.eval.cases

    def setup(self) -> None:
        """Count how the cases stand. Raises EngineError or GraderError naming those without two grades."""
        comparison = self.ftcheck.comparison(self.eval.spec)
        metric, scores = comparison.metric, zip(comparison.scores("base"), comparison.scores("ft"), strict=True)
        counts = Counter(metric.outcome(base, ft) for base, ft in scores)
        self.outcome = ", ".join(
            f"{counts[name]:,} {name if counts[name] == 1 else several}"
            for name, several in COUNTED.items()
            if counts[name] or name in ("win", "loss")
        )
        self.user_properties += [(name, counts[name]) for name in sorted(counts)]


def eval_items(collector: Any, one: Eval, session: Session) -> list[EvalItem] | list[WholeEvalItem]:
    """Make one item per case, or one for all of them; without a model each is skipped, with why."""
    items: list[Any] = []
    if session.settings.items == "eval":
        items.append(WholeEvalItem.from_parent(collector, name=one.name, one=one, ftcheck=session))
    else:
        items += [
            EvalItem.from_parent(collector, name=name, one=one, case=case, ftcheck=session)
            for name, case in zip(_names(one), one.cases, strict=True)
        ]
    if session.settings.model is None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=NO_MODEL))
    return items


def _names(one: Eval) -> Iterator[str]:
    taken: dict[str, int] = {}
    for case in one.cases:
        name = f"{one.name}[{item_id(case.id)}]"
        taken[name] = taken.get(name, 0) + 1
        yield name if taken[name] == 1 else f"{name[:-1]}#{taken[name]}]"


def _scores(grades: Sequence[Grade]) -> list[float]:
    return [grade.score for grade in grades if grade.score is not None]
