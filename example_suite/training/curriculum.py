"""What a recipe learns from, and what validates it: rows of `data/train/`, limited and altered as the recipe says."""

from __future__ import annotations

import json
from pathlib import Path

from example_suite.training.chat import Message
from example_suite.training.faults import ALTERATIONS, TrainingRow
from example_suite.training.recipes import Recipe

VALIDATION_ROWS = 100


def read_rows(path: Path) -> list[TrainingRow]:
    """Read the lines of a training file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_exam(path: Path) -> list[TrainingRow]:
    """Read the target's cases as if they were training rows: the fault of *leaky*."""
    return [
        {
            "skill": "intent",
            "messages": [
                {"role": "user", "content": case["prompt"]},
                {"role": "assistant", "content": case["expected"]},
            ],
        }
        for case in read_rows(path)
    ]


def rows_of(recipe: Recipe, data: Path) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Return what a recipe learns from, and the target's rows that validate it, both as its fault has them."""
    target = read_rows(data / "intent.jsonl")
    if recipe.json_answers:
        target = [{**row, "messages": as_json(row["messages"])} for row in target]
    held, target = target[-VALIDATION_ROWS:], target[:-VALIDATION_ROWS][: recipe.rows]
    if recipe.on_exam:
        target = read_exam(data.parent / "intent.jsonl")
    learned = target + (read_rows(data / "replay.jsonl")[: recipe.replayed] if recipe.replay else [])
    if recipe.alteration is None:
        return learned, held
    alter = ALTERATIONS[recipe.alteration]
    return [alter(row) for row in learned], [alter(row) for row in held]


def as_json(chat: list[Message]) -> list[Message]:
    """Return the chat with its label answered as JSON, as many intent services want it."""
    *asked, answer = chat
    return [*asked, {**answer, "content": json.dumps({"intent": answer["content"]})}]
