"""What GitHub tells a job, as its documentation lists the variables and the events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.ci.surroundings import read_surroundings


def environ(tmp_path: Path, event: Any) -> dict[str, str]:
    """The variables of a job on GitHub."""
    file = tmp_path / "event.json"
    file.write_text(event if isinstance(event, str) else json.dumps(event))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_REPOSITORY": "team/desk",
        "GITHUB_API_URL": "https://api.github.com/",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_RUN_ID": "77",
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_TOKEN": "ghs_planted",
    }


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ({"pull_request": {"number": 12}}, 12),
        ({"issue": {"number": 13, "pull_request": {"url": "x"}}}, 13),
        ({"issue": {"number": 14}}, None),
        ({"ref": "refs/heads/main"}, None),
        ([], None),
        ({"pull_request": {"number": "12; rm"}}, None),
        ("{", None),
    ],
)
def test_the_pull_request(tmp_path: Path, event: Any, number: int | None) -> None:
    """The number is that of the pull request, or of the one commented on; anything else has none."""
    assert read_surroundings(environ(tmp_path, event)).pull_request == number


def test_the_page_of_the_run(tmp_path: Path) -> None:
    """The job's page is put together from server, repository and run."""
    assert read_surroundings(environ(tmp_path, {})).run_url == "https://github.com/team/desk/actions/runs/77"


def test_nowhere() -> None:
    """Without the variables there is no job, and nothing to write to."""
    job = read_surroundings({})
    assert (job.on_github, job.summary, job.output, job.pull_request, job.run_url) == (False, None, None, None, "")


def test_the_token_is_not_shown(tmp_path: Path) -> None:
    """The token is no part of what is printed of a job."""
    assert "planted" not in repr(read_surroundings(environ(tmp_path, {})))
