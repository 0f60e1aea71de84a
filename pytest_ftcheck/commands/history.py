"""`ftcheck history`: the runs of a store's ledger as a table, as JSON, as a page, and drawn over the checkpoints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.options import DEFAULT_STORE
from pytest_ftcheck.reports.files import write_whole
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.wording import when
from pytest_ftcheck.store import LedgerEntry, Store

BARS = "▁▂▃▄▅▆▇█"
NEWEST = 20
"""Runs that are listed unless --limit says otherwise."""
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!"}

EPILOG = """\
One line a run, the newest last: when, which fine-tune, each gate's verdict. Below, for each eval, ft minus base over
the runs as a row of bars. --html writes a page of verdicts and deltas over all checkpoints, or those of the newest N
runs; --draw writes the deltas as a picture (.svg, .png or .pdf; needs matplotlib).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--store", type=Path, default=Path(DEFAULT_STORE), metavar="DIR", help=f"({DEFAULT_STORE})")
    parser.add_argument("--limit", type=int, metavar="N", help=f"the newest N runs ({NEWEST}; --html: all)")
    parser.add_argument("--eval", metavar="TEXT", help="only evals whose name holds TEXT")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page: verdicts and deltas over checkpoints")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="write a picture")


def run(arguments: argparse.Namespace) -> int:
    """Print the runs. Raises ConfigError or StoreError."""
    if arguments.limit is not None and arguments.limit < 1:
        raise ConfigError(f"--limit is {arguments.limit}; allowed: 1 or more")
    if not (arguments.store / "store.sqlite").is_file():
        raise ConfigError(f"no store in {arguments.store}; allowed: --store=DIR, the folder of a run's --ft-store")
    with Store(arguments.store) as store:
        every = store.runs(None if arguments.html is not None else arguments.limit or NEWEST)[::-1]
    runs = every[-(arguments.limit or NEWEST) :]
    if arguments.json:
        print(json.dumps({"runs": [{"id": one.id, "started": one.started, **one.facts} for one in runs]}, indent=2))
    else:
        print("\n".join([*_table(runs), *_curves(runs, arguments.eval or "")]))
    if arguments.html is not None:
        _write_page(every, arguments)
    if arguments.draw is not None:
        _draw(runs, arguments.eval or "", arguments.draw)
    return 0


def _write_page(runs: Sequence[LedgerEntry], arguments: argparse.Namespace) -> None:
    """Write the page of all runs. Raises ConfigError where it cannot be written, or Jinja2 is missing."""
    try:
        from pytest_ftcheck.reports.html_history import html_history
    except ImportError as error:
        raise ConfigError(f"--html needs {error.name or 'jinja2'}: pip install 'pytest-ftcheck[report]'") from None
    from pytest_ftcheck.reports.history import RecordedRun

    recorded = [
        RecordedRun(place=place, id=one.id, started=one.started, facts=one.facts) for place, one in enumerate(runs)
    ]
    page = html_history(recorded, limit=arguments.limit, wanted=arguments.eval or "")
    write_whole(arguments.html, page.encode("utf-8"), what="--html")


def _table(runs: Sequence[LedgerEntry]) -> list[str]:
    if not runs:
        return ["no run yet"]
    lines = []
    for one in runs:
        verdicts = _mapping(one.facts, "verdicts")
        shown = "  ".join(f"{MARKS.get(str(verdict), '-')} {_name(gate)}" for gate, verdict in verdicts.items())
        fingerprint = inert(str(_mapping(one.facts, "models").get("ft", "")).rpartition(":")[2][:8], one_line=True)
        source = inert(str(_mapping(one.facts, "sources").get("ft", "")), limit=200, one_line=True)[-40:]
        lines.append(f"{when(one.started)}  {source:<24} {fingerprint:<8}  {shown}".rstrip())
    return lines


def _curves(runs: Sequence[LedgerEntry], wanted: str) -> list[str]:
    """Draw each eval's delta over the runs as bars between its least and its most."""
    lines = []
    for name, points in deltas(runs, wanted).items():
        values = [value for _, value, _, _ in points]
        least, most = min(values), max(values)
        width = most - least or 1.0
        bars = "".join(BARS[round((value - least) / width * (len(BARS) - 1))] for value in values)
        lines.append(f"  {_name(name):<32} {bars}  {least:+.3f} to {most:+.3f}, last {values[-1]:+.3f}")
    return ["", "ft minus base, run by run:", *lines] if lines else []


def deltas(
    runs: Sequence[LedgerEntry], wanted: str = ""
) -> dict[str, list[tuple[int, float, float | None, float | None]]]:
    """Return each eval's deltas with their intervals, by the number of the run."""
    found: dict[str, list[tuple[int, float, float | None, float | None]]] = {}
    for number, one in enumerate(runs):
        for name, facts in _mapping(one.facts, "evals").items():
            delta = facts.get("delta") if isinstance(facts, Mapping) else None
            if wanted in name and isinstance(delta, int | float):
                found.setdefault(name, []).append((number, float(delta), facts.get("low"), facts.get("high")))
    return found


def _draw(runs: Sequence[LedgerEntry], wanted: str, path: Path) -> None:
    """Draw each eval's delta, with its interval, over the runs. Raises ConfigError."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(f"--draw needs matplotlib ({error}): pip install 'pytest-ftcheck[report]'") from None
    curves = deltas(runs, wanted)
    if not curves:
        raise ConfigError(f"--draw={path}: no run has an eval to draw{f' with {wanted!r}' if wanted else ''}")
    figure = Figure(figsize=(9, 1.2 + 1.6 * len(curves)), layout="constrained")
    for axes, (name, points) in zip(figure.subplots(len(curves), squeeze=False)[:, 0], curves.items(), strict=True):
        numbers, values = [point[0] for point in points], [point[1] for point in points]
        axes.axhline(0.0, color="grey", linewidth=0.8)
        for number, value, low, high in points:
            if low is not None and high is not None:
                axes.plot([number, number], [low, high], color="tab:blue", linewidth=1.2)
            axes.plot([number], [value], "o", color="tab:blue", markersize=4)
        axes.plot(numbers, values, color="tab:blue", linewidth=0.6)
        axes.set_title(_name(name).replace("$", r"\$"), fontsize=9, loc="left")
        axes.set_xticks(range(len(runs)), [when(one.started)[5:16] for one in runs], rotation=45, fontsize=6)
    figure.supylabel("ft minus base", fontsize=9)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--draw={path} cannot be written: {error}; allowed: .svg, .png or .pdf") from None


def _mapping(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _name(nodeid: str) -> str:
    return inert(nodeid.rpartition("::")[2], limit=60, one_line=True)
