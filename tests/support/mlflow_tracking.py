"""A real MLflow tracking server on SQLite: MLflow's own application, its database and its artifact store, one process.

`mlflow server` would import it twice, once to start and once to serve. It is read by its REST API, without its client.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SERVE = """
from werkzeug.serving import make_server
from mlflow.server import app, handlers

handlers.initialize_backend_stores("sqlite:///mlflow.db", "sqlite:///mlflow.db", "mlflow-artifacts:/")
server = make_server("127.0.0.1", 0, app, threaded=True)
print("listening on", server.port, flush=True)
server.serve_forever()
"""


@dataclass(frozen=True)
class TrackingServer:
    """The server's address, and what it holds."""

    url: str

    def ask(self, call: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call the REST API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{call}", data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def runs(self, experiment: str = "pytest-ftcheck") -> list[TrackedRun]:
        """All runs of an experiment, the oldest first."""
        held = self.ask(f"experiments/get-by-name?experiment_name={experiment}")["experiment"]
        found = self.ask("runs/search", {"experiment_ids": [held["experiment_id"]], "order_by": ["start_time ASC"]})
        return [TrackedRun.of(run) for run in found.get("runs", ())]

    def history(self, run: str, metric: str) -> list[tuple[int, float]]:
        """Steps and values of a metric."""
        found = self.ask(f"metrics/get-history?run_id={run}&metric_key={metric}")
        return [(int(each["step"]), each["value"]) for each in found["metrics"]]

    def artifacts(self, run: str, folder: str = "") -> dict[str, bytes]:
        """Files of a run by name, below `folder`."""
        found = self.ask(f"artifacts/list?run_id={run}&path={folder}").get("files", [])
        held: dict[str, bytes] = {}
        for each in found:
            address = f"{self.url}/get-artifact?run_id={run}&path={each['path']}"
            if each.get("is_dir"):
                held |= self.artifacts(run, each["path"])
            else:
                with urllib.request.urlopen(address, timeout=30) as answer:
                    held[each["path"]] = answer.read()
        return held


@dataclass(frozen=True)
class TrackedRun:
    """One run as the server holds it."""

    id: str
    name: str
    status: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> TrackedRun:
        """Read one of the API's answers."""
        info, data = found["info"], found["data"]
        held = {what: {each["key"]: each["value"] for each in data.get(what, ())} for what in ("params", "tags")}
        metrics = {each["key"]: float(each["value"]) for each in data.get("metrics", ())}
        return cls(info["run_id"], info["run_name"], info["status"], metrics, held["params"], held["tags"])


@contextmanager
def tracking(folder: Path) -> Iterator[TrackingServer]:
    """Start a server on a free port, its database and artifacts in `folder`; stop it at the end."""
    environ = {
        **os.environ,
        "_MLFLOW_SERVER_FILE_STORE": "sqlite:///mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": "./artifacts",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVE], cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert server.stdout is not None
        words = server.stdout.readline().split()
        assert words[:2] == ["listening", "on"], (folder / "server.log").read_text()
        yield TrackingServer(f"http://127.0.0.1:{words[2]}")
    finally:
        server.kill()
        server.communicate()
