"""Options and ini keys of ours that pytest does not know because they are misspelt: what was meant.

pytest itself says that they are unknown; where nothing of ours is close, nothing is added to that.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from configparser import Error, RawConfigParser
from pathlib import Path

from pytest_ftcheck.options import OPTIONS
from pytest_ftcheck.suggestions import nearest

FOREIGN = 0.8
"""How close a name must be that does not begin as ours do."""


def misspelt_options(arguments: Sequence[str]) -> str:
    """Return what to say of command-line arguments that nobody declared; empty where none is close to one of ours."""
    flags = {option.ini.removeprefix("ft_").replace("_", "-"): option.flag for option in OPTIONS}
    said = []
    for argument in arguments:
        name = argument.partition("=")[0]
        if (meant := _meant(name, "--ft-", flags)) not in (None, name):
            said.append(f"unrecognized argument {name!r} (did you mean {meant!r}?)")
    return "; ".join(said)


def misspelt_keys(path: Path | None, overrides: Iterable[str]) -> dict[str, str]:
    """Return what was meant by each ini key that is close to one of ours and none of them.

    `path` is pytest's configuration file, `overrides` are the values of `-o`.
    """
    known = {option.ini.removeprefix("ft_"): option.ini for option in OPTIONS}
    keys = [*_keys(path), *(each.partition("=")[0] for each in overrides)]
    found = {}
    for key in dict.fromkeys(keys):
        meant = _meant(key, "ft_", known)
        if key not in known.values() and meant is not None:
            found[key] = meant
    return found


def _meant(name: str, prefix: str, known: Mapping[str, str]) -> str | None:
    """Return the known name that is close: without the prefix that ours share, or as a whole."""
    if name.lower().startswith(prefix):
        found = nearest(name[len(prefix) :], known)
        return None if found is None else known[found]
    return nearest(name, known.values(), close=FOREIGN)


def _keys(path: Path | None) -> list[str]:
    """Return the keys that a configuration file sets for pytest. A file that pytest read otherwise gives none."""
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return _toml_keys(tomllib.loads(text))
        parser = RawConfigParser(strict=False, allow_no_value=True)
        parser.read_string(text)
    except (OSError, ValueError, Error):
        return []
    return [key for name in ("pytest", "tool:pytest") if parser.has_section(name) for key in parser[name]]


def _toml_keys(document: object) -> list[str]:
    keys: list[str] = []
    for steps in (("pytest",), ("tool", "pytest"), ("tool", "pytest", "ini_options")):
        table = document
        for step in steps:
            table = table.get(step) if isinstance(table, dict) else None
        keys += table if isinstance(table, dict) else ()
    return keys
