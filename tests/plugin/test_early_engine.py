"""The engine's process is started while pytest collects, where answers will be needed; else none is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ftcheck.models import fingerprints, roster
from tests.models.test_process import is_gone
from tests.support.projects import QUIET, Project, questions

ENGINE = """
import os
from pathlib import Path

from pytest_ftcheck.records import Answer

with Path(__file__).with_name("started").open("a") as started:
    started.write(f"{os.getpid()}\\n")


class Engine:
    def __init__(self, specs, options, report):
        pass

    def answer(self, requests):
        return [Answer("yes") for request in requests]

    def close(self):
        pass
"""
CONFTEST = """
import time
from pathlib import Path

HERE = Path(__file__).parent

def pytest_collection_modifyitems():
    until = time.monotonic() + float((HERE / "patience").read_text())
    while time.monotonic() < until and not (HERE / "started").exists():
        time.sleep(0.02)
    (HERE / "in_time").write_text(str((HERE / "started").exists()))
"""


@pytest.fixture
def early(project: Project, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on real checkpoints, whose built-in engine is a light one that notes its processes."""
    monkeypatch.setitem(roster.ENGINES, "auto", "light_engine:Engine")
    # Checkpoints that tests have just written are remembered all the same.
    monkeypatch.setattr(fingerprints, "RACY_NS", 0)
    project.write(questions(3), base={}, ft={})
    (project.path / "light_engine.py").write_text(ENGINE)
    (project.path / "conftest.py").write_text(CONFTEST)
    return project


def run(project: Project, tiny: Path, *args: str, patience_s: float = 0) -> tuple[pytest.RunResult, list[int], bool]:
    """Run pytest; return how it ended, the engine processes that were started, and whether one was in time."""
    (project.path / "patience").write_text(str(patience_s))
    (project.path / "started").unlink(missing_ok=True)
    models = [f"--ft-model={tiny / 'other'}", f"--base-model={tiny / 'base'}"]
    result = project.pytester.runpytest(*QUIET, *models, *args)
    started = project.path / "started"
    pids = [int(line) for line in started.read_text().splitlines()] if started.exists() else []
    return result, pids, (project.path / "in_time").read_text() == "True"


def test_a_cold_run_starts_its_engine_before_collection_ends(early: Project, tiny: Path) -> None:
    """Weights that the store never met: one process, which imports its libraries while pytest collects, and answers."""
    result, pids, in_time = run(early, tiny, patience_s=30)
    result.assert_outcomes(passed=3, failed=1)
    assert (len(pids), in_time) == (1, True)
    assert is_gone(pids[0])


def test_a_warm_run_starts_no_engine(early: Project, tiny: Path) -> None:
    """Where the store holds all answers no process is started, before collection ends or after."""
    run(early, tiny, patience_s=30)
    result, pids, _ = run(early, tiny, patience_s=0.3)
    result.assert_outcomes(passed=3, failed=1)
    assert pids == []


def test_a_new_case_of_a_known_model_starts_one_engine_later(early: Project, tiny: Path) -> None:
    """Weights that the store has met wait for the plan: the process starts when an answer is missing."""
    run(early, tiny, patience_s=30)
    early.cases(questions(4))
    result, pids, in_time = run(early, tiny)
    result.assert_outcomes(passed=4, failed=1)
    assert (len(pids), in_time) == (1, False)


def test_probes_alone_start_the_engine_before_they_are_planned(early: Project, tiny: Path) -> None:
    """Where there are probes and no evals, the process starts before their bodies are first run."""
    (early.path / "test_suite.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "from pytest_ftcheck import probe\n"
        "STARTED = Path(__file__).with_name('started')\n"
        "@probe\n"
        "def test_probe(ft_model):\n"
        "    until = time.monotonic() + 30\n"
        "    while time.monotonic() < until and not STARTED.exists(): time.sleep(0.02)\n"
        "    assert STARTED.exists()\n"
        "    assert ft_model('Where?') == 'yes'\n"
    )
    result, pids, in_time = run(early, tiny)
    result.assert_outcomes(passed=1)
    assert (len(pids), in_time) == (1, False)


def test_nothing_selected_ends_the_early_engine(early: Project, tiny: Path) -> None:
    """A process that was started for evals which are then deselected does not wait for the other tests."""
    (early.path / "test_plain.py").write_text(
        "from pathlib import Path\n"
        "from tests.models.test_process import is_gone\n"
        "def test_plain():\n"
        "    pid = int(Path(__file__).with_name('started').read_text())\n"
        "    assert is_gone(pid)\n"
    )
    result, pids, _ = run(early, tiny, "-k", "plain", patience_s=30)
    result.assert_outcomes(passed=1, deselected=4)
    assert len(pids) == 1


@pytest.mark.parametrize(
    "args", [("--collect-only",), ("--ft-engine-process=off", "-k", "nothing")], ids=["collect only", "no process"]
)
def test_what_answers_nothing_starts_no_engine(early: Project, tiny: Path, args: tuple[str, ...]) -> None:
    """Collecting alone starts no process, nor does an engine in pytest's own."""
    _, pids, _ = run(early, tiny, *args, patience_s=0.3)
    assert pids == []
