"""Where a benchmark's rows are: a file, a folder of `datasets` or of a hub repository's files, or the hub itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.rows import Row
from pytest_ftcheck.data.sources import READERS, rows_of_path
from pytest_ftcheck.errors import CaseError


def rows_of(source: str | Path, *, base_dir: Path, config: str | None, split: str) -> Iterator[Row]:
    """Give a benchmark's rows. A path is relative to `base_dir`; what is none is an id on the hub.

    A folder is one that `datasets` saved, or a copy of a hub repository: its files whose names begin with the split,
    in the folder of the config where there is one. Raises CaseError naming what was looked for.
    """
    path = base_dir / source
    if path.is_file():
        yield from rows_of_path(path)
    elif path.is_dir():
        yield from _of_folder(path, config, split)
    else:
        yield from _of_hub(str(source), path, config, split)


def _of_folder(folder: Path, config: str | None, split: str) -> Iterator[Row]:
    if (folder / "state.json").is_file():
        yield from rows_of_path(folder)
        return
    if (folder / split / "state.json").is_file():
        yield from rows_of_path(folder / split)
        return
    found = sorted(file for file in folder.rglob(f"{split}*") if file.suffix.lower() in READERS and file.is_file())
    within = [file for file in found if config in file.relative_to(folder).parts] or found
    if not within:
        raise CaseError(
            f"{folder} has no split {split!r}; allowed: a folder that datasets saved, or files named {split}*.parquet, "
            f"{split}*.jsonl or the like"
        )
    if len({file.parent for file in within}) > 1:
        folders = ", ".join(sorted({str(file.parent.relative_to(folder)) for file in within}))
        raise CaseError(f"{folder} has files of {split!r} in {folders}; allowed: config=, the name of one of these")
    for file in within:
        yield from rows_of_path(file)


def _of_hub(name: str, path: Path, config: str | None, split: str) -> Iterator[Row]:
    try:
        # Imported only for the hub: it brings pandas.
        import datasets  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        why = f"{name} is no file, and the hub needs datasets ({error}): pip install 'pytest-ftcheck[data]'"
        raise CaseError(why) from None
    try:
        table: Any = datasets.load_dataset(name, config, split=split)
    except Exception as error:  # noqa: BLE001 - whatever the hub's libraries raise, there are no rows
        raise CaseError(
            f"there is no {path}, and {name!r} (config {config}, split {split}) cannot be had from the hub: {error}"
        ) from None
    for number, values in enumerate(table, 1):
        yield Row(f"{name} {split} row {number}", dict(values))
