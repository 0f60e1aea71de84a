"""Files of people's ratings: what is written is read, what is broken is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ftcheck.data.labels import Label, answer_digest, labels_file, read_labels, write_labels
from pytest_ftcheck.errors import CaseError, StoreError

texts = st.text(max_size=8)
hashes = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
of_one = st.builds(Label, asked=hashes, case=hashes, id=texts, answer=hashes, score=st.integers(-3, 100), rater=texts)
of_two = st.builds(
    Label,
    asked=hashes,
    case=hashes,
    id=texts,
    answer=hashes,
    other=hashes,
    better=st.sampled_from(["answer", "other", "tie"]),
    rater=texts,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=st.lists(st.one_of(of_one, of_two), max_size=8, unique_by=lambda label: label.key))
def test_ratings_survive_a_round_trip(tmp_path: Path, labels: list[Label]) -> None:
    """What was written is read, whatever the texts."""
    write_labels(tmp_path / "deep" / "labels.jsonl", labels)
    assert read_labels(tmp_path / "deep" / "labels.jsonl") == labels


def test_no_file_is_no_ratings(tmp_path: Path) -> None:
    """Before the first review there is no file."""
    assert read_labels(tmp_path / "labels.jsonl") == []


def test_the_last_rating_stands(tmp_path: Path) -> None:
    """Of two lines for one thing, as merged branches leave them, the later counts; the order in a pair does not."""
    one = Label(asked="a", case="c", id="x", answer="1", other="2", better="answer")
    two = Label(asked="a", case="c", id="x", answer="2", other="1", better="tie")
    write_labels(tmp_path / "l.jsonl", [one, two])
    assert read_labels(tmp_path / "l.jsonl") == [two]


WHOLE = {"asked": "a", "case": "c", "answer": "d", "score": 3}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "l.jsonl:2: no JSON"),
        ("[1]", "l.jsonl:2: .* one JSON object a line"),
        ({**WHOLE, "score": 3.5}, "l.jsonl:2: field 'score' is 3.5; allowed: a whole number"),
        ({**WHOLE, "score": True}, "l.jsonl:2: field 'score' is True"),
        ({**WHOLE, "case": 7}, "l.jsonl:2: field 'case' is 7; allowed: text"),
        ({**WHOLE, "rater": None}, "l.jsonl:2: field 'rater' is None; allowed: text"),
        ({**WHOLE, "other": "e", "better": "A"}, "l.jsonl:2: field 'better' is 'A'; allowed: answer, other, tie"),
        ({"asked": "a", "case": "c", "score": 3}, "l.jsonl:2: field 'answer' is None; allowed: text"),
        ("[" * 100_000, "l.jsonl:2: no JSON"),
    ],
)
def test_broken_lines_are_named(tmp_path: Path, row: Any, message: str) -> None:
    """The error names file, line, field, value and what is allowed."""
    line = row if isinstance(row, str) else json.dumps(row)
    (tmp_path / "l.jsonl").write_text(f"{json.dumps(WHOLE)}\n{line}\n")
    with pytest.raises(CaseError, match=message):
        read_labels(tmp_path / "l.jsonl")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file in another encoding is named."""
    (tmp_path / "l.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CaseError, match=r"l.jsonl: ratings cannot be read: .*; allowed: JSON lines in UTF-8"):
        read_labels(tmp_path / "l.jsonl")


def test_a_file_is_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails the old ratings stay, and nothing is left beside them."""
    path = tmp_path / "l.jsonl"
    write_labels(path, [Label(asked="a", case="c", id="x", answer="1", score=3)])
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StoreError, match=r"l.jsonl: ratings cannot be written: No space left on device"):
        write_labels(path, [])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    """A metric's name may hold anything; its file stays in the folder, and two names never share one."""
    one, two = labels_file(tmp_path, "test_a", "../../x"), labels_file(tmp_path, "test_a", "..:..:x")
    assert one.parent == two.parent == tmp_path
    assert one != two


def test_an_answers_hash_is_of_its_text() -> None:
    """One sign more is another answer."""
    assert answer_digest("a") != answer_digest("a ")
    assert len(answer_digest("\ud800")) == 64
