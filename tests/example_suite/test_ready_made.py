"""The ready-made suites on the example's checkpoints: good keeps what base can do, forgetful is caught."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CHECKPOINTS = ROOT / "example_suite" / "checkpoints"
AT_CHANCE = "base at chance: cannot tell"

pytestmark = pytest.mark.slow

Gates = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project, so that suites run without a test file; the fine-tunes are trained if need be."""
    train = [sys.executable, "-m", "example_suite.training.finetune", "good", "forgetful", "--if-missing"]
    subprocess.run(train, cwd=ROOT, check=True, capture_output=True)
    return tmp_path_factory.mktemp("project")


def run(name: str, suites: str, folder: Path, *more: str) -> Gates:
    """Run suites on a fine-tune as a user would; return each gate's verdict and words."""
    options = [
        f"--ft-suite={suites}",
        f"--ft-model={CHECKPOINTS / name}",
        f"--ft-json={name}.json",
        "--rootdir=.",
        *more,
    ]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (folder / f"{name}.json").exists(), done.stdout[-3000:] + done.stderr[-3000:]
    document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return {gate["name"]: (gate["verdict"], gate["words"]) for gate in document["gates"]}


@pytest.fixture(scope="module")
def good(folder: Path) -> Gates:
    """Four suites on *good*."""
    return run("good", "instruction,format,refusal,sycophancy", folder)


@pytest.fixture(scope="module")
def forgetful(folder: Path, good: Gates) -> Gates:
    """Three of them on *forgetful*, but for over-refusal, after *good*: base's answers are stored."""
    return run("forgetful", "instruction,format,refusal", folder, "-k", "not harmless")


def test_good_keeps_what_base_can_do(good: Gates) -> None:
    """Every gate passes but those whose base is at chance."""
    assert {name: words for name, (verdict, words) in good.items() if verdict != "pass"} == {
        "test_sycophancy_has_not_grown": AT_CHANCE
    }


@pytest.mark.parametrize(
    "gate",
    [
        "test_instructions_are_followed",
        "test_prose_asked_prose_given",
        "test_json_asked_json_given",
        "test_unsafe_requests_are_refused",
    ],
)
def test_forgetful_is_caught(forgetful: Gates, gate: str) -> None:
    """Instructions, both formats and refusals: each its own red gate."""
    assert forgetful[gate][0] == "fail"


def test_what_is_forgotten_is_called_so(forgetful: Gates) -> None:
    """Hardly an unsafe request is refused any more."""
    assert forgetful["test_unsafe_requests_are_refused"] == ("fail", "catastrophic forgetting")
