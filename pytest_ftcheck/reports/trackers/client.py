"""One tracker told, in a process of its own: reads the job, imports its client, writes what became of it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

from pytest_ftcheck.reports.trackers.facts import Facts

SAID = 160
"""Characters of one error's message that are told."""


def main(job: str) -> None:
    """Tell the tracker of the job file `job`; beside it the reply says where the run stands there, or the fault."""
    path = Path(job)
    asked = json.loads(path.read_text(encoding="utf-8"))
    reply = {"where": "", "fault": ""}
    try:
        client = import_module(f"pytest_ftcheck.reports.trackers.{asked['tracker']}_client")
        reply["where"] = client.record(Facts.of_plain(asked["facts"]), asked["place"], list(map(Path, asked["files"])))
    except Exception as error:  # noqa: BLE001 - whatever a client raises, its tracker is one that was not told
        reply["fault"] = _reason(error)
    path.with_suffix(".reply").write_text(json.dumps(reply), encoding="utf-8")


def _reason(error: BaseException) -> str:
    """Return what an error says, and what the first one in its chain does: there stands why nobody answered."""
    first, seen = error, {id(error)}
    while (cause := first.__cause__ or first.__context__) is not None and id(cause) not in seen:
        first = cause
        seen.add(id(cause))
    return _words(error) if first is error else f"{_words(error)} ({_words(first)})"


def _words(error: BaseException) -> str:
    line = next(filter(None, map(str.strip, str(error).splitlines())), "")
    shown = line if len(line) <= SAID else f"{line[:SAID]}…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
