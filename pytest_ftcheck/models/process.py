"""An engine in a process of its own: its crash, kill or hang is an error of the call, not the end of the tests.

The parent never imports what the engine imports. Frames (a length, then a pickle) go over two pipes of their own, so
that what libraries print cannot garble them; the child's output goes to a file whose last lines errors quote. The child
ends with its parent: it reads its pipe in a thread and leaves at end of file. POSIX only, as `pass_fds` is.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import json
import math
import os
import pickle
import queue
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from pytest_ftcheck.errors import ConfigError, EngineError
from pytest_ftcheck.models.protocol import Engine, EngineDied, EngineFactory, EngineOptions, ModelSpec
from pytest_ftcheck.records import Reply, Request, Role

_LENGTH = struct.Struct(">Q")
_TAIL_LINES = 8
# The parent's sys.path as it is now: pytest's own additions (rootdir, pythonpath) are in no environment variable.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pytest_ftcheck.models.process import serve; serve(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])"
)


def load_factory(engine: str) -> EngineFactory:
    """Import "package.module:Class". Raises ConfigError naming what is missing."""
    module, _, attribute = engine.partition(":")
    if not module or not attribute:
        raise ConfigError(f"engine is {engine!r}; allowed: package.module:Class")
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise ConfigError(f"engine {engine!r}: cannot import {module!r}: {error}") from error
    except AttributeError:
        raise ConfigError(f"engine {engine!r}: module {module!r} has no {attribute!r}") from None
    if not callable(factory):
        raise ConfigError(f"engine {engine!r} is {factory!r}; allowed: a class, or a function that returns an engine")
    made: EngineFactory = factory
    return made


class EarlyProcess:
    """A child that imports what `factory` needs before it is known what it will answer, if anything.

    It loads no weights, and ends with `close` unless an EngineProcess took it.
    """

    def __init__(self, factory: str) -> None:
        self._factory = factory
        self._child: _Child | None = _Child(factory)

    @property
    def pid(self) -> int | None:
        """The child's process id, or None once it was taken or ended."""
        return self._child.process.pid if self._child is not None else None

    def take(self, factory: str) -> _Child | None:
        """Give the child away to an engine of the same factory, once."""
        if self._child is None or factory != self._factory:
            return None
        child, self._child = self._child, None
        return child

    def close(self) -> None:
        """End the child, if nobody took it. May be called twice."""
        child, self._child = self._child, None
        if child is not None:
            child.end()


class EngineProcess:
    """An Engine whose work is done by a child process, started by `start` or by the first call.

    `time_limit_s` is how long the child may be silent within a call (a progress line is a sign of life); None or 0
    is for ever. A dead or silent child raises EngineDied; the next call starts another. `early` is a child that was
    started before.
    """

    def __init__(
        self,
        factory: str,
        specs: Mapping[Role, ModelSpec],
        options: EngineOptions,
        report: Callable[[str], None],
        time_limit_s: float | None,
        early: EarlyProcess | None = None,
    ) -> None:
        self._factory = factory
        self._early = early
        self._opening = (dict(specs), options)
        self._report = report
        self._time_limit_s = time_limit_s or None
        self._child: _Child | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is none."""
        return self._child.process.pid if self._child is not None else None

    def start(self) -> None:
        """Start the child, which imports its libraries at once, so that this runs beside what the caller does next."""
        if self._child is None:
            early = None if self._early is None else self._early.take(self._factory)
            self._child = early or _Child(self._factory)
            with contextlib.suppress(OSError):  # a child that is dead already is found so by the next call
                self._child.send(("open", self._opening))

    def answer(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Answer in the child. Raises EngineError with the child's reason, EngineDied if it ended or was silent."""
        if not requests:
            return []
        self.start()
        child = self._child
        assert child is not None
        doing = f"while answering {len(requests)} requests of {requests[0].role}"
        try:
            kind, value = self._ask(child, requests)
        except TimeoutError:  # before OSError, of which it is a kind
            raise self._died(f"was silent for {self._time_limit_s:g} s {doing}, and was ended") from None
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._died(f"ended by {child.ended()} {doing}") from None
        except BaseException:
            # A keyboard interrupt leaves an answer on its way, which the next call must not take for its own.
            self.close()
            raise
        if kind == "error":
            raise EngineError(str(value))
        if len(value) != len(requests):
            raise EngineError(f"engine {self._factory} gave {len(value)} replies to {len(requests)} requests")
        return list(value)

    def _ask(self, child: _Child, requests: Sequence[Request]) -> tuple[str, Any]:
        child.send(("answer", list(requests)), self._time_limit_s)
        while True:
            kind, value = child.receive(self._time_limit_s)
            if kind != "report":
                return kind, value
            self._report(value)

    def _died(self, how: str) -> EngineDied:
        child = self._child
        assert child is not None
        self.close()
        return EngineDied(f"the engine process {how}; its last lines:\n{child.tail() or '(none)'}")

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.end()
        if self._early is not None:
            self._early.close()


