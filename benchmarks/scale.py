"""How collection, run and gates grow with the number of cases, against bare pytest with as many trivial tests.

    python -m benchmarks.scale [--cases 1000 10000 100000] [--rounds 1] [--folder build/scale]

The models are recorded answers, so that what is measured is ours and pytest's. Each run is a process of its own, with
no other plugin than ours and xdist: CPU seconds of it and of all its children, wall seconds, and the largest resident
size of the first process and of any other. A machine whose speed drifts tells more in several rounds: each runs all,
one after the other, and of each run the round that took the fewest CPU seconds counts. Prints a table, writes
<date>-scale.json, and exits with 1 where a limit is missed: 2 GB for any process, CPU seconds that grow more than 1.5
times as fast as the cases, and, at the largest number of cases, more CPU seconds added by `-n 2` than it adds to bare
pytest (`xdist_added`, ours over bare's).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.every import machine

LIMIT_MIB = 2_000
LIMIT_GROWTH = 1.5
LIMIT_ADDED = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = ("pytest-ftcheck", "pytest", "pytest-xdist", "numpy", "scipy")

SUITE = """
from pytest_ftcheck import assert_improves, assert_no_worse, eval_cases, exact_match, gate

@eval_cases("cases.jsonl", grader=exact_match())
def test_intent(case, answer): ...

@gate(test_intent)
def test_gate(comparison):
    assert_improves(comparison, by=0.05)

@gate(test_intent)
def test_kept(comparison):
    assert_no_worse(comparison, margin=0.05)
"""
BARE = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_trivial(number): ...
"""
OURS = ("-p", "pytest_ftcheck.plugin", "--ft-model=ft.jsonl", "--base-model=base.jsonl", "--ft-json=run.json")
RUNS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "bare collect": ("bare", ("--collect-only",), False),
    "collect": ("ours", (*OURS, "--collect-only"), False),
    "bare": ("bare", (), False),
    "cases, cold": ("ours", OURS, True),
    "cases, stored": ("ours", OURS, False),
    "evals, cold": ("ours", (*OURS, "--ft-items=eval"), True),
    "evals, stored": ("ours", (*OURS, "--ft-items=eval"), False),
    "bare -n 2": ("bare", ("-n", "2"), False),
    "cases, cold -n 2": ("ours", (*OURS, "-n", "2"), True),
    "cases, stored -n 2": ("ours", (*OURS, "-n", "2"), False),
    "evals, cold -n 2": ("ours", (*OURS, "-n", "2", "--ft-items=eval"), True),
}
"""What is run: in which project, with which arguments, and whether on an empty store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. Seconds of CPU are of all its processes; MiB are the largest resident size of one."""

    cases: int
    run: str
    cpu_s: float
    wall_s: float
    first_mib: int
    others_mib: int


def write(folder: Path, count: int) -> None:
    """Write both projects: ours, of which ft wins every fifth case and loses every fiftieth, and the bare one."""
    for name in ("ours", "bare"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "pytest.ini").write_text("[pytest]\n")
    (folder / "bare" / "test_bare.py").write_text(BARE.format(count=count))
    (folder / "ours" / "test_suite.py").write_text(SUITE)
    with (
        (folder / "ours" / "cases.jsonl").open("w") as cases,
        (folder / "ours" / "base.jsonl").open("w") as base,
        (folder / "ours" / "ft.jsonl").open("w") as ft,
    ):
        for number in range(count):
            case = {"id": f"c{number}", "input": f"Where is order {number}?", "expected": f"shelf {number % 97}"}
            cases.write(json.dumps(case) + "\n")
            for file, right in ((base, number % 5 > 0), (ft, number % 50 != 1)):
                file.write(json.dumps({"case": case["id"], "answer": case["expected"] if right else "?"}) + "\n")


def measure(folder: Path, count: int, run: str) -> Measured:
    """Run pytest and watch all of its processes."""
    project, arguments, cold = RUNS[run]
    where = folder / project
    if cold:
        shutil.rmtree(where / ".ftcheck", ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist", *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    cpu: dict[int, float] = {}
    peaks: dict[int, int] = {}
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=where, stdout=output, stderr=subprocess.STDOUT, env=environment)
        while True:
            for pid in _tree(process.pid):
                _sample(pid, cpu, peaks)
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        printed = (folder / "output.txt").read_text()
        raise SystemExit(f"{run} of {count} ended with {process.returncode}:\n{printed[-3000:]}")
    first = peaks.pop(process.pid, 0)
    return Measured(
        cases=count,
        run=run,
        # Of children that were not waited for only the samples tell.
        cpu_s=round(max(sum(cpu.values()), used.ru_utime + used.ru_stime), 2),
        wall_s=round(time.perf_counter() - began, 2),
        first_mib=first,
        others_mib=max(peaks.values(), default=0),
    )


