"""All rules, and which of what they find is told: what explains most first, nothing that a stronger one explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_ftcheck.diagnosis import answers, exam, training
from pytest_ftcheck.diagnosis.signs import Signs
from pytest_ftcheck.records import Finding, Run

Rule = Callable[[Signs], Finding | None]

BROKEN: tuple[Rule, ...] = (training.inactive, training.diverged, training.collapsed)
"""The model is none: whatever else is seen comes of that."""

CAUSES: tuple[Rule, ...] = (exam.leaked, exam.contradiction, training.overfitted, training.undertrained)
"""Causes that the log, the rows or a proven gap show."""

SYMPTOMS: tuple[Rule, ...] = (
    answers.form_obsessed,
    answers.over_refusal,
    answers.safety_eroded,
    answers.repetition,
    answers.slice_lost,
    answers.forgetting,
)
"""What the answers show: the special before the general, where they account for as many gates."""

REMARKS: tuple[Rule, ...] = (
    answers.form_lost,
    exam.prompting,
    training.no_gain,
    exam.at_chance,
    exam.too_few,
)
"""What is worth knowing beside."""


def diagnose(run: Run) -> tuple[Finding, ...]:
    """Return what probably happened, what explains most first; nothing where all is well.

    A finding is dropped where stronger ones account for every gate that it accounts for: all that is lost explains a
    lost format. A cause that is only possible comes behind the symptoms.
    """
    signs = Signs(run)
    broken, causes, symptoms, remarks = (_found(rules, signs) for rules in (BROKEN, CAUSES, SYMPTOMS, REMARKS))
    surely = [finding for finding in causes if finding.sure == "likely"]
    perhaps = [finding for finding in causes if finding.sure != "likely"]
    told: list[Finding] = []
    explained: set[str] = set()
    for finding in (*broken, *surely, *symptoms, *perhaps, *remarks):
        if told and set(finding.gates) <= explained:
            continue
        told.append(finding)
        explained |= set(finding.gates)
    return tuple(told)


def _found(rules: Sequence[Rule], signs: Signs) -> list[Finding]:
    """Return what rules find, that of most gates first."""
    found = [finding for rule in rules if (finding := rule(signs)) is not None]
    return sorted(found, key=lambda finding: -len(finding.gates))
