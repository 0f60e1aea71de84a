"""Letters and words of our items. The category stays what pytest counts, but for faults, which are errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

Status = tuple[str, str, str | tuple[str, dict[str, bool]]]

PASSED: dict[str, tuple[str, str]] = {
    "win": ("+", "WIN"),
    "loss": ("-", "LOSS"),
    "both right": (".", "BOTH RIGHT"),
    "both wrong": (",", "BOTH WRONG"),
    "tie": ("=", "TIE"),
    "pass": ("P", "PASS"),
    "inconclusive": ("i", "INCONCLUSIVE"),
}
COLOURS: dict[str, dict[str, bool]] = {
    "win": {"green": True},
    "loss": {"yellow": True},
    "both wrong": {"light": True},
    "inconclusive": {"yellow": True},
}


def status_of(report: pytest.TestReport) -> Status | None:
    """Return category, letter and word of a report of ours, or None where pytest's own are right."""
    outcome = getattr(report, "ftcheck_outcome", "")
    if report.passed and report.when == "call" and outcome:
        # What is none of these counts the cases of a whole eval.
        letter, word = PASSED.get(outcome, (".", outcome.upper()))
        return "passed", letter, (word, COLOURS.get(outcome, {"green": True}))
    if outcome == "rerun":
        return "rerun", "R", ("RERUN", {"yellow": True})
    if report.failed and report.when == "call":
        if getattr(report, "ftcheck_fault", False):
            return "error", "E", ("ERROR", {"red": True})
        if outcome == "inconclusive":
            return "failed", "I", ("INCONCLUSIVE", {"yellow": True})
    return None
