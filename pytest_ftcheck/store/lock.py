"""The freeze file: what an exam was when it was pinned, as text that is committed and compared line by line.

It knows nothing of evals and gates: an exam is two mappings of names to plain values.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import ConfigError

VERSION = 1
ALLOWED = "allowed: what `ftcheck freeze` wrote"

Pinned = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What was pinned: evals and gates by node id, the day, and the version of Python that fingerprints cover."""

    evals: Pinned = field(default_factory=dict)
    gates: Pinned = field(default_factory=dict)
    frozen: str = ""
    python: str = ""


def read_lock(path: Path) -> Lock | None:
    """Return what is pinned, or None where there is no file. Raises ConfigError for a file that is no lock."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; {ALLOWED}") from None
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = " (conflict markers of a merge? run `ftcheck freeze` again)" if "<<<<<<<" in text else ""
        raise ConfigError(f"{path} is no JSON: {error}{hint}; {ALLOWED}") from None
    version = held.get("version") if isinstance(held, dict) else None
    if version != VERSION:
        raise ConfigError(f"{path} has version {version!r}; {ALLOWED}, version {VERSION}")
    evals, gates = held.get("evals"), held.get("gates")
    if not (_is_pinned(evals) and _is_pinned(gates)):
        raise ConfigError(f"{path} lacks evals or gates; {ALLOWED}")
    return Lock(evals=evals, gates=gates, frozen=str(held.get("frozen", "")), python=str(held.get("python", "")))


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock in one step: names sorted, one fact a line. Raises ConfigError where that cannot be done."""
    content = {
        "version": VERSION,
        "frozen": lock.frozen,
        "python": lock.python,
        "evals": {name: lock.evals[name] for name in sorted(lock.evals)},
        "gates": {name: lock.gates[name] for name in sorted(lock.gates)},
    }
    half = path.with_name(f".ftcheck-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        half.write_text(json.dumps(content, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            half.unlink()


def differences(then: Pinned, now: Pinned, *, noun: str) -> list[str]:
    """Say in a line each how the things in `now` differ from what was pinned; things only pinned are not looked at."""
    found = []
    for name, facts in now.items():
        if name not in then:
            found.append(f"{noun} {name} is not pinned")
            continue
        for fact in dict.fromkeys([*then[name], *facts]):
            before, after = then[name].get(fact), facts.get(fact)
            if before != after:
                found.append(f"{noun} {name}: {fact} {_change(before, after)}")
    return found


def _change(before: Any, after: Any) -> str:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        parts = [f"{key} {_change(before.get(key), after.get(key))}" for key in dict.fromkeys([*before, *after])
                 if before.get(key) != after.get(key)]  # fmt: skip
        return ", ".join(parts)
    if isinstance(before, list) and isinstance(after, list):
        gone = [_shown(entry) for entry in before if entry not in after]
        new = [_shown(entry) for entry in after if entry not in before]
        return f"was {'; '.join(gone) or 'less'}, is {'; '.join(new) or 'less'}"
    return f"was {_shown(before)}, is {_shown(after)}"


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) == 64:
        return value[:12]
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_shown(each)}" for key, each in value.items())
    return "none" if value is None else str(value)


def _is_pinned(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())
