"""What the collected tests hold, for a lock and for the `ftcheck` command, which asks for it in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.comparison import Policy
from pytest_ftcheck.grading.content import content_of
from pytest_ftcheck.hygiene.registration import pinned_eval, pinned_gate
from pytest_ftcheck.items.gates import gate_spec, rehearsed
from pytest_ftcheck.memorisation import KIND

if TYPE_CHECKING:
    from pytest_ftcheck.session import Session


def gates_of(items: list[pytest.Item], session: Session) -> dict[str, dict[str, Any]]:
    """Return what a lock pins of each gate among the items."""
    found = {}
    for item in items:
        spec = gate_spec(item)
        if spec is None:
            continue
        claims: list[dict[str, Any]] = []
        told = rehearsed(item, session, Policy(rehearsal=[], claims=claims)) is None
        body = None if told and claims else content_of(item.function).hash or "cannot be known"  # type: ignore[attr-defined]
        found[item.nodeid] = pinned_gate([session.eval_of(one).nodeid for one in spec.evals], claims, body)
    return found


def write_inventory(path: Path, items: list[pytest.Item], session: Session) -> None:
    """Write evals with their cases, gates with their claims, and the rootdir."""
    evals = {
        one.nodeid: {
            "pinned": pinned_eval(one.spec, session.whole(one)),
            "cases": [
                {"id": case.id, "input": case.input, "expected": case.expected, "source": case.source}
                for case in session.whole(one)
            ],
        }
        for one in session.evals
    }
    content = {"rootdir": str(session.settings.rootdir), "evals": evals, "gates": gates_of(items, session)}
    path.write_text(json.dumps(content, default=str), encoding="utf-8")


def whole_files(items: list[pytest.Item], config: pytest.Config) -> set[str]:
    """Return the test files, below the rootdir, that were asked for without naming a test in them."""
    if any("::" in str(argument) for argument in config.args):
        return set()
    return {item.nodeid.partition("::")[0] for item in items}


def training_evals(items: list[pytest.Item], session: Session) -> set[str]:
    """Return the names of evals that gates take for training rows, which are no leaks."""
    claims: list[dict[str, Any]] = []
    for item in items:
        if gate_spec(item) is not None:
            rehearsed(item, session, Policy(rehearsal=[], claims=claims))
    return {claim["eval"] for claim in claims if claim["kind"] == KIND}
