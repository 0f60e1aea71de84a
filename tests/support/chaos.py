"""Runs that are disturbed: pytest processes whose workers can be found, and the store and engine beside them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ftcheck.answering import DEATHS
from tests.support.projects import Project, questions

SHARD = 4
PATIENCE_S = 120.0

# Small shards, so that a short run has many; short leases, so that a stopped worker's run out; and who works where.
CONFTEST = """
import os
from pathlib import Path

import pytest_ftcheck.answering

pytest_ftcheck.answering.SHARD_REQUESTS = {shard}
pytest_ftcheck.answering.LEASE_S = {lease_s}
pytest_ftcheck.answering.DEATHS = {deaths}


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        folder = Path("workers")
        folder.mkdir(exist_ok=True)
        (folder / str(os.getpid())).touch()
"""


@dataclass
class Disturbed:
    """A project of `n` cases, each its own question to base and to ft, whose engine takes `pause_s` for an answer.

    A case is named once it has outlived more than `deaths` processes that asked for it.
    """

    project: Project
    n: int = 40
    pause_s: float = 0.02
    lease_s: float = 30.0
    deaths: int = DEATHS

    def write(self) -> None:
        """Write it. Of every five cases ft wins three and loses one."""
        rows = questions(self.n)
        base = {row["input"]: "yes" if number % 5 == 0 else "no" for number, row in enumerate(rows)}
        ft = {row["input"]: "yes" if number % 5 > 1 else "no" for number, row in enumerate(rows)}
        self.project.write(rows, base=base, ft=ft, body="assert_improves(comparison, by=0.05)")
        engine = self.project.path / "own_engine.py"
        engine.write_text(engine.read_text().replace("time.sleep(0.04)", f"time.sleep({self.pause_s})"))
        (self.project.path / "conftest.py").write_text(
            CONFTEST.format(shard=SHARD, lease_s=self.lease_s, deaths=self.deaths)
        )

    @property
    def path(self) -> Path:
        """The project's folder."""
        return self.project.path

    def start(
        self, *args: str, engine: str = "Slow", process: str = "on", output: str = "output.txt"
    ) -> subprocess.Popen[str]:
        """Start pytest, without the plugins that it has no use for; what it prints goes to the file `output`."""
        for worker in self.workers():
            (self.path / "workers" / str(worker)).unlink()
        more = ("-p", "pytest_ftcheck.plugin", "-p", "xdist", f"--ft-engine-process={process}", *args)
        options = [one for one in self.project.options(*more, engine=engine) if one != "no:randomly"]
        options.remove("-p")
        # Into a file: workers keep a pipe open beyond the end of their controller.
        with (self.path / output).open("w") as written:
            return subprocess.Popen(
                [sys.executable, "-m", "pytest", *options],
                cwd=self.path,
                stdout=written,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
                env={**os.environ, "COLUMNS": "160", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            )

    def end(self, run: subprocess.Popen[str], *, status: int = 0, output: str = "output.txt") -> str:
        """Wait for a run's end, which must have the exit status given, and return what it printed."""
        ended = run.wait(PATIENCE_S)
        printed = (self.path / output).read_text()
        assert ended == status, printed
        return printed

    def workers(self) -> list[int]:
        """Process ids of the run's workers that live."""
        folder = self.path / "workers"
        found = sorted(int(entry.name) for entry in folder.iterdir()) if folder.exists() else []
        return [pid for pid in found if _lives(pid)]

    def await_workers(self, run: subprocess.Popen[str], count: int) -> list[int]:
        """Wait until so many workers live, or the run has ended."""
        until = time.monotonic() + PATIENCE_S
        while len(workers := self.workers()) < count and run.poll() is None:
            assert time.monotonic() < until, "no workers"
            time.sleep(0.01)
        return workers

    def stored(self, store: str = ".ftcheck") -> dict[bytes, bytes]:
        """What the store holds at this moment."""
        path = self.path / store / "store.sqlite"
        if not path.exists():
            return {}
        connection = sqlite3.connect(path, timeout=PATIENCE_S)
        try:
            return dict(connection.execute("SELECT key, payload FROM answers"))
        except sqlite3.OperationalError:  # its tables are being made
            return {}
        finally:
            connection.close()

    def asked(self) -> Counter[tuple[str, str]]:
        """How often the engine was asked what, since the last call; a line that a kill cut off is left out."""
        found = self.noted()
        (self.path / "asked.jsonl").unlink(missing_ok=True)
        return found

    def noted(self) -> Counter[tuple[str, str]]:
        """The same, and keep it."""
        notes = self.path / "asked.jsonl"
        lines = notes.read_text().splitlines() if notes.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith("}")]
        return Counter((note["role"], note["messages"][-1]["content"]) for note in whole)

    def verdicts(self, name: str = "run.json") -> dict[str, Any]:
        """What the last run found, without what is of its own time."""
        document = json.loads((self.path / name).read_text(encoding="utf-8").replace(str(self.path), "."))
        return {name: document[name] for name in ("gates", "evals")}


def kill(pid: int) -> None:
    """End a process at once, if it is there."""
    signal_to(pid, signal.SIGKILL)


def signal_to(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, if it is there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def is_kept(before: Mapping[bytes, bytes], after: Mapping[bytes, bytes]) -> bool:
    """Whether all that was stored is there, unchanged."""
    return before.items() <= after.items()
