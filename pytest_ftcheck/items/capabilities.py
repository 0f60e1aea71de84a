"""What a test adds to the capability matrix: what its assertions found, or the test itself. It decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_ftcheck.items.eligibility import is_property
from pytest_ftcheck.items.probes import capability_of
from pytest_ftcheck.records import ProbeKind, ProbeResult


def entries(item: pytest.Item, notes: Sequence[ProbeResult], *, failed: bool) -> tuple[ProbeResult, ...]:
    """Return a test's entries, each under a capability: the assertion's, that of `@probe`, or the test's name.

    A property is one case, whatever number of examples it tried: Hypothesis looks where it failed before.
    """
    if not isinstance(item, pytest.Function):
        return ()
    cell = next(filter(None, (capability_of(one) for one in (item.function, item.cls))), None)
    name, kind = cell or (item.originalname, "MFT")
    if is_property(item):
        kinds: list[tuple[str, ProbeKind]] = [(note.capability or name, note.kind) for note in notes]
        found = dict.fromkeys(kinds or ([(name, kind)] if cell else []))
        return tuple(_test(item, row, column, failed=failed) for row, column in found)
    if notes:
        return tuple(replace(note, capability=note.capability or name, nodeid=item.nodeid) for note in notes)
    return (_test(item, name, kind, failed=failed),) if cell else ()


def _test(item: pytest.Item, name: str, kind: ProbeKind, *, failed: bool) -> ProbeResult:
    return ProbeResult(capability=name, kind=kind, n=1, failed=int(failed), nodeid=item.nodeid)
