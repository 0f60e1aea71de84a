"""What befalls a store: other processes, interruptions, damage, a disk that cannot be written. Verdicts stay right."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from pytest_ftcheck.store import Store
from tests.support.projects import Project, questions

N = 12


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a pytest process; return what it printed."""
    said, _ = process.communicate(timeout=120)
    return said


def notes(project: Project) -> int:
    """How many requests have reached the engine so far."""
    path = project.path / "asked.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def test_two_processes_share_one_store(project: Project) -> None:
    """Two pytest processes at once on one store both end with the right verdict."""
    project.write_win(N)
    both = [project.start(f"--ft-json=run{number}.json", engine="Slow") for number in (1, 2)]
    said = [finish(process) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert [project.verdict(f"run{number}.json") for number in (1, 2)] == ["pass", "pass"]


def test_a_killed_run_keeps_what_it_stored(project: Project) -> None:
    """After kill -9 among ft's answers, the next run asks nothing of base again, and of ft at most what was open."""
    project.write_win(40)
    process = project.start(engine="Slow")
    wait_for(lambda: notes(project) > 41)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    project.asked()
    assert project.run(engine="Slow").ret == 0
    asked = project.asked()
    assert {note["role"] for note in asked} == {"ft"}
    assert len(asked) <= 40


def test_an_interrupted_run_keeps_what_it_stored(project: Project) -> None:
    """After Ctrl-C among ft's answers pytest ends as interrupted, and the next run asks nothing of base again."""
    project.write_win(40)
    process = project.start("--ft-engine-process=on", engine="Slow")
    wait_for(lambda: notes(project) > 41)
    os.killpg(process.pid, signal.SIGINT)
    said = finish(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    project.asked()
    assert project.run(engine="Slow").ret == 0
    assert {note["role"] for note in project.asked()} == {"ft"}


def test_a_damaged_store_is_named_and_set_aside(project: Project) -> None:
    """A store that is garbage is kept under another name, said, and the run goes on with a fresh one."""
    project.write_win(N)
    folder = project.path / ".ftcheck"
    folder.mkdir()
    (folder / "store.sqlite").write_bytes(b"no database at all" * 100)
    assert project.run().ret == 0
    (kept,) = folder.glob("store.sqlite.damaged-*")
    (notice,) = project.document()["notices"]
    assert "store.sqlite is damaged" in notice
    assert f"set aside as {kept.name}" in notice
    assert kept.read_bytes().startswith(b"no database at all")


def test_a_damaged_answer_is_asked_again(project: Project) -> None:
    """A stored answer whose bytes were changed is named, kept apart and answered anew; the verdict stays right."""
    project.write_win(N)
    project.run()
    project.asked()
    file = sqlite3.connect(project.path / ".ftcheck" / "store.sqlite", isolation_level=None)
    file.execute("UPDATE answers SET payload = replace(payload, 'yes', 'not') WHERE instr(payload, 'yes') > 0")
    file.close()
    project.run()
    assert project.verdict() == "pass"
    assert len(project.asked()) == N
    (notice,) = project.document()["notices"]
    assert f"had {N} damaged of answers" in notice


def test_a_file_in_the_folders_place_is_a_usage_error(project: Project) -> None:
    """A store folder that cannot be made is one error that names it, with status 4; the file there is untouched."""
    project.write_win(N)
    (project.path / ".ftcheck").write_text("mine")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.errlines if line.startswith("ERROR")]
    assert len(errors) == 1
    assert ".ftcheck" in errors[0]
    assert (project.path / ".ftcheck").read_text() == "mine"
    assert project.asked() == []


def test_a_store_that_cannot_be_written_is_a_usage_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that can be read but not written is refused before the first question, with status 4."""
    project.write_win(N)
    project.run()
    project.asked()
    connect = sqlite3.connect
    journal = connect(project.path / ".ftcheck" / "store.sqlite")
    journal.execute("PRAGMA journal_mode = DELETE")
    journal.close()
    monkeypatch.setattr(sqlite3, "connect", lambda path, **more: connect(f"file:{path}?mode=ro", uri=True, **more))
    project.cases(questions(N + 1))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *store.sqlite: it is read-only*allowed: *"])
    assert project.asked() == []


def test_a_full_disk_is_a_usage_error(project: Project) -> None:
    """When the store cannot grow the run ends with one error and status 4, and nothing is half-written."""
    rows = [{**row, "expected": "y" * 20_000} for row in questions(40)]
    project.write(rows, base={"*": "n" * 20_000}, ft={"*": "y" * 20_000})
    command = project.options()

    def limit() -> None:
        # SQLite meets the refused write as it meets a full disk: an error of the system in the middle of a transaction.
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    process = subprocess.run(
        [sys.executable, "-m", "pytest", *command],
        cwd=project.path, preexec_fn=limit, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # or Python would keep bytecode of ours that is cut off
    )  # fmt: skip
    assert process.returncode == pytest.ExitCode.USAGE_ERROR, process.stdout + process.stderr
    assert process.stderr.count("ERROR") == 1
    assert "store.sqlite" in process.stderr
    with Store(project.path / ".ftcheck") as store:
        assert store.notices == []
    assert project.run().ret == 0
