"""What a report says of a run's diagnosis, inert. It finds nothing: the diagnosis stands in the run."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.wording import REASON_LIMIT

TITLE = "What probably happened"
SHORT = (2, 3)
"""Sentences of evidence, and remedies, in a short report: the table above it has the gates' figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One finding as it is shown: its name with how sure it is, what happened, why that is thought, what to try."""

    title: str
    what: str
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]


def advices(run: Run, *, most: tuple[int | None, int | None] = (None, None)) -> tuple[Advice, ...]:
    """Return a run's findings for a reader; beyond `most` sentences of evidence, and remedies, the rest are counted."""
    return tuple(
        Advice(
            title=f"{_said(finding.name)} ({_said(finding.sure)})",
            what=_said(finding.what),
            evidence=_cut(finding.evidence, most[0], "more"),
            remedies=_cut(finding.remedies, most[1], "more to try"),
        )
        for finding in run.diagnosis
    )


def _cut(texts: tuple[str, ...], most: int | None, more: str) -> tuple[str, ...]:
    shown = tuple(map(_said, texts[:most]))
    left = len(texts) - len(shown)
    return (*shown, f"and {count(left, more, more)}, in the report") if left else shown


def _said(text: str) -> str:
    return inert(text, limit=REASON_LIMIT, one_line=True)
