"""Rows with the bytes that they are made of, so that they can be written again as they were. It knows no fields."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.rows import BOM, read_jsonl
from pytest_ftcheck.data.sources import READERS, rows_of_path
from pytest_ftcheck.data.values import named, to_plain
from pytest_ftcheck.errors import CaseError

JSONL = (".jsonl", ".ndjson")
DELIMITERS = {".csv": ",", ".tsv": "\t"}

_LINE_END = re.compile(rb"\r\n|\n|\r")
_LINE_ENDS = re.compile(rb"(?:\r\n|\n|\r)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row: where it stands, its values, and its bytes without a line's end."""

    place: str
    values: dict[str, Any]
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """All rows of a file, and what stands around them: the bytes before the first, what ends a line, the suffix."""

    rows: tuple[RawRow, ...]
    head: bytes
    line_end: bytes
    suffix: str

    def joined(self, rows: Sequence[RawRow]) -> bytes:
        """Return the bytes of a file of some of the rows."""
        return self.head + b"".join(row.raw + self.line_end for row in rows)


def read_raw(path: Path) -> RawFile:
    """Read a file of rows. JSONL, CSV and TSV keep their bytes; other formats become JSONL. Raises CaseError."""
    suffix = path.suffix.lower()
    if path.is_file() and suffix in JSONL:
        return _read_jsonl(path, suffix)
    if path.is_file() and suffix in DELIMITERS:
        return _read_delimited(path, suffix)
    rows = tuple(
        RawRow(place=place, values=values, raw=_as_json(values, place)) for place, values in rows_of_path(path)
    )
    return _filled(path, RawFile(rows=rows, head=b"", line_end=b"\n", suffix=".jsonl"))


def _read_jsonl(path: Path, suffix: str) -> RawFile:
    content = _bytes(path)
    lines = content.removeprefix(BOM).split(b"\n")
    rows = []
    for place, values in read_jsonl(path):
        raw = lines[int(place.rpartition(":")[2]) - 1]
        rows.append(RawRow(place=place, values=values, raw=raw.removesuffix(b"\r")))
    return _filled(path, RawFile(rows=tuple(rows), head=b"", line_end=_line_end(content), suffix=suffix))


def _read_delimited(path: Path, suffix: str) -> RawFile:
    """Cut a CSV file into records, each with its bytes; the header, with a byte order mark, heads every part."""
    content = _bytes(path)
    rows: list[RawRow] = []
    columns: list[str] = []
    head = b""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        for line, raw, values in _records(content.removeprefix(BOM), DELIMITERS[suffix], path):
            place = f"{path}:{line}"
            if not columns:
                columns, head = values, raw
                _check_header(columns, place)
            elif len(values) != len(columns):
                raise CaseError(f"{place}: {len(values)} values; allowed: {len(columns)}, one for each column")
            else:
                rows.append(RawRow(place=place, values=dict(zip(columns, values, strict=True)), raw=raw))
    finally:
        csv.field_size_limit(limit)
    end = _line_end(content)
    mark = BOM if content.startswith(BOM) else b""
    return _filled(path, RawFile(rows=tuple(rows), head=mark + head + end, line_end=end, suffix=suffix))


def _records(content: bytes, delimiter: str, path: Path) -> Iterator[tuple[int, bytes, list[str]]]:
    """Give each record with its first line's number, its bytes and its values: csv itself says where it ends."""
    taken: list[bytes] = []
    first = 1

    def lines() -> Iterator[str]:
        for number, raw in enumerate(content.splitlines(keepends=True), 1):
            taken.append(raw)
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise CaseError(f"{path}:{number}: not UTF-8 ({error.reason}); allowed: UTF-8 text") from None

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for values in reader:
            raw = b"".join(taken)
            taken.clear()
            if values:
                yield first, _LINE_ENDS.sub(b"", raw), values
            first = reader.line_num + 1
    except csv.Error as error:
        raise CaseError(f"{path}:{first}: broken CSV in the row that begins here: {error}") from None


def _check_header(columns: Sequence[str], place: str) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise CaseError(f"{place}: the header names {named(twice)} more than once; allowed: each column once")


def _as_json(values: dict[str, Any], place: str) -> bytes:
    try:
        return json.dumps(to_plain(values), ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        raise CaseError(f"{place}: a value {error}") from None


def _line_end(content: bytes) -> bytes:
    found = _LINE_END.search(content)
    return found[0] if found else b"\n"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror or error}") from None


def _filled(path: Path, file: RawFile) -> RawFile:
    if not file.rows:
        raise CaseError(f"{path} holds no row; allowed: rows in a file that ends with {named(READERS)}")
    return file
