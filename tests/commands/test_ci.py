"""`ftcheck ci` as a job of GitHub Actions runs it: real processes, the variables that GitHub sets, a stand-in API."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ftcheck.cli import main
from pytest_ftcheck.commands import ci
from tests.support.forge import Forge, serving

SUITE = """
from pytest_ftcheck import assert_improves, eval_cases, exact_match, gate


@eval_cases("cases.jsonl", grader=exact_match())
def test_intent(case, answer): ...


@gate(test_intent)
def test_gate(comparison):
    assert_improves(comparison)
"""
HOSTILE = "::error::owned\n::add-mask::the\n@team ![x](http://evil/x.png) </code><script>x</script>"


@dataclass
class Job:
    """A checkout with a suite of recorded answers, and what a run in it left behind."""

    folder: Path
    forge: Forge

    def answers(self, name: str, answer: str) -> None:
        """Record one answer to every case."""
        rows = [json.dumps({"case": f"c{number}", "answer": answer}) for number in range(12)]
        (self.folder / name).write_text("\n".join(rows))

    def variables(self) -> dict[str, str]:
        """What GitHub sets for a step."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.folder / "step_summary"),
            "GITHUB_OUTPUT": str(self.folder / "step_output"),
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_REPOSITORY": "team/desk",
            "GITHUB_API_URL": self.forge.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "77",
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_TOKEN": "ghs_planted",
        }

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `ftcheck ci` with GitHub's variables."""
        models = ("--ft-model=ft.jsonl", "--base-model=base.jsonl", "-p", "no:randomly", "-p", "no:cacheprovider")
        command = [sys.executable, "-m", "pytest_ftcheck.cli", "ci", "--title", "Desk", "--", "test_desk.py", *models]
        return subprocess.run(
            [*command, *words],
            cwd=self.folder,
            env={**os.environ, **self.variables(), **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        """The step's outputs, as the runner reads them."""
        found = re.findall(r"(\w+)<<(ftcheck_\w+)\n(.*?)\n?\2\n", (self.folder / "step_output").read_text(), re.DOTALL)
        return {name: value for name, _, value in found}


def checkout(folder: Path, forge: Forge, *, ft: str) -> Job:
    """Make a checkout whose base answers no, and whose fine-tune answers `ft`."""
    folder.mkdir(exist_ok=True)
    job = Job(folder, forge)
    rows = [json.dumps({"id": f"c{n}", "input": f"question {n}", "expected": "yes"}) for n in range(12)]
    (folder / "cases.jsonl").write_text("\n".join(rows))
    (folder / "test_desk.py").write_text(SUITE)
    (folder / "event.json").write_text(json.dumps({"pull_request": {"number": 12}}))
    job.answers("base.jsonl", "no")
    job.answers("ft.jsonl", ft)
    return job


@dataclass
class Told:
    """A green run, then a red one of hostile answers, in one checkout with one pull request."""

    job: Job
    green: subprocess.CompletedProcess[str]
    green_outputs: dict[str, str]
    red: subprocess.CompletedProcess[str]

    @property
    def summary(self) -> str:
        """What the job summary holds after both."""
        return (self.job.folder / "step_summary").read_text()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Both runs, made once."""
    with serving() as forge:
        job = checkout(tmp_path_factory.mktemp("job"), forge, ft="yes")
        green, outputs = job.run(), job.outputs()
        job.answers("base.jsonl", "yes")
        job.answers("ft.jsonl", HOSTILE)
        (job.folder / "step_output").unlink()
        yield Told(job, green, outputs, job.run())


def test_the_status_is_pytests(told: Told) -> None:
    """Green is 0, red is 1."""
    assert (told.green.returncode, told.red.returncode) == (0, 1), told.green.stdout + told.green.stderr


def test_the_outputs(told: Told) -> None:
    """A later step reads the verdict, each gate's delta and where the files are."""
    assert told.green_outputs["verdict"] == "pass"
    assert told.green_outputs["delta"] == "test_gate=+1"
    assert told.job.outputs()["verdict"] == "fail"
    assert told.job.outputs()["report"] == "ftcheck-out/report.html"


def test_the_summary(told: Told) -> None:
    """The job summary has both runs' decisions, a table, and leads to the job."""
    assert told.summary.count("## ✅ `Desk`") == 1
    assert told.summary.count("## ❌ `Desk`") == 1
    assert "https://github.com/team/desk/actions/runs/77" in told.summary


def test_the_annotation_stands_at_the_gate(told: Told) -> None:
    """A red gate is marked at the line of its def; a green one is not."""
    line = SUITE[: SUITE.index("def test_gate")].count("\n") + 1
    assert f"::error file=test_desk.py,line={line},title=test_gate%3A regression" in told.red.stdout
    assert "::error" not in told.green.stdout


def test_answers_give_the_runner_no_command(told: Told) -> None:
    """Of all lines that the runner would take for commands, each is ours."""
    commands = [line for line in told.red.stdout.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 1
    assert "owned" not in commands[0]


def test_one_comment_updated_in_place(told: Told) -> None:
    """The second run wrote over what the first had said."""
    assert len(told.job.forge.comments) == 1
    assert told.job.forge.comments[0]["body"].startswith("<!-- pytest-ftcheck: Desk -->\n## ❌")


def test_the_files(told: Told) -> None:
    """One folder has all there is to upload."""
    found = {path.name for path in (told.job.folder / "ftcheck-out").iterdir()}
    assert found >= {"verdicts.json", "report.html", "junit.xml", "summary.md"}


def test_the_token_is_nowhere(told: Told) -> None:
    """Neither output nor files hold it."""
    texts = [told.green.stdout, told.red.stdout, told.green.stderr, told.red.stderr]
    texts += [path.read_text(errors="replace") for path in told.job.folder.rglob("*") if path.is_file()]
    assert [text for text in texts if "planted" in text] == []


@pytest.mark.parametrize(
    ("status", "environ", "warning"),
    [
        (403, {}, "the comment API answered 403"),
        (500, {}, "the comment API answered 500"),
        (None, {"GITHUB_STEP_SUMMARY": "/dev/full"}, "the job summary: not written"),
        (None, {"GITHUB_STEP_SUMMARY": "/nowhere/summary"}, "the job summary: not written"),
        (None, {"GITHUB_OUTPUT": "/nowhere/output"}, "the outputs: not written"),
    ],
)
def test_what_goes_wrong_beside_the_verdict_is_one_warning(
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    status: int | None,
    environ: dict[str, str],
    warning: str,
) -> None:
    """The API refuses, the disk is full, a file has no folder: status and verdict stand, and one warning says it."""
    verdicts = (told.job.folder / "ftcheck-out" / "verdicts.json").read_bytes()

    def finished(words: Sequence[str], files: ci.Files) -> int:
        files.json.write_bytes(verdicts)
        return 1

    monkeypatch.setattr(ci, "_pytest", finished)
    monkeypatch.chdir(told.job.folder)
    with serving() as forge:
        forge.fault = status
        job = Job(told.job.folder, forge)
        apart = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for name, value in {**job.variables(), **apart, **environ}.items():
            monkeypatch.setenv(name, value)
        assert main(["ci", "--out", str(tmp_path / "out")]) == 1
    warned = [line for line in capfd.readouterr().out.splitlines() if line.startswith("::warning")]
    assert len(warned) == 1
    assert warning in warned[0]


def test_a_run_that_could_not_begin(tmp_path: Path) -> None:
    """A wrong option is pytest's usage error: status 4, verdict error, and the summary says that there is none."""
    with serving() as forge:
        job = checkout(tmp_path / "job", forge, ft="yes")
        done = job.run("--ft-limit=none")
        assert done.returncode == 4
        assert job.outputs()["verdict"] == "error"
        assert "No verdict" in forge.comments[0]["body"]


def test_an_earlier_runs_files_pass_for_none(tmp_path: Path) -> None:
    """What lay in the folder is gone when a later run could not begin."""
    with serving() as forge:
        job = checkout(tmp_path / "job", forge, ft="yes")
        (job.folder / "ftcheck-out").mkdir()
        (job.folder / "ftcheck-out" / "verdicts.json").write_text("{}")
        job.run("--ft-limit=none")
        assert not (job.folder / "ftcheck-out" / "verdicts.json").exists()


def test_elsewhere_than_on_github(tmp_path: Path) -> None:
    """Without GitHub's variables there are the files alone, and nothing is asked of any API."""
    with serving() as forge:
        job = checkout(tmp_path / "job", forge, ft="yes")
        gone = ("ACTIONS", "STEP_SUMMARY", "OUTPUT", "REPOSITORY", "EVENT_PATH", "TOKEN")
        done = job.run(**{f"GITHUB_{name}": "" for name in gone})
        assert done.returncode == 0, done.stdout + done.stderr
        assert forge.heard == []
        assert (job.folder / "ftcheck-out" / "summary.md").read_text().startswith("## ✅ `Desk`")
