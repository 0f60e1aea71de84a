"""Peak memory of a run with base and a LoRA fine-tune, against the same run with base alone in both roles.

    python -m benchmarks.lora_memory [--folder build/bench]

Each run is a process of its own that answers the generation cases in both roles through the engine; the figure is its
largest resident size. With base in both roles each role answers too, so that the two runs differ by the adapter alone.
On a GPU the same holds of its memory, which this does not measure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.workload import NEW_TOKENS, work


def run(folder: Path, ft: Path) -> int:
    """Answer the generation cases by base, then by `ft`, in this process; return its largest resident size, MiB."""
    from benchmarks.over_floor import NoDigests
    from pytest_ftcheck.models.checkpoints import resolve
    from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec
    from pytest_ftcheck.models.transformers_engine import TransformersEngine
    from pytest_ftcheck.records import ROLES, Answer, Decoding, Request, Role

    options, sources = EngineOptions(), {"base": folder / "base", "ft": ft}
    specs: dict[Role, ModelSpec] = {
        role: resolve(role, str(sources[role]), rootdir=folder, options=options, digests=NoDigests()) for role in ROLES
    }
    engine = TransformersEngine(specs, options, lambda line: None)
    rows = [json.loads(line) for line in (folder / "generate.jsonl").open()]
    for role in ROLES:
        replies = engine.answer(
            [
                Request(
                    role=role,
                    messages=({"role": "user", "content": row["input"]},),
                    decoding=Decoding(max_new_tokens=NEW_TOKENS),
                    template="none",
                )
                for row in rows
            ]
        )
        assert all(isinstance(reply, Answer) for reply in replies), replies
    # Not ru_maxrss, which a process inherits from the one that started it.
    (peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(peak.split()[1]) // 1024


def measure(folder: Path) -> dict[str, float]:
    """Return both peaks in MiB, and their ratio."""
    where = work(folder)
    peaks = {}
    for name in ("base", "adapter"):
        command = [sys.executable, "-m", "benchmarks.lora_memory", "--folder", str(folder), "--ft", str(where(name))]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        peaks[name] = int(done.stdout.splitlines()[-1])
    return {
        "base_alone_peak_mib": peaks["base"],
        "base_and_lora_peak_mib": peaks["adapter"],
        "lora_memory": peaks["adapter"] / peaks["base"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--ft", type=Path, help="answer in this process with this fine-tune, and print its peak")
    chosen = parser.parse_args()
    if chosen.ft is None:
        print(json.dumps(measure(chosen.folder.resolve()), indent=2))
    else:
        print(run(chosen.folder, chosen.ft))