class _Child:
    """The parent's end of one child process."""

    def __init__(self, factory: str) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        child_reads, self._out = os.pipe()
        self._in, child_writes = os.pipe()
        os.set_blocking(self._out, False)  # a frame larger than the pipe must not wait on a child that hangs
        self._tail = ""
        path = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, path, str(child_reads), str(child_writes), factory],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(child_reads, child_writes),
            )
        finally:
            os.close(child_reads)
            os.close(child_writes)

    def send(self, message: tuple[str, Any], silence_s: float | None = None) -> None:
        """Write one frame. Raises TimeoutError if the child does not take it within `silence_s` seconds."""
        until = None if silence_s is None else time.monotonic() + silence_s
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        view = memoryview(_LENGTH.pack(len(body)) + body)
        while view:
            _wait(self._out, select.POLLOUT, until)
            view = view[os.write(self._out, view) :]

    def receive(self, silence_s: float | None) -> tuple[str, Any]:
        """Read one frame. Raises TimeoutError after `silence_s` seconds without it, EOFError at the child's end."""
        until = None if silence_s is None else time.monotonic() + silence_s
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, until))
        message: tuple[str, Any] = pickle.loads(self._read(length, until))
        return message

    def _read(self, size: int, until: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            _wait(self._in, select.POLLIN, until)
            part = os.read(self._in, min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def ended(self) -> str:
        """Say how the child ended; one that closed its pipe but lives on is killed first."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        try:
            return f"signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"signal {-code}"

    def tail(self) -> str:
        """Return the last lines of what the child printed; readable after `end`."""
        return self._tail

    def end(self) -> None:
        """Kill the child and close what belongs to it."""
        self.process.kill()
        self.process.wait()
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 8_192))
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        self._tail = "\n".join(lines[-_TAIL_LINES:])
        self._log.close()
        os.close(self._out)
        os.close(self._in)


def _wait(descriptor: int, event: int, until: float | None) -> None:
    """Wait until a pipe is ready, at the latest until a moment of the monotonic clock. Raises TimeoutError."""
    # Not select.select, which fails on descriptors above 1023.
    poll = select.poll()
    poll.register(descriptor, event)
    left_ms = None if until is None else max(0, math.ceil((until - time.monotonic()) * 1000))
    if not poll.poll(left_ms):
        raise TimeoutError


def serve(reads: int, writes: int, engine: str) -> None:
    """Be the child: open the engine, answer what comes over `reads`, end at its end of file."""
    # Ctrl-C reaches the whole process group; the parent decides what becomes of this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()  # a crash in a library leaves its stack in the log
    inbox: queue.Queue[tuple[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(reads, inbox), daemon=True).start()
    opened: Engine | None = None
    fault: str | None = None
    try:
        factory = _import_undisturbed(engine)
        specs, options = inbox.get()[1]
        opened = factory(specs, options, lambda line: _send(writes, "report", line))
    except Exception as error:  # noqa: BLE001 - the process's boundary: whatever fails here is told to the parent
        fault = _explain(error)
    while True:
        kind, requests = inbox.get()
        if kind == "answer":
            _send(writes, *_answer(opened, fault, requests))


def _import_undisturbed(engine: str) -> EngineFactory:
    """Import an engine while the cycle collector rests, which else takes a fourth of importing torch and transformers.

    What was imported stays to the end: it need not be looked through again.
    """
    gc.disable()
    try:
        factory = load_factory(engine)
        gc.collect()
        gc.freeze()
        return factory
    finally:
        gc.enable()


def _answer(engine: Engine | None, fault: str | None, requests: Sequence[Request]) -> tuple[str, Any]:
    if engine is None:
        return "error", fault
    try:
        return "replies", list(engine.answer(requests))
    except Exception as error:  # noqa: BLE001 - the process's boundary: whatever fails here is told to the parent
        return "error", _explain(error)


def _explain(error: Exception) -> str:
    if isinstance(error, EngineError | ConfigError):
        return str(error)
    traceback.print_exception(error)
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    hint = f"; {missing} comes with: pip install 'pytest-ftcheck[models]'" if missing in _MODEL_LIBRARIES else ""
    return f"the engine failed: {type(error).__name__}: {error}{hint}"


_MODEL_LIBRARIES = ("torch", "transformers", "peft", "safetensors", "jinja2")


def _send(descriptor: int, kind: str, value: Any) -> None:
    body = pickle.dumps((kind, value), protocol=pickle.HIGHEST_PROTOCOL)
    view = memoryview(_LENGTH.pack(len(body)) + body)
    while view:
        view = view[os.write(descriptor, view) :]


def _listen(reads: int, inbox: queue.Queue[tuple[str, Any]]) -> None:
    with os.fdopen(reads, "rb") as pipe:
        while True:
            frame = _frame(pipe)
            if frame is None:
                # The parent is gone, or has done with this process, which may be deep in a computation: no clean-up.
                os._exit(0)
            inbox.put(frame)


def _frame(pipe: IO[bytes]) -> tuple[str, Any] | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    message: tuple[str, Any] = pickle.loads(body) if len(body) == length else ("", None)
    return message
