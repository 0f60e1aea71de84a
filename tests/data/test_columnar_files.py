"""Parquet files and folders saved by `datasets`, written by those libraries themselves."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from pytest_ftcheck.data.cases import load_cases
from pytest_ftcheck.errors import CaseError

ROWS: list[dict[str, Any]] = [
    {"id": "a", "input": "Wo ist mein Päckchen?", "expected": "shipping", "meta": {"lang": "de"}, "scores": [1, 2]},
    {"id": "b", "input": "Bonjour 👋", "expected": None, "meta": {"lang": "fr"}, "scores": []},
]


def parquet(path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    """Write rows as Parquet."""
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, **options)


def check(source: Path, places: list[str]) -> None:
    """Assert that the cases of `source` are ROWS, from the places given."""
    cases = load_cases(source, base_dir=source.parent, name="test_eval", tags=("meta.lang",))
    assert [(case.id, case.input, case.expected) for case in cases] == [
        (row["id"], row["input"], row["expected"]) for row in ROWS
    ]
    assert [case.fields for case in cases] == [{"meta": row["meta"], "scores": row["scores"]} for row in ROWS]
    assert [case.tags["meta.lang"] for case in cases] == ["de", "fr"]
    assert [case.source.removeprefix(f"{source.parent}/") for case in cases] == places


def test_parquet_rows(tmp_path: Path) -> None:
    """Rows come back equal, nested ones too, with their numbers."""
    parquet(tmp_path / "c.parquet", ROWS)
    check(tmp_path / "c.parquet", ["c.parquet row 1", "c.parquet row 2"])


def test_parquet_rows_are_numbered_over_row_groups(tmp_path: Path) -> None:
    """Row numbers go on from one row group to the next."""
    rows = [{"id": number, "input": f"prompt {number}"} for number in range(25)]
    parquet(tmp_path / "c.parquet", rows, row_group_size=10)
    cases = load_cases("c.parquet", base_dir=tmp_path, name="test_eval")
    assert [case.source.rsplit(" ", 1)[1] for case in cases] == [str(number) for number in range(1, 26)]


def test_parquet_dates_become_text(tmp_path: Path) -> None:
    """A date column comes as ISO 8601."""
    parquet(tmp_path / "c.parquet", [{"input": "a", "day": datetime.date(2026, 11, 21)}])
    (case,) = load_cases("c.parquet", base_dir=tmp_path, name="test_eval")
    assert case.fields == {"day": "2026-11-21"}


def test_parquet_fault_names_its_row(tmp_path: Path) -> None:
    """A row that cannot be a case is named by its number and field."""
    parquet(tmp_path / "c.parquet", [{"input": "a"}, {"input": None}])
    with pytest.raises(CaseError, match=r"c\.parquet row 2: field 'input' is None \(NoneType\); allowed: a prompt"):
        load_cases("c.parquet", base_dir=tmp_path, name="test_eval")


def test_cut_parquet_is_refused(tmp_path: Path) -> None:
    """A file that lacks its end is refused by its path."""
    parquet(tmp_path / "c.parquet", ROWS)
    (tmp_path / "c.parquet").write_bytes((tmp_path / "c.parquet").read_bytes()[:-20])
    with pytest.raises(CaseError, match=r"c\.parquet cannot be read as Parquet: "):
        load_cases("c.parquet", base_dir=tmp_path, name="test_eval")


def test_empty_parquet_is_refused(tmp_path: Path) -> None:
    """A file without rows holds no case."""
    pyarrow.parquet.write_table(pyarrow.table({"input": pyarrow.array([], pyarrow.string())}), tmp_path / "c.parquet")
    with pytest.raises(CaseError, match=r"c\.parquet holds no case"):
        load_cases("c.parquet", base_dir=tmp_path, name="test_eval")


def test_missing_pyarrow_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the error says what to install."""
    parquet(tmp_path / "c.parquet", ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CaseError, match=r"c\.parquet needs pyarrow .*pip install 'pytest-ftcheck\[data\]'"):
        load_cases("c.parquet", base_dir=tmp_path, name="test_eval")


def test_saved_dataset(tmp_path: Path) -> None:
    """A folder written by Dataset.save_to_disk gives its rows."""
    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    check(tmp_path / "saved", ["saved row 1", "saved row 2"])


def test_saved_dataset_in_several_files(tmp_path: Path) -> None:
    """Shards of a saved dataset are read in order."""
    rows = [{"id": str(number), "input": f"prompt {number}"} for number in range(30)]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved", num_shards=3)
    assert [case.id for case in load_cases("saved", base_dir=tmp_path, name="test_eval")] == [row["id"] for row in rows]


def test_saved_selection(tmp_path: Path) -> None:
    """A shuffled selection is read as `datasets` reads it."""
    chosen = datasets.Dataset.from_list([{"id": str(n), "input": "a"} for n in range(9)]).shuffle(seed=3).select([4, 2])
    chosen.save_to_disk(tmp_path / "saved")
    assert [case.id for case in load_cases("saved", base_dir=tmp_path, name="test_eval")] == chosen["id"][:]


def test_saved_dict_of_one_split(tmp_path: Path) -> None:
    """A DatasetDict with one split is that split."""
    datasets.DatasetDict({"test": datasets.Dataset.from_list(ROWS)}).save_to_disk(tmp_path / "saved")
    check(tmp_path / "saved", ["saved/test row 1", "saved/test row 2"])


def test_saved_dict_of_several_splits(tmp_path: Path) -> None:
    """Several splits are refused by their names, and each can be given as a path."""
    part = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": part, "test": part}).save_to_disk(tmp_path / "saved")
    with pytest.raises(
        CaseError, match=r"saved has the splits 'train', 'test'; allowed: one of them, as .*saved/SPLIT"
    ):
        load_cases("saved", base_dir=tmp_path, name="test_eval")
    assert len(load_cases("saved/test", base_dir=tmp_path, name="test_eval")) == 2


def test_dataset_object_is_an_iterable() -> None:
    """A Dataset in memory gives its rows like any iterable of mappings."""
    cases = load_cases(datasets.Dataset.from_list(ROWS), base_dir=Path(), name="test_eval")
    assert [case.input for case in cases] == [row["input"] for row in ROWS]


def test_other_folder_is_refused(tmp_path: Path) -> None:
    """A folder that nobody saved is refused by its path."""
    with pytest.raises(
        CaseError, match=r" is a folder without dataset_dict\.json or state\.json; allowed: a file, a folder "
    ):
        load_cases(".", base_dir=tmp_path, name="test_eval")


@pytest.mark.parametrize("state", ["{", "[]", json.dumps({"_data_files": [{"filename": "gone.arrow"}]})])
def test_broken_saved_folder_is_refused(tmp_path: Path, state: str) -> None:
    """A saved folder that is broken or lacks its data is refused by its path."""
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(CaseError, match=rf"{tmp_path}\S* (cannot be read|holds no object)"):
        load_cases(tmp_path, base_dir=tmp_path, name="test_eval")
