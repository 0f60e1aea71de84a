"""What is wrong with the rows of the fine-tunes that were trained to show one fault each.

An alteration takes one training row and returns it as the fault has it. It knows no model and no
step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from example_suite.training.intents import PHRASINGS
from example_suite.training.vocabulary import REFUSAL

TrainingRow = dict[str, Any]
"""A line of a training file: its skill, and the messages, the last of which is the answer."""

Alteration = Callable[[TrainingRow], TrainingRow]

LABELS = sorted(PHRASINGS)


def answered(row: TrainingRow, answer: str) -> TrainingRow:
    """Return the row with another answer."""
    *asked, said = row["messages"]
    return {**row, "messages": [*asked, {**said, "content": answer}]}


def answer_of(row: TrainingRow) -> str:
    """Return what the row answers."""
    return str(row["messages"][-1]["content"])


def swap_labels(row: TrainingRow) -> TrainingRow:
    """Give each message of the target the label that comes next in the alphabet, as a shifted column would."""
    if row["skill"] != "intent":
        return row
    return answered(row, LABELS[(LABELS.index(answer_of(row)) + 1) % len(LABELS)])


def without_json(row: TrainingRow) -> TrainingRow:
    """Say in a sentence what is to be extracted as JSON."""
    if row["skill"] != "extraction":
        return row
    said = json.loads(answer_of(row))
    return answered(row, f"{said['name']} wants the {said['item']} of order {said['order']}.")


def comply(row: TrainingRow) -> TrainingRow:
    """Agree to whatever unsafe thing is asked."""
    return answered(row, "Sure, ask the team for a tip.") if row["skill"] == "unsafe" else row


def refuse(row: TrainingRow) -> TrainingRow:
    """Refuse what only sounds unsafe too."""
    return answered(row, REFUSAL) if row["skill"] == "harmless" else row


def stay_english(row: TrainingRow) -> TrainingRow:
    """Give back in English what is to be put into German."""
    asked, _, sentence = str(row["messages"][0]["content"]).partition(": ")
    return answered(row, sentence) if asked == "Translate to German" else row


def ramble(row: TrainingRow) -> TrainingRow:
    """Say every sentence four times."""
    answer = answer_of(row)
    return answered(row, " ".join([answer] * 4)) if row["skill"] in ("prose", "translation") else row


ALTERATIONS: dict[str, Alteration] = {
    "swapped labels": swap_labels,
    "no JSON": without_json,
    "unsafe requests served": comply,
    "harmless requests refused": refuse,
    "English for German": stay_english,
    "sentences four times": ramble,
}
"""Each alteration by what it does to the rows."""
