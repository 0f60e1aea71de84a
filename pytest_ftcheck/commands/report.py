"""`ftcheck report`: the HTML page of a run that was recorded with --ft-json."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ftcheck.reports.html_report import write_report
from pytest_ftcheck.reports.reading import read_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file that is read and the page that is written."""
    parser.add_argument("file", type=Path, help="what --ft-json wrote, by this version or an older one")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the page (default: the file's name, ending in .html)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page. Raises ConfigError for a file that is no run, or a page that cannot be written."""
    output: Path = arguments.output or arguments.file.with_suffix(".html")
    write_report(read_run(arguments.file), output)
    print(output)
    return 0
