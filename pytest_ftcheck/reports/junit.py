"""What JUnit files say of gates: pairs of name and value, all exact `str`, inert.

They travel from worker to controller and into XML, both of which take no other text. It knows no XML and no pytest.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ftcheck.records import GateResult
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.inert import inert

TEXT_LIMIT = 400
PREFIX = "ftcheck"


def gate_properties(result: GateResult) -> list[tuple[str, str]]:
    """Return a gate's decision and the facts of the verdict that decided it; what is None is left out.

    Scores are in the metric's units (proportions 0 to 1), with six significant digits.
    """
    verdict = result.verdict
    facts: list[tuple[str, object]] = [
        ("verdict", result.decision.value),
        ("words", wording.gate_words(result)),
        ("evals", ", ".join(result.evals)),
    ]
    if verdict is None:
        facts.append(("reason", result.reason))
    else:
        names = ("claim", "metric", "base", "ft", "delta", "low", "high", "level", "bound", "n", "gained", "lost")
        facts += [(name, getattr(verdict, name)) for name in (*names, "method", "p_value", "alpha", "reason")]
        if verdict.also is not None:
            facts.append(("also", verdict.also.score))
            facts += [(f"also.{name}", getattr(verdict.also, name)) for name in ("delta", "low", "high", "n", "reason")]
    return _properties(facts)


def _properties(facts: Sequence[tuple[str, object]]) -> list[tuple[str, str]]:
    return [
        (inert(f"{PREFIX}.{name}", limit=TEXT_LIMIT, one_line=True), _written(value))
        for name, value in facts
        if value is not None and value != ""
    ]


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{float(value):.6g}"
    return inert(str(value), limit=TEXT_LIMIT, one_line=True)
