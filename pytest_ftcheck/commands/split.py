"""`ftcheck split`: a file of rows into train, validation and test parts, or into folds."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from pytest_ftcheck.data.raw_rows import RawFile, read_raw
from pytest_ftcheck.data.split import Split, split_rows
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert

PARTS = ("train", "validation", "test")
LEAST_CASES = 59
"""Cases that a gate at five points takes where ft merely ties base."""
SHOWN_STRATA = 20

EPILOG = """\
Rows keep their bytes (JSONL, CSV, TSV; other formats become JSONL) and their order. Rows with the same prompt, but for
case, spacing and punctuation, stay on one side. The parts depend on the rows and the seed, never on the rows' order.
With --folds K, fold-1.test.jsonl to fold-K.test.jsonl hold every row once, and fold-1.train.jsonl all that fold-1.test
does not. No file is overwritten without --force; all parts are written, or none.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="the rows: .jsonl, .csv, .tsv, .json, .parquet")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the parts go (FILE's name with -split)")
    parser.add_argument("--shares", default="80/10/10", metavar="A/B/C", help="train/validation/test (80/10/10)")
    parser.add_argument("--folds", type=int, metavar="K", help="K folds instead, for small sets")
    parser.add_argument("--stratify", action="append", default=[], metavar="FIELD", help="same shares of its values")
    parser.add_argument("--group", action="append", default=[], metavar="FIELD", help="rows of one value together")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another split (0)")
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Split a file and write the parts. Raises CaseError or ConfigError."""
    shares = _folds(arguments.folds) if arguments.folds is not None else _shares(arguments.shares)
    file = read_raw(arguments.file)
    split = split_rows(file.rows, shares, seed=arguments.seed, stratify=arguments.stratify, group=arguments.group)
    folder = arguments.out or arguments.file.with_name(f"{arguments.file.stem}-split")
    parts = _contents(file, split, folds=arguments.folds is not None)
    write_all({folder / f"{name}{file.suffix}": content for name, content in parts.items()}, force=arguments.force)
    if arguments.json:
        print(json.dumps(_document(file, split, folder), indent=2))
    else:
        print("\n".join(_lines(file, split, folder, folds=arguments.folds is not None)))
    return 0


def _shares(text: str) -> dict[str, float]:
    parts = text.split("/")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) not in (2, 3) or not all(0 < value < float("inf") for value in values):
        raise ConfigError(
            f"--shares is {text!r}; allowed: train/validation/test such as 80/10/10, or train/test: 80/20"
        )
    names = PARTS if len(values) == 3 else (PARTS[0], PARTS[2])
    return dict(zip(names, values, strict=True))


def _folds(folds: int) -> dict[str, float]:
    if folds < 2:
        raise ConfigError(f"--folds is {folds}; allowed: 2 or more")
    return {f"fold-{number}": 1.0 for number in range(1, folds + 1)}


def _contents(file: RawFile, split: Split, *, folds: bool) -> dict[str, bytes]:
    parts = {name: file.joined(split.rows(file.rows, name)) for name in split.names}
    if not folds:
        return parts
    files = {f"{name}.test": content for name, content in parts.items()}
    for number, name in enumerate(split.names):
        others = [row for row, part in zip(file.rows, split.part_of, strict=True) if part != number]
        files[f"{name}.train"] = file.joined(others)
    return files


def write_all(contents: Mapping[Path, bytes], *, force: bool) -> None:
    """Write all files, each in one step; where one is there already, none. Raises ConfigError naming the file."""
    there = [str(path) for path in contents if path.exists()]
    if there and not force:
        raise ConfigError(f"{there[0]} is there already; allowed: --force to replace it, or another --out=DIR")
    halves: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f".ftcheck-{os.getpid()}-{secrets.token_hex(4)}.tmp")
            halves[path] = half
            half.write_bytes(content)
        for path, half in halves.items():
            half.replace(path)
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be written: {error.strerror or error}") from None
    finally:
        for half in halves.values():
            with contextlib.suppress(OSError):
                half.unlink()


def _document(file: RawFile, split: Split, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "rows": len(file.rows),
        "parts": {name: split.part_of.count(number) for number, name in enumerate(split.names)},
        "repeated": split.repeated,
        "units": split.units,
        "strata": {stratum: dict(counts) for stratum, counts in split.strata.items() if stratum},
    }


def _lines(file: RawFile, split: Split, folder: Path, *, folds: bool) -> list[str]:
    total = len(file.rows)
    sizes = {name: split.part_of.count(number) for number, name in enumerate(split.names)}
    lines = [
        f"{inert(str(folder), one_line=True)}: {count(total, 'row')} in {len(sizes)} parts",
        *(f"  {name:<12}{size:>9,}  {size / total:6.1%}" for name, size in sizes.items()),
    ]
    if split.repeated:
        lines.append(f"{count(split.repeated, 'row')} share a prompt with another; each such set is on one side")
    strata = [(stratum, counts) for stratum, counts in split.strata.items() if stratum]
    for stratum, counts in strata[:SHOWN_STRATA]:
        shown = " / ".join(f"{counts[name]:,}" for name in split.names)
        lines.append(f"  {inert(stratum, limit=60, one_line=True):<40} {shown}")
    if len(strata) > SHOWN_STRATA:
        lines.append(f"  and {len(strata) - SHOWN_STRATA} more strata")
    lines += [
        f"{inert(stratum, limit=60, one_line=True)} has no row in {name}"
        for stratum, counts in strata[:SHOWN_STRATA]
        for name in split.names
        if not counts[name]
    ]
    if not folds and sizes["test"] < LEAST_CASES <= total:
        lines.append(
            f"test has {count(sizes['test'], 'row')}: a gate at five points takes {LEAST_CASES}; with --folds 5 it has"
            f" all {total:,}"
        )
    return lines
