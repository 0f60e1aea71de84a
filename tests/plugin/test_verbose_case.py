"""`--ft-verbose-case`: everything about single cases, after the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support import pages
from tests.support.projects import Project, questions

SAID = "yes\n::add-mask::x\x1b]8;;http://e\x07"
SUITE = """
from pytest_ftcheck import assert_improves, contains, eval_cases, exact_match, gate

@eval_cases("cases.jsonl", grader=[exact_match(), contains()], tags=["lang"], system="Be brief.")
def test_intent(case, answer): ...

@eval_cases("turns.jsonl", grader=exact_match())
def test_turns(case, answer): ...

@gate(test_intent)
def test_gate(comparison):
    assert_improves(comparison)
"""


@pytest.fixture
def desk(project: Project) -> Project:
    """Two evals with a case c3 each, one of them of two turns; ft's answers attack the terminal."""
    rows = [{**row, "lang": "de"} for row in questions(12)]
    project.write(rows, base={"*": "no"}, ft={"*": SAID})
    turns = [{"role": "user", "content": text} for text in ("one", "two")]
    (project.path / "turns.jsonl").write_text(json.dumps({"id": "c3", "input": turns, "expected": "yes"}) + "\n")
    (project.path / "test_suite.py").write_text(SUITE)
    return project


def section(text: str, title: str) -> str:
    """Return the part of pytest's output below a title, up to the next one."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.strip("= ") == title)
    end = next(at for at in range(start + 1, len(lines)) if lines[at].startswith(("=====", "warning:")))
    return "\n".join(lines[start + 1 : end])


def test_all_of_a_case_is_shown(desk: Project) -> None:
    """Prompt with its profile, expected, answers whole and inert, grades with reasons, keys, gates, turns."""
    said = desk.run("--ft-verbose-case=c3", "--ft-verbose-case=c99", "--ft-system=Be kind.").stdout.str()
    shown = section(said, "case c3 of test_intent")
    head, base, ft = shown.split("\n\n")
    assert (
        "cases.jsonl:4 · lang=de\noutcome: both wrong (base 0, ft 0)\nread by: test_gate\nexpected\n    │ yes" in head
    )
    assert base.startswith("base: answered now, request ")
    assert "    system\n    │ Be brief.\n    user\n    │ question 3\n  answer: 2 characters\n    │ no" in base
    assert "  exact_match: 0: expected 'yes', got 'no'" in base
    assert "    system\n    │ Be kind.\n" in ft
    assert "\n    │ yes\n    │ \\::add-mask::x\\x1b]8;;http://e\\x07\n" in ft
    assert "  contains: 1" in ft
    assert "\x1b" not in said
    turns = section(said, "case c3 of test_turns").split("\n\n")
    assert [part.partition(":")[0] for part in turns[1:]] == [
        f"{role}, turn {turn} of 2" for role in ("base", "ft") for turn in (1, 2)
    ]
    assert "    user\n    │ one\n    assistant\n    │ no\n    user\n    │ two\n" in turns[2]
    assert "read by: no gate" in turns[0]
    warnings = [line for line in said.splitlines() if "c99" in line]
    assert warnings == [
        "warning: --ft-verbose-case=c99: no case of any of 2 evals has this id (did you mean 'c9'?)"
    ]  # fmt: skip


def test_workers_and_whole_evals_show_the_same(desk: Project) -> None:
    """Under xdist, with one item an eval, it is shown once, and tells the store's answers from the run's own."""
    assert "answered now" in desk.run("--ft-verbose-case=c1").stdout.str()
    (desk.path / "pytest.ini").write_text("[pytest]\nft_verbose_case =\n    c1\n    c2\n")
    said = desk.run("-n", "2", "--ft-items=eval", "--ft-system=Be kind.").stdout.str()
    for name in ("c1", "c2"):
        assert said.count(f"case {name} of test_intent") == 1
        _, base, ft = section(said, f"case {name} of test_intent").split("\n\n")
        assert base.startswith("base: from the store, request ")
        assert ft.startswith("ft: answered now, request ")


def test_a_case_that_was_not_asked_says_so(desk: Project) -> None:
    """A case whose eval was deselected is found, and why nothing is known of it."""
    shown = section(desk.run("--ft-verbose-case=c2", "-k", "c5").stdout.str(), "case c2 of test_intent")
    assert "not asked: no test of this run needed it" in shown
    assert "request" not in shown


def test_every_hostile_text_is_inert(project: Project) -> None:
    """What models and files say stands behind a bar, without escapes, and a megabyte is cut and counted."""
    texts = [
        text for text in pages.HOSTILE.values() if text.isascii() or text.encode("utf-8", "ignore").decode() == text
    ]
    rows = [{"id": f"h{at}", "input": text, "expected": text} for at, text in enumerate(texts)]
    answers = {str(row["input"]): str(row["input"]) for row in rows}
    project.write(rows, base={"*": "no"}, ft=answers)
    said = project.run(*(f"--ft-verbose-case=h{at}" for at in range(len(rows)))).stdout.str()
    start = said.index("case h0 of")
    lines = said[start:].split("\n")
    assert not [line for line in lines if line.startswith(("::", "##[", "##vso"))]
    assert not set("\x1b\x00\u202e\r\x07") & set(said[start:])
    assert "more characters)" in said
    assert max(map(len, lines)) < 90_000


def test_a_log_that_takes_ascii_alone_gets_it(desk: Project) -> None:
    """In CI, without a terminal, on a stream of ASCII, table and case are whole, without colour and without a fault."""
    environment = {**os.environ, "CI": "1", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "pytest", *desk.options("--ft-verbose-case=c1")]
    done = subprocess.run(command, cwd=desk.path, env=environment, capture_output=True, check=False)
    said = done.stdout.decode("ascii")
    assert done.returncode == 1
    assert done.stderr.decode("ascii").strip() == "ftcheck: answering"
    assert "\x1b" not in said
    assert "test_gate" in said.partition("fine-tune verdict")[2]
    assert "    | question 1" in section(said, "case c1 of test_intent")
