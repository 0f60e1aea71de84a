"""What crosses from worker to controller: what a worker found, and the reports of cases, made few and small.

A run may have 300,000 reports. execnet writes each name and number of one by itself, and each message wakes a thread at
either end; one string of bytes for all of a case costs a fraction of that.
"""

from __future__ import annotations

import base64
import gc
import marshal
import pickle
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from pytest_ftcheck.records import EvalSummary, ModelRecord, Registration
    from pytest_ftcheck.reports.verbose_case import CaseView

LIGHT = "ftcheck_light"
"""Marks, within a worker, the reports of cases without a fault."""
BUNDLE = "ftcheck_bundle"
"""Names the event that stands for all that there is to tell of such a case, and in `workerinput` that it is heard."""
_HELD = ("logfinish", "runtest_protocol_complete")
"""What xdist tells of an item after its reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process of a run found; a worker sends it to the controller as text."""

    started: str
    duration_s: float
    models: tuple[ModelRecord, ...]
    evals: tuple[EvalSummary, ...]
    notices: tuple[str, ...]
    answered: int
    from_store: int
    registration: Registration | None = None
    case_views: tuple[CaseView, ...] = ()
    warnings: tuple[str, ...] = ()


def lighten(data: dict[str, Any]) -> None:
    """Leave the keywords of a case's set-up and teardown out, which are the call's."""
    if LIGHT not in data:
        return
    if data["when"] != "call":
        data["keywords"] = {}
    if data["when"] == "setup":
        # Whoever reads properties, such as JUnit XML, takes those of the call or of teardown.
        data["user_properties"] = []


class Bundler:
    """As a worker, tells the controller all of a case without a fault at once: what xdist sends as five messages.

    That the case began is told when it begins. A worker that dies in it has told nothing more: it runs again.
    """

    def __init__(self, interactor: Any) -> None:
        self._held: list[tuple[str, dict[str, Any]]] = []
        self._send = interactor.sendevent
        interactor.sendevent = self.sendevent

    def sendevent(self, name: str, **told: Any) -> None:
        """Hold an event back, or send it behind those that were."""
        if name == "unscheduled":  # the one that comes from another thread, and stands in no order
            self._send(name, **told)
        elif (name == "testreport" and told["data"].pop(LIGHT, False)) or (self._held and name in _HELD):
            self._held.append((name, told))
            if name == _HELD[-1]:
                self._send_held()
        else:
            self._send_held()
            self._send(name, **told)

    def _send_held(self) -> None:
        held, self._held = self._held, []
        try:
            packed = marshal.dumps(held) if len(held) > 1 else b""
        except ValueError:  # another plugin's value: execnet may know it, or says what it cannot carry
            packed = b""
        if packed:
            self._send(BUNDLE, packed=packed)
            return
        for name, told in held:
            self._send(name, **told)


def send_bundles(config: pytest.Config) -> None:
    """As a worker, put a `Bundler` before what xdist sends, if the controller hears bundles."""
    if not vars(config).get("workerinput", {}).get(BUNDLE, False):
        return
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            Bundler(plugin)


def hear_bundles(node: Any) -> None:
    """As the controller, take what a worker's `Bundler` sends for the events that it stands for."""
    receive = node.process_from_remote

    def process_from_remote(event: Any) -> None:
        if isinstance(event, tuple) and event[0] == BUNDLE:
            for each in marshal.loads(event[1]["packed"]):
                receive(each)
        else:
            receive(event)

    node.process_from_remote = process_from_remote
    node.workerinput[BUNDLE] = True


def pack(value: object) -> str:
    """Write a record as ASCII text, the only form that is sure to cross from worker to controller."""
    return base64.b64encode(zlib.compress(pickle.dumps(value), level=1)).decode("ascii")


def unpack(text: str) -> Any:
    """Read what `pack` wrote, in a process of the same run."""
    packed = zlib.decompress(base64.b64decode(text))
    collects = gc.isenabled()
    gc.disable()  # which would look through 100,000 cases again and again, of which none is garbage
    try:
        return pickle.loads(packed)
    finally:
        if collects:
            gc.enable()
