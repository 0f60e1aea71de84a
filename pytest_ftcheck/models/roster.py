"""Which engine answers for which role: recorded answers from their file, served models, or a local engine.

It imports no heavy library; with `in_process` the local engine's do come into this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_ftcheck.errors import ConfigError, EngineError
from pytest_ftcheck.models.contained import ContainedEngine
from pytest_ftcheck.models.process import EarlyProcess, EngineProcess
from pytest_ftcheck.models.protocol import Engine, EngineOptions, ModelSpec
from pytest_ftcheck.models.recorded import RecordedEngine
from pytest_ftcheck.models.served import ServedEngine
from pytest_ftcheck.models.surrogates import scrub
from pytest_ftcheck.records import Answer, Failure, Reply, Request, Role

TRANSFORMERS = "pytest_ftcheck.models.transformers_engine:TransformersEngine"
ENGINES = {"auto": TRANSFORMERS, "transformers": TRANSFORMERS}


class Roster:
    """The engines of a run, each asked for its own roles."""

    def __init__(self, engines: Mapping[Role, Engine]) -> None:
        self._engines = dict(engines)

    def start(self) -> None:
        """Let engines that live in a process of their own start now; without this the first request does it."""
        for engine in self._distinct():
            if isinstance(engine, EngineProcess):
                engine.start()

    def answer(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Answer requests of one role by that role's engine, in text that every process and file can carry.

        Raises EngineError for a role without a model, and for an engine that breaks the protocol.
        """
        if not requests:
            return []
        role = requests[0].role
        if role not in self._engines:
            raise EngineError(f"no model for role {role!r}; there are models for {sorted(self._engines) or 'none'}")
        replies = self._engines[role].answer(requests)
        if len(replies) != len(requests):
            raise EngineError(f"the engine gave {len(replies)} replies to {len(requests)} requests")
        return [_carried(reply) for reply in replies]

    def close(self) -> None:
        """Close every engine."""
        for engine in self._distinct():
            engine.close()

    def notices(self) -> list[str]:
        """What the engines have to say about how their answers came to be, a sentence each."""
        return [text for engine in self._distinct() if isinstance(engine, ServedEngine) for text in engine.notices()]

    def _distinct(self) -> list[Engine]:
        return list({id(engine): engine for engine in self._engines.values()}.values())


def open_engine(
    specs: Mapping[Role, ModelSpec],
    options: EngineOptions,
    *,
    engine: str = "auto",
    in_process: bool = False,
    report: Callable[[str], None],
    time_limit_s: float | None = None,
    early: EarlyProcess | None = None,
) -> Roster:
    """Return the engine of a run; nothing is started or loaded yet.

    `engine` is "auto", "transformers" or a user's own "package.module:Class"; recorded and served roles need none.
    `in_process` keeps the local engine in this process, for debugging; `early` is what `start_early` gave. Raises
    ConfigError for an unknown engine.
    """
    factory = ENGINES.get(engine, engine)
    if ":" not in factory:
        raise ConfigError(f"engine is {engine!r}; allowed: {', '.join(ENGINES)}, or package.module:Class")
    recorded = {role: spec for role, spec in specs.items() if spec.kind == "recorded"}
    served = {role: spec for role, spec in specs.items() if spec.kind == "served"}
    local = {role: spec for role, spec in specs.items() if spec.kind not in ("recorded", "served")}
    engines: dict[Role, Engine] = dict.fromkeys(recorded, RecordedEngine(recorded, options, report))
    if served:
        engines.update(dict.fromkeys(served, ServedEngine(served, options, report)))
    if local:

        def opened(chosen: Mapping[Role, ModelSpec], early: EarlyProcess | None) -> dict[Role, Engine]:
            if in_process:
                return dict.fromkeys(chosen, ContainedEngine(factory, chosen, options, report))
            return dict.fromkeys(chosen, EngineProcess(factory, chosen, options, report, time_limit_s, early))

        # An own engine may read all of its models when it is made: the third model, which no verdict rests on, has one
        # of its own. The built-in loads each when it is asked, and adapters of one base on one load.
        together, alone = dict(local), dict[Role, ModelSpec]()
        if factory not in ENGINES.values() and "also" in together:
            alone["also"] = together.pop("also")
        engines.update(opened(together, early))
        engines.update(opened(alone, None))
    return Roster(engines)


def start_early(engine: str) -> EarlyProcess | None:
    """Start the process of a built-in local engine, which then imports its libraries; None for a user's own engine.

    An own engine may lie in a folder that is put on `sys.path` later, so it waits until it is asked.
    """
    return EarlyProcess(ENGINES[engine]) if engine in ENGINES else None


def _carried(reply: Reply) -> Reply:
    """Return a reply without lone surrogates. Raises EngineError for what is none, as an own engine may give."""
    if isinstance(reply, Answer):
        text = scrub(reply)
        return reply if text == reply else Answer(text, **reply.facts())
    if isinstance(reply, Failure):
        return Failure(reason=scrub(reply.reason))
    raise EngineError(f"the engine gave {type(reply).__name__} {str(reply)[:40]!r}; allowed: Answer or Failure")
