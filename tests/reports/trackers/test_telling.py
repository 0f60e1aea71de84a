"""Trackers told, each in a process of its own: whatever a client does there, the run hears one line of why."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pytest_ftcheck.reports.document import write_json
from pytest_ftcheck.reports.trackers.telling import Told, files_of, tell
from tests.support.runs import green_run

CLIENTS = {
    "ends its process": (
        "import os; print('all\\x1b[31m is lost', flush=True); os._exit(7)",
        "status 7: all\\x1b[31m is",
    ),
    "hangs": ("import time; time.sleep(600)", "no answer within 2 s"),
    "raises something odd": (
        "raise ValueError('https://me:planted@host is\\n::error::odd') from ConnectionRefusedError(111, 'refused')",
        "ValueError: https://***@host is (ConnectionRefusedError: [Errno 111] refused)",
    ),
    "leaves": ("raise SystemExit('good bye')", "ended with status 1: good bye"),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_costs_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that falls, hangs or leaves is a fault in words that command nobody and give no password away."""
    body, said = CLIENTS[name]
    (tmp_path / "mlflow.py").write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path))
    begun = time.monotonic()
    (told,) = tell(green_run(), [("mlflow", "http://host")], time_limit_s=2 if name == "hangs" else 60)
    assert said in told.fault
    assert "\n" not in told.fault
    assert "planted" not in told.fault
    assert time.monotonic() - begun < 60


def test_no_room_for_what_is_told_is_a_fault_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where temporary files cannot be written, every tracker says so and nothing is raised."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "taken"))
    told = tell(green_run(), [("mlflow", "x"), ("tensorboard", "y")])
    assert [one.tracker for one in told] == ["mlflow", "tensorboard"]
    assert all("cannot be written" in one.fault for one in told)


def test_a_full_disk_is_a_fault(tmp_path: Path) -> None:
    """Where no file may grow beyond a block, as on a full disk, the command says it in one line and ends with 2."""
    write_json(green_run(), tmp_path / "run.json")
    words = ["-m", "pytest_ftcheck.cli", "track", str(tmp_path / "run.json"), f"tensorboard:{tmp_path / 'logs'}"]
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, *words]
    whole = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # or Python would keep bytecode of ours that is cut off
    done = subprocess.run(limited, cwd=tmp_path, env=whole, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tensorboard: was not told of this run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_files_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    """Those of the run are kept, with the cases beside its page; a page is made where the run wrote none."""
    write_json(green_run(), tmp_path / "mine.json")
    found = files_of(green_run(), tmp_path, [tmp_path / "mine.json", tmp_path / "not-written.html"])
    assert [path.name for path in found] == ["mine.json", "report.html"]
    cases = tmp_path / "report.cases.parquet"
    cases.write_text("")
    assert files_of(green_run(), tmp_path, found) == [*found, cases]
    os.utime(cases, (0, 0))
    assert files_of(green_run(), tmp_path, found) == found


def test_a_run_that_was_told_has_a_place(tmp_path: Path) -> None:
    """It is said where the run stands; of TensorBoard that is its event file, the only one in the training's folder."""
    (told,) = tell(green_run(), [("tensorboard", str(tmp_path / "logs"))])
    (file,) = (tmp_path / "logs" / "good").iterdir()
    assert told == Told(tracker="tensorboard", where=str(file))
