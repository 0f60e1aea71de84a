"""What a value in a row may be, and how it is shown in a message. It knows no fields and no files."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

SHOWN_CHARACTERS = 80

_WRITTEN = (datetime.datetime, datetime.date, datetime.time, decimal.Decimal, uuid.UUID)
_ALLOWED = "allowed: text, finite numbers, true, false, null, and lists and objects of these"


def to_plain(value: Any) -> Any:
    """Return `value` as JSON would hold it: tuples as lists, dates and decimals as text, arrays as lists.

    Raises ValueError for what has no such form, NaN and infinities among it, because its hash would not be stable.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"is {value!r}; {_ALLOWED}")
        return float(value)
    if isinstance(value, list | tuple):
        return [to_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, _WRITTEN):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    if hasattr(value, "tolist"):
        return to_plain(value.tolist())
    raise ValueError(f"is {shown(value)}; {_ALLOWED}")


def _plain_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise ValueError(f"has the key {shown(key)}; allowed: text")
    return {str.__str__(key): to_plain(entry) for key, entry in value.items()}


def shown(value: object) -> str:
    """Return a value and its type for a message, cut to a line.

    >>> shown(3.5)
    '3.5 (float)'
    """
    text = ascii(value) if _has_surrogate(value) else repr(value)
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[: SHOWN_CHARACTERS - 3]}..."
    return f"{text} ({type(value).__name__})"


def named(names: Iterable[str]) -> str:
    """Return names as a list for a message; `none` where there are none."""
    return ", ".join(repr(name) for name in names) or "none"


def _has_surrogate(value: object) -> bool:
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)
