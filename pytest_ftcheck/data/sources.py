"""Where rows come from: a path by its suffix, or Python. It knows no fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.columnar import is_saved_dataset, read_parquet, read_saved_dataset
from pytest_ftcheck.data.documents import read_text, read_text_folder, text_files
from pytest_ftcheck.data.rows import Row, read_csv, read_json, read_jsonl
from pytest_ftcheck.data.values import named, shown
from pytest_ftcheck.errors import CaseError
from pytest_ftcheck.records import Case
from pytest_ftcheck.suggestions import did_you_mean

Source = str | Path | Iterable[Any] | Callable[[], Iterable[Any]]

READERS: Mapping[str, Callable[[Path], Iterable[Row]]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": lambda path: read_csv(path, delimiter=","),
    ".tsv": lambda path: read_csv(path, delimiter="\t"),
    ".parquet": read_parquet,
    ".txt": read_text,
}


def rows_of_path(path: Path) -> Iterator[Row]:
    """Give the rows of a file, a saved dataset's folder or a folder of texts. Raises CaseError."""
    try:
        if path.is_dir() and not is_saved_dataset(path) and text_files(path):
            yield from read_text_folder(path)
        elif path.is_dir():
            yield from read_saved_dataset(path)
        elif not path.exists():
            raise CaseError(f"no such file: {path}{_neighbour(path)}")
        elif path.suffix.lower() not in READERS:
            raise CaseError(
                f"{path} ends with {path.suffix!r}; allowed: {named(READERS)}, a saved dataset or a folder of texts"
            )
        else:
            yield from READERS[path.suffix.lower()](path)
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror or error}") from None


def rows_of_python(source: Iterable[Any] | Callable[[], Iterable[Any]], name: str) -> Iterator[Row | Case]:
    """Give the rows or cases of an iterable, or of what a callable returns. Raises CaseError."""
    given: object = source() if callable(source) and not isinstance(source, Iterable) else source
    if not isinstance(given, Iterable) or isinstance(given, Mapping | str | bytes):
        raise CaseError(f"{name}: the cases are {shown(given)}; allowed: a path, or an iterable of mappings or of Case")
    for number, entry in enumerate(given, 1):
        if isinstance(entry, Case):
            yield entry
        elif isinstance(entry, Mapping):
            yield Row(f"{name} row {number}", dict(entry))
        else:
            raise CaseError(f"{name} row {number} is {shown(entry)}; allowed: a mapping or a Case")


def _neighbour(path: Path) -> str:
    """Say which part of the path is missing, and what stands there under a similar name."""
    missing = path
    while not missing.parent.is_dir() and missing.parent != missing:
        missing = missing.parent
    try:
        names = [entry.name for entry in missing.parent.iterdir()]
    except (OSError, ValueError):
        return ""
    where = "" if missing == path else f"; there is no {missing}"
    return where + did_you_mean(missing.name, names)
