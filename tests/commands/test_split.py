"""`ftcheck split`: files as people have them, written byte for byte, never over another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ftcheck.cli import main

LINES = [
    b'{"prompt": "caf\xc3\xa9 %d?",  "label":"a"}' % n if n % 2 else b'{"prompt": "number %d", "label": "b"}' % n
    for n in range(40)
]


def jsonl(folder: Path, *, head: bytes = b"", end: bytes = b"\n", last: bool = True) -> Path:
    """Write the lines as a JSONL file."""
    path = folder / "rows.jsonl"
    path.write_bytes(head + end.join(LINES) + (end if last else b""))
    return path


def lines_of(path: Path, end: bytes = b"\n") -> list[bytes]:
    """Return a file's lines; the file ends with a line's end."""
    *lines, last = path.read_bytes().split(end)
    assert last == b""
    return lines


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_jsonl_keeps_its_bytes(tmp_path: Path, head: bytes, end: bytes, last: bool) -> None:
    """Each line is in one part as it was, in its order, whatever ends lines and with or without a byte order mark."""
    path = jsonl(tmp_path, head=head, end=end, last=last)
    assert main(["split", str(path)]) == 0
    folder = tmp_path / "rows-split"
    parts = [lines_of(folder / f"{name}.jsonl", end) for name in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [32, 4, 4]
    assert sorted(line for part in parts for line in part) == sorted(LINES)
    assert all(part == [line for line in LINES if line in part] for part in parts)


def test_csv_keeps_quotes_and_line_breaks(tmp_path: Path) -> None:
    """Quoted commas, quotes and line breaks stay within their records; every part has the header."""
    records = [f'{n},"say ""hi"", {n}\nand wait","5"" pipe"'.encode() for n in range(20)]
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([b"id,prompt,note", *records]))
    assert main(["split", str(path), "--shares", "1/1", "--out", str(tmp_path / "out")]) == 0
    found = []
    for name in ("train", "test"):
        content = (tmp_path / "out" / f"{name}.csv").read_bytes()
        assert content.startswith(b"\xef\xbb\xbfid,prompt,note\r\n")
        found += [record for record in records if record + b"\r\n" in content]
        assert content.count(b"\r\n") == 11
    assert sorted(found) == sorted(records)


def test_a_quote_within_a_cell_ends_no_record(tmp_path: Path) -> None:
    """An inch sign in a cell without quotes is text."""
    path = tmp_path / "rows.csv"
    path.write_text('prompt,n\n5" pipe,1\n6 pipes,2\n', encoding="utf-8")
    assert main(["split", str(path), "--shares", "1/1"]) == 0
    parts = [(tmp_path / "rows-split" / f"{name}.csv").read_text() for name in ("train", "test")]
    assert sorted(parts) == ['prompt,n\n5" pipe,1\n', "prompt,n\n6 pipes,2\n"]


def test_other_formats_become_jsonl(tmp_path: Path) -> None:
    """The objects of a JSON list are written one a line."""
    rows = [{"prompt": f"p{n}", "n": n} for n in range(10)]
    (tmp_path / "rows.json").write_text(json.dumps(rows, indent=2))
    assert main(["split", str(tmp_path / "rows.json"), "--shares", "80/20"]) == 0
    parts = [lines_of(tmp_path / "rows-split" / f"{name}.jsonl") for name in ("train", "test")]
    assert [len(part) for part in parts] == [8, 2]
    assert sorted((json.loads(line) for part in parts for line in part), key=lambda row: row["n"]) == rows


def test_folds_hold_every_row_once(tmp_path: Path) -> None:
    """The folds' tests are a partition; each fold trains on what its test does not hold."""
    assert main(["split", str(jsonl(tmp_path)), "--folds", "5", "--stratify", "label"]) == 0
    folder = tmp_path / "rows-split"
    tests = [lines_of(folder / f"fold-{n}.test.jsonl") for n in range(1, 6)]
    assert [len(test) for test in tests] == [8] * 5
    assert sorted(line for test in tests for line in test) == sorted(LINES)
    for number, test in enumerate(tests, 1):
        assert sorted(lines_of(folder / f"fold-{number}.train.jsonl") + test) == sorted(LINES)
        assert sum(b'"b"' in line for line in test) == 4


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One part that is there stops all; --force replaces."""
    path = jsonl(tmp_path)
    (tmp_path / "rows-split").mkdir()
    (tmp_path / "rows-split" / "test.jsonl").write_text("mine")
    assert main(["split", str(path)]) == 2
    assert "test.jsonl is there already; allowed: --force" in capsys.readouterr().err
    assert [one.name for one in (tmp_path / "rows-split").iterdir()] == ["test.jsonl"]
    assert main(["split", str(path), "--force"]) == 0
    assert len(list((tmp_path / "rows-split").iterdir())) == 3
    assert (tmp_path / "rows-split" / "test.jsonl").read_text() != "mine"


def test_what_was_done_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes, strata, and that a gate at five points takes more than the test part has."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"p {n}", "label": "\x1b[2J"}) + "\n" for n in range(100)))
    assert main(["split", str(path), "--stratify", "label"]) == 0
    said = capsys.readouterr().out
    assert "train              80   80.0%" in said
    assert "test has 10 rows: a gate at five points takes 59; with --folds 5 it has all 100" in said
    assert "label=\\x1b[2J" in said
    assert main(["split", str(path), "--json", "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["parts"] == {"train": 80, "validation": 10, "test": 10}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shares", "80/x"], "--shares is '80/x'"),
        (["--shares", "80/-10/10"], "--shares is '80/-10/10'"),
        (["--folds", "1"], "--folds is 1"),
        (["--stratify", "colour"], "rows.jsonl:1: no field 'colour'"),
    ],
)
def test_what_cannot_be_meant_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    """The option and its value are named, and nothing is written."""
    path = jsonl(tmp_path)
    assert main(["split", str(path), *options]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", b"a,b\n1\n", "rows.csv:2: 1 values; allowed: 2"),
        ("rows.csv", b'a,b\n1,"2\n', "rows.csv:2: broken CSV"),
        ("rows.csv", b"a,a\n1,2\n", "the header names 'a' more than once"),
        ("rows.csv", b"a,b\n\xff,2\n", "rows.csv:2: not UTF-8"),
        ("rows.jsonl", b'{"a": 1}\n{\n', "rows.jsonl:2: broken JSON"),
        ("rows.jsonl", b"", "holds no row"),
        ("rows.doc", b"a", "ends with '.doc'"),
    ],
)
def test_what_cannot_be_read_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    """The file and the line are named."""
    (tmp_path / name).write_bytes(content)
    assert main(["split", str(tmp_path / name)]) == 2
    assert said in capsys.readouterr().err
