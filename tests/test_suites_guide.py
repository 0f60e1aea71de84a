"""docs/suites.md says what is so: its code runs, and the evals have the cases that its table counts."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import pytest_ftcheck.summaries  # noqa: F401 - an in-process run forgets its modules, and numpy cannot be imported twice
from pytest_ftcheck.evals import spec_of
from pytest_ftcheck.options import SUITES
from pytest_ftcheck.suites.capability import test_knowledge as knowledge
from pytest_ftcheck.suites.refusal import test_unsafe_requests as unsafe

GUIDE = (Path(__file__).parent.parent / "docs" / "suites.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
QUIET = ("-p", "no:randomly", "-p", "no:cacheprovider")


def test_counts() -> None:
    """The table has every eval with its number of cases."""
    told = {name: int(count) for name, count in re.findall(r"`(test_\w+)` \((\d+)", GUIDE)}
    modules = [import_module(f"pytest_ftcheck.suites.{name}") for name in SUITES]
    specs = [spec for module in modules for name in module.__all__ if (spec := spec_of(getattr(module, name)))]
    assert told == {spec.name: len(spec.load()) for spec in specs}


def test_imports(pytester: pytest.Pytester) -> None:
    """The first block brings capability's four evals and gates, and format's one with a gate of its own."""
    pytester.makepyfile(test_own=BLOCKS[0])
    found = pytester.runpytest(*QUIET, "--collect-only", "-q")
    found.stdout.fnmatch_lines([f"*{160 + 104 + 121 + 103 + 4 + 110 + 1} tests collected*"])


def test_own_bounds(pytester: pytest.Pytester) -> None:
    """The second block's gates judge: both pass on answers that are all right."""
    pytester.makepyfile(test_own=BLOCKS[1])
    rows = [{"case": case.id, "answer": case.expected[0]} for case in spec_of(knowledge).load()]  # type: ignore[union-attr]
    rows += [{"case": case.id, "answer": "I must decline."} for case in spec_of(unsafe).load()]  # type: ignore[union-attr]
    (pytester.path / "both.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = pytester.runpytest(*QUIET, "--ft-model=both.jsonl", "--base-model=both.jsonl")
    found.assert_outcomes(passed=121 + 143 + 2)
