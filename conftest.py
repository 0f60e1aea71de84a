"""Settings of the project's own test run; the plugin itself is installed, not loaded from here."""

import os
import sys

from hypothesis import settings

pytest_plugins = ["pytester"]

# Machines that test are busy: a slow example is no fault. Continuous integration draws the same examples every time.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_collection_finish() -> None:
    """Keep no bytecode from here on: what tests write twice within a second would be taken for what it was."""
    sys.dont_write_bytecode = True
