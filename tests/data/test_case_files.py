"""Case files: what is written is what is loaded, and each fault is one error with file, line and field."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ftcheck.data.cases import load_cases
from pytest_ftcheck.errors import CaseError
from pytest_ftcheck.records import Case

ANY_TEXT = st.text(st.characters(exclude_categories=()))
PROMPTS = st.text(min_size=1).filter(lambda text: not text.isspace())
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
RESERVED = {"id", "input", "expected"}
OTHERS = st.dictionaries(ANY_TEXT.filter(lambda name: name not in RESERVED), PLAIN, max_size=3)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the files of a property's examples, each written over the last."""
    return tmp_path_factory.mktemp("cases")


def load(folder: Path, name: str, content: str | bytes, **mapping: Any) -> tuple[Case, ...]:
    """Write a file and load its cases."""
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    return load_cases(name, base_dir=folder, name="test_eval", **mapping)


def refuse(folder: Path, name: str, content: str | bytes, message: str, **mapping: Any) -> None:
    """Assert that loading fails with an error that begins with the file's path and goes on with `message`."""
    with pytest.raises(CaseError) as caught:
        load(folder, name, content, **mapping)
    said = str(caught.value)
    assert re.match(re.escape(str(folder / name)) + message, said, re.DOTALL), said


ROWS = st.lists(
    st.builds(
        lambda prompt, expected, others: {"input": prompt, "expected": expected, **others}, PROMPTS, PLAIN, OTHERS
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(rows=ROWS, ascii=st.booleans(), end=st.sampled_from(["\n", "\r\n", "\n\n"]), bom=st.booleans())
def test_jsonl_round_trip(room: Path, rows: list[dict[str, Any]], ascii: bool, end: str, bom: bool) -> None:
    """Whatever JSON can hold comes back equal, with any line end, blank lines and a byte order mark."""
    lines = [json.dumps({"id": str(number), **row}, ensure_ascii=True) for number, row in enumerate(rows)]
    if not ascii:
        lines = [re.sub(r"\\u(?!d[89a-f])[0-9a-f]{4}", unescape, line) for line in lines]
    raw = ("\ufeff" if bom else "") + "".join(line + end for line in lines)
    cases = load(room, "cases.jsonl", raw)
    # The standard library is the oracle: what it writes and reads back.
    assert [(case.input, case.expected, case.fields) for case in cases] == [
        (row["input"], row["expected"], {name: value for name, value in row.items() if name not in RESERVED})
        for row in json.loads(json.dumps(rows))
    ]
    assert [case.id for case in cases] == [str(number) for number in range(len(rows))]


def unescape(escape: re.Match[str]) -> str:
    """Return the character of an escape, or the escape where JSON needs it."""
    character = chr(int(escape.group()[2:], 16))
    return character if character >= " " and character not in '"\\' else escape.group()


@settings(deadline=None)
@given(rows=ROWS, indent=st.none() | st.integers(0, 3))
def test_json_list_round_trip(room: Path, rows: list[dict[str, Any]], indent: int | None) -> None:
    """A JSON list of objects gives the cases that JSONL gives, however it is laid out."""
    rows = [{"id": str(number), **row} for number, row in enumerate(rows)]
    listed = load(room, "cases.json", json.dumps(rows, indent=indent))
    lined = load(room, "cases.jsonl", "\n".join(map(json.dumps, rows)))
    assert [case.digest for case in listed] == [case.digest for case in lined]


CELLS = st.text(st.characters(codec="utf-8"))


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(PROMPTS.filter(str.isprintable) | st.just('a\nb,"c"'), CELLS, CELLS), min_size=1, max_size=4
    ),
    kind=st.sampled_from([("csv", ","), ("tsv", "\t")]),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
def test_csv_round_trip(
    room: Path, rows: list[tuple[str, str, str]], kind: tuple[str, str], end: str, bom: bool
) -> None:
    """Quotes, delimiters and line ends within fields come back as the csv module wrote them."""
    suffix, delimiter = kind
    path = room / f"cases.{suffix}"
    with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerow(["id", "input", "expected", "note"])
        writer.writerows([str(number), *row] for number, row in enumerate(rows))
    cases = load_cases(path, base_dir=room, name="test_eval")
    assert [(case.id, case.input, case.expected, case.fields) for case in cases] == [
        (str(number), prompt, expected, {"note": note}) for number, (prompt, expected, note) in enumerate(rows)
    ]


def test_line_separators_within_json_text_do_not_end_lines(tmp_path: Path) -> None:
    """Characters that str.splitlines cuts at stand within a line of JSONL."""
    text = "a\u2028b\u0085c\u001cd"
    (case,) = load(tmp_path, "c.jsonl", '{"input": "a\u2028b\u0085c\\u001cd"}\n')
    assert case.input == text


def test_place_is_the_physical_line(tmp_path: Path) -> None:
    """A case knows its line: blank lines count in JSONL, and lines within quoted fields in CSV."""
    lined = load(tmp_path, "c.jsonl", '\n{"input": "a"}\n\n{"input": "b"}')
    quoted = load(tmp_path, "c.csv", 'input\n"a\nb"\n\nc\n')
    listed = load(tmp_path, "c.json", '\n[\n{"input":\n"a"},\n\n{"input": "b"}]')
    places = [case.source.removeprefix(f"{tmp_path}/") for case in (*lined, *quoted, *listed)]
    assert places == ["c.jsonl:2", "c.jsonl:4", "c.csv:2", "c.csv:5", "c.json:3", "c.json:6"]


def test_huge_fields_are_read(tmp_path: Path) -> None:
    """A field of a megabyte is read from CSV, and the csv module's limit is what it was before."""
    before = csv.field_size_limit()
    (case,) = load(tmp_path, "c.csv", f"input\n{'x' * 1_000_000}\n")
    assert (len(case.input), csv.field_size_limit()) == (1_000_000, before)


BAD_ROWS = [
    ("c.jsonl", '{"input": "a"}\n{"input": \n', r":2: broken JSON at column \d+: Expecting value"),
    ("c.jsonl", '{"input": "a"} {"input": "b"}\n', r":1: broken JSON at column 16: Extra data"),
    ("c.jsonl", '{"input": "a"}\n["b"]\n', r":2: the row is \['b'\] \(list\); allowed: an object"),
    ("c.jsonl", '{"input": "a"}\n3\n', r":2: the row is 3 \(int\); allowed: an object"),
    ("c.jsonl", "[" * 100_000, r":1: JSON that cannot be read: "),
    ("c.jsonl", b'{"input": "a"}\n{"input": "\xe9"}\n', r":2: byte 26 is 0xe9, which is not UTF-8 .*; allowed: UTF-8"),
    ("c.jsonl", '{"input": "a"}'.encode("utf-16"), r":1: byte 0 is 0xff, which is not UTF-8"),
    ("c.jsonl", "", r" holds no case; allowed: at least one"),
    ("c.jsonl", "\ufeff\n \r\n", r" holds no case; allowed: at least one"),
    ("c.jsonl", '{"body": "a", "id": 1}\n', r":1: no input: none of 'input', 'prompt', .*; the row has 'body', 'id'"),
    ("c.jsonl", '{"input": 3}\n', r":1: field 'input' is 3 \(int\); allowed: a prompt, a list of messages"),
    ("c.jsonl", '{"prompt": ""}\n', r":1: field 'prompt' is '' \(str\); allowed: text"),
    ("c.jsonl", '{"input": " \\n"}\n', r":1: field 'input' is ' \\n' \(str\); allowed: text"),
    ("c.jsonl", '{"input": []}\n', r":1: field 'input' is empty; allowed: "),
    (
        "c.jsonl",
        '{"input": "a\\ud800"}\n',
        r":1: field 'input' holds the lone surrogate U\+D800 at character 1; allowed",
    ),
    ("c.jsonl", '{"input": "a", "expected": NaN}\n', r":1: field 'expected' is nan; allowed: text, finite numbers"),
    ("c.jsonl", '{"input": "a", "x": {"y": [1e999]}}\n', r":1: field 'x' is inf; allowed: text, finite numbers"),
    ("c.jsonl", '{"input": "a", "id": true}\n', r":1: the id is True \(bool\); allowed: text .* or a whole number"),
    ("c.jsonl", '{"input": "a", "id": null}\n', r":1: the id is None \(NoneType\); allowed"),
    ("c.jsonl", '{"input": "a", "id": 1.5}\n', r":1: the id is 1\.5 \(float\); allowed"),
    ("c.jsonl", '{"input": "a", "id": ""}\n', r":1: the id is '' \(str\); allowed: text that is not empty"),
    (
        "c.jsonl",
        '{"input": "a", "id": 1}\n{"input": "b", "id": "1"}\n',
        r":2: the id '1' \(str\) stands at .*c\.jsonl:1 al",
    ),
    (
        "c.jsonl",
        '{"input": "a"}\n\n{"input": "a"}\n',
        r":3 has no id and the content of .*c\.jsonl:1; allowed: rows that d",
    ),
    ("c.json", '{"data": []}', r": holds \{'data': \[\]\} \(dict\); allowed: a list of objects"),
    ("c.json", '[{"input": "a"},\n{"input": }]', r":2: broken JSON at column 11: Expecting value"),
    ("c.json", '[{"input": "a"}\n{"input": "b"}]', r":2: broken JSON: expected ',' or '\]'"),
    ("c.json", '[{"input": "a"}]\n\nx', r":3: broken JSON: text after the end"),
    ("c.json", '[{"input": "a"}', r":1: broken JSON: expected ',' or '\]'"),
    ("c.json", '[\n{"input": "a"},\n"b"]', r":3: the row is 'b' \(str\); allowed: an object"),
    ("c.json", "[]", r" holds no case"),
    ("c.json", "", r" holds no case"),
    ("c.csv", "", r" holds no case"),
    ("c.csv", "input,expected\n", r" holds no case"),
    ("c.csv", "input,expected\na,b\nc\n", r":3: no value for 'expected'; allowed: 2 values a row"),
    ("c.csv", 'input,expected\n"a\n\n",b\nc,d,e\n', r":5: values without a column: 'e'; allowed: 2 values a row"),
    ("c.csv", "input,note,input\na,b,c\n", r":1: the header names 'input' more than once"),
    ("c.csv", 'input\na\n"b\nc\n', r":3: broken CSV in the row that begins here: unexpected end of data"),
    ("c.csv", 'input\na\n"b"c\n', r":3: broken CSV in the row that begins here: "),
    ("c.csv", "input;expected\na;b\n", r":2: no input: .*; the row has 'input;expected'"),
    ("c.csv", b"input\nok\ncaf\xe9\n", r":3: byte 12 is 0xe9, which is not UTF-8"),
    (
        "c.md",
        "a",
        r" ends with '\.md'; allowed: '\.jsonl', '\.ndjson', '\.json', '\.csv', '\.tsv', '\.parquet', '\.txt', a ",
    ),
    ("c.parquet", "no parquet", r" cannot be read as Parquet: "),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_ROWS)
def test_fault_is_one_error_with_its_place(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    """Each fault of a file is a CaseError that begins with the file and line and says what is allowed."""
    refuse(tmp_path, name, content, message)


def test_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    """A path that does not exist is refused with the nearest name in its folder."""
    (tmp_path / "intents.jsonl").touch()
    with pytest.raises(CaseError, match=r"no such file: .*/intent\.jsonl \(did you mean 'intents\.jsonl'\?\)"):
        load_cases("intent.jsonl", base_dir=tmp_path, name="test_eval")


def test_missing_folder_is_the_part_that_is_named(tmp_path: Path) -> None:
    """Where a folder of the path is missing, that is what is named."""
    (tmp_path / "data").mkdir()
    with pytest.raises(CaseError, match=r"no such file: .*; there is no .*/dat \(did you mean 'data'\?\)"):
        load_cases("dat/intents.jsonl", base_dir=tmp_path, name="test_eval")


@pytest.mark.parametrize("path", ["", "a\0b.jsonl", "x" * 5000 + ".jsonl"])
def test_impossible_paths_are_refused(tmp_path: Path, path: str) -> None:
    """A path that no system can have is a CaseError too."""
    with pytest.raises(CaseError):
        load_cases(path, base_dir=tmp_path, name="test_eval")


def test_absolute_paths_stand(tmp_path: Path) -> None:
    """An absolute path does not depend on the test file's folder."""
    (tmp_path / "c.jsonl").write_text('{"input": "a"}')
    assert len(load_cases(tmp_path / "c.jsonl", base_dir=Path("/nowhere"), name="test_eval")) == 1


def test_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    """Suffixes are known in any case of letters."""
    assert len(load(tmp_path, "C.JSONL", '{"input": "a"}')) == 1
