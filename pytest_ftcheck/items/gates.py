"""Gate items: plain test functions whose verdicts are gathered. It knows pytest's reports, and decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_ftcheck.comparison import Comparison, Policy
from pytest_ftcheck.errors import CheckFailed, ConfigError, FtcheckError, Undecided
from pytest_ftcheck.gates import GateSpec, gate_of
from pytest_ftcheck.records import Case, CaseResult, Decision, GateResult, Grade, Verdict
from pytest_ftcheck.session import metrics_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ftcheck.evals import Eval
    from pytest_ftcheck.session import Session

COMPARISONS = pytest.StashKey[list[Comparison]]()


def gate_spec(item: pytest.Item) -> GateSpec | None:
    """Return what a test item gates, or None."""
    return gate_of(getattr(item, "function", None))


def comparisons_for(item: pytest.Item, session: Session) -> tuple[Comparison, ...]:
    """Compare the evals that a gate reads. Raises ConfigError, EngineError or GraderError."""
    spec = gate_spec(item)
    if spec is None:
        raise ConfigError(f"{item.nodeid} asks for a comparison but is no gate; allowed: under @gate(test_name)")
    found = tuple(session.comparison(one) for one in spec.evals)
    item.stash[COMPARISONS] = list(found)
    return found


def verdicts_of(item: pytest.Item) -> tuple[Verdict, ...]:
    """Return what a gate's assertions found, in order."""
    return tuple(verdict for one in item.stash.get(COMPARISONS, []) for verdict in one.verdicts)


def require_verdict(item: pytest.Item) -> None:
    """Refuse a gate that judged nothing. Raises ConfigError."""
    if gate_spec(item) is not None and not verdicts_of(item):
        raise ConfigError(
            f"gate {item.name} judged nothing; allowed: at least one of assert_improves, assert_no_worse,"
            " assert_kept, assert_equivalent, assert_at_least, assert_never, assert_length_stable"
            " (a plain assert proves nothing)"
        )


def gate_result(item: pytest.Item, error: BaseException | None) -> GateResult:
    """Say how a gate ended: by the exception that ended it, or by its verdicts where none did."""
    verdicts = verdicts_of(item)
    if error is None:
        allowed = any(verdict.decision is Decision.INCONCLUSIVE for verdict in verdicts)
        decision, reason = (Decision.INCONCLUSIVE if allowed else Decision.PASS), ""
    elif isinstance(error, Undecided):
        decision, reason = Decision.INCONCLUSIVE, ""
    elif isinstance(error, CheckFailed):
        decision, reason = Decision.FAIL, ""
    elif isinstance(error, AssertionError):
        decision, reason = Decision.FAIL, str(error)
    else:
        decision, reason = Decision.ERROR, str(error) if isinstance(error, FtcheckError) else repr(error)
    spec = gate_spec(item)
    evals = tuple(one.name for one in spec.evals) if spec is not None else ()
    return GateResult(
        nodeid=item.nodeid, name=item.name, decision=decision, verdicts=verdicts, reason=reason, evals=evals
    )


def rehearse(item: pytest.Item, session: Session) -> list[str]:
    """Run a gate on a fine-tune that makes no mistake, and say which of its claims could not be proven even so.

    Only gates that ask for nothing but comparisons are rehearsed; what else a body does there is of no interest.
    """
    found: list[str] = []
    ended = rehearsed(item, session, Policy(rehearsal=found))
    if isinstance(ended, ConfigError):
        return [f"{item.name}: {ended}"]
    return [] if ended is not None else [f"{item.name}: {text}" for text in found]


def rehearsed(item: pytest.Item, session: Session, policy: Policy) -> Exception | None:
    """Run a gate's body on made-up scores, under a policy that gathers what it claims; return what ended it, if so.

    A body that asks for more than comparisons is not run.
    """
    spec = gate_spec(item)
    if spec is None:
        return LookupError("it is no gate")
    asked = set(getattr(item, "fixturenames", ())) - {"request"}
    if not asked or not asked <= {"comparison", "comparisons"}:
        return LookupError("it asks for more than comparisons")
    settings = session.settings
    policy = replace(policy, acceptable=settings.acceptable_drop, catastrophic=settings.catastrophic_drop)
    flawless = tuple(_flawless(one, session.cases_of(one), policy) for one in map(session.eval_of, spec.evals))
    arguments = {"comparison": flawless[0], "comparisons": flawless}
    try:
        item.function(**{name: arguments[name] for name in asked})  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - the rehearsal's one boundary: a body may do anything with made-up scores
        return error
    return None


def _flawless(one: Eval, chosen: Sequence[Case], policy: Policy) -> Comparison:
    """Pretend that both roles answered every case right, once per sample."""
    metrics = metrics_of(one.spec)
    grades = {metric.name: tuple([Grade(metric.best)] * one.spec.samples) for metric in metrics}
    cases = tuple(
        CaseResult(case=case, base_answers=(), ft_answers=(), base_grades=grades, ft_grades=grades) for case in chosen
    )
    return Comparison(eval=one.name, metrics=metrics, cases=cases, metric=metrics[0], policy=policy)
