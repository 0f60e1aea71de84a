"""What crosses from worker to controller with the reports of cases, made small: a run may have 300,000 of them.

execnet writes each name and number of a report by itself; one string of bytes costs a tenth of that.
"""

from __future__ import annotations

import pickle
from typing import Any

LIGHT = "ftcheck_light"
"""Marks, within a worker, the reports of cases without a fault."""
PACKED = "ftcheck_packed"
"""Holds, on its way, what pytest and this plugin put into a report; what other plugins did stays beside it."""

_OWN = (
    *("nodeid", "location", "keywords", "outcome", "longrepr", "when", "user_properties", "sections"),
    *("duration", "start", "stop", "ftcheck_outcome"),
)


def lighten(data: dict[str, Any]) -> None:
    """Write a report's own entries as bytes, without the keywords of set-up and teardown, which are the call's."""
    if not data.pop(LIGHT, False):
        return
    if data["when"] != "call":
        data["keywords"] = {}
    if data["when"] == "setup":
        # Whoever reads properties, such as JUnit XML, takes those of the call or of teardown.
        data["user_properties"] = []
    if not all(isinstance(value, str | int | float) for _, value in data["user_properties"]):
        return  # execnet says what it cannot carry
    data[PACKED] = pickle.dumps({name: data.pop(name) for name in _OWN if name in data}, protocol=4)


def restore(data: dict[str, Any]) -> None:
    """Read what `lighten` wrote."""
    if PACKED in data:
        data.update(pickle.loads(data.pop(PACKED)))
