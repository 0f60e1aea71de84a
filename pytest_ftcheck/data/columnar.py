"""Rows out of Parquet files and folders that `datasets` saved. pyarrow is imported when one is read, not before.

A saved folder holds Arrow streams, which pyarrow reads alone: importing datasets would cost seconds and pandas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.rows import Row
from pytest_ftcheck.data.values import named
from pytest_ftcheck.errors import CaseError


def read_parquet(path: Path) -> Iterator[Row]:
    """Give the rows of a Parquet file. Raises CaseError."""
    arrow = _pyarrow(path)
    try:
        with arrow.parquet.ParquetFile(path) as file:
            yield from _number(path, file.iter_batches())
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise CaseError(f"{path} cannot be read as Parquet: {error}") from None


def read_saved_dataset(folder: Path) -> Iterator[Row]:
    """Give the rows of a folder that `Dataset.save_to_disk` wrote, or `DatasetDict.save_to_disk` with one split.

    Raises CaseError, naming the splits where there are several.
    """
    folder = _only_split(folder)
    state = _json(folder / "state.json")
    if state.get("_indices_files"):
        raise CaseError(f"{folder} holds a selection of rows beside its data; allowed: flatten_indices() before saving")
    files = [folder / str(entry["filename"]) for entry in state.get("_data_files") or ()]
    arrow = _pyarrow(folder)
    try:
        yield from _number(folder, _batches(arrow, files))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise CaseError(f"{folder} cannot be read as a saved dataset: {error}") from None


def is_saved_dataset(folder: Path) -> bool:
    """Whether a folder looks like one that `datasets` saved."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _only_split(folder: Path) -> Path:
    index = folder / "dataset_dict.json"
    if not index.is_file():
        if not (folder / "state.json").is_file():
            raise CaseError(
                f"{folder} is a folder without dataset_dict.json or state.json; allowed: a file, a folder that "
                "datasets saved by save_to_disk, or a folder of .txt files"
            )
        return folder
    splits = list(_json(index).get("splits") or ())
    if len(splits) != 1:
        raise CaseError(f"{folder} has the splits {named(splits)}; allowed: one of them, as {folder / 'SPLIT'}")
    return folder / str(splits[0])


def _json(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise CaseError(f"{path} cannot be read: {error}; allowed: what save_to_disk writes") from None
    if not isinstance(held, dict):
        raise CaseError(f"{path} holds no object; allowed: what save_to_disk writes")
    return held


def _batches(arrow: Any, files: list[Path]) -> Iterator[Any]:
    for file in files:
        with arrow.memory_map(str(file)) as mapped, arrow.ipc.open_stream(mapped) as stream:
            yield from stream


def _number(path: Path, batches: Iterable[Any]) -> Iterator[Row]:
    number = 0
    for batch in batches:
        for values in batch.to_pylist():
            number += 1
            yield Row(f"{path} row {number}", values)


def _pyarrow(path: Path) -> Any:
    try:
        import pyarrow  # type: ignore[import-untyped, unused-ignore]
        import pyarrow.ipc  # type: ignore[import-untyped, unused-ignore]
        import pyarrow.parquet  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise CaseError(f"{path} needs pyarrow to be read ({error}): pip install 'pytest-ftcheck[data]'") from None
    return pyarrow
