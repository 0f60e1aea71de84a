"""MLflow told: one run per checkpoint, found again by its content hash, with a nested run for each eval.

A further gate run of the same checkpoint is a further step of the same runs. MLflow keeps a parameter as it was first
logged; one that has changed since stands in a tag of the same name.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ftcheck.reports.trackers.facts import Facts

# A server that is down is said after seconds, not after MLflow's four minutes. What the environment says wins.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
EXPERIMENT = "pytest-ftcheck"
CHECKPOINT, EVAL, GATE_RUNS = "ftcheck.checkpoint", "ftcheck.eval", "ftcheck.gate_runs"
_LAST = ("ftcheck.", "verdict.")
"""Tags that say what the last gate run found: those of an earlier one are taken away."""
_PARENT = "mlflow.parentRunId"
_METRICS, _TEXTS = 800, 50
"""How many metrics, and how many parameters and tags each, go into one request: MLflow takes 1,000 entries of 1 MB, and
100 parameters and tags each."""
_MOST_EVALS = 1000


def record(facts: Facts, place: str, files: Sequence[Path]) -> str:
    """Tell a run to the server at `place`, else at MLFLOW_TRACKING_URI; return where it stands."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if place:
        os.environ["MLFLOW_TRACKING_URI"] = place
    from mlflow import MlflowClient

    client = MlflowClient()
    experiment = _experiment(client)
    parent = _parent(client, experiment, facts)
    run_id, step = parent.info.run_id, int(parent.data.tags.get(GATE_RUNS, "0"))
    client.update_run(run_id, status="RUNNING")
    _log(client, parent, facts.metrics, facts.params, _tags(facts, step), step)
    for path in files:
        client.log_artifact(run_id, os.fspath(path), f"gate-run-{step}")
    known = _found(client, experiment, f"tags.`{_PARENT}` = '{run_id}'", _MOST_EVALS) if step else []
    nested = {run.data.tags.get(EVAL): run for run in known}
    for one in facts.evals:
        mine = nested.get(one.name) or client.create_run(
            experiment, run_name=one.name, tags={_PARENT: run_id, EVAL: one.name}
        )
        tags = {"ftcheck.run": facts.tags.get("run", ""), **_verdict_tags(one.verdicts)}
        _log(client, mine, one.metrics, one.params, tags, step)
        client.set_terminated(mine.info.run_id, "FINISHED")
    client.set_terminated(run_id, "FINISHED")
    return f"run {run_id} of experiment {experiment}, step {step}, at {os.environ['MLFLOW_TRACKING_URI']}"


def _parent(client: Any, experiment: str, facts: Facts) -> Any:
    """Return the run of the checkpoint: the one that an earlier gate run began, or a new one."""
    found = _found(client, experiment, f"tags.`{CHECKPOINT}` = '{facts.checkpoint}'", 1) if facts.checkpoint else []
    tags = {CHECKPOINT: facts.checkpoint}
    return found[0] if found else client.create_run(experiment, run_name=facts.name, tags=tags)


def _experiment(client: Any) -> str:
    named = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if named:
        return named
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    found = client.get_experiment_by_name(name)
    return str(client.create_experiment(name) if found is None else found.experiment_id)


def _found(client: Any, experiment: str, what: str, most: int) -> list[Any]:
    """Return the runs that a filter finds, the newest first."""
    return list(client.search_runs([experiment], what, order_by=["attributes.start_time DESC"], max_results=most))


def _tags(facts: Facts, step: int) -> dict[str, str]:
    told = {"verdict": facts.verdict, "summary": facts.summary, "global_step": str(facts.step), **facts.tags}
    mine = {f"ftcheck.{name}": text for name, text in told.items()}
    return {**mine, **_verdict_tags(facts.verdicts), GATE_RUNS: str(step + 1), "mlflow.note.content": facts.note}


def _verdict_tags(verdicts: Mapping[str, str]) -> dict[str, str]:
    return {f"verdict.{gate}": verdict for gate, verdict in verdicts.items()}


def _log(
    client: Any, run: Any, metrics: Mapping[str, float], params: Mapping[str, str], tags: Mapping[str, str], step: int
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    now, known = int(time.time() * 1000), run.data.params
    changed = {name: text for name, text in params.items() if name in known and known[name] != text}
    told = [RunTag(name, text) for name, text in {**tags, **changed}.items()]
    for name in run.data.tags:
        if name not in {**tags, **changed, CHECKPOINT: "", EVAL: ""} and (name in params or name.startswith(_LAST)):
            client.delete_tag(run.info.run_id, name)
    new = [Param(name, text) for name, text in params.items() if name not in known]
    numbers = [Metric(name, value, now, step) for name, value in metrics.items()]
    for number in range(max(_parts(numbers, _METRICS), _parts(new, _TEXTS), _parts(told, _TEXTS))):
        client.log_batch(
            run.info.run_id,
            metrics=numbers[number * _METRICS : (number + 1) * _METRICS],
            params=new[number * _TEXTS : (number + 1) * _TEXTS],
            tags=told[number * _TEXTS : (number + 1) * _TEXTS],
        )


def _parts(entries: Sequence[object], size: int) -> int:
    return -(-len(entries) // size)