def _tree(root: int) -> list[int]:
    """Process ids of a process and all below it."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _sample(pid: int, cpu: dict[int, float], peaks: dict[int, int]) -> None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return
    cpu[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    sizes = [int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    peaks[pid] = max([peaks.get(pid, 0), *sizes])


def fastest(measured: Sequence[Measured]) -> list[Measured]:
    """Return of each run at each size the round that took the fewest CPU seconds."""
    best: dict[tuple[int, str], Measured] = {}
    for one in measured:
        best[one.cases, one.run] = min(best.get((one.cases, one.run), one), one, key=lambda each: each.cpu_s)
    return list(best.values())


def growth(found: Sequence[Measured], run: str) -> float | None:
    """How much faster than the cases the CPU seconds grow between the two largest sizes; None with fewer than two."""
    series = sorted((one for one in found if one.run == run), key=lambda one: one.cases)[-2:]
    if len(series) < 2:
        return None
    small, large = series
    return round((large.cpu_s / small.cpu_s) / (large.cases / small.cases), 3)


def missed(found: Sequence[Measured]) -> list[str]:
    """Say which limits were missed."""
    said = [
        f"{one.run} of {one.cases:,}: {max(one.first_mib, one.others_mib):,} MiB, at most {LIMIT_MIB:,}"
        for one in found
        if max(one.first_mib, one.others_mib) > LIMIT_MIB
    ]
    for run in RUNS:
        grown = growth(found, run)
        if grown is not None and grown > LIMIT_GROWTH:
            said.append(f"{run}: CPU seconds grow {grown} times as fast as the cases, at most {LIMIT_GROWTH}")
    most = max(one.cases for one in found)
    said += [
        f"{run} of {most:,}: -n 2 adds {ratio} times what it adds to bare pytest, at most {LIMIT_ADDED}"
        for run, ratio in xdist_added(found, most).items()
        if ratio > LIMIT_ADDED
    ]
    return said


def added(found: Sequence[Measured], count: int) -> dict[str, float]:
    """Say what -n 2 adds to bare pytest and to us, in seconds of CPU and of the clock."""
    by_run = {one.run: one for one in found if one.cases == count}
    said = {}
    for name in ("bare", "cases, cold", "cases, stored", "evals, cold"):
        one, two = by_run.get(name), by_run.get(f"{name} -n 2")
        if one is not None and two is not None:
            said[f"{name}: cpu_s"] = round(two.cpu_s - one.cpu_s, 2)
            said[f"{name}: wall_s"] = round(two.wall_s - one.wall_s, 2)
    return said


def xdist_added(found: Sequence[Measured], count: int) -> dict[str, float]:
    """Return the CPU seconds that -n 2 adds to each of our runs over those that it adds to bare pytest."""
    seconds = {name: value for name, value in added(found, count).items() if name.endswith("cpu_s")}
    bare = seconds.pop("bare: cpu_s", None)
    return {} if not bare else {name.partition(":")[0]: round(value / bare, 3) for name, value in seconds.items()}


def main() -> int:
    """Measure, print, write, and say what was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/scale"))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    chosen = parser.parse_args()
    where = machine()
    measured: list[Measured] = []
    print(f"{'cases':>8} {'run':<20} {'CPU s':>8} {'wall s':>8} {'MiB':>6} {'worker MiB':>10}")
    for count in chosen.cases:
        folder = chosen.folder.resolve() / str(count)
        write(folder, count)
        for run in chosen.runs * chosen.rounds:
            one = measure(folder, count, run)
            measured.append(one)
            sizes = f"{one.first_mib:>6,} {one.others_mib:>10,}"
            print(f"{count:>8,} {run:<20} {one.cpu_s:>8.2f} {one.wall_s:>8.2f} {sizes}", flush=True)
    found = fastest(measured)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    result: dict[str, Any] = {
        "date": today,
        "machine": where,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}},
        "measured": [asdict(one) for one in measured],
        "counted": [asdict(one) for one in found],
        "growth": {run: growth(found, run) for run in chosen.runs},
        "added_by_n_2": {f"{count:,}": added(found, count) for count in chosen.cases},
        "xdist_added": {f"{count:,}": xdist_added(found, count) for count in chosen.cases},
        "missed": missed(found),
    }
    chosen.results.mkdir(parents=True, exist_ok=True)
    (chosen.results / f"{today}-scale.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({name: result[name] for name in ("growth", "added_by_n_2", "xdist_added", "missed")}, indent=2))
    return 1 if result["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
