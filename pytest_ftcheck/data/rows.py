"""Rows out of text files: JSONL, JSON, CSV and TSV, each with the line it stands on. It knows no fields.

Files are UTF-8, with or without a byte order mark; lines end as they like; blank lines are passed over.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pytest_ftcheck.data.values import named, shown
from pytest_ftcheck.errors import CaseError

BOM = b"\xef\xbb\xbf"
_JSON_SPACE = " \t\r\n"
_decoder = json.JSONDecoder()


class Row(NamedTuple):
    """One row, and where it stands ("cases.jsonl:7") for messages."""

    place: str
    values: dict[str, Any]


def read_jsonl(path: Path) -> Iterator[Row]:
    """Give the objects of a file that holds one JSON object a line. Raises CaseError."""
    offset = 0
    with path.open("rb") as lines:
        # Only "\n" ends a line of JSONL: JSON text may hold every other separator that str.splitlines knows.
        for number, raw in enumerate(lines, 1):
            line = raw[len(BOM) :] if number == 1 and raw.startswith(BOM) else raw
            if not line.isspace() and line:
                place = f"{path}:{number}"
                text = _decode(line, path, line=number, offset=offset + len(raw) - len(line))
                yield Row(place, _object(_parse(text, place), place))
            offset += len(raw)


def read_json(path: Path) -> Iterator[Row]:
    """Give the objects of a file that holds a JSON list of them. Raises CaseError."""
    text = whole_text(path)
    position, line = _skip_space(text, 0, 1)
    if not text.startswith("[", position):
        _refuse_json(text, path)
        return
    position, line = _skip_space(text, position + 1, line)
    while not text.startswith("]", position):
        place = f"{path}:{line}"
        value, end = _parse_at(text, position, path)
        yield Row(place, _object(value, place))
        line += text.count("\n", position, end)
        position, line = _skip_space(text, end, line)
        if text.startswith(",", position):
            position, line = _skip_space(text, position + 1, line)
        elif not text.startswith("]", position):
            raise CaseError(f"{path}:{line}: broken JSON: expected ',' or ']' after the row before")
    position, line = _skip_space(text, position + 1, line)
    if position < len(text):
        raise CaseError(f"{path}:{line}: broken JSON: text after the end of the list")


def read_csv(path: Path, *, delimiter: str) -> list[Row]:
    """Return the rows of a file whose first row names the columns; all values are text. Raises CaseError."""
    # The limit on a field's size is a setting of the csv module, hence of the whole process: lend it, and give it back.
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return _read_csv(path, delimiter)
    finally:
        csv.field_size_limit(limit)


def _read_csv(path: Path, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(whole_text(path), newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    columns: list[str] = []
    line = 1
    try:
        for values in reader:
            if not values:
                pass
            elif not columns:
                columns = _columns(values, f"{path}:{line}")
            else:
                rows.append(Row(f"{path}:{line}", _cells(columns, values, f"{path}:{line}")))
            line = reader.line_num + 1
    except csv.Error as error:
        raise CaseError(f"{path}:{line}: broken CSV in the row that begins here: {error}") from None
    return rows


def _columns(names: list[str], place: str) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CaseError(f"{place}: the header names {named(twice)} more than once; allowed: each column once")
    return names


def _cells(columns: list[str], values: list[str], place: str) -> dict[str, str]:
    if len(values) < len(columns):
        raise CaseError(f"{place}: no value for {named(columns[len(values) :])}; allowed: {len(columns)} values a row")
    if len(values) > len(columns):
        extra = named(value[:40] for value in values[len(columns) :])
        raise CaseError(f"{place}: values without a column: {extra}; allowed: {len(columns)} values a row")
    return dict(zip(columns, values, strict=True))


def whole_text(path: Path) -> str:
    """Return the text of a file without its byte order mark. Raises CaseError naming a byte that is not UTF-8."""
    raw = path.read_bytes()
    start = len(BOM) if raw.startswith(BOM) else 0
    return _decode(raw[start:], path, line=1, offset=start)


def _decode(raw: bytes, path: Path, *, line: int, offset: int) -> str:
    """Read bytes that begin in `line` at byte `offset` of a file."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line += raw.count(b"\n", 0, error.start)
        byte = f"byte {offset + error.start} is {raw[error.start]:#04x}"
        raise CaseError(f"{path}:{line}: {byte}, which is not UTF-8 ({error.reason}); allowed: UTF-8 text") from None


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CaseError(f'{place}: the row is {shown(value)}; allowed: an object, {{"input": ...}}')
    return value


def _parse(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise CaseError(f"{place}: broken JSON at column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{place}: JSON that cannot be read: {error}") from None


def _parse_at(text: str, position: int, path: Path) -> tuple[Any, int]:
    try:
        return _decoder.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise CaseError(f"{path}:{error.lineno}: broken JSON at column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        line = text.count("\n", 0, position) + 1
        raise CaseError(f"{path}:{line}: JSON that cannot be read: {error}") from None


def _refuse_json(text: str, path: Path) -> None:
    if text and not text.isspace():
        value = _parse(text, str(path))
        raise CaseError(f"{path}: holds {shown(value)}; allowed: a list of objects, or JSONL in a .jsonl file")


def _skip_space(text: str, position: int, line: int) -> tuple[int, int]:
    start = position
    while position < len(text) and text[position] in _JSON_SPACE:
        position += 1
    return position, line + text.count("\n", start, position)
