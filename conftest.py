"""Settings of the project's own test run; the plugin itself is installed, not loaded from here."""

import email
import os
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

# Machines that test are busy: a slow example is no fault. Continuous integration draws the same examples every time.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_collection_finish() -> None:
    """Keep no bytecode from here on: what tests write twice within a second would be taken for what it was."""
    sys.dont_write_bytecode = True


@pytest.fixture(scope="session", autouse=True)
def _packages_are_read_once() -> Iterator[None]:
    """Each of hundreds of runs in this process asks after all installed packages, whose metadata stay what they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(email, "message_from_string", cache(email.message_from_string))
        yield
