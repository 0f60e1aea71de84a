"""Ready-made suites as pytest items: modules of ours, collected wherever they are installed and called by one name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_ftcheck.suites

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(pytest_ftcheck.suites.__file__).parent


def suite_items(session: pytest.Session, names: Sequence[str]) -> list[pytest.Item]:
    """Collect suites by name.

    They are not among pytest's arguments: a virtual environment below the rootdir is none that pytest looks into, and
    a path outside of it would have another node id on every machine.
    """
    return [item for name in names for item in session.genitems(_module(session, name))]


def _module(session: pytest.Session, name: str) -> pytest.Module:
    nodeid = f"pytest_ftcheck/suites/{name}.py"
    module: pytest.Module = pytest.Module.from_parent(session, path=FOLDER / f"{name}.py", nodeid=nodeid)
    return module
