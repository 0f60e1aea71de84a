"""`ftcheck compare`: two recorded runs of one suite, paired case by case."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import pytest_ftcheck.reports.document
import pytest_ftcheck.reports.terminal
import pytest_ftcheck.summaries  # noqa: F401  an in-process run forgets its modules, and numpy cannot be imported twice
from pytest_ftcheck.cli import main
from pytest_ftcheck.stats import PairedTable, tango_interval

SUITE = """
from pytest_ftcheck import eval_cases, exact_match, macro_f1, numeric

@eval_cases("cases.jsonl", grader=exact_match())
def test_intent(case, answer): ...

@eval_cases("cases.jsonl", grader=macro_f1(["yes", "no"]))
def test_labels(case, answer): ...
"""


@pytest.fixture
def record(pytester: pytest.Pytester) -> Recorder:
    """A project whose fine-tune's answers are given one by one."""
    return Recorder(pytester)


class Recorder:
    """Runs the suite on recorded answers and keeps the JSON file."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        pytester.makepyfile(test_desk=SUITE)

    def run(self, name: str, right: Sequence[bool], *, question: str = "question") -> Path:
        """Record the run in which the fine-tune is right where `right` says so."""
        rows = [{"id": f"c{n}", "input": f"{question} {n}", "expected": "yes"} for n in range(len(right))]
        answers = [{"case": f"c{n}", "answer": "yes" if one else "no"} for n, one in enumerate(right)]
        for file, lines in (("cases.jsonl", rows), (f"{name}.jsonl", answers), ("base.jsonl", answers)):
            (self.pytester.path / file).write_text("".join(json.dumps(line) + "\n" for line in lines))
        models = (f"--ft-model={name}.jsonl", "--base-model=base.jsonl", f"--ft-json={name}.json")
        self.pytester.runpytest("-p", "no:randomly", "-p", "no:cacheprovider", *models)
        return self.pytester.path / f"{name}.json"


RIGHT_IN_A = [True] * 30 + [False] * 20
RIGHT_IN_B = [True] * 27 + [False] * 3 + [True] * 12 + [False] * 8


def test_cases_are_paired(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """Gained and lost are B's against A's, and the interval is that of the pairs."""
    a, b = record.run("a", RIGHT_IN_A), record.run("b", RIGHT_IN_B)
    capsys.readouterr()
    assert main(["compare", str(a), str(b), "--json"]) == 0
    (found,) = [one for one in json.loads(capsys.readouterr().out)["evals"] if one["name"] == "test_intent"]
    expected = tango_interval(PairedTable(both=27, gained=12, lost=3, neither=8), level=0.90)
    assert (found["gained"], found["lost"], found["n"]) == (12, 3, 50)
    assert (found["base"], found["ft"]) == (0.6, 0.78)
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))


def test_the_table_names_both_models(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads which fine-tune stands on which side."""
    a, b = record.run("a", RIGHT_IN_A), record.run("b", RIGHT_IN_B)
    capsys.readouterr()
    assert main(["compare", str(a), str(b)]) == 0
    said = capsys.readouterr().out
    assert "a.jsonl" in said
    assert "b.jsonl" in said
    assert "12 / 3 of 50" in said


def test_the_other_way_round_the_signs_turn(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """What B gained on A, A loses on B."""
    a, b = record.run("a", RIGHT_IN_A), record.run("b", RIGHT_IN_B)
    capsys.readouterr()
    main(["compare", str(b), str(a), "--json"])
    (found,) = [one for one in json.loads(capsys.readouterr().out)["evals"] if one["name"] == "test_intent"]
    assert (found["gained"], found["lost"]) == (3, 12)


def test_a_corpus_metric_is_not_taken_for_a_mean(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """Macro-F1 cannot be compared from its cases' scores, and a notice says so."""
    a, b = record.run("a", RIGHT_IN_A), record.run("b", RIGHT_IN_B)
    capsys.readouterr()
    main(["compare", str(a), str(b), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["evals"]] == ["test_intent"]
    assert any("test_labels" in notice and "no mean" in notice for notice in document["notices"])


def test_changed_cases_are_counted(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """Cases whose question changed under the same id are other cases."""
    a = record.run("a", RIGHT_IN_A)
    b = record.run("b", RIGHT_IN_B, question="other question")
    capsys.readouterr()
    assert main(["compare", str(a), str(b)]) == 2
    assert "no eval in common" in capsys.readouterr().err


def test_files_of_answers_are_graded_by_the_tests(
    record: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two files of answers, or a run and a file, compare as two runs do, and no ledger hears of it."""
    a, b = record.run("a", RIGHT_IN_A), record.run("b", RIGHT_IN_B)
    monkeypatch.chdir(a.parent)
    capsys.readouterr()
    before = (a.parent / ".ftcheck" / "store.sqlite").read_bytes()
    for first, second in (("a.jsonl", "b.jsonl"), (a.name, "b.jsonl")):
        assert main(["compare", first, second, "--json", "--tests", "test_desk.py"]) == 0
        document = json.loads(capsys.readouterr().out)
        one = next(one for one in document["evals"] if one["name"] == "test_intent")
        assert (one["gained"], one["lost"], one["n"], one["base"], one["ft"]) == (12, 3, 50, 0.6, 0.78)
        assert [model["source"].rpartition("/")[2] for model in document["models"]] == ["a.jsonl", "b.jsonl"]
        assert document["gates"] == []
    assert (a.parent / ".ftcheck" / "store.sqlite").read_bytes() == before
    assert b.is_file()


def test_answers_that_no_test_grades_are_an_error(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a test for them, pytest's own words say what happened; a missing file is named."""
    pytester.makepyfile(test_other="def test_other(): pass")
    (pytester.path / "a.jsonl").write_text('{"case": "a", "answer": "x"}\n')
    assert main(["compare", "a.jsonl", "a.jsonl", "--tests", "test_other.py"]) == 2
    said = capsys.readouterr().err
    assert "pytest graded no answer of a.jsonl and a.jsonl; allowed: --tests=PATH" in said
    assert "1 passed" in said
    assert main(["compare", "a.jsonl", "none.jsonl"]) == 2
    assert "none.jsonl is no file" in capsys.readouterr().err
