"""Bulletins: what one process of a run tells the others comes back whole, once, and goes with the run."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ftcheck.records import Answer
from pytest_ftcheck.store import FILE_NAME, Store

texts = st.text(st.characters(), max_size=20)
rows = st.lists(st.recursive(st.none() | st.booleans() | st.integers() | texts, st.lists, max_leaves=8), max_size=4)


@settings(max_examples=25, deadline=None)
@given(told=rows)
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, told: list[object]) -> None:
    """Whatever JSON can hold, lone surrogates included, is what another process reads; behind the last row is None."""
    folder = tmp_path_factory.mktemp("store")
    with Store(folder) as one, Store(folder) as other:
        assert not other.is_published("run", "found")
        one.publish("run", "found", told)
        assert other.is_published("run", "found")
        assert [other.bulletin("run", "found", number) for number in range(len(told) + 1)] == [*told, None]


def test_the_first_stands(store: Store) -> None:
    """A leader that stood still and woke up changes nothing that its follower told."""
    store.publish("run", "found", [1])
    store.publish("run", "found", [2, 3])
    assert [store.bulletin("run", "found", number) for number in range(2)] == [1, None]


def test_a_damaged_row_is_no_row(store: Store) -> None:
    """What another process reads is what was written, or nothing."""
    store.publish("run", "found", ["told"])
    with sqlite3.connect(store.folder / FILE_NAME) as connection:
        connection.execute("UPDATE shards SET payload = ?", (b'"said"',))
    assert store.bulletin("run", "found", 0) is None


def test_nobody_works_on_a_bulletin(store: Store) -> None:
    """It counts as no request, and the plan of the same name stays what it is."""
    store.publish("run", "found", [["a", "b"]])
    assert store.progress("run") == (0, 0)
    store.open_plan("run", "found", [["key"]])
    claim = store.claim("run", "found", "me", 30.0)
    assert claim is not None
    assert claim.keys == ("key",)


def test_it_goes_with_its_run(store: Store) -> None:
    """What is withdrawn is one run's bulletins: neither another's, nor plans, nor answers."""
    store.put_answers({"key": Answer("kept")})
    store.open_plan("run", "plan", [["key"]])
    for run in ("run", "other"):
        store.publish(run, "found", ["told"])
    store.withdraw("run")
    assert not store.is_published("run", "found")
    assert store.bulletin("other", "found", 0) == "told"
    assert store.answers(["key"])
    assert not store.is_finished("run", "plan")
