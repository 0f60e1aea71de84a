"""What `make bench` writes: every part that was measured, whatever became of the others."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.every import LIMITS, summarise, try_parts


def broken() -> dict[str, Any]:
    """Fail as a benchmark does whose two sides disagree."""
    raise SystemExit("generate: 3 answers differ")


def test_a_part_that_fails_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """Parts before and after it are measured, its reason is kept, and what is known is written after every part."""
    written: list[dict[str, Any]] = []
    parts = {"first": lambda: {"lora_memory": 1.01}, "second": broken, "third": lambda: {"over_floor_choose": 1.5}}
    try_parts(parts, lambda measured: written.append(summarise(measured)), {})
    assert [sorted(each["ratios"]) for each in written] == [
        [],
        ["lora_memory"],
        ["lora_memory"],
        ["lora_memory", "over_floor_choose"],
    ]
    assert written[-1]["failed"] == {"second": "SystemExit: generate: 3 answers differ"}
    assert written[-1]["missed"] == {"over_floor_choose": 1.5}
    assert set(written[-1]["not_measured"]) == LIMITS.keys() - {"lora_memory", "over_floor_choose"}
    assert "third: begun" in capsys.readouterr().out


def test_what_was_measured_is_kept_and_what_failed_is_tried_again() -> None:
    """Going on with a day's file measures what it lacks, a part that failed too, and nothing else."""
    known: dict[str, dict[str, Any]] = {"first": {"lora_memory": 1.01}, "second": {"failed": "a disk was full"}}
    parts = {"first": broken, "second": lambda: {"over_floor_choose": 1.1}}
    written: list[dict[str, Any]] = []
    try_parts(parts, lambda measured: written.append(summarise(measured)), known)
    assert written[-1]["ratios"] == {"lora_memory": 1.01, "over_floor_choose": 1.1}
    assert written[-1]["failed"] == {}
