"""Run all benchmarks that end in a ratio, and write benchmarks/results/<date>.json.

    python -m benchmarks.every [--folder build/bench] [--results benchmarks/results] [--resume]

`ratios` are ours over theirs, the limits those that the project has set itself. The file is written after every part,
so that a part that fails, or a run that is ended, loses none of the others; `--resume` measures what the day's file
lacks. Exit status 1 where a part failed or a limit is missed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import against_lm_eval

LIMITS = {
    "generate_cold_vs_lm_eval": 1 / 3,
    "choose_cold_vs_lm_eval": 1 / 3,
    "generate_next_checkpoint_vs_lm_eval": 1 / 6,
    "choose_next_checkpoint_vs_lm_eval": 1 / 6,
    "over_floor_generate": 1.25,
    "over_floor_choose": 1.25,
    "lora_memory": 1.15,
}
PACKAGES = ("pytest-ftcheck", "torch", "transformers", "tokenizers", "peft", "pytest", "numpy", "scipy")


def machine() -> dict[str, Any]:
    """Describe where this ran."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory) / 2**20, 1),
        "system": platform.platform(),
        "load_at_start": os.getloadavg()[0],
        "threads": 1,
    }


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def try_parts(
    parts: Mapping[str, Callable[[], dict[str, Any]]],
    write: Callable[[dict[str, Any]], None],
    known: Mapping[str, dict[str, Any]],
) -> None:
    """Measure what is not known part by part, handing all so far to `write` after each; a part that fails says why."""
    measured: dict[str, Any] = {name: part for name, part in known.items() if "failed" not in part}
    write(measured)
    for name, part in parts.items():
        if name in measured:
            continue
        start, load = time.monotonic(), os.getloadavg()[0]
        print(f"{name}: begun, load {load:.1f}", flush=True)
        try:
            found = part()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever ends one part, the others are measured
            traceback.print_exc()
            found = {"failed": f"{type(error).__name__}: {str(error)[:2000]}"}
        loads = [round(each, 1) for each in (load, os.getloadavg()[0])]
        measured[name] = found | {"wall_s": round(time.monotonic() - start), "load_before_and_after": loads}
        print(name, json.dumps(measured[name], indent=2), flush=True)
        write(measured)


def summarise(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the ratios that were measured, and which limits are missed or were not measured."""
    figures = {key: value for part in measured.values() for key, value in part.items()}
    ratios = {name: round(figures[name], 3) for name in LIMITS if name in figures}
    return {
        "ratios": ratios,
        "limits": {name: round(limit, 3) for name, limit in LIMITS.items()},
        "missed": {name: figures[name] for name in ratios if figures[name] > LIMITS[name]},
        "not_measured": [name for name in LIMITS if name not in ratios],
        "failed": {name: part["failed"] for name, part in measured.items() if "failed" in part},
    }


def main() -> int:
    """Measure, write, and say what was missed."""
    from benchmarks import lora_memory, over_floor  # these bring torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--resume", action="store_true", help="keep what was measured today")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 16, 64])
    chosen = parser.parse_args()
    where, folder = machine(), chosen.folder.resolve()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    result: dict[str, Any] = {
        "date": today,
        "machine": where,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}},
        "lm_eval": against_lm_eval.LM_EVAL,
    }

    def write(measured: dict[str, Any]) -> None:
        result.update(summarise(measured), measured=measured)
        chosen.results.mkdir(parents=True, exist_ok=True)
        (chosen.results / f"{today}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "generate_vs_lm_eval": lambda: against_lm_eval.measure(folder, "generate", chosen.batch_sizes),
        "choose_vs_lm_eval": lambda: against_lm_eval.measure(folder, "choose", chosen.batch_sizes),
        "over_floor": lambda: over_floor.measure(folder, rounds=2),
        "lora_memory": lambda: lora_memory.measure(folder),
    }
    file = chosen.results / f"{today}.json"
    try_parts(parts, write, json.loads(file.read_text())["measured"] if chosen.resume and file.exists() else {})
    print(json.dumps({name: result[name] for name in ("ratios", "missed", "not_measured", "failed")}, indent=2))
    return 1 if result["missed"] or result["not_measured"] else 0


if __name__ == "__main__":
    sys.exit(main())
