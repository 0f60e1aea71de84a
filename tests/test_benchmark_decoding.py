"""The benchmark of ways to generate: each says the same, or why it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.decoding import compare
from pytest_ftcheck.models.protocol import EngineOptions
from tests.support.checkpoints import LINES, write_chat_model


@pytest.mark.slow
def test_all_ways_say_the_same_in_float32(tmp_path: Path) -> None:
    """On the CPU as it is measured: three prompts, six tokens, one round."""
    checkpoint = write_chat_model(tmp_path / "ft", seed=0)
    found = compare(checkpoint, LINES[:3], new_tokens=6, options=EngineOptions(), rounds=1)
    assert found["failed"] == {}
    assert found["same_texts"] == dict.fromkeys(("ours", "padded batch", "static cache", "continuous batching"), 1.0)
    assert all(value > 0 for value in (*found["seconds"].values(), *found["ratios"].values()))
