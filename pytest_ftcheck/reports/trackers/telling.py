"""Trackers told of a run, each in a process of its own, all at once: what goes wrong there is one line of why.

A client may hang, print, start servers, or end its process: nothing of it reaches the run. It knows no tracker.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.document import write_json
from pytest_ftcheck.reports.html_report import write_report
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.trackers.facts import facts_of

TIME_LIMIT_S = 120.0
"""How long all trackers together may take."""

NEEDS = {"mlflow": ("mlflow", "jinja2"), "wandb": ("wandb", "jinja2"), "tensorboard": ("tensorboard",)}
"""The packages of each tracker."""

_TAKES_FILES = ("mlflow", "wandb")
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from pytest_ftcheck.reports.trackers.client import main; main(sys.argv[2])"
)
_SAID = 500
_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one tracker: where the run stands in it, or the fault that kept it out."""

    tracker: str
    where: str = ""
    fault: str = ""


def require_packages(trackers: Sequence[tuple[str, str]], *, option: str = "--ft-track") -> None:
    """Raise ConfigError naming what a tracker needs and is not there: a package, or the address of a server."""
    for name, place in trackers:
        for package in NEEDS[name]:
            found = find_spec(package)
            if found is None or found.origin is None:  # a folder of that name, such as W&B's own, is no package
                raise ConfigError(f"{option}={name}: needs {package}; pip install 'pytest-ftcheck[trackers]'")
        if name == "mlflow" and not place and not os.environ.get("MLFLOW_TRACKING_URI"):
            raise ConfigError(
                f"{option} is 'mlflow', and MLFLOW_TRACKING_URI is not set; allowed: mlflow:URI, such as"
                " mlflow:http://localhost:5000, or the variable"
            )


def tell(
    run: Run, trackers: Sequence[tuple[str, str]], *, files: Sequence[Path] = (), time_limit_s: float = TIME_LIMIT_S
) -> list[Told]:
    """Tell a run to trackers, pairs of name and place; `files` are its JSON file and page where they are written."""
    try:
        with tempfile.TemporaryDirectory(prefix="ftcheck-", ignore_cleanup_errors=True) as folder:
            return _tell(run, trackers, Path(folder), files, time_limit_s)
    except (OSError, ConfigError) as error:
        why = f"what it is told cannot be written: {_line(str(error))}"
        return [Told(tracker=name, fault=why) for name, _ in trackers]


def _tell(
    run: Run, trackers: Sequence[tuple[str, str]], folder: Path, files: Sequence[Path], time_limit_s: float
) -> list[Told]:
    facts = facts_of(run).plain()
    if any(name in _TAKES_FILES for name, _ in trackers):
        files = files_of(run, folder, files)
    for name, place in trackers:
        job = {"tracker": name, "place": place, "facts": facts, "files": [os.fspath(path.resolve()) for path in files]}
        (folder / f"{name}.json").write_text(json.dumps(job), encoding="utf-8")
    until = time.monotonic() + time_limit_s
    with contextlib.ExitStack() as stack:
        children = [(name, stack.enter_context(_child(folder, name))) for name, _ in trackers]
        return [_heard(name, child, folder, until, time_limit_s) for name, child in children]


def files_of(run: Run, folder: Path, files: Sequence[Path]) -> list[Path]:
    """Return a run's JSON file and page, and what stands beside them; those that are not there are made in `folder`.

    Raises ConfigError where one cannot be written.
    """
    found = [path for path in files if path.is_file()]
    if not any(path.suffix == ".json" for path in found):
        write_json(run, folder / "run.json")
        found.append(folder / "run.json")
    if not any(path.suffix in (".html", ".htm") for path in found):
        write_report(run, folder / "report.html")
        found.append(folder / "report.html")
    beside = ((path, path.with_name(f"{path.stem}.cases.parquet")) for path in found)
    return [*found, *(cases for path, cases in beside if cases.is_file() and _follows(cases, path))]


def _follows(cases: Path, page: Path) -> bool:
    """Whether a page's file of cases was written with it; an earlier run's may lie there still."""
    return cases.stat().st_mtime_ns >= page.stat().st_mtime_ns


@contextlib.contextmanager
def _child(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    path = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, path, os.fspath(folder / f"{name}.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            # A group of its own, so that what it started ends with it.
            start_new_session=True,
        )
    try:
        yield child
    finally:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()


def _heard(name: str, child: subprocess.Popen[bytes], folder: Path, until: float, time_limit_s: float) -> Told:
    try:
        status = child.wait(timeout=max(until - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        return Told(tracker=name, fault=f"no answer within {time_limit_s:g} s")
    try:
        reply = json.loads((folder / f"{name}.reply").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        ended = f"its process ended with status {status}"
        return Told(tracker=name, fault=": ".join([ended, *map(_line, said[-1:])]))
    return Told(tracker=name, where=_line(reply["where"]), fault=_line(reply["fault"]))


def _line(text: str) -> str:
    """Return a tracker's words inert, on one line, without the password that an address may hold."""
    return inert(_CREDENTIALS.sub("***", text.strip()), limit=_SAID, one_line=True)
