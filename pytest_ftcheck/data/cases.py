"""Cases out of rows: which field is what, and what is refused. It knows nothing of files' formats or of pytest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.inputs import to_input
from pytest_ftcheck.data.rows import Row
from pytest_ftcheck.data.sources import Source, rows_of_path, rows_of_python
from pytest_ftcheck.data.values import named, shown, to_plain
from pytest_ftcheck.errors import CaseError
from pytest_ftcheck.records import Case
from pytest_ftcheck.suggestions import did_you_mean

FieldName = str | Callable[[Mapping[str, Any]], Any]

INPUT_FIELDS = ("input", "prompt", "question", "messages", "turns", "text")
EXPECTED_FIELDS = ("expected", "answer", "label", "target", "output")
DERIVED_ID_DIGITS = 10

_ABSENT: Any = object()


def load_cases(
    source: Source,
    *,
    base_dir: Path,
    input: FieldName | None = None,
    expected: FieldName | None = None,
    id: FieldName | None = None,
    cluster: FieldName | None = None,
    tags: Sequence[str] = (),
    name: str,
) -> tuple[Case, ...]:
    """Load the cases of an eval, in the source's order.

    `source` is a .jsonl, .ndjson, .json, .csv, .tsv, .parquet or .txt file, a folder saved by `datasets` or one of
    .txt files, relative to `base_dir`; or an iterable of mappings or of Case, or a callable that returns one. `input`,
    `expected`, `id` and `cluster` name fields: by name, by a dotted path ("meta.lang", "answers.0") or as a function
    of the row; `tags` are field names whose values become text. Without `input` and `expected` the first field there
    is of INPUT_FIELDS and EXPECTED_FIELDS is taken, without `id` the field "id"; a row without an id is called by
    the first 10 hexadecimal digits of its content's hash. All other fields are in `Case.fields`. A Case is taken
    as it is. `name` is the eval's name, for messages.
    Raises CaseError naming the file, the line (or row), the field, its value and what is allowed.
    """
    mapping = _Mapping(input=input, expected=expected, id=id, cluster=cluster, tags=tuple(tags))
    seen: dict[str, Case] = {}
    if isinstance(source, str | Path):
        where = str(base_dir / source)
        for row in rows_of_path(base_dir / source):
            _keep(seen, mapping.case_of(row))
    else:
        where = f"{name}: the iterable"
        for number, entry in enumerate(rows_of_python(source, name), 1):
            case = _checked(entry, f"{name} row {number}") if isinstance(entry, Case) else mapping.case_of(entry)
            _keep(seen, case)
    if not seen:
        raise CaseError(f"{where} holds no case; allowed: at least one (an iterator can be read only once)")
    return tuple(seen.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mapping:
    """Which field of a row is what."""

    input: FieldName | None
    expected: FieldName | None
    id: FieldName | None
    cluster: FieldName | None
    tags: tuple[str, ...]

    def case_of(self, row: Row) -> Case:
        """Return a row's case, with an empty id where the row has none. Raises CaseError."""
        values = _plain_row(row)
        used: set[str] = set()
        given = _find(row, values, self.input, INPUT_FIELDS, "input", used)
        if given is _ABSENT:
            raise CaseError(
                f"{row.place}: no input: none of {named(INPUT_FIELDS)} is there; "
                f"the row has {named(values)}, and input= may name one of them"
            )
        try:
            prompt = to_input(given)
        except ValueError as error:
            raise CaseError(f"{row.place}: {_called(self.input, INPUT_FIELDS, values)} {error}") from None
        expected = _find(row, values, self.expected, EXPECTED_FIELDS, "expected", used)
        cluster = _find(row, values, self.cluster, (), "cluster", used)
        tags = {tag: _find(row, values, tag, (), "tags", used) for tag in self.tags}
        case_id = _find(row, values, self.id, ("id",), "id", used)
        return Case(
            id="" if case_id is _ABSENT else _id(case_id, row.place),
            input=prompt,
            expected=None if expected is _ABSENT else expected,
            cluster=None if cluster is _ABSENT else _cluster(cluster, row.place),
            tags={tag: _tag(value, tag, row.place) for tag, value in tags.items() if value is not None},
            fields={key: value for key, value in values.items() if key not in used},
            source=row.place,
        )


