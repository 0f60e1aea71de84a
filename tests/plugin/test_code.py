"""Code graded in a run: every sample once, each k its own estimate."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_ftcheck.grading.sandbox_report import sandbox_report
from tests.support.projects import QUIET, Project

HUMAN_EVAL = {
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}
SUITE = """
from pytest_ftcheck import assert_improves, eval_cases, gate, pass_at_k

@eval_cases("cases.jsonl", grader=[pass_at_k(2, sandbox="best"), pass_at_k(1, sandbox="best")], samples=3)
def test_code(case, answer): ...

@gate(test_code)
def test_gate(comparison):
    assert_improves(comparison)

@gate(test_code)
def test_first(comparison):
    assert_improves(comparison, metric="pass_at_1")
"""
ENGINE = '''

class Coder(Engine):
    """Base is right in its last sample of three, ft in its last two."""

    def say(self, request, prompt):
        right = request.sample >= (1 if request.role == "ft" else 2)
        return Answer("def add(a, b): return a + b" if right else "import sys; sys.exit(0)")
'''


def test_in_a_run(project: Project) -> None:
    """A run grades every sample once and gives each k its own estimate."""
    rows = [{"id": f"c{number}", "prompt": f"Write add, {number}.", **HUMAN_EVAL} for number in range(3)]
    project.write(rows, base={}, ft={"role": "ft"})
    (project.path / "test_suite.py").write_text(SUITE)
    engine = project.path / "own_engine.py"
    engine.write_text(engine.read_text() + ENGINE)
    project.run(engine="Coder")
    gates = {gate["name"]: gate for gate in project.document()["gates"]}
    assert (gates["test_gate"]["base"], gates["test_gate"]["ft"]) == pytest.approx((2 / 3, 1.0))
    assert (gates["test_first"]["base"], gates["test_first"]["ft"]) == pytest.approx((1 / 3, 2 / 3))


def test_too_few_samples(project: Project) -> None:
    """An eval with fewer samples than k is refused where it is declared."""
    project.write([{"prompt": "Write add.", **HUMAN_EVAL}], base={}, ft={})
    (project.path / "test_suite.py").write_text(SUITE.replace("samples=3", "samples=1"))
    project.run().stdout.fnmatch_lines(["*samples=1; allowed: 2 or more, which pass_at_2 takes*"])


ATTACKS = {
    "a fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "an endless loop": "while True: pass",
    "ten gigabytes": "x = bytearray(10 << 30)",
    "reading the users": "print(open('/etc/passwd').read())",
    "reading the environment": "import os\nassert os.environ['PLANTED']",
    "a socket": "import socket\nsocket.create_connection(('127.0.0.1', 22), 2)",
    "deleting the folder": "import os, shutil\nshutil.rmtree(os.getcwd()); shutil.rmtree({outside!r}); open('x')",
    "killing the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL); os.kill({pid}, signal.SIGKILL)",
    "writing endlessly": "with open('f', 'wb') as f:\n    while True: f.write(bytes(1 << 20))",
    "escapes": "while True: print('\\x1b[2J\\x1b]0;owned\\x07' * 1000)",
}
ATTACKED = """
from pytest_ftcheck import assert_never, eval_cases, gate, pass_at_k

@eval_cases("cases.jsonl", grader=pass_at_k(wall_s=8, cpu_s=1, memory_mb=256, disk_mb=8, processes=16))
def test_code(case, answer): ...

@gate(test_code)
def test_gate(comparison):
    assert_never(comparison, more_than=0.5)
"""


@pytest.mark.slow
def test_a_run_goes_on_after_every_attack(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attack is a 0, the good program beside them a 1, all have verdicts and nothing outside has changed.

    Where this machine's sandbox does not contain everything, none is run and all are ungraded, with why.
    """
    monkeypatch.setenv("PLANTED", "planted-secret")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("as it was")
    programs = {name: text.replace("{outside!r}", repr(str(outside))) for name, text in ATTACKS.items()}
    programs = {name: text.replace("{pid}", str(os.getpid())) for name, text in programs.items()} | {
        "good": "def add(a, b): return a + b"
    }
    rows = [{"id": name, "prompt": f"Write add: {name}.", **HUMAN_EVAL} for name in programs]
    project.cases(rows)
    said = [{"case": name, "answer": f"```python\n{text}\n```"} for name, text in programs.items()]
    (project.path / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    (project.path / "test_suite.py").write_text(ATTACKED)
    models = ("--ft-model=said.jsonl", "--base-model=said.jsonl", "--ft-json=run.json")
    done = project.pytester.runpytest(*QUIET, *models)
    (summary,) = project.document()["evals"]
    (gate,) = project.document()["gates"]
    assert (outside / "kept.txt").read_text() == "as it was"
    assert not any(text in done.stdout.str() for text in ("\x1b]0;owned", "planted-secret", "root:x:"))
    if sandbox_report().complete:
        assert (summary["n"], summary["ft"], summary["missing"]) == (len(programs), 1 / len(programs), [])
        assert gate["verdict"] == "fail"
    else:
        assert sorted(summary["missing"]) == sorted(programs)
        assert "no sandbox of this machine contains a program" in gate["reason"]
