r"""What a GitHub Actions runner reads: annotations on standard output, and the lines of its files. It writes neither.

Escapes after the runner's own toolkit (actions/toolkit, packages/core/src/command.ts): `%`, CR and LF in a message,
`:` and `,` in a property too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pytest_ftcheck.records import Decision, GateResult
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.inert import inert

MESSAGE_LIMIT = 1000


class Place(NamedTuple):
    """A file, relative to the repository's root, and a line in it, from 1."""

    file: str
    line: int


def annotation(result: GateResult, place: Place | None, *, inconclusive: str = "fail") -> str | None:
    """Return the workflow command that marks a gate that did not pass at its own line; None for one that did.

    An inconclusive gate that is let stand (`inconclusive="warn"`) is a warning.
    """
    if result.decision is Decision.PASS:
        return None
    level = "warning" if result.decision is Decision.INCONCLUSIVE and inconclusive == "warn" else "error"
    name = wording.short_name(result.nodeid)
    said = wording.verdict_line(result.verdict) if result.verdict is not None else wording.gate_words(result)
    properties = {"title": f"{name}: {wording.gate_words(result)}"[:200]}
    if place is not None:
        properties = {"file": place.file, "line": str(place.line), **properties}
    return command(level, inert(said, limit=MESSAGE_LIMIT, one_line=True), properties)


def command(name: str, message: str, properties: Mapping[str, str]) -> str:
    r"""Return a workflow command.

    >>> command("error", "100 %\nx", {"title": "a:b,c"})
    '::error title=a%3Ab%2Cc::100 %25%0Ax'
    """
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' if written else ''}{written}::{_data(message)}"


def outputs(values: Mapping[str, str]) -> str:
    """Return the text to append to `$GITHUB_OUTPUT`: each value between delimiters that it cannot guess."""
    lines: list[str] = []
    for name, value in values.items():
        mark = f"ftcheck_{secrets.token_hex(16)}"
        lines += [f"{name}<<{mark}", value, mark]
    return "".join(f"{line}\n" for line in lines)


def deltas(results: Sequence[GateResult]) -> str:
    """Say each gate's delta on one line: `test_intent_improves=+0.42 test_prose_kept=-0.81`, in the metric's units."""
    said = []
    for result in results:
        verdict = result.verdict
        if verdict is not None and verdict.delta is not None:
            said.append(f"{wording.short_name(result.nodeid)}={verdict.delta:+.6g}")
    return " ".join(said)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
