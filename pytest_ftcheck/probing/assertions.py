"""The assertions of behavioural probes: minimum functionality, invariance, direction, and no new failures.

Each asks all of its prompts as one batch, counts the cases that fail, and raises CheckFailed where more do than are
allowed. A probe finds faults; it proves no claim about cases that it did not try (gates do).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pytest_ftcheck.errors import CheckFailed, ConfigError, GraderError
from pytest_ftcheck.grading.protocol import as_grader, grade
from pytest_ftcheck.probing.cases import Prompt, listed
from pytest_ftcheck.probing.trials import Ask, Asking, Fault, Trials, own_prompts, perturbed, run_trials
from pytest_ftcheck.probing.wording import message
from pytest_ftcheck.records import Answer, Case, ProbeKind, ProbeResult

Same = Callable[[Answer, Answer], bool]


def same_answer(before: Answer, after: Answer) -> bool:
    """Whether two answers are the same but for white space around them."""
    return str(before).strip() == str(after).strip()


def assert_capable(
    model: Asking,
    cases: Iterable[Case | Prompt],
    check: Any,
    *,
    base: Asking | None = None,
    at_most: float = 0.0,
    capability: str = "",
    **asking: Any,
) -> ProbeResult:
    """Assert a minimum functionality: `check` holds of the answer to each case (a grader, or a function of both).

    `base` answers too, and its failures are told beside ft's. `at_most` is the share of cases that may fail, 0 to 1.
    `capability` is the row of the capability matrix. Further arguments are those of a model function, such as
    `max_new_tokens`, or `choices` with `normalize`. Raises CheckFailed with the smallest failures.
    """
    __tracebackhide__ = True
    done = _minimum(model, listed(cases), check, base, asking)
    return _conclude(model, done, at_most=at_most, capability=capability)


def assert_invariant(
    model: Asking,
    cases: Iterable[Case | Prompt],
    *,
    perturb: Any,
    same: Same = same_answer,
    base: Asking | None = None,
    at_most: float = 0.0,
    times: int = 1,
    seed: int = 0,
    capability: str = "",
    **asking: Any,
) -> ProbeResult:
    """Assert that the answer stays the `same` when a prompt is perturbed, whatever the answer is.

    `perturb` is a perturbation of `perturb`, or several in a list, each tried apart in `times` variants drawn by
    `seed`. A case fails where one variant does. For the rest see `assert_capable`.
    """
    __tracebackhide__ = True
    chosen = listed(cases)
    asks = perturbed(chosen, perturb, times=times, seed=seed)
    done = _compared("INV", model, asks, same, base, asking, untouched=len(chosen) - len(asks))
    return _conclude(model, done, at_most=at_most, capability=capability)


def assert_direction(
    model: Asking,
    cases: Iterable[Case | Prompt],
    *,
    perturb: Any,
    holds: Same,
    base: Asking | None = None,
    at_most: float = 0.0,
    times: int = 1,
    seed: int = 0,
    capability: str = "",
    **asking: Any,
) -> ProbeResult:
    """Assert that a change of the prompt changes the answer as it should: `holds(before, after)` for each variant.

    `holds` is a function of both answers, such as `rises(score)` or `falls(score)`. For the rest see
    `assert_invariant`.
    """
    __tracebackhide__ = True
    chosen = listed(cases)
    asks = perturbed(chosen, perturb, times=times, seed=seed)
    done = _compared("DIR", model, asks, holds, base, asking, untouched=len(chosen) - len(asks))
    return _conclude(model, done, at_most=at_most, capability=capability)


def assert_no_new_failures(
    model: Asking,
    cases: Iterable[Case | Prompt],
    check: Any = None,
    *,
    base: Asking,
    perturb: Any = None,
    same: Same = same_answer,
    holds: Same | None = None,
    at_most: float = 0.0,
    times: int = 1,
    seed: int = 0,
    capability: str = "",
    **asking: Any,
) -> ProbeResult:
    """Assert that ft does not fail where base passes; what base fails as well is no fault of the fine-tune.

    With `check` it is a test of minimum functionality, with `perturb` one of invariance, with `perturb` and `holds`
    one of direction. `at_most` is the share of all cases that may fail with ft alone.
    """
    __tracebackhide__ = True
    chosen = listed(cases)
    if (check is None) == (perturb is None) or (holds is not None and perturb is None):
        raise ConfigError("assert_no_new_failures: allowed: one of check, perturb=, or perturb= with holds=")
    if check is not None:
        done = _minimum(model, chosen, check, base, asking)
    else:
        asks = perturbed(chosen, perturb, times=times, seed=seed)
        kind: ProbeKind = "INV" if holds is None else "DIR"
        done = _compared(kind, model, asks, holds or same, base, asking, untouched=len(chosen) - len(asks))
    return _conclude(model, done, at_most=at_most, capability=capability, counted="new")


def rises(score: Callable[[Answer], float], *, by: float = 0.0) -> Same:
    """Return `holds` for a score of the answer that must rise by `by` at least, or with 0 must not fall."""

    def rises(before: Answer, after: Answer) -> bool:
        return score(after) - score(before) >= by

    return rises


def falls(score: Callable[[Answer], float], *, by: float = 0.0) -> Same:
    """Return `holds` for a score of the answer that must fall by `by` at least, or with 0 must not rise."""

    def falls(before: Answer, after: Answer) -> bool:
        return score(before) - score(after) >= by

    return falls


def _minimum(
    model: Asking, cases: Sequence[Case], check: Any, base: Asking | None, asking: Mapping[str, Any]
) -> Trials:
    grader = as_grader(check)
    # A metric's best score is its range's end; error rates have theirs at the low one.
    best = grader.score_range[0 if getattr(grader, "lower_is_better", False) else 1]

    def judge(case: Case, answers: Sequence[Answer]) -> Fault | None:
        found = grade(grader, case, answers[0])
        if not found.graded:
            raise GraderError(f"case {case.id}: {grader.name} gave no grade: {found.reason}")
        return None if found.score == best else Fault(at=0, why=found.reason or f"{grader.name} {found.score}")

    return run_trials("MFT", own_prompts(cases), judge, model=model, base=base, asking=asking)


def _compared(
    kind: ProbeKind,
    model: Asking,
    asks: Sequence[Ask],
    holds: Same,
    base: Asking | None,
    asking: Mapping[str, Any],
    *,
    untouched: int,
) -> Trials:
    """Judge each variant's answer against that to the case's own prompt; the first that fails is told."""
    named = f"{getattr(holds, '__name__', 'holds')} does not hold of the two answers"
    why = "another answer to the changed prompt" if holds is same_answer else named

    def judge(case: Case, answers: Sequence[Answer]) -> Fault | None:
        before, *others = answers
        wrong = (Fault(at=at, why=why) for at, after in enumerate(others, 1) if not holds(before, after))
        return next(wrong, None)

    return run_trials(kind, asks, judge, model=model, base=base, asking=asking, untouched=untouched)


def _conclude(model: Asking, done: Trials, *, at_most: float, capability: str, counted: str = "all") -> ProbeResult:
    """Note what was found, and raise CheckFailed where more cases fail than are allowed."""
    __tracebackhide__ = True
    if not 0.0 <= at_most < 1.0:
        raise ConfigError(f"at_most={at_most!r}; allowed: a share of the cases, 0 or more and below 1")
    found = done.result(capability)
    model.note(found)
    failed = found.new or 0 if counted == "new" else found.failed
    if failed > at_most * found.n:
        raise CheckFailed(message(done, found, counted=counted, at_most=at_most))
    return found
