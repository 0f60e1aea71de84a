"""What a grader is, and the one door through which grades are asked for.

It knows nothing of engines, of pytest's items, of the store or of statistics.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, cast

from pytest_ftcheck.errors import ConfigError, GraderError
from pytest_ftcheck.grading.corpus import checked_statistics
from pytest_ftcheck.grading.functions import FunctionGrader
from pytest_ftcheck.grading.outcomes import ends_run, outcome_grade, user_line
from pytest_ftcheck.grading.scores import as_grade, place, scrubbed
from pytest_ftcheck.records import Answer, Case, Grade


class Grader(Protocol):
    """Judges an answer: a pure function of the case and the answer.

    `name` is the metric's name, `score_range` its lowest and highest score, `binary` whether those two are its only
    scores. `fingerprint` is the content hash of everything that decides its grades (kind, version of its rules,
    parameters); None means that this cannot be known, and its grades are then computed every time, never stored.

    A grader may also have: `corpus`, for a metric that is no mean over cases (see grading.corpus); `lower_is_better`,
    True for error rates; `rewards_recall`, True where a longer answer alone may score more; `grade_many(pairs)`, which
    returns one Grade or GraderError for each `(case, answer)`, the same as one call for each, where many at once are
    faster; `tables(results)`, which sums CaseResults up as Tables for reports; `combine(scores)`, which makes the score
    of a case from those of all its samples where that is not their mean, and `least_samples`, how many that takes;
    `reads`, True where it grades not what a model answers but how likely it finds the case's text; `refusal(results)`,
    which says why no gate may rest on it, or nothing.
    """

    @property
    def name(self) -> str: ...

    @property
    def score_range(self) -> tuple[float, float]: ...

    @property
    def binary(self) -> bool: ...

    @property
    def fingerprint(self) -> str | None: ...

    def __call__(self, case: Case, answer: Answer) -> Grade: ...


_MEMBERS = ("name", "score_range", "binary", "fingerprint")


def grade(grader: Grader, case: Case, answer: Answer) -> Grade:
    """Ask a grader for its grade, and check what it gives.

    AssertionError and `pytest.fail()` are wrong with their message as reason; `pytest.skip()` is ungraded. Raises
    GraderError, naming grader, case and value, for anything but a score in the range, a bool or a Grade; and, naming
    the user's line, for any other exception. This is the boundary between the run and users' graders.

    >>> from pytest_ftcheck.grading.exact import exact_match
    >>> grade(exact_match(), Case(id="a", input="Capital of France?", expected="Paris"), Answer("Paris ")).score
    1.0
    """
    low, _ = grader.score_range
    try:
        value: object = grader(case, answer)
    except GraderError as error:
        where = place(grader.name, case)
        if str(error).startswith(where):
            raise
        raise GraderError(f"{where}: {error}") from error
    except BaseException as error:
        if (outcome := outcome_grade(error, low)) is not None:
            return outcome
        if ends_run(error):
            raise
        raise GraderError(
            f"{place(grader.name, case)}: raised {type(error).__name__}: {scrubbed(str(error))} at {user_line(error)}"
        ) from error
    return _checked(grader, case, value)


def grade_all(grader: Grader, pairs: Sequence[tuple[Case, Answer]]) -> list[Grade | GraderError]:
    """Ask for many grades, each failure its own record: by the grader's `grade_many` where it has one.

    Where that raises or gives another number of grades, all pairs get the GraderError that says so.
    """
    many = getattr(grader, "grade_many", None)
    if many is None:
        return [_attempt(partial(grade, grader, case, answer)) for case, answer in pairs]
    if not pairs:
        return []
    try:
        values = list(many(pairs))
    except GraderError as error:
        return [error] * len(pairs)
    except BaseException as error:
        if ends_run(error):
            raise
        what = f"raised {type(error).__name__}: {scrubbed(str(error))} at {user_line(error)}"
        return [GraderError(f"grader {grader.name}, {len(pairs)} answers at once: {what}")] * len(pairs)
    if len(values) != len(pairs):
        found = GraderError(f"grader {grader.name}: grade_many returned {len(values)} grades for {len(pairs)} answers")
        return [found] * len(pairs)
    return [_attempt(partial(_checked, grader, case, value)) for (case, _), value in zip(pairs, values, strict=True)]


def _attempt(ask: Callable[[], Grade]) -> Grade | GraderError:
    try:
        return ask()
    except GraderError as error:
        return error


def _checked(grader: Grader, case: Case, value: object) -> Grade:
    """Make a Grade of what a grader gave for a case; with statistics where it is a corpus metric."""
    where = place(grader.name, case)
    if isinstance(value, GraderError):
        raise value if str(value).startswith(where) else GraderError(f"{where}: {value}")
    found = as_grade(value, name=grader.name, score_range=grader.score_range, binary=grader.binary, case=case)
    if getattr(grader, "corpus", None) is None or not found.graded:
        return found
    try:
        return checked_statistics(found)
    except GraderError as error:
        raise GraderError(f"{where}: {error}") from None


def as_grader(obj: object, *, name: str | None = None, score_range: tuple[float, float] = (0.0, 1.0)) -> Grader:
    """Return `obj` as a Grader: itself, or a callable `(case, answer)` wrapped with the range given.

    A Grader keeps its own range; with `name` it is renamed. Raises ConfigError for anything else, naming a
    function's parameters.

    >>> as_grader(lambda case, answer: case.expected in answer, name="mentions").name
    'mentions'
    """
    missing = [member for member in _MEMBERS if not _has(obj, member)]
    if callable(obj) and not isinstance(obj, type) and not missing:
        return _renamed(cast(Grader, obj), name)
    if not isinstance(obj, type) and _has(obj, "score_range"):
        lacks = ", ".join(missing) or "__call__(case, answer)"
        raise ConfigError(f"{obj!r} looks like a grader and lacks {lacks}; a grader has {', '.join(_MEMBERS)}")
    if not callable(obj):
        raise ConfigError(f"grader is {obj!r}; allowed: a grader such as exact_match(), or a function (case, answer)")
    return FunctionGrader(
        function=cast(Callable[..., Any], obj),
        name=getattr(obj, "__name__", type(obj).__name__) if name is None else name,
        score_range=score_range,
    )


def _has(obj: object, member: str) -> bool:
    # Statically: asking for a fingerprint here would compute it before the module that it hashes is complete.
    return inspect.getattr_static(obj, member, _MEMBERS) is not _MEMBERS


def _renamed(grader: Grader, name: str | None) -> Grader:
    low, high = grader.score_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"grader {grader.name}: score_range is {grader.score_range!r}; allowed: finite low < high")
    if name is None or name == grader.name:
        return grader
    if not dataclasses.is_dataclass(grader) or isinstance(grader, type):
        raise ConfigError(f"grader {grader.name} cannot be renamed {name!r}; give it that name where it is made")
    return cast(Grader, dataclasses.replace(cast(Any, grader), name=name))
