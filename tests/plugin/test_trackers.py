"""--ft-track and --ft-card: a run told everywhere, read back from a real MLflow server and the others' own files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from tests.plugin.test_hostile_answers import HOSTILE, INERT
from tests.support.mlflow_tracking import TrackedRun, TrackingServer, tracking
from tests.support.projects import ENGINE, QUIET, TEST, questions

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
N = 40
STEP = 40
README = """\
---
license: apache-2.0   # mine
tags: [desk]
---
# Desk

Mine, and it stays.
"""
ODD = "test_[\x1b[31m::error::'` OR <b>../../x"
FIELDS = ("base", "ft", "delta", "low", "high", "gained", "lost", "n")


@dataclass(frozen=True)
class Told:
    """A run on a worker of xdist that told all trackers and wrote the card, and what of it was told again later."""

    folder: Path
    server: TrackingServer
    done: subprocess.CompletedProcess[str]
    again: subprocess.CompletedProcess[str]
    artifacts: Mapping[str, bytes]
    verdicts: Sequence[str]

    def document(self) -> dict[str, Any]:
        """The run's JSON file."""
        found: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return found

    def eval(self) -> dict[str, float]:
        """The numbers of its only eval."""
        (one,) = self.document()["evals"]
        return {name: float(one[name]) for name in FIELDS}

    def parent(self) -> TrackedRun:
        """MLflow's run of the checkpoint."""
        (found,) = [run for run in self.server.runs() if "mlflow.parentRunId" not in run.tags]
        return found


