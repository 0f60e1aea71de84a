"""The page as a file, with the Parquet file of all cases beside it where the page cannot hold them."""

from __future__ import annotations

from pathlib import Path

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.files import write_whole
from pytest_ftcheck.reports.html_cases import cases_data
from pytest_ftcheck.reports.parquet import ENDING, find_parquet, write_parquet


def write_report(run: Run, path: Path) -> None:
    """Write a run's page to `path`, and all of its cases to `<name>.cases.parquet` where the page leaves some out.

    Of a run that was read from a file which left some out, it leads to the file of them all that stands beside it.
    Raises ConfigError where Jinja2 is missing or one of the files cannot be written; the page is written first.
    """
    try:
        from pytest_ftcheck.reports.html_page import html_page
    except ImportError as error:
        raise ConfigError(
            f"HTML report {path}: needs {error.name or 'jinja2'}; pip install 'pytest-ftcheck[report]'"
        ) from None
    data = cases_data(run)
    every = sum(len(one.cases) for one in run.evals)
    beside = f"{path.stem}{ENDING}" if len(data["cases"]) < every else ""
    found = find_parquet(run, path.parent) if not beside and any(one.cases_left_out for one in run.evals) else ""
    write_whole(path, html_page(run, data, cases_file=beside or found).encode("utf-8"), what="HTML report")
    if beside:
        write_parquet(run, path.with_name(beside))
