"""Recorded answers (JSONL) made into a run: pytest grades them by the tests, in a process and a store of its own.

Nothing of it enters the ledger of the user's store, for nobody is judged.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.reading import read_run

SHOWN_LINES = 30


def is_answers(path: Path) -> bool:
    """Whether a file is taken for recorded answers rather than a run."""
    return path.suffix == ".jsonl"


def graded_answers(*, base: Path, ft: Path, tests: Sequence[str]) -> Run:
    """Return the run in which two files of answers stand as base and ft, without gates and probes.

    `tests` are what pytest is given; none of them: its own choice. Raises ConfigError with pytest's words where no eval
    was graded.
    """
    for path in (base, ft):
        if not path.is_file():
            raise ConfigError(f"{path} is no file; allowed: what --ft-json wrote, or recorded answers (.jsonl)")
    with tempfile.TemporaryDirectory(prefix="ftcheck-compare-") as own:
        written = Path(own) / "run.json"
        models = [f"--base-model={base.resolve()}", f"--ft-model={ft.resolve()}"]
        quiet = ["-q", "-n", "0", "-p", "no:cacheprovider", "-o", "ft_report=", "--ft-inconclusive=warn"]
        kept = [f"--ft-store={own}/store", f"--ft-json={written}"]
        command = [sys.executable, "-m", "pytest", *quiet, *models, *kept, *tests]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        run = read_run(written) if written.is_file() else None
    if run is None or not any(one.n for one in run.evals):
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:])
        raise ConfigError(
            f"pytest graded no answer of {base.name} and {ft.name}; allowed: --tests=PATH, tests with functions under"
            f" @eval_cases whose cases they answer:\n{inert(said)}"
        )
    return replace(run, gates=(), probes=())
