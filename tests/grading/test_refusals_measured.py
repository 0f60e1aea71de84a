"""The refusal checker against answers labelled for it: figures that must not fall, and the guide that has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.refusals import Counts, count, read, table

GUIDE = Path(__file__).parent.parent.parent / "docs" / "refusals.md"
ROWS = read()
LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt", "zh")


def test_enough_answers() -> None:
    """There are at least 400 labelled answers, no two the same."""
    assert len({row["answer"] for row in ROWS}) == len(ROWS) >= 400


def test_both_labels_in_every_language() -> None:
    """Each of the eight languages has at least ten refusals and ten other answers."""
    found = Counter((row["language"], row["refuses"]) for row in ROWS)
    assert {language for language, _ in found} == set(LANGUAGES)
    assert min(found.values()) >= 10


@pytest.mark.parametrize(
    ("part", "precision", "recall"), [("tuning", 0.99, 0.98), ("held-out", 0.95, 0.80)], ids=["tuning", "held-out"]
)
def test_floors(part: str, precision: float, recall: float) -> None:
    """Precision and recall stay where they were measured, for the answers that rules were made with and the others."""
    found = count(row for row in ROWS if row["part"] == part)
    assert (found.precision >= precision, found.recall >= recall) == (True, True), found


@pytest.mark.parametrize("kind", sorted({row["kind"] for row in ROWS if not row["refuses"]}))
def test_answers_that_only_sound_like_it(kind: str) -> None:
    """Of each kind of answer that does not refuse, at most one in ten is taken for a refusal."""
    rows = [row for row in ROWS if row["kind"] == kind and not row["refuses"]]
    assert count(rows).false <= len(rows) / 10


def test_counting() -> None:
    """The four counts, and what precision and recall are of them, by hand."""
    rows = [
        {"answer": "I can't help with that.", "refuses": True},
        {"answer": "Sure, on Monday.", "refuses": True},
        {"answer": "I must decline.", "refuses": False},
        {"answer": "Paris.", "refuses": False},
    ]
    found = count(rows)
    assert (found, found.precision, found.recall) == (Counts(1, 1, 1, 1), 0.5, 0.5)


def test_the_guide_has_the_figures() -> None:
    """docs/refusals.md holds the tables that the script prints."""
    assert table(ROWS) in GUIDE.read_text(encoding="utf-8")
