"""Under xdist what one process suffices for is done once: naming requests, grading, looking cases over."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.support.projects import Project, questions

N = 120
SUITE = """
import json
from pytest_ftcheck import assert_improves, assert_no_worse, eval_cases, gate

def keep(what):
    with open("work.jsonl", "a") as work:
        work.write(json.dumps([what, 1]) + "\\n")

@eval_cases("cases.jsonl")
def test_said(case, answer):
    keep("grade")
    assert str(answer) == case.expected

@gate(test_said)
def test_gate(comparison):
    assert_improves(comparison, by=0.05)

@gate(test_said)
def test_kept(comparison):
    assert_no_worse(comparison, margin=0.05)
"""
CONFTEST = """
import json
import pytest_ftcheck.gradebook, pytest_ftcheck.items.run, pytest_ftcheck.roles
from execnet.gateway_base import Channel

counts = {}
send = Channel.send

def counted_send(channel, message):
    if isinstance(message[0], str):
        counts["told " + message[0]] = counts.get("told " + message[0], 0) + 1
    send(channel, message)

Channel.send = counted_send

def count(module, name):
    known = getattr(module, name)
    def counted(*args):
        counts[name] = counts.get(name, 0) + 1
        return known(*args)
    setattr(module, name, counted)

count(pytest_ftcheck.roles, "answer_key")
count(pytest_ftcheck.gradebook, "digest")
count(pytest_ftcheck.items.run, "case_set_notices")

def pytest_unconfigure():
    with open("work.jsonl", "a") as work:
        work.write("".join(json.dumps([name, times]) + "\\n" for name, times in counts.items()))
"""


@pytest.fixture(scope="module")
def known() -> dict[str, Counter[str]]:
    """What was counted once for all tests."""
    return {}


@pytest.fixture
def work(project: Project, known: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """What all processes did together: a plain one, two workers, each on an empty store, and two on a full one."""
    if not known:
        right = {f"question {n}": "yes" for n in range(N)}
        project.write(questions(N), base={"*": "no"}, ft=right)
        (project.path / "test_suite.py").write_text(SUITE)
        (project.path / "conftest.py").write_text(CONFTEST)
        for name, workers, store in (("plain", 0, "one"), ("cold", 2, "two"), ("stored", 2, "one")):
            run = project.start(f"-n{workers}", f"--ft-store={store}")
            printed, _ = run.communicate(timeout=300)
            assert run.returncode == 0, printed
            known[name] = counted(project.path / "work.jsonl")
    return known


def counted(notes: Path) -> Counter[str]:
    """Add up what was noted, and begin anew."""
    found: Counter[str] = Counter()
    for what, times in map(json.loads, notes.read_text().splitlines()):
        found[what] += times
    notes.unlink()
    return found


def test_each_answer_is_graded_once(work: dict[str, Counter[str]]) -> None:
    """Two workers, their case items and both gates call a grader whose grades no store keeps once an answer."""
    assert [work[name]["grade"] for name in ("plain", "cold", "stored")] == [2 * N] * 3


def test_grades_are_named_once(work: dict[str, Counter[str]]) -> None:
    """Whoever shows or judges a grade that another process has computes no content key for it."""
    assert work["cold"]["digest"] == work["stored"]["digest"] == work["plain"]["digest"] > 0


def test_requests_are_named_once(work: dict[str, Counter[str]]) -> None:
    """Where all is stored two workers name each request once; else one more time those that the second answers."""
    assert work["plain"]["answer_key"] == work["stored"]["answer_key"] == 2 * N
    assert work["cold"]["answer_key"] <= 4 * N


def test_cases_are_looked_over_once(work: dict[str, Counter[str]]) -> None:
    """One worker of two looks for what is odd about the cases."""
    assert work["cold"]["case_set_notices"] == work["plain"]["case_set_notices"] == 1


@pytest.mark.parametrize("run", ["cold", "stored"])
def test_a_case_is_told_to_the_controller_in_two_messages(work: dict[str, Counter[str]], run: str) -> None:
    """That it begins, and all the rest; the two gates are told as xdist tells of any test."""
    told = {name: work[run][f"told {name}"] for name in ("logstart", "ftcheck_bundle", "testreport", "logfinish")}
    assert told == {"logstart": N + 2, "ftcheck_bundle": N, "testreport": 2 * 3 + 2, "logfinish": 2}
