"""One comment on a pull request, updated in place: found again by a mark in its first line. It knows no verdicts.

GitHub's REST API (https://docs.github.com/en/rest/issues/comments), which GitHub Enterprise has too.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from pytest_ftcheck.ci.surroundings import Surroundings
from pytest_ftcheck.errors import FtcheckError

BODY_LIMIT = 65_000
"""Bytes of a comment: GitHub takes 65,536 characters."""

TIMEOUT_S = 20.0
PAGE = 100
PAGES = 30
"""Pages of comments that are searched: 3,000 comments."""


def mark(title: str) -> str:
    """Return the invisible first line by which a comment is found again; `title` tells several gates apart.

    >>> mark("nightly")
    '<!-- pytest-ftcheck: nightly -->'
    """
    kept = "".join(sign for sign in title if sign.isalnum() or sign in " ._")
    return f"<!-- pytest-ftcheck: {kept} -->"


def post_comment(job: Surroundings, body: str, *, title: str) -> str:
    """Write the pull request's comment of this title, or write it anew; return its address.

    Raises FtcheckError that says what the API answered, and never the token.
    """
    first = mark(title)
    text = f"{first}\n{body}"
    found = next((each for each in _comments(job) if _is_ours(each, first, job)), None)
    if found is None:
        made = _call(job, "POST", f"/repos/{job.repository}/issues/{job.pull_request}/comments", text)
    else:
        made = _call(job, "PATCH", f"/repos/{job.repository}/issues/comments/{int(found['id'])}", text)
    return str(made.get("html_url", "")) if isinstance(made, dict) else ""


def _is_ours(comment: dict[str, Any], first: str, job: Surroundings) -> bool:
    """Whether a comment is ours to write over; a person's that begins alike is not, where a workflow's bot writes."""
    user = comment.get("user")
    by_bot = isinstance(user, dict) and user.get("type") == "Bot"
    return str(comment.get("body", "")).startswith(first) and (by_bot or not job.token.startswith("ghs_"))


def _comments(job: Surroundings) -> Iterator[dict[str, Any]]:
    for page in range(1, PAGES + 1):
        path = f"/repos/{job.repository}/issues/{job.pull_request}/comments?per_page={PAGE}&page={page}"
        found = _call(job, "GET", path)
        if not isinstance(found, list):
            raise FtcheckError("the comments of the pull request could not be listed: the API's answer is no list")
        yield from (each for each in found if isinstance(each, dict))
        if len(found) < PAGE:
            return


def _call(job: Surroundings, method: str, path: str, body: str | None = None) -> Any:
    """Ask the API, once. Raises FtcheckError."""
    request = urllib.request.Request(
        job.api_url + path,
        data=None if body is None else json.dumps({"body": body}).encode(),
        method=method,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {job.token}",
            "Content-Type": "application/json",
            "User-Agent": "pytest-ftcheck",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    about = f"{method} {path.partition('?')[0]}"
    try:
        with urllib.request.build_opener(_Staying()).open(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        hint = " (the job needs `permissions: pull-requests: write`)" if error.code in (401, 403) else ""
        raise FtcheckError(f"the comment API answered {error.code} to {about}{hint}") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise FtcheckError(f"the comment API could not be asked ({about}): {type(error).__name__}: {why}") from None


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token is for this host alone."""

    def redirect_request(self, *_: Any) -> None:
        return None
