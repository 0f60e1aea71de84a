"""The freeze file: stable text, read back as it was, and what differs from it in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.store.lock import Lock, differences, read_lock, write_lock

plain = st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text(), max_size=3))
pinned = st.dictionaries(st.text(), st.dictionaries(st.text(), plain, max_size=3), max_size=3)


@given(pinned, pinned)
def test_a_lock_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, evals: dict[str, Any], gates: dict[str, Any]
) -> None:
    """Whatever names and values a lock holds come back."""
    path = tmp_path_factory.mktemp("lock") / "ftcheck.lock"
    lock = Lock(evals=evals, gates=gates, frozen="2026-11-21", python="3.12.1")
    write_lock(path, lock)
    assert read_lock(path) == lock


def test_its_text_does_not_depend_on_the_order(tmp_path: Path) -> None:
    """Names are sorted and each fact has its line, so that a change is a line of a diff."""
    one, other = {"a": {"cases": 1, "case_set": "x"}, "b": {}}, {"b": {}, "a": {"cases": 1, "case_set": "x"}}
    for name, evals in (("one", one), ("other", other)):
        write_lock(tmp_path / name, Lock(evals=evals))
    text = (tmp_path / "one").read_text()
    assert text == (tmp_path / "other").read_text()
    assert '      "cases": 1,\n      "case_set": "x"\n' in text
    assert text.endswith("}\n")


def test_no_file_is_no_lock(tmp_path: Path) -> None:
    """A project that pinned nothing has no lock."""
    assert read_lock(tmp_path / "ftcheck.lock") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("<<<<<<< HEAD\n{}\n", "conflict markers of a merge"),
        ("[]", "has version None"),
        ('{"version": 2}', "has version 2"),
        ('{"version": 1, "evals": {"a": 1}, "gates": {}}', "lacks evals or gates"),
    ],
)
def test_what_is_no_lock_is_named(tmp_path: Path, text: str, said: str) -> None:
    """A broken file is an error that names it, never an exam without pins."""
    (tmp_path / "ftcheck.lock").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_lock(tmp_path / "ftcheck.lock")


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ({"cases": 3}, {"cases": 4}, ["eval e: cases was 3, is 4"]),
        ({"case_set": "a" * 64}, {"case_set": "b" * 64}, [f"eval e: case_set was {'a' * 12}, is {'b' * 12}"]),
        ({"graders": {"x": "1", "y": "2"}}, {"graders": {"x": "1", "y": "3"}}, ["eval e: graders y was 2, is 3"]),
        ({"claims": ["a", "b"]}, {"claims": ["a", "c"]}, ["eval e: claims was b, is c"]),
        ({"claims": ["a"]}, {"claims": ["a"]}, []),
    ],
)
def test_a_change_is_said_with_both_values(then: Any, now: Any, said: list[str]) -> None:
    """What it was and what it is, hashes by their first digits, lists by what differs."""
    assert differences({"e": then}, {"e": now}, noun="eval") == said


def test_what_is_not_pinned_is_a_change() -> None:
    """A new gate was not chosen before the run."""
    assert differences({}, {"g": {}}, noun="gate") == ["gate g is not pinned"]
