"""What crosses from worker to controller with the reports of cases, made small: a run may have 300,000 of them.

execnet writes each name and number of a report by itself, so that a few of them cost as much as all the rest.
"""

from __future__ import annotations

import json
from typing import Any

LIGHT = "ftcheck_light"
"""Marks, within a worker, the reports of cases without a fault."""
PROPERTIES = "ftcheck_properties"


def lighten(data: dict[str, Any]) -> None:
    """Write properties as one text; leave out of set-up and teardown the keywords, which are the call's too."""
    if not data.pop(LIGHT, False):
        return
    if data["when"] != "call":
        data["keywords"] = {}
    found = data["user_properties"]
    if found and all(isinstance(name, str) and isinstance(value, str | int | float) for name, value in found):
        # Whoever reads properties, such as JUnit XML, takes those of the call or of teardown.
        data[PROPERTIES] = json.dumps(found) if data["when"] != "setup" else "[]"
        data["user_properties"] = []


def restore(data: dict[str, Any]) -> None:
    """Read what `lighten` wrote."""
    if PROPERTIES in data:
        data["user_properties"] = [(name, value) for name, value in json.loads(data.pop(PROPERTIES))]
