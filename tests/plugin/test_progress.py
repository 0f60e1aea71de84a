"""One line of progress for the whole run: live on a terminal, a line a phase elsewhere, and workers stay silent."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.support.projects import Project

ERASE = "\x1b[2K"
N = 24


@pytest.fixture
def slow(project: Project) -> Project:
    """A project of 48 requests, in shards of a third of a second."""
    project.write_win(N)
    engine = project.path / "own_engine.py"
    engine.write_text(engine.read_text().replace("time.sleep(0.04)", "time.sleep(0.08)"))
    (project.path / "conftest.py").write_text("import pytest_ftcheck.answering as a\na.SHARD_REQUESTS = 4\n")
    return project


def on_a_terminal(project: Project, *args: str) -> str:
    """Run pytest with a terminal for both of its outputs, and return all that it wrote."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", *project.options(*args, engine="Slow")]
    environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    with subprocess.Popen(
        command, cwd=project.path, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            written += part
        os.close(ours)
    assert process.returncode == 0, written.decode()
    return written.decode()


@pytest.mark.slow
@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["plain", "two workers"])
def test_a_terminal_has_one_line(slow: Project, args: tuple[str, ...]) -> None:
    """Both roles' counts, the pace and the time left stand on one line, which rises, and is erased before the tests."""
    written = on_a_terminal(slow, "-v", *args)
    drawn = re.findall(rf"answering: base ([\d,]+) of {N}, ft ([\d,]+) of {N}([^\r\x1b]*)", written)
    done = [int(base) + int(ft) for base, ft, _ in drawn]
    assert len(set(done)) >= 3
    assert done == sorted(done)
    assert args or f"grading test_intent, {N} cases" in written
    assert any("per second" in pace and "left" in pace for _, _, pace in drawn)
    erased = written.index(ERASE, written.rindex(drawn[-1][2], 0, written.index("WIN")))
    assert "WIN" in written[erased:]


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["plain", "two workers"])
def test_elsewhere_a_phase_is_a_line(slow: Project, args: tuple[str, ...]) -> None:
    """Without a terminal a run that takes a few seconds says at most one line of its phase, whatever its workers."""
    run = slow.start(*args, engine="Slow")
    output, _ = run.communicate()
    assert run.returncode == 0, output
    said = [line for line in output.splitlines() if line.startswith("ftcheck:")]
    assert said == ["ftcheck: answering"]
    assert "\x1b" not in output
