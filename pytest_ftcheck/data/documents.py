"""Rows out of plain text: a file of documents, or a folder with one document a file. It knows no fields but its own.

A document is what a model reads at once, and one case. In a file, documents end at lines that hold nothing but
`<|endoftext|>`; in a file without such a line, at blank lines, so that each paragraph is a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_ftcheck.data.rows import Row, whole_text

SEPARATOR = "<|endoftext|>"


def read_text(path: Path) -> Iterator[Row]:
    """Give the documents of a text file, each called by the line it begins in ("L12"). Raises CaseError."""
    lines = whole_text(path).split("\n")
    parted = any(line.strip() == SEPARATOR for line in lines)
    first, held = 1, list[str]()
    for number, line in enumerate([*lines, SEPARATOR if parted else ""], 1):
        if line.strip() == (SEPARATOR if parted else ""):
            if any(each.strip() for each in held):
                yield Row(f"{path}:{first}", {"id": f"L{first}", "input": "\n".join(held).removesuffix("\r")})
            first, held = number + 1, []
        else:
            held.append(line)


def read_text_folder(folder: Path) -> Iterator[Row]:
    """Give the .txt files in and below a folder, each a document as it stands, called by its path. Raises CaseError."""
    for path in text_files(folder):
        yield Row(str(path), {"id": path.relative_to(folder).as_posix(), "input": whole_text(path)})


def text_files(folder: Path) -> list[Path]:
    """Return the .txt files in and below a folder, by their paths."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".txt" and path.is_file())
