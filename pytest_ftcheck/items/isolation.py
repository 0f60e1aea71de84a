"""Running a test's body before its time without anybody noticing. It knows nothing of what the body is."""

from __future__ import annotations

import io
import logging
import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

from pytest_ftcheck.items.deferred import Deferred


@contextmanager
def unnoticed() -> Iterator[None]:
    """Hide what is written, warned and logged, give input nothing to read, let no debugger start; then restore all."""
    # Imported for the first probe: it brings asyncio.
    from unittest.mock import patch

    with ExitStack() as stack:
        stack.enter_context(_muted_descriptors())
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable()
        stack.enter_context(patch.object(sys, "stdin", io.StringIO()))
        stack.enter_context(patch.object(sys, "breakpointhook", _no_debugger))
        if "pdb" in sys.modules:
            stack.enter_context(patch.object(sys.modules["pdb"], "set_trace", _no_debugger))
        yield


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's and, where it is loaded, NumPy's global random numbers; then restore their state."""
    numbers = sys.modules.get("numpy.random")
    state, numpy_state = random.getstate(), None if numbers is None else numbers.get_state()
    random.seed(seed)
    if numbers is not None:
        numbers.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
        if numbers is not None:
            numbers.set_state(numpy_state)


def _no_debugger(*_: Any, **__: Any) -> None:
    raise Deferred


@contextmanager
def _muted_descriptors() -> Iterator[None]:
    """Send to nowhere what reaches standard output and error past Python: from C code, from other processes."""
    saved: list[tuple[int, int]] = []
    _flush()
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a name, not a path of ours
        for descriptor in (1, 2):
            with suppress(OSError):  # closed in a daemon: then there is nothing to mute
                saved.append((descriptor, os.dup(descriptor)))
                os.dup2(nowhere.fileno(), descriptor)
        try:
            yield
        finally:
            _flush()
            for descriptor, copy in saved:
                os.dup2(copy, descriptor)
                os.close(copy)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()  # type: ignore[union-attr]
