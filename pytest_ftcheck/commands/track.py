"""`ftcheck track`: a run that was recorded with --ft-json, told to experiment trackers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.options import TRACKERS, placed, read_trackers
from pytest_ftcheck.reports.reading import read_run
from pytest_ftcheck.reports.trackers.telling import require_packages, tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file that is read and the trackers."""
    parser.epilog = "Example: ftcheck track run.json mlflow:http://localhost:5000 tensorboard:logs"
    parser.add_argument("file", type=Path, help="what --ft-json wrote, by this version or an older one")
    parser.add_argument("trackers", nargs="+", metavar="TRACKER", help=f"{', '.join(TRACKERS)}, each with :PLACE")


def run(arguments: argparse.Namespace) -> int:
    """Tell the trackers; return 2 where one could not be told. Raises ConfigError for what is no run or no tracker."""
    text = ",".join(arguments.trackers)
    try:
        trackers = placed(read_trackers(text), Path.cwd(), Path.cwd())
    except ValueError as error:
        raise ConfigError(f"TRACKER is {text!r}; allowed: {error}") from None
    require_packages(trackers, option="TRACKER")
    status = 0
    for told in tell(read_run(arguments.file), trackers, files=[arguments.file]):
        if told.fault:
            print(f"ftcheck track: {told.tracker}: was not told of this run: {told.fault}", file=sys.stderr)
            status = 2
        else:
            print(f"{told.tracker}: {told.where}")
    return status
