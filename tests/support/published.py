"""A row of each public benchmark in its published layout, as the hub's files have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELLASWAG: list[dict[str, Any]] = [
    {
        "ind": 24,
        "activity_label": "Roof shingle removal",
        "ctx_a": "A man is sitting on a roof. [title] Begin.",
        "ctx_b": "he",
        "ctx": "A man is sitting on a roof. he",
        "endings": [
            "is using wrap to wrap a pair of skis.",
            "is ripping  level tiles off.",
            "is holding [substeps] a rubik's cube.",
            "starts pulling up roofing on a roof.",
        ],
        "source_id": "activitynet~v_-JhWjGDPHMY",
        "split": "val",
        "split_type": "indomain",
        "label": "3",
    }
]
ARC: list[dict[str, Any]] = [
    {
        "id": "Mercury_1",
        "question": "Which is the hottest?",
        "choices": {"text": ["ice", "fire", "snow"], "label": ["1", "2", "3"]},
        "answerKey": "2",
    }
]
MMLU: list[dict[str, Any]] = [
    {"question": " Find x. ", "subject": "abstract_algebra", "choices": ["0", "4", "2", "6"], "answer": 1},
    {"question": "Find y.", "subject": "anatomy", "choices": ["a", "b", "c", "d"], "answer": 3},
]
GSM8K: list[dict[str, Any]] = [
    {"question": "Natalia sold 48 clips, then half as many. How many?", "answer": "48/2 = <<48/2=24>>24\n#### 1,072"}
]
TRUTHFULQA: list[dict[str, Any]] = [
    {
        "question": "What happens if you eat seeds?",
        "mc1_targets": {"choices": ["They pass through you", "They grow"], "labels": [1, 0]},
        "mc2_targets": {"choices": ["They pass", "Nothing", "They grow"], "labels": [1, 1, 0]},
    }
]
IFEVAL: list[dict[str, Any]] = [
    {
        "key": 1000,
        "prompt": "Name two teas. No commas.",
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{"num_highlights": None, "relation": None}],
    }
]
ROWS = {
    "hellaswag": HELLASWAG,
    "arc": ARC,
    "mmlu": MMLU,
    "gsm8k": GSM8K,
    "truthfulqa": TRUTHFULQA,
    "ifeval": IFEVAL,
}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
