"""One tracker told, in a process of its own: reads the job, imports its client, writes what became of it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

from pytest_ftcheck.reports.trackers.facts import Facts


def main(job: str) -> None:
    """Tell the tracker of the job file `job`; beside it the reply says where the run stands there, or the fault."""
    path = Path(job)
    asked = json.loads(path.read_text(encoding="utf-8"))
    reply = {"where": "", "fault": ""}
    try:
        client = import_module(f"pytest_ftcheck.reports.trackers.{asked['tracker']}_client")
        reply["where"] = client.record(Facts.of_plain(asked["facts"]), asked["place"], list(map(Path, asked["files"])))
    except Exception as error:  # noqa: BLE001 - whatever a client raises, its tracker is one that was not told
        lines = [line for line in str(error).splitlines() if line.strip()]
        reply["fault"] = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    path.with_suffix(".reply").write_text(json.dumps(reply), encoding="utf-8")
