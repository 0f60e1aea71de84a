"""The planning pass: the prompts of probes, collected before the run by running their bodies without answers.

A body that looks at an answer ends there; the next round, which knows the answers of those before, brings it further.
What no round foresees is answered on the spot when the test runs: the pass is a hint for speed and never decides.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.errors import FtcheckError
from pytest_ftcheck.items.deferred import Recorder
from pytest_ftcheck.items.eligibility import MODELS, arguments_of, eligible, is_property
from pytest_ftcheck.items.isolation import seeded, unnoticed
from pytest_ftcheck.items.probes import Model
from pytest_ftcheck.records import Reply, Request, Role

if TYPE_CHECKING:
    from pytest_ftcheck.evals import Eval
    from pytest_ftcheck.records import Case
    from pytest_ftcheck.session import Session

ROUNDS = 8
"""How many turns of a probe are foreseen."""


@dataclass(slots=True, kw_only=True, eq=False)
class Foreseen:
    """One probe in the pass: `attempt` runs its body once; `planned` holds the keys of its prompts so far."""

    attempt: Callable[[], None]
    planned: set[str] = field(default_factory=set)


class PlanningPass:
    """The pass over all eligible probes of a process. Every worker of a run comes to the same requests."""

    def __init__(self, session: Session, items: Iterable[pytest.Item]) -> None:
        self._recorder = Recorder(session=session)
        self._round: dict[str, Request] = {}
        self._rounds = 0
        self._open = [probe for item in items if eligible(item, session.settings) for probe in self._foresee(item)]

    def __bool__(self) -> bool:
        """Whether there is a probe to plan."""
        return bool(self._open)

    def requests(self) -> list[Request]:
        """Run the bodies one round further, and return what they ask; nothing when no round is left."""
        self._round = {}
        still_open = []
        if self._rounds < ROUNDS and self._open:
            with unnoticed():
                still_open = [probe for probe in self._open if self._advance(probe)]
        self._open = still_open
        self._rounds += 1
        return list(self._round.values())

    def take(self, replies: Sequence[Reply]) -> None:
        """Know the replies to the round's requests, in their order."""
        self._recorder.known.update(zip(self._round, replies, strict=True))

    def close(self) -> None:
        """End the pass: from now on what stands for an answer asks for it when it is looked at."""
        self._open = []
        self._recorder.over = True

    def _advance(self, probe: Foreseen) -> bool:
        """Run a probe's body, and again if it asked anything new; plan what it asked both times.

        What differs between two runs (random numbers, the time) would differ in the real one too. And where most of
        what was planned before is not asked any more, the answers steer the prompts: nothing is to be foreseen.
        """
        first, met = self._try(probe, seed=0)
        if not first or 2 * len(met & probe.planned) < len(probe.planned):
            return False
        again, _ = self._try(probe, seed=1)
        asked = {key: request for key, request in first.items() if key in again}
        probe.planned |= asked.keys()
        self._round.update(asked)
        return bool(asked)

    def _try(self, probe: Foreseen, *, seed: int) -> tuple[dict[str, Request], set[str]]:
        try:
            with seeded(seed):
                probe.attempt()
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - the pass's one boundary: the real run shows what a body raises
            pass
        return self._recorder.collect()

    def _foresee(self, item: pytest.Item) -> list[Foreseen]:
        assert isinstance(item, pytest.Function)
        if not is_property(item):
            return [Foreseen(attempt=lambda: self._call(item))]
        # Imported for the first property: it brings what is private to Hypothesis.
        from pytest_ftcheck.items.properties import collecting, pin_seed, unplannable

        function = getattr(item.obj, "__func__", item.obj)
        reason = unplannable(function)
        if reason:
            if item.config.get_verbosity() > 0:
                self._recorder.session.notices.append(f"{item.nodeid} is answered prompt by prompt: {reason}")
            return []
        pin_seed(function, run=self._recorder.session.run, nodeid=item.nodeid.partition("[")[0])
        parametrized = item.get_closest_marker("parametrize") is not None

        def attempt() -> None:
            with collecting(function, digest_of=item.nodeid.encode() if parametrized else None):
                self._call(item)

        return [Foreseen(attempt=attempt)]

    def _call(self, item: pytest.Function) -> None:
        """Call a test as pytest would, with recording models and with copies of its parametrized values."""
        asked = arguments_of(item)
        callspec = getattr(item, "callspec", None)
        # A body that appends to a list it was given must find the list as it was when its time comes.
        given = {} if callspec is None else copy.deepcopy({name: callspec.params[name] for name in asked - MODELS})
        roles: dict[str, Role] = {"base_model": "base", "ft_model": "ft"}
        models: dict[str, Any] = {name: Model(self._recorder, roles[name]) for name in asked & MODELS}
        result = item.obj(**models, **given)
        if inspect.iscoroutine(result):
            result.close()


def answer_planned(session: Session, evals: Sequence[tuple[Eval, Sequence[Case]]], probes: PlanningPass) -> None:
    """Answer evals and the first prompts of probes in one plan, what probes ask further in one plan a round.

    Raises what the session raises for evals; a run without them is left to its tests, each of which shows why.
    """
    try:
        session.start()
        probes.take(session.prepare(evals, beside=probes.requests()))
        while requests := probes.requests():
            probes.take(session.answer((), beside=requests))
    except FtcheckError:
        if evals:
            raise
    finally:
        probes.close()
