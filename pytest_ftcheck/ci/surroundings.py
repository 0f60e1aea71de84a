"""What a CI system tells a job through its environment. It reads variables and the event file, and changes nothing.

Names of the variables: https://docs.github.com/en/actions/reference/workflows-and-actions/variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One job on GitHub Actions, or none: every part that is not there is None or empty.

    `token` is never printed: it is left out of the repr. `run_url` is the page of the workflow's run.
    """

    on_github: bool = False
    summary: Path | None = None
    output: Path | None = None
    workspace: Path | None = None
    repository: str = ""
    api_url: str = "https://api.github.com"
    pull_request: int | None = None
    run_url: str = ""
    token: str = field(default="", repr=False)


def read_surroundings(environ: Mapping[str, str]) -> Surroundings:
    """Return what `environ` says; an event file that cannot be read means no pull request."""
    server, repository, run = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return Surroundings(
        on_github=environ.get("GITHUB_ACTIONS") == "true",
        summary=_path(environ.get("GITHUB_STEP_SUMMARY")),
        output=_path(environ.get("GITHUB_OUTPUT")),
        workspace=_path(environ.get("GITHUB_WORKSPACE")),
        repository=repository,
        api_url=environ.get("GITHUB_API_URL", "").rstrip("/") or "https://api.github.com",
        pull_request=_pull_request(environ.get("GITHUB_EVENT_PATH")),
        run_url=f"{server}/{repository}/actions/runs/{run}" if server and repository and run else "",
        token=environ.get("GITHUB_TOKEN", ""),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _pull_request(event_file: str | None) -> int | None:
    """Return the number of the pull request that the event is about: of itself, or of a comment on it."""
    if not event_file:
        return None
    try:
        event: Any = json.loads(Path(event_file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = event.get("pull_request") if isinstance(event, dict) else None
    if found is None and isinstance(event, dict) and "pull_request" in (event.get("issue") or {}):
        found = event["issue"]
    number = found.get("number") if isinstance(found, dict) else None
    return number if isinstance(number, int) and number > 0 else None
