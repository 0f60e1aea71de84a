"""`ftcheck leaks`: cases of tests or case files that stand in training data. Exit status 1 where there are any."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ftcheck.data.cases import load_cases
from pytest_ftcheck.data.sources import READERS
from pytest_ftcheck.errors import CaseError
from pytest_ftcheck.hygiene.collecting import collect
from pytest_ftcheck.hygiene.scan import find_leaks
from pytest_ftcheck.records import Case, Leak
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert

EPILOG = """\
Cases are given as files (.jsonl, .json, .csv, .tsv, .parquet, folders saved by datasets) or as tests, which pytest
collects; without any, pytest's own choice of tests. Prompts and expected answers are looked for apart: the same text
is exact, the same but for case, spacing and punctuation normalised, one that shares four fifths near. docs/hygiene.md
has the rules. Exit status: 0 no leak, 1 at least one, 2 a file or a test that cannot be read.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("cases", nargs="*", metavar="CASES", help="case files, or tests as pytest takes them")
    parser.add_argument("--train", required=True, type=Path, metavar="PATH", help="the training data")
    parser.add_argument("--input", metavar="FIELD", help="field of the prompt in case files")
    parser.add_argument("--expected", metavar="FIELD", help="field of the expected answer in case files")
    parser.add_argument("--id", metavar="FIELD", help="field of the id in case files")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look for leaks and print them. Raises CaseError or ConfigError."""
    groups = _groups(arguments)
    quiet = arguments.json or not sys.stderr.isatty()
    found, rows = find_leaks(
        arguments.train, groups, report=(lambda line: None) if quiet else (lambda line: print(line, file=sys.stderr))
    )
    if arguments.json:
        print(json.dumps(_document(found, groups, rows, arguments.train), indent=2))
    else:
        print("\n".join(_lines(found, groups, rows, arguments.train)))
    return 1 if any(found.values()) else 0


def _groups(arguments: argparse.Namespace) -> dict[str, Sequence[Case]]:
    """Load case files, each a group, and have pytest collect the rest."""
    files = [given for given in arguments.cases if _is_case_file(Path(given))]
    tests = [given for given in arguments.cases if given not in files]
    groups: dict[str, Sequence[Case]] = {}
    for given in files:
        path = Path(given)
        groups[given] = load_cases(
            path.name,
            base_dir=path.parent,
            name=given,
            input=arguments.input,
            expected=arguments.expected,
            id=arguments.id,
        )
    if tests or not files:
        missing = [given for given in tests if not Path(given.partition("::")[0]).exists()]
        if missing:
            raise CaseError(f"no such file: {', '.join(missing)}; allowed: case files, test files and folders of tests")
        groups |= collect(tests).cases
    return groups


def _is_case_file(path: Path) -> bool:
    saved = any((path / name).is_file() for name in ("state.json", "dataset_dict.json"))
    return path.suffix.lower() in READERS or saved


def _document(
    found: Mapping[str, Sequence[Leak]], groups: Mapping[str, Sequence[Case]], rows: int, train: Path
) -> dict[str, object]:
    leaked = [
        {
            "case": leak.case,
            "train_line": leak.train_line,
            "kind": leak.kind,
            "similarity": leak.similarity,
            "part": leak.part,
            "rows": leak.rows,
            "cases": name,
        }
        for name, leaks in found.items()
        for leak in leaks
    ]
    return {"leaked": leaked, "train": str(train), "rows": rows, "checked": sum(map(len, groups.values()))}


def _lines(
    found: Mapping[str, Sequence[Leak]], groups: Mapping[str, Sequence[Case]], rows: int, train: Path
) -> list[str]:
    lines = []
    for name, leaks in found.items():
        if not leaks:
            continue
        leaked = len({leak.case for leak in leaks})
        lines.append(f"{inert(name, one_line=True)}: {leaked:,} of {count(len(groups[name]), 'case')} leaked")
        lines += [f"  {leak_line(leak, train)}" for leak in leaks]
    total = sum(len({leak.case for leak in leaks}) for leaks in found.values())
    checked = f"{count(sum(map(len, groups.values())), 'case')} held against {count(rows, 'training row')}"
    return [*lines, f"{checked}: {f'{total:,} leaked' if total else 'no leak found'}"]


def leak_line(leak: Leak, train: Path) -> str:
    """Say in one line which case leaked, how, and where it stands."""
    how = leak.kind if leak.kind != "near" else f"near ({leak.similarity:.2f})"
    more = f", and {count(leak.rows - 1, 'more row')}" if leak.rows > 1 else ""
    name = inert(leak.case, limit=80, one_line=True)
    return f"{name}: {leak.part} {how}, {inert(str(train), one_line=True)}:{leak.train_line}{more}"