def environ(folder: Path) -> dict[str, str]:
    """The environment of a run: W&B offline, with all of its files in the folder."""
    own = {name: str(folder / "home" / name) for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR")}
    return {**os.environ, **own, "WANDB_MODE": "offline", "FTCHECK_TEST_MARK": str(folder), "COLUMNS": "200"}


def write_desk(folder: Path) -> None:
    """Write a suite whose fine-tune, a checkpoint of step 40, wins all cases but three hostile ones."""
    ft = folder / "out" / "checkpoint-40"
    ft.mkdir(parents=True)
    (ft / "README.md").write_text(README)
    hostile = {name: HOSTILE[name] for name in ("question 0", "question 1", "question 3")}
    (ft / "answers.json").write_text(json.dumps({"*": "yes", **hostile}))
    (folder / "base.json").write_text(json.dumps({"*": "no"}))
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions(N)))
    read = "json.loads((path if (path := Path(spec.path)).is_file() else path / 'answers.json').read_text())"
    (folder / "own_engine.py").write_text(ENGINE.replace("json.loads(Path(spec.path).read_text())", read))
    body = "assert_improves(comparison)"
    (folder / "test_suite.py").write_text(TEST.format(arguments="grader=exact_match()", body=body))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The run, made once; then its file, of another version, less a gate, plus an eval, is told to MLflow again."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "server").mkdir()
    write_desk(folder)
    with tracking(folder / "server") as server:
        options = ["--ft-model=out/checkpoint-40", "--base-model=base.json", "--ft-engine=own_engine:Engine"]
        options += ["--ft-engine-process=off", "--ft-json=run.json", "--ft-report=report.html", "--ft-card", "-n", "1"]
        options += [f"--ft-track=mlflow:{server.url},wandb:team/desk,tensorboard:logs"]
        done = started("-m", "pytest", *QUIET, *options, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        document = json.loads((folder / "run.json").read_text())
        odd = {**document["evals"][0], "name": ODD, "nodeid": f"test_suite.py::{ODD}"}
        later = {**document, "version": "0.2.0", "gates": [], "evals": [*document["evals"], odd]}
        (folder / "later.json").write_text(json.dumps(later))
        artifacts = server.artifacts(server.runs()[0].id)
        verdicts = [run.tags["verdict.test_gate"] for run in server.runs()]
        again = started("-m", "pytest_ftcheck.cli", "track", "later.json", f"mlflow:{server.url}", folder=folder)
        yield Told(folder, server, done, again, artifacts, verdicts)


def started(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environ(folder), capture_output=True, text=True, check=False)


def test_each_tracker_is_told_once(told: Told) -> None:
    """Of a worker and its controller one process tells, and says where; nothing warns."""
    said = re.findall(r"^(mlflow|wandb|tensorboard): ", told.done.stdout, re.MULTILINE)
    assert sorted(said) == ["mlflow", "tensorboard", "wandb"]
    assert "warning" not in told.done.stdout
    assert len(list((told.folder / "wandb").glob("offline-run-*"))) == 1


def test_mlflow_has_one_run_for_the_checkpoint(told: Told) -> None:
    """The run is named after the checkpoint, and has a nested run for the eval, both finished."""
    parent, nested, _ = told.server.runs()
    assert (parent.name, parent.status) == ("out/checkpoint-40", "FINISHED")
    assert told.verdicts == ["pass", "pass"]
    assert (nested.name, nested.status, nested.tags["mlflow.parentRunId"]) == ("test_intent", "FINISHED", parent.id)


def test_mlflows_numbers_are_the_documents(told: Told) -> None:
    """Every number of the eval stands in both runs as the JSON file has it."""
    parent, nested, _ = told.server.runs()
    assert {name: nested.metrics[name] for name in FIELDS} == pytest.approx(told.eval())
    assert {name: parent.metrics[f"test_intent/exact_match/{name}"] for name in FIELDS} == pytest.approx(told.eval())
    (gate,) = told.document()["gates"]
    assert parent.metrics["gates/test_gate/delta"] == pytest.approx(gate["delta"])


def test_mlflows_parameters_name_the_models(told: Told) -> None:
    """Sources, content hashes and versions are parameters."""
    params = told.parent().params
    for model in told.document()["models"]:
        assert params[f"{model['role']}.source"] == model["source"]
        assert params[f"{model['role']}.fingerprint"] == model["fingerprint"]
    assert params["version.python"] == told.document()["versions"]["python"]


def test_mlflow_keeps_page_and_json(told: Told) -> None:
    """The page and the JSON file of the run are artifacts, byte for byte."""
    files = {name: (told.folder / name).read_bytes() for name in ("report.html", "run.json")}
    assert told.artifacts == {f"gate-run-0/{name}": content for name, content in files.items()}


def test_a_further_gate_run_is_a_further_step(told: Told) -> None:
    """The same checkpoint goes on with its runs: what changed is a tag, what is no more stands there no more."""
    assert told.again.returncode == 0, told.again.stderr
    parent = told.parent()
    assert [run.tags.get("mlflow.parentRunId") for run in told.server.runs()] == [None, parent.id, parent.id]
    assert [step for step, _ in told.server.history(parent.id, "test_intent/exact_match/ft")] == [0, 1]
    assert (parent.params["pytest-ftcheck"], parent.tags["pytest-ftcheck"]) == ("0.1.0", "0.2.0")
    assert (parent.tags["ftcheck.verdict"], parent.tags["ftcheck.gate_runs"]) == ("none", "2")
    assert "verdict.test_gate" not in parent.tags
    assert any(path.startswith("gate-run-1/") for path in told.server.artifacts(parent.id))


def test_a_hostile_name_is_taken_as_a_plain_one(told: Told) -> None:
    """An eval whose name no tracker would take, and that would break out of a query, has a run of its own."""
    added = told.server.runs()[-1]
    assert added.name == "test__x1b_31m_error_OR_b_.._.._x"
    assert added.metrics["ft"] == pytest.approx(told.eval()["ft"])
    assert told.parent().metrics[f"{added.name}/exact_match/ft"] == added.metrics["ft"]


def test_wandb_holds_the_run(told: Told) -> None:
    """The offline run has the numbers at the training step, the verdict, the checkpoint as its group, and the files."""
    (run,) = (told.folder / "wandb").glob("offline-run-*")
    (log,) = run.glob("run-*.wandb")
    reader = started(str(ROOT / "tests" / "support" / "wandb_records.py"), str(log), folder=told.folder)
    assert reader.returncode == 0, reader.stderr
    found = json.loads(reader.stdout)
    history = found["history"]
    assert {name: history[f"test_intent/exact_match/{name}"] for name in FIELDS} == pytest.approx(told.eval())
    assert (history["global_step"], found["project"], found["exit"]) == (STEP, "desk", 0)
    assert (found["summary"]["verdict"], found["summary"]["verdict/test_gate"]) == ("pass", "pass")
    (ft,) = [model for model in told.document()["models"] if model["role"] == "ft"]
    assert (found["group"], found["config"]["ft.fingerprint"]) == (
        ft["fingerprint"].replace(":", "_"),
        ft["fingerprint"],
    )
    for name in ("report.html", "run.json"):
        assert (run / "files" / name).read_bytes() == (told.folder / name).read_bytes()


def test_no_process_stays(told: Told) -> None:
    """What a client started, such as W&B's service, ended with it."""
    mark = f"FTCHECK_TEST_MARK={told.folder}".encode()
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                left.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    assert left == []


def test_tensorboard_draws_over_the_training_step(told: Told) -> None:
    """TensorBoard's own reader finds every number at the step of the checkpoint, under the training's name."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(told.folder / "logs" / "out"))
    found.Reload()
    for name, value in told.eval().items():
        (point,) = found.Scalars(f"test_intent/exact_match/{name}")
        assert (point.step, point.value) == (STEP, pytest.approx(value))


def test_the_card_is_one_for_people_and_the_hub(told: Told) -> None:
    """All that the card held is there, the Hub's own reader finds the result, and people find the table."""
    text = (told.folder / "out" / "checkpoint-40" / "README.md").read_text()
    for part in README.split("---\n")[1:]:
        assert part in text
    card = ModelCard(text)
    (result,) = card.data.eval_results
    assert (result.dataset_name, result.metric_type) == ("test_intent", "exact_match")
    assert (result.metric_value, result.metric_args["delta"]) == (told.eval()["ft"], told.eval()["delta"])
    assert (card.data.license, card.data.model_name) == ("apache-2.0", "checkpoint-40")
    assert result.metric_args["verdicts"] == {"test_gate": "pass"}
    assert "**the gate passed**" in text


def test_hostile_answers_are_inert_everywhere(told: Told) -> None:
    """What the model said commands nobody: on the terminal, in MLflow's tags and texts, in the card."""
    parent, nested, _ = told.server.runs()
    texts = [told.done.stdout, (told.folder / "out" / "checkpoint-40" / "README.md").read_text()]
    texts += [text for run in (parent, nested) for held in (run.tags, run.params) for text in held.values()]
    assert [text for text in texts if INERT.search(text)] == []
    assert [line for line in told.done.stdout.splitlines() if line.startswith("::")] == []
