"""A run read back from its JSON: the same run, whatever it holds, and older files too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.document import SCHEMA_FILE, run_document, write_json
from pytest_ftcheck.reports.reading import read_run, run_of
from pytest_ftcheck.reports.terminal import verdict_table
from tests.support import arbitrary_runs, runs

SENTENCES = ("line", "words", "summary")
OLD = Path(__file__).with_name("run_of_the_first_version.json")


def facts(value: Any) -> Any:
    """Return a document without its sentences, and without which evals a verdict borrows from its gate."""
    if isinstance(value, dict):
        borrowed = {"evals"} if "claim" in value else set()
        return {name: facts(each) for name, each in value.items() if name not in {*SENTENCES, *borrowed}}
    return [facts(each) for each in value] if isinstance(value, list) else value


@settings(deadline=None, max_examples=40)
@given(arbitrary_runs.runs)
def test_what_is_read_says_the_same(run: Run) -> None:
    """The document of any run, read and written again, is the same, but for sentences about what is no number."""
    document = json.loads(json.dumps(run_document(run)))
    assert facts(json.loads(json.dumps(run_document(run_of(document))))) == facts(document)


def test_the_terminal_shows_what_it_showed(tmp_path: Path) -> None:
    """A run from a file has the verdict table of the run itself."""
    write_json(runs.mixed_run(), tmp_path / "run.json")
    again = read_run(tmp_path / "run.json")
    assert verdict_table(again, width=120, colour=False) == verdict_table(runs.mixed_run(), width=120, colour=False)


def test_a_file_of_the_first_version_opens() -> None:
    """A document written before cases, slices and histograms were in it is read, with every number that it has."""
    document = json.loads(OLD.read_text(encoding="utf-8"))
    assert "cases" not in document["evals"][0]
    run = read_run(OLD)
    again = run_document(run)
    assert [gate["delta"] for gate in again["gates"]] == [gate["delta"] for gate in document["gates"]]
    assert again["summary"] == document["summary"]
    assert [one["cases_left_out"] for one in again["evals"]] == [
        one["n"] + len(one["missing"]) for one in document["evals"]
    ]


def test_a_file_of_the_first_version_still_validates_once_read() -> None:
    """Read and written again it keeps today's schema."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(json.dumps(run_document(read_run(OLD)))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "is no JSON"),
        ("[1]", "schema_version is None; allowed: 1 to 1"),
        ('{"schema_version": 99}', "schema_version is 99; allowed: 1 to 1"),
        ('{"schema_version": 1, "id": 1, "gates": [{}]}', r"not as run\.schema\.json says"),
        ('{"schema_version": 1}', r"not as run\.schema\.json says"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_run_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The error names the file, what it found, and what is allowed."""
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"run\.json: .*{said}"):
        read_run(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path stands in the error."""
    with pytest.raises(ConfigError, match=r"nowhere\.json: cannot be read: No such file"):
        read_run(tmp_path / "nowhere.json")


def test_a_run_with_too_many_cases_keeps_the_telling_ones() -> None:
    """Losses stay before what both roles had right; what is left out is counted, and the order is the file's."""
    lost = replace(runs.lost_case(2), outcome="loss", base_score=1.0, ft_score=0.0)
    right = replace(runs.lost_case(1), outcome="both right", base_score=1.0, ft_score=1.0)
    summary = replace(runs.INTENT, cases=(right,) * 7_000 + (lost,) * 4_000 + (right,))
    (found,) = run_document(replace(runs.green_run(), evals=(summary,)))["evals"]
    assert (len(found["cases"]), found["cases_left_out"]) == (10_000, 1_001)
    outcomes = [case["outcome"] for case in found["cases"]]
    assert outcomes == ["both right"] * 6_000 + ["loss"] * 4_000


def test_long_texts_fill_a_file_before_its_cases_do() -> None:
    """A hundred cases of a megabyte an answer do not make a file of a hundred megabytes."""
    long = replace(runs.lost_case(2, ft_answer="x" * 1_000_000), outcome="loss")
    (found,) = run_document(replace(runs.green_run(), evals=(replace(runs.INTENT, cases=(long,) * 100),)))["evals"]
    assert 40 <= len(found["cases"]) <= 50
    assert len(found["cases"]) + found["cases_left_out"] == 100
