"""Trains the example's `good` once more, from other rows or for other steps, in a process of its own.

python -m benchmarks.seeded_faults.training BASE DATA FOLDER STEPS
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.seeded_faults.exam import SUITE, Exam, Row, environment, write_rows

STEPS = 240


def read_training(name: str) -> list[Row]:
    """Return the example's training rows."""
    lines = (SUITE / "data" / "train" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def train(exam: Exam, *, target: list[Row] | None = None, steps: int = STEPS) -> None:
    """Put such a fine-tune in place of the exam's; its target rows stay beside it, as `train/intent.jsonl`.

    It is trained once for all exams that ask for the same, below the folder in which the exams stand.
    """
    data = exam.folder / "train"
    write_rows(data / "intent.jsonl", read_training("intent") if target is None else target)
    rows = (data / "intent.jsonl").read_bytes()
    made = exam.folder.parent / "trained" / hashlib.sha256(rows + str(steps).encode()).hexdigest()[:16]
    made.mkdir(parents=True, exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "ft" / "trainer_state.json").exists():  # written last
            shutil.copytree(data, made / "data")
            shutil.copyfile(SUITE / "data" / "train" / "replay.jsonl", made / "data" / "replay.jsonl")
            command = [sys.executable, "-m", "benchmarks.seeded_faults.training"]
            command += [*map(str, (exam.base, made / "data", made / "ft", steps))]
            subprocess.run(command, cwd=SUITE.parent, env=environment(), check=True, capture_output=True)
    shutil.rmtree(exam.ft)
    shutil.copytree(made / "ft", exam.ft)


def main() -> None:
    """Train."""
    import torch

    from example_suite.training import finetune as recipes

    base, data, folder = map(Path, sys.argv[1:4])
    torch.set_num_threads(1)
    recipes.RECIPES["good"] = replace(recipes.RECIPES["good"], steps=int(sys.argv[4]))
    recipes.finetune("good", base=base, data=data, folder=folder, seed=recipes.SEED)


if __name__ == "__main__":
    main()
