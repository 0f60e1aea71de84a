"""The capability matrix: capabilities by kind of test, as a table that any report can draw. It knows no layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from pytest_ftcheck.records import ProbeKind, ProbeResult, Run, Table

KINDS: tuple[ProbeKind, ...] = get_args(ProbeKind)


def capability_table(run: Run) -> Table | None:
    """Return the matrix: cases failed of cases tried in each cell, base's failures beside ft's; None without probes."""
    if not run.probes:
        return None
    capabilities = sorted({found.capability for found in run.probes})
    cells: dict[tuple[str, ProbeKind], list[ProbeResult]] = {
        (name, kind): [] for name in capabilities for kind in KINDS
    }
    for found in run.probes:
        cells[found.capability, found.kind].append(found)
    rows = [(name, *(_cell(cells[name, kind]) for kind in KINDS)) for name in capabilities]
    return Table(name="failed of tried", role=None, columns=("capability", *KINDS), rows=tuple(rows))


def _cell(found: Sequence[ProbeResult]) -> str | None:
    """Write `3 of 40, base 1 (2 new)`; base's part only where it was asked everywhere."""
    if not found:
        return None
    failed = f"{sum(each.failed for each in found):,} of {sum(each.n for each in found):,}"
    if any(each.base_failed is None for each in found):
        return failed
    base, new = sum(each.base_failed or 0 for each in found), sum(each.new or 0 for each in found)
    return f"{failed}, base {base:,}" + (f" ({new:,} new)" if new else "")
