"""ftcheck freeze and the lock: a run says that its exam was fixed before, or what changed; --ft-frozen insists."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.cli import main
from tests.support.projects import Project, questions


@pytest.fixture
def frozen(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose exam is pinned."""
    project.write_win(12)
    monkeypatch.chdir(project.path)
    assert main(["freeze"]) == 0
    return project


def registration(project: Project) -> dict[str, Any]:
    """Return what the last run said of the lock."""
    return dict(project.document()["registration"])


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_untouched_exam_is_pre_registered(frozen: Project) -> None:
    """The run says so below its table and in its JSON, and --ft-frozen lets it pass."""
    result = frozen.run("--ft-frozen")
    result.assert_outcomes(passed=13)
    result.stdout.fnmatch_lines(["*· pre-registered"])
    assert (registration(frozen)["state"], registration(frozen)["changes"]) == ("pre-registered", [])


def test_without_a_lock_nothing_is_said(project: Project) -> None:
    """A project that pinned nothing hears nothing, but under --ft-frozen."""
    project.write_win(12)
    project.run().stdout.no_fnmatch_line("*pre-registered*")
    assert project.document()["registration"] is None
    assert project.run("--ft-frozen").ret == pytest.ExitCode.USAGE_ERROR


CHANGES: dict[str, tuple[Callable[[Project], None], str]] = {
    "a case": (lambda p: edit(p.path / "cases.jsonl", "question 3", "question three"), "case_set was"),
    "an answer": (lambda p: edit(p.path / "cases.jsonl", '"c4", "input": "question 4", "expected": "yes"',
                                 '"c4", "input": "question 4", "expected": "no"'), "case_set was"),
    "fewer cases": (lambda p: p.cases(questions(11)), "cases was 12, is 11"),
    "the grader": (lambda p: p.test(arguments="grader=exact_match(ignore_case=True)"), "graders exact_match was"),
    "the margin": (lambda p: p.test(body="assert_improves(comparison, by=0.01)"), "claims was "),
    "the claim": (lambda p: p.test(body="assert_no_worse(comparison, margin=0.5)"), "claims was "),
    "alpha": (lambda p: p.test(body="assert_improves(comparison, alpha=0.1)"), "alpha=0.1"),
    "decoding": (lambda p: p.test(arguments="grader=exact_match(), max_new_tokens=9"), "asked was"),
    "the prompt": (lambda p: p.test(arguments="grader=exact_match(), system='Be nice.'"), "asked was"),
    "a new gate": (lambda p: edit(p.path / "test_suite.py", "def test_gate", "def test_other"),
                   "gate test_suite.py::test_other is not pinned"),
    "a gate less": (lambda p: edit(p.path / "test_suite.py", "def test_gate", "def test_other"),
                    "gate test_suite.py::test_gate is pinned and gone"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_is_named_and_refused(frozen: Project, what: str) -> None:
    """Without --ft-frozen a change is told beside the verdicts; with it nothing is answered."""
    change, said = CHANGES[what]
    change(frozen)
    frozen.run()
    assert registration(frozen)["state"] == "changed"
    assert any(said in text for text in registration(frozen)["changes"])
    assert any("not as pinned in ftcheck.lock" in text for text in frozen.document()["notices"])
    frozen.asked()
    result = frozen.run("--ft-frozen", "--ft-store=fresh")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "not as pinned in" in result.stderr.str()
    assert frozen.asked() == []


def test_the_rest_of_the_exam_may_be_left_out(frozen: Project) -> None:
    """A part of the tests, or of the cases, is no change of the exam."""
    for options in (["-k", "test_gate"], ["--ft-limit=5"], ["test_suite.py::test_gate"], ["-n2"]):
        frozen.run("--ft-frozen", *options)
        assert registration(frozen)["state"] == "pre-registered"


def test_workers_refuse_too(frozen: Project) -> None:
    """Under workers a changed exam makes every item an error with the reason, and nothing is answered."""
    frozen.test(body="assert_improves(comparison, by=0.01)")
    result = frozen.run("--ft-frozen", "-n1")
    assert result.ret != 0
    (gate,) = frozen.document()["gates"]
    assert "not as pinned" in gate["reason"]
    assert frozen.asked() == []


def test_a_body_that_cannot_be_rehearsed_is_pinned_by_its_content(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate with other fixtures is pinned as a whole."""
    project.write_win(12)
    edit(project.path / "test_suite.py", "def test_gate(comparison):", "def test_gate(comparison, tmp_path):")
    monkeypatch.chdir(project.path)
    assert main(["freeze"]) == 0
    project.run("--ft-frozen").assert_outcomes(passed=13)
    edit(project.path / "test_suite.py", "assert_improves(comparison)", "assert_improves(comparison, by=0.2)")
    project.run()
    assert any("body was" in text for text in registration(project)["changes"])


def test_freezing_again_shows_what_changed(frozen: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """--check says what changed with status 1 and writes nothing; freezing pins it; then nothing differs."""
    before = (frozen.path / "ftcheck.lock").read_text()
    assert main(["freeze", "--check"]) == 0
    frozen.test(body="assert_improves(comparison, by=0.01)")
    capsys.readouterr()
    assert main(["freeze", "--check"]) == 1
    assert "gate test_suite.py::test_gate: claims was" in capsys.readouterr().out
    assert (frozen.path / "ftcheck.lock").read_text() == before
    assert main(["freeze"]) == 0
    assert main(["freeze", "--check"]) == 0
    assert "bound=0.01" in (frozen.path / "ftcheck.lock").read_text()


def test_freezing_one_file_keeps_the_others(frozen: Project) -> None:
    """What is pinned of tests that are not given stays."""
    text = (frozen.path / "test_suite.py").read_text()
    (frozen.path / "test_more.py").write_text(text.replace("test_intent", "test_more"))
    assert main(["freeze", "test_more.py"]) == 0
    held = json.loads((frozen.path / "ftcheck.lock").read_text())
    assert list(held["evals"]) == ["test_more.py::test_more", "test_suite.py::test_intent"]


def test_tests_that_cannot_be_collected_are_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pytest's own words are shown, and no lock is written."""
    project.write_win(12)
    (project.path / "test_suite.py").write_text("import nowhere_to_be_found")
    monkeypatch.chdir(project.path)
    assert main(["freeze"]) == 2
    assert "No module named 'nowhere_to_be_found'" in capsys.readouterr().err
    assert not (project.path / "ftcheck.lock").exists()


def test_leaks_takes_tests(frozen: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`ftcheck leaks` finds the cases of tests by having pytest collect them."""
    (frozen.path / "train.jsonl").write_text('{"prompt": "Is this question 3 or which one?"}\n')
    frozen.cases([{"id": "x", "input": "Is this question 3 or which one?", "expected": "yes"}])
    capsys.readouterr()
    assert main(["leaks", "--train", "train.jsonl", "test_suite.py"]) == 1
    assert "test_suite.py::test_intent: 1 of 1 case leaked" in capsys.readouterr().out
