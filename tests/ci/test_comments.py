"""One comment per pull request and title, against a server that keeps comments as GitHub's API does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_ftcheck.ci.comments import mark, post_comment
from pytest_ftcheck.ci.surroundings import Surroundings
from pytest_ftcheck.errors import FtcheckError
from tests.support.forge import Forge, serving


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A fresh pull request."""
    with serving() as forge:
        yield forge


def job(forge: Forge) -> Surroundings:
    """A job on the pull request."""
    return Surroundings(repository="team/desk", api_url=forge.url, pull_request=12, token="ghs_planted")


def test_the_first_time_it_is_written(forge: Forge) -> None:
    """Where there is none, the comment is made, and its address returned."""
    assert post_comment(job(forge), "red", title="Nightly") == f"{forge.url}/c/1"
    assert forge.comments[0]["body"] == "<!-- pytest-ftcheck: Nightly -->\nred"


def test_the_second_time_it_is_written_over(forge: Forge) -> None:
    """A later run changes the comment in place."""
    post_comment(job(forge), "red", title="Nightly")
    post_comment(job(forge), "green", title="Nightly")
    assert [comment["body"].splitlines()[1] for comment in forge.comments] == ["green"]


def test_titles_have_comments_of_their_own(forge: Forge) -> None:
    """Two gates of one repository do not write over each other."""
    post_comment(job(forge), "red", title="Smoke")
    post_comment(job(forge), "green", title="Nightly")
    assert len(forge.comments) == 2


def test_it_is_found_behind_many_others(forge: Forge) -> None:
    """All pages of a long discussion are searched."""
    for number in range(230):
        forge.say(f"comment {number}")
    forge.say(f"{mark('Gate')}\nred")
    post_comment(job(forge), "green", title="Gate")
    assert len(forge.comments) == 231
    assert forge.comments[-1]["body"].endswith("green")


def test_a_persons_comment_is_left_alone(forge: Forge) -> None:
    """A comment that a person begins with our mark is not taken for ours: they could change a verdict afterwards."""
    forge.say(f"{mark('Gate')}\nfake", kind="User")
    post_comment(job(forge), "red", title="Gate")
    assert forge.comments[0]["body"].endswith("fake")
    assert forge.comments[1]["body"].endswith("red")


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502])
def test_what_the_api_refuses_is_said(forge: Forge, status: int) -> None:
    """The error names the status and the call, asks for the permission where that may help, and hides the token."""
    forge.fault = status
    with pytest.raises(FtcheckError, match=f"answered {status} to GET /repos/team/desk/issues/12/comments") as caught:
        post_comment(job(forge), "red", title="Gate")
    assert ("pull-requests: write" in str(caught.value)) == (status in (401, 403))
    assert "planted" not in str(caught.value)


def test_a_redirect_is_not_followed(forge: Forge) -> None:
    """The token goes to no other host."""
    forge.fault = 302
    with pytest.raises(FtcheckError, match="answered 302"):
        post_comment(job(forge), "red", title="Gate")


def test_nobody_there() -> None:
    """An API that cannot be reached is an error that says so."""
    away = Surroundings(repository="team/desk", api_url="http://127.0.0.1:9", pull_request=12, token="ghs_planted")
    with pytest.raises(FtcheckError, match="could not be asked"):
        post_comment(away, "red", title="Gate")


def test_a_title_cannot_close_its_mark() -> None:
    """Signs that would end the comment's mark are left out of it."""
    assert mark("a --> b\n") == "<!-- pytest-ftcheck: a  b -->"
