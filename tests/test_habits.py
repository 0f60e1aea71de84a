"""What sort of answers a role gave is counted from the answers alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.habits import MOST_READ, alike, habits_of
from pytest_ftcheck.records import Answer, Case, CaseResult, Grade, Habits

METRIC = Metric(name="exact_match")


def comparison(ft: Sequence[str], *, expected: Sequence[str], base: str = "yes", finish: str = "stop") -> Comparison:
    """Pair answers of ft with one and the same of base; right is what is expected."""
    cases = [
        CaseResult(
            case=Case(id=str(number), input="?", expected=wanted),
            base_answers=(Answer(base),),
            ft_answers=(Answer(said, finish_reason=finish),),
            base_grades={"exact_match": (Grade(float(base == wanted)),)},
            ft_grades={"exact_match": (Grade(float(said == wanted)),)},
        )
        for number, (said, wanted) in enumerate(zip(ft, expected, strict=True))
    ]
    return Comparison(eval="e", metrics=(METRIC,), cases=tuple(cases), metric=METRIC)


def of_ft(*ft: str, expected: str = "yes", finish: str = "stop") -> Habits:
    """Habits of ft, all of whose cases expect the same."""
    found = habits_of(comparison(ft, expected=[expected] * len(ft), finish=finish))[1]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("answer", "habit"),
    [
        ('{"a": 1}', "json"),
        ("```json\n[1]\n```", "json"),
        ("Sorry, I cannot help with that.", "refusals"),
        ("the lamp the lamp the lamp the lamp the lamp", "loops"),
        ("  \n", "empty"),
        ("I say: yes!", "misshapen"),
    ],
)
def test_a_habit_is_told_from_an_answer(answer: str, habit: str) -> None:
    """Each kind of answer is counted as what it is, and a plain right one is none of them."""
    assert getattr(of_ft(answer), habit) == 1
    assert getattr(of_ft("yes"), habit) == 0


def test_answers_that_the_limit_ended_are_cut_off() -> None:
    """An answer that met its token limit is counted."""
    assert of_ft("yes", finish="length").cut_off == 1


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (["b"] * 4 + ["a"] * 4, 8),  # each label is the other's
        (["c"] * 8, 0),  # one answer for everything
        (["x"] * 4 + ["y"] * 4, 0),  # answers that nobody expects
        (["b"] * 4 + ["b"] * 4, 0),  # one label for everything
    ],
)
def test_swapped_labels_are_wrong_by_a_rule(said: list[str], count: int) -> None:
    """Another's label for all that expect the same is a swap; one answer for everything, or no label, is none."""
    found = habits_of(comparison(said, expected=["a"] * 4 + ["b"] * 4))[1]
    assert found is not None
    assert found.swapped == count


def test_large_evals_are_sampled() -> None:
    """Of many cases every k-th is looked at, so that the count stays below the limit."""
    assert of_ft(*["yes"] * (2 * MOST_READ + 1)).n == -(-(2 * MOST_READ + 1) // 3)


def test_what_is_scored_has_no_habits() -> None:
    """Where texts were read nothing was written, and nothing is said of it."""
    assert habits_of(comparison([""], expected=["yes"], finish="read")) == (None, None)


def test_alike_counts_the_same_words() -> None:
    """Cases that both answered in the same words are counted."""
    assert alike(comparison(["yes", "no"], expected=["yes", "yes"]).cases) == 1
