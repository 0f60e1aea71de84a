"""--ft-track and --ft-card where something is wrong: said before the run where it can be, else one warning each."""

from __future__ import annotations

import pytest

# An in-process run forgets the modules that it imported.
import pytest_ftcheck.reports.card
import pytest_ftcheck.reports.html_page
import pytest_ftcheck.reports.model_index
import pytest_ftcheck.reports.trackers.telling  # noqa: F401
from tests.plugin.conftest import Suite
from tests.support.projects import Project, questions


def broken(project: Project, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the option for three trackers that cannot be told: nobody listens, and folders below a file."""
    (project.path / "taken").write_text("mine")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(project.path / "taken"))
    return "--ft-track=mlflow:http://me:planted@127.0.0.1:9,wandb,tensorboard:taken/logs"


@pytest.mark.slow
def test_trackers_that_cannot_be_told_are_a_warning_each(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdict and exit status stand, one line names each tracker and why, and none a password."""
    project.write_win(12)
    result = project.run(broken(project, monkeypatch))
    assert result.ret == 0
    warned = [line for line in result.outlines if line.startswith("warning:")]
    assert [line.split(":")[1].strip() for line in warned] == ["mlflow", "wandb", "tensorboard"]
    assert "Connection refused" in warned[0]
    assert all("NotADirectory" in line or "FileExists" in line for line in warned[1:])
    assert "planted" not in result.stdout.str()
    assert any("the win" in line for line in result.outlines)


def test_a_red_gate_stays_red(project: Project) -> None:
    """A tracker that cannot be told hides no failed gate."""
    project.write(questions(12), base={"*": "yes"}, ft={"*": "no"})
    (project.path / "taken").write_text("mine")
    result = project.run("--ft-track=tensorboard:taken")
    assert result.ret == 1
    assert sum(line.startswith("warning:") for line in result.outlines) == 1


def test_a_card_that_cannot_be_written_is_a_warning(project: Project) -> None:
    """A README.md that is a folder costs one line, not the verdict."""
    project.write_win(12)
    (project.path / "ckpt" / "README.md").mkdir(parents=True)
    engine = project.path / "own_engine.py"
    engine.write_text(engine.read_text().replace("Path(spec.path).read_text()", "Path('ft.json').read_text()"))
    result = project.run("--ft-model=ckpt", "--ft-card")
    (warning,) = [line for line in result.outlines if line.startswith("warning:")]
    assert "model card" in warning
    assert "is no regular file" in warning


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--ft-track=mlfow:x"],
            "*--ft-track is 'mlfow:x'; allowed: mlflow, wandb, tensorboard*mean 'mlflow'?*",
        ),
        (["--ft-track=wandb,wandb"], "*--ft-track is 'wandb,wandb'*each once*"),
        (["--ft-track=mlflow"], "*MLFLOW_TRACKING_URI is not set; allowed: mlflow:URI*"),
        (["--ft-card"], "*--ft-card writes README.md*--ft-model is '*ft.jsonl'; allowed: a folder*"),
        (["--ft-card", "--ft-model=org/name"], "*--ft-model is 'org/name'; allowed: a folder*"),
        (["--ft-card", "--ft-model=http://host/v1#x"], "*--ft-model is 'http://host/v1#x'; allowed: a folder*"),
        (["--ft-card", "--ft-model=.", "--ft-limit=2"], "*--ft-card with --ft-limit=2*allowed: one of the two*"),
    ],
)
def test_what_cannot_be_told_is_said_at_once(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    """A tracker, place or card that cannot be is a usage error, before the run."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    suite.write((3, 0, 0, 0))
    result = suite.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


@pytest.mark.parametrize(
    ("option", "module", "package"),
    [("--ft-track=tensorboard", "trackers.telling", "tensorboard"), ("--ft-card", "card", "pyyaml")],
)
def test_a_missing_package_is_said_at_once(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, option: str, module: str, package: str
) -> None:
    """The usage error names the package and the extra that brings it."""
    monkeypatch.setattr(f"pytest_ftcheck.reports.{module}.find_spec", lambda name: None)
    suite.write((3, 0, 0, 0))
    result = suite.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*needs {package}; pip install 'pytest-ftcheck[[]trackers]'*"])


def test_without_a_model_nothing_is_told(suite: Suite) -> None:
    """Where the ini file names trackers and a card, a run without a model is as silent as ever."""
    suite.write((3, 0, 0, 0))
    suite.pytester.makeini("[pytest]\nft_track = tensorboard\nft_card = on\n")
    suite.pytester.runpytest("-p", "no:randomly").assert_outcomes(skipped=4)
    assert not (suite.pytester.path / "runs").exists()
