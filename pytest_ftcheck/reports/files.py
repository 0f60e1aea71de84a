"""Report files are written whole or not at all. It knows nothing of what stands in them."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from pytest_ftcheck.errors import ConfigError


def write_whole(path: Path, content: bytes, *, what: str, through_links: bool = True) -> None:
    """Write `content` to `path` in one step: readers see the old file or the new one, never half of one.

    Folders are made; a path that is no regular file (a pipe, /dev/stdout) is written to as it is. A link stays, and the
    file it leads to is replaced; without `through_links` the link itself is. Raises ConfigError naming `what` it was
    and the path when that cannot be done.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(path.resolve() if through_links else path.absolute(), content)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            f"{what} {path}: cannot be written: {why}; allowed: a file in a folder that can be written to"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".ftcheck-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        half.write_bytes(content)
        half.replace(path)
    finally:
        with contextlib.suppress(OSError):
            half.unlink()