def _plain_row(row: Row) -> dict[str, Any]:
    plain = {}
    for key, value in row.values.items():
        if not isinstance(key, str):
            raise CaseError(f"{row.place}: a field is called {shown(key)}; allowed: text")
        try:
            plain[key] = to_plain(value)
        except ValueError as error:
            raise CaseError(f"{row.place}: field {key!r} {error}") from None
    return plain


def _find(
    row: Row, values: dict[str, Any], field: FieldName | None, defaults: tuple[str, ...], keyword: str, used: set[str]
) -> Any:
    """Return the value that `field` names, or of the first default there is; note a field that was used up."""
    if field is None:
        field = next((default for default in defaults if default in values), None)
        if field is None:
            return _ABSENT
    if callable(field):
        try:
            return to_plain(field(values))
        except ValueError as error:
            raise CaseError(f"{row.place}: {keyword}={_function_name(field)}: the value {error}") from None
    if field in values:
        used.add(field)
        return values[field]
    return _find_path(row, values, field, keyword)


def _find_path(row: Row, values: dict[str, Any], path: str, keyword: str) -> Any:
    found: Any = values
    for part in path.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            raise CaseError(
                f"{row.place}: no field {path!r}, which {keyword}= names{did_you_mean(path, values)}; "
                f"the row has {named(values)}"
            )
    return found


def _called(field: FieldName | None, defaults: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """Name the field that a value came from."""
    if field is None:
        field = next(default for default in defaults if default in values)
    return f"the value of input={_function_name(field)}" if callable(field) else f"field {field!r}"


def _function_name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))


def _id(value: Any, place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise CaseError(f"{place}: the id is {shown(value)}; allowed: text that is not empty, or a whole number")
    return value


def _cluster(value: Any, place: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise CaseError(f"{place}: the cluster is {shown(value)}; allowed: text, a whole number or null")


def _tag(value: Any, tag: str, place: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        raise CaseError(f"{place}: tag {tag!r} is {shown(value)}; allowed: text, a number, true, false or null")
    return json.dumps(value)


def _checked(case: Case, place: str) -> Case:
    """Hold a Case made by hand to what a row is held to. Raises CaseError."""
    if not isinstance(case.id, str) or not case.id:
        raise CaseError(f"{place}: the id is {shown(case.id)}; allowed: text that is not empty")
    try:
        prompt = to_input(case.input)
        to_plain(case.expected) if isinstance(case.expected, float) else None
    except ValueError as error:
        raise CaseError(f"{place}: case {case.id!r}: its input or expected {error}") from None
    return dataclasses.replace(case, input=prompt, source=case.source or place)


def _keep(seen: dict[str, Case], case: Case) -> None:
    """Enter a case under its id, or under one made from its content. Raises CaseError for an id that is there."""
    if not case.id:
        case = _with_derived_id(seen, case)
    first = seen.setdefault(case.id, case)
    if first is not case:
        raise CaseError(
            f"{case.source}: the id {shown(case.id)} stands at {first.source} already; allowed: each id once"
        )


def _with_derived_id(seen: Mapping[str, Case], case: Case) -> Case:
    content = case.digest
    # Among 100,000 cases one time in 200 two share their first 10 digits: the later one is then called by more.
    for digits in (DERIVED_ID_DIGITS, 2 * DERIVED_ID_DIGITS):
        first = seen.get(content[:digits])
        if first is None:
            return dataclasses.replace(case, id=content[:digits])
        if first.digest == content:
            raise CaseError(
                f"{case.source} has no id and the content of {first.source}; "
                "allowed: rows that differ, or an id for each (id= may name the field)"
            )
    return dataclasses.replace(case, id=content)
