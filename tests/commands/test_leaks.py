"""`ftcheck leaks`: what it prints, in words and as JSON, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.cli import main

PROMPT = "Where is the parcel that I sent to Bristol?"


def write(path: Path, *rows: dict[str, Any]) -> Path:
    """Write rows, one JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Two cases."""
    rows = [
        {"id": "a", "input": PROMPT, "expected": "shipping"},
        {"id": "b", "input": "Sums of money?", "expected": "?"},
    ]
    return write(tmp_path / "cases.jsonl", *rows)


def test_a_leak_is_printed_and_is_status_1(tmp_path: Path, cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The case, how it leaked and the training file's line."""
    train = write(tmp_path / "train.jsonl", {"prompt": "Hi", "completion": "?"}, {"prompt": PROMPT.upper()})
    assert main(["leaks", "--train", str(train), str(cases)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{cases}: 1 of 2 cases leaked",
        f"  a: prompt normalised, {train}:2",
        "2 cases held against 2 training rows: 1 leaked",
    ]


def test_json_lists_the_leaks(tmp_path: Path, cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case, line, kind and similarity of each leak."""
    train = write(tmp_path / "train.jsonl", {"text": "..."}, {"prompt": PROMPT})
    assert main(["leaks", "--json", "--train", str(train), str(cases)]) == 1
    (leak,) = json.loads(capsys.readouterr().out)["leaked"]
    assert {name: leak[name] for name in ("case", "train_line", "kind", "similarity", "part")} == {
        "case": "a",
        "train_line": 2,
        "kind": "exact",
        "similarity": 1.0,
        "part": "prompt",
    }


def test_no_leak_is_status_0(tmp_path: Path, cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is said, and an empty list as JSON."""
    train = write(tmp_path / "train.jsonl", {"prompt": "Another question altogether?", "completion": "shipping"})
    assert main(["leaks", "--train", str(train), str(cases)]) == 0
    assert "2 cases held against 1 training row: no leak found" in capsys.readouterr().out
    assert main(["leaks", "--train", str(train), str(cases), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["leaked"] == []


def test_fields_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case files with names of their own."""
    cases = write(tmp_path / "cases.jsonl", {"key": "k", "utterance": PROMPT, "gold": "x"})
    train = write(tmp_path / "train.jsonl", {"prompt": PROMPT})
    options = ["--input", "utterance", "--expected", "gold", "--id", "key"]
    assert main(["leaks", "--train", str(train), str(cases), *options]) == 1
    assert "  k: prompt exact" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("train", "given", "said"),
    [
        ("no.jsonl", "cases.jsonl", "no such file: no.jsonl"),
        ("cases.jsonl", "test_no.py", "no such file: test_no.py"),
        ("broken.jsonl", "cases.jsonl", "broken.jsonl:1: broken JSON"),
    ],
)
def test_what_cannot_be_read_is_status_2(
    cases: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, train: str, given: str, said: str
) -> None:
    """A missing or broken file is named on one line."""
    monkeypatch.chdir(cases.parent)
    (cases.parent / "broken.jsonl").write_text("{")
    assert main(["leaks", "--train", train, given]) == 2
    assert said in capsys.readouterr().err


def test_ids_are_made_inert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An id with terminal escapes is shown, not obeyed."""
    cases = write(tmp_path / "cases.jsonl", {"id": "\x1b[2Jx\n::error::y", "input": PROMPT})
    main(["leaks", "--train", str(write(tmp_path / "train.jsonl", {"prompt": PROMPT})), str(cases)])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\n::error" not in said
