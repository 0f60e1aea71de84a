"""`ftcheck freeze`: pins cases, graders and claims in a file that is committed, so that later runs can say so."""

from __future__ import annotations

import argparse
import datetime
import platform
from pathlib import Path

from pytest_ftcheck.hygiene.collecting import Inventory, collect
from pytest_ftcheck.hygiene.registration import UNKNOWN, changes_of
from pytest_ftcheck.options import DEFAULT_LOCK
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.store.lock import Lock, read_lock, write_lock

EPILOG = """\
Pinned are each eval's cases (by content), its graders (by fingerprint) and how it is asked, and each gate's claims with
their margins. Commit the file. A run then says "pre-registered", or what changed; `pytest --ft-frozen` refuses a change
before any model loads. Tests that are not among those given keep what is pinned. Exit status of --check: 0 as pinned,
1 changed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("tests", nargs="*", metavar="TESTS", help="tests as pytest takes them (pytest's own choice)")
    parser.add_argument("--lock", type=Path, metavar="FILE", help=f"the file ({DEFAULT_LOCK} in pytest's rootdir)")
    parser.add_argument("--check", action="store_true", help="write nothing, say what changed")


def run(arguments: argparse.Namespace) -> int:
    """Pin what the tests hold, or say what changed. Raises ConfigError."""
    found = collect(arguments.tests)
    path = arguments.lock or found.rootdir / DEFAULT_LOCK
    old = read_lock(path)
    whole = {name.partition("::")[0] for name in (*found.evals, *found.gates)}
    files = frozenset() if any("::" in test for test in arguments.tests) else frozenset(whole)
    changes = [] if old is None else changes_of(old, found.evals, found.gates, files)
    shown = inert(str(path), one_line=True)
    if arguments.check:
        print("\n".join(inert(change, one_line=True) for change in changes) if old else f"{shown} is not there")
        if old is not None and not changes:
            print(f"as pinned in {shown}: {_counts(found)}")
        return 1 if changes or old is None else 0
    if old is not None and not changes:
        print(f"{shown} stands: {_counts(found)}")
        return 0
    kept = _kept(old, files)
    lock = Lock(
        evals={**kept.evals, **found.evals},
        gates={**kept.gates, **found.gates},
        frozen=datetime.datetime.now(datetime.UTC).date().isoformat(),
        python=platform.python_version(),
    )
    write_lock(path, lock)
    print("\n".join([*(inert(change, one_line=True) for change in changes), f"{shown} pins {_counts(found)}"]))
    print("\n".join(_unknown(found)), end="\n" if _unknown(found) else "")
    return 0


def _kept(old: Lock | None, files: frozenset[str]) -> Lock:
    """Return what stays pinned of tests that were not collected; all of a collected file is pinned anew."""
    if old is None:
        return Lock()
    evals, gates = (
        {name: facts for name, facts in pinned.items() if name.partition("::")[0] not in files}
        for pinned in (old.evals, old.gates)
    )
    return Lock(evals=evals, gates=gates)


def _counts(found: Inventory) -> str:
    cases = sum(len(cases) for cases in found.cases.values())
    return f"{count(len(found.evals), 'eval')} of {count(cases, 'case')} and {count(len(found.gates), 'gate')}"


def _unknown(found: Inventory) -> list[str]:
    return [
        f"the content of grader {inert(grader, one_line=True)} of {inert(name, one_line=True)} {UNKNOWN}: not pinned"
        for name, facts in found.evals.items()
        for grader, fingerprint in facts["graders"].items()
        if fingerprint == UNKNOWN
    ]
