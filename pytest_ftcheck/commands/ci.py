"""`ftcheck ci`: run pytest and tell the CI system what it found. The exit status is pytest's, whatever else fails.

On GitHub Actions: annotations at the gates' own lines, the job summary, outputs, one comment on the pull request.
Elsewhere: the same files in one folder, `summary.md` among them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_ftcheck.ci.comments import BODY_LIMIT, post_comment
from pytest_ftcheck.ci.places import place_of
from pytest_ftcheck.ci.surroundings import Surroundings, read_surroundings
from pytest_ftcheck.errors import ConfigError, FtcheckError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports import wording, workflow
from pytest_ftcheck.reports.files import write_whole
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.markdown import code, run_markdown
from pytest_ftcheck.reports.reading import read_run

SUMMARY_LIMIT = 1_000_000
"""Bytes that one step adds to a job summary: GitHub takes 1 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a run leaves in its folder."""

    json: Path
    report: Path
    junit: Path
    summary: Path

    @classmethod
    def of(cls, folder: Path) -> Files:
        """Name the files of a folder."""
        return cls(
            json=folder / "verdicts.json",
            report=folder / "report.html",
            junit=folder / "junit.xml",
            summary=folder / "summary.md",
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Example: ftcheck ci -- tests --ft-model=./ckpt --base-model=./base"
    parser.add_argument("--out", type=Path, default=Path("ftcheck-out"), help="folder for the files (ftcheck-out)")
    parser.add_argument("--title", default="Fine-tune gate", help="heading; tells several gates of a job apart")
    parser.add_argument("--no-comment", action="store_true", help="write no comment on the pull request")
    parser.add_argument("pytest", nargs=argparse.REMAINDER, metavar="-- PYTEST ARGUMENTS", help="given to pytest")


def run(arguments: argparse.Namespace) -> int:
    """Run pytest, then report; return pytest's exit status. Raises ConfigError where the folder cannot be made."""
    words = arguments.pytest[1:] if arguments.pytest[:1] == ["--"] else arguments.pytest
    files = Files.of(arguments.out)
    _fresh(files)
    status = _pytest(words, files)
    found, why = _read(files.json, status)
    job = read_surroundings(os.environ)
    report = _Report(found=found, why=why, title=arguments.title, url=job.run_url)
    _tell(job, "summary.md", lambda: write_whole(files.summary, report.text(SUMMARY_LIMIT).encode(), what="summary"))
    if job.on_github and found is not None:
        _annotate(found, job)
    if job.summary is not None:
        _tell(job, "the job summary", partial(_append, job.summary, report.text(SUMMARY_LIMIT)))
    if job.output is not None:
        _tell(job, "the outputs", partial(_append, job.output, workflow.outputs(_outputs(found, files))))
    if job.pull_request and job.repository and job.token and not arguments.no_comment:
        body = report.text(BODY_LIMIT)
        _tell(job, "the pull request's comment", lambda: post_comment(job, body, title=arguments.title))
    return status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """What is told, in Markdown: the run, or why there is none."""

    found: Run | None
    why: str
    title: str
    url: str

    def text(self, limit: int) -> str:
        link = f"\n[The job's log and files]({self.url})\n" if self.url else ""
        if self.found is None:
            return f"## ⚠️ {code(self.title)}\n\n**No verdict: {code(self.why)}**\n{link}"
        return run_markdown(self.found, title=self.title, limit=limit - len(link.encode())) + link


def _fresh(files: Files) -> None:
    """Take away an earlier run's files, so that none of them can pass for this run's."""
    try:
        files.json.parent.mkdir(parents=True, exist_ok=True)
        for path in (files.json, files.report, files.junit, files.summary):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--out is {str(files.json.parent)!r}: {error.strerror or error}; allowed: a folder that can be written to"
        ) from None


def _pytest(words: Sequence[str], files: Files) -> int:
    """Run pytest as a process of its own, its output ours; return its exit status, 128 + n where signal n ended it."""
    options = [f"--ft-json={files.json}", f"--ft-report={files.report}", f"--junit-xml={files.junit}"]
    sys.stdout.flush()
    status = subprocess.run([sys.executable, "-m", "pytest", *words, *options], check=False).returncode
    return status if status >= 0 else 128 - status


def _read(path: Path, status: int) -> tuple[Run | None, str]:
    if not path.exists():
        return None, f"pytest ended with status {status} before there was one"
    try:
        return read_run(path), ""
    except ConfigError as error:
        return None, str(error)


def _annotate(found: Run, job: Surroundings) -> None:
    workspace = job.workspace or Path.cwd()
    for result in found.gates:
        place = place_of(result.nodeid, root=_root(result.nodeid), workspace=workspace)
        said = workflow.annotation(result, place, inconclusive=found.inconclusive)
        if said is not None:
            print(said)
    sys.stdout.flush()


def _root(nodeid: str) -> Path:
    """Return the folder that a node id starts from: pytest's rootdir, here or above."""
    here = Path.cwd()
    file = nodeid.partition("::")[0]
    return next((folder for folder in (here, *here.parents) if (folder / file).is_file()), here)


def _outputs(found: Run | None, files: Files) -> dict[str, str]:
    decision = wording.overall(found) if found is not None else None
    return {
        "verdict": decision.value if decision is not None else "none" if found is not None else "error",
        "summary": wording.closing_line(found) if found is not None else "",
        "delta": workflow.deltas(found.gates) if found is not None else "",
        "report": str(files.report) if files.report.exists() else "",
        "json": str(files.json) if files.json.exists() else "",
    }


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _tell(job: Surroundings, what: str, act: Callable[[], object]) -> None:
    """Do one of the things that no verdict hangs on; what goes wrong is one warning."""
    try:
        act()
    except (FtcheckError, OSError) as error:
        said = inert(f"{what}: not written: {error}", one_line=True, limit=600)
        if job.on_github:
            print(workflow.command("warning", said, {"title": "ftcheck ci"}), flush=True)
        else:
            print(f"ftcheck ci: warning: {said}", file=sys.stderr)
