"""What a user's tests hold, asked of pytest itself: evals with their cases, gates with their claims.

Claims stand in the bodies of gates, so nothing less than pytest with the plugin can tell them: it collects in a
process of its own, rehearses the gates, and writes what it found to a file. No model is loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Case
from pytest_ftcheck.reports.inert import inert

SHOWN_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What the tests hold: cases by eval, and everything that a lock pins (see registration.py), by eval and gate."""

    rootdir: Path
    cases: Mapping[str, tuple[Case, ...]]
    evals: Mapping[str, Mapping[str, Any]]
    gates: Mapping[str, Mapping[str, Any]]


def collect(paths: Sequence[str], *, folder: Path | None = None) -> Inventory:
    """Have pytest collect the tests of `paths` (its own choice where there are none) in `folder`.

    Raises ConfigError with pytest's words where that fails, and where no eval is found.
    """
    with tempfile.TemporaryDirectory() as own:
        target = Path(own) / "inventory.json"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", f"--ft-inventory={target}"]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", *paths],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 5) or not target.exists():
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-SHOWN_LINES:])
            raise ConfigError(f"pytest could not collect {' '.join(paths) or 'the tests'}:\n{inert(said)}")
        held = json.loads(target.read_text(encoding="utf-8"))
    if not held["evals"]:
        raise ConfigError(
            f"no eval in {' '.join(paths) or 'the tests'}; allowed: tests with functions under @eval_cases"
        )
    return Inventory(
        rootdir=Path(held["rootdir"]),
        cases={name: tuple(map(_case, one["cases"])) for name, one in held["evals"].items()},
        evals={name: one["pinned"] for name, one in held["evals"].items()},
        gates=held["gates"],
    )


def _case(fields: dict[str, Any]) -> Case:
    given = fields["input"]
    return Case(
        id=fields["id"],
        input=given if isinstance(given, str) else tuple(given),
        expected=fields["expected"],
        source=fields["source"],
    )
