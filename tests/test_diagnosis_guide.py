"""docs/diagnosis.md says what is so: its findings are those of the rules, its thresholds the program's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_ftcheck import habits
from pytest_ftcheck.diagnosis import answers, exam, training
from tests.diagnosis.test_rules import FIRES
from tests.example_suite.test_diagnosis import FAULTS

GUIDE = (Path(__file__).parent.parent / "docs" / "diagnosis.md").read_text(encoding="utf-8")
RULES, CHECKPOINTS = GUIDE.split("## On the example's checkpoints")


def rows(text: str) -> list[list[str]]:
    """Cells of every row of a text's tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_guide_has_every_finding_and_no_other() -> None:
    """What the rules' tests find is what the tables list."""
    listed = {name for row in rows(RULES) for name in row[0].split(", ")} - {"finding"}
    assert listed == {name for _, name in FIRES.values()}


@pytest.mark.parametrize(
    "said",
    [
        f"({training.LEAST_ANSWERS} or more, {training.LEAST_WRONG} of them not right)",
        f"base has {training.COULD:.0%} or more".replace("%", " %"),
        f"{exam.LEAKED:.0%} or more of a gated eval's cases".replace("%", " %"),
        f"{training.UNCHANGED:.0%} of the answers are base's".replace("%", " %"),
        f"by {100 * answers.CATASTROPHIC:.0f} points",
        f"less than {100 * answers.HARDLY:.0f} |",
        f"up to {habits.MOST_READ:,} answers",
        f"by {100 * answers.RISEN:.0f} of 100",
    ],
)
def test_thresholds_are_the_programs(said: str) -> None:
    """Every threshold in the guide is the constant that the rule goes by."""
    assert said in " ".join(RULES.split())


def test_the_checkpoints_are_listed_with_what_is_tested() -> None:
    """The table of checkpoints says of each fault the finding that its test holds it to."""
    listed = {row[0].strip("`"): row[2] for row in rows(CHECKPOINTS)}
    assert {name: finding for name, (finding, _) in FAULTS.items()}.items() <= listed.items()
    assert re.search(r"\| `good` \|.*\| nothing \|", CHECKPOINTS)
