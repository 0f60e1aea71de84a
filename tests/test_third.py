"""The third model's figures beside a claim, where it lacks grades, does not compare, or an event raises."""

from __future__ import annotations

from dataclasses import replace

from pytest_ftcheck.claims import Claim
from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.records import Answer, Case, CaseResult, Grade
from pytest_ftcheck.third import third_score

METRIC = Metric(name="right")
IMPROVES = Claim(kind="improves", bound=0.0, alpha=0.05)
NEVER = Claim(kind="never", bound=0.1, alpha=0.05)


def result(number: int, *, base: float, ft: float, also: float | None) -> CaseResult:
    """A case with these scores; the third model's is None where it was not graded."""
    third = Grade.ungraded("too long") if also is None else Grade(also)
    return CaseResult(
        case=Case(id=f"c{number}", input="?"),
        base_answers=(Answer("b"),),
        ft_answers=(Answer("f"),),
        base_grades={"right": (Grade(base),)},
        ft_grades={"right": (Grade(ft),)},
        also_answers=(Answer("a"),),
        also_grades={"right": (third,)},
    )


def compared(*also: float | None) -> Comparison:
    """Cases that base has wrong and ft right."""
    cases = tuple(result(number, base=0.0, ft=1.0, also=score) for number, score in enumerate(also))
    return Comparison(eval="test_a", metrics=(METRIC,), cases=cases, metric=METRIC)


def test_without_a_third_model_there_is_nothing() -> None:
    """A comparison whose cases have no third answer has neither score nor figures."""
    found = compared(1.0, 1.0)
    alone = replace(found, cases=tuple(replace(each, also_answers=(), also_grades={}) for each in found.cases))
    assert (alone.also, third_score(alone, IMPROVES)) == (None, None)


def test_what_it_lacks_is_counted_and_never_a_score() -> None:
    """An ungraded answer takes its case out of the third model's figures alone; comparison.also is then None."""
    found = compared(*[1.0] * 10, *[0.0] * 10, None)
    also = third_score(found, IMPROVES)
    assert also is not None
    assert (also.score, also.delta, also.n, also.missing) == (0.5, 0.5, 20, 1)
    assert found.also is None
    assert (len(found), found.delta) == (21, 1.0)


def test_figures_that_do_not_compare_have_no_difference() -> None:
    """Where a metric says that the two do not compare the score stands alone, with the reason."""
    also = third_score(replace(compared(*[0.0] * 20), apart=frozenset({"right"})), IMPROVES)
    assert also is not None
    assert (also.score, also.delta, also.low, also.gained) == (0.0, None, None, None)
    assert also.reason == "by right it does not compare with ft"


def test_an_event_that_raises_is_a_reason() -> None:
    """A user's event that fails on the third model's answer takes its figures away, and nothing else."""

    def event(case: Case, answer: Answer) -> bool:
        if answer == "a":
            raise RuntimeError("cannot read it")
        return False

    also = third_score(compared(*[0.0] * 20), NEVER, event)
    assert also is not None
    assert (also.score, also.reason) == (None, "RuntimeError: cannot read it")
