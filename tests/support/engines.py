"""Engines without models, for the tests of engine processes: each does one thing that real ones do, or suffer."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec
from pytest_ftcheck.records import Answer, Failure, Reply, Request, Role


class Echo:
    """Answers with role and last message; a case called "bad" is a Failure."""

    def __init__(self, specs: Mapping[Role, ModelSpec], options: EngineOptions, report: Callable[[str], None]) -> None:
        self.specs = specs
        self.report = report

    def answer(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Say what was asked."""
        self.report(f"answering {len(requests)}")
        return [self.reply(request) for request in requests]

    def reply(self, request: Request) -> Reply:
        """Answer one request."""
        if request.case == "bad":
            return Failure(reason="bad case")
        return Answer(f"{request.role}: {request.messages[-1]['content']}", prompt_tokens=3, logprob=-0.5)

    def close(self) -> None:
        """Nothing to give back."""


class Tidy(Echo):
    """Says whether the cycle collector works, and whether there is something that it need not look through."""

    def reply(self, request: Request) -> Reply:
        """Look at the collector."""
        return Answer(f"works: {gc.isenabled()}, spared: {gc.get_freeze_count() > 0}")


class Printing(Echo):
    """Prints to both outputs, through Python and past it."""

    def reply(self, request: Request) -> Reply:
        """Print, then answer."""
        print("garbage from a library\x00" * 2_000)
        os.write(1, b"\x00\xff raw bytes \x80" * 2_000)
        print("a warning", file=sys.stderr)
        return super().reply(request)


class Obedient(Echo):
    """Does what the message says: die, exit, hang, raise, refuse, or tell its pid."""

    def reply(self, request: Request) -> Reply:
        """Obey."""
        order = request.messages[-1]["content"]
        if order == "die":
            print("about to die", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        elif order == "exit":
            os._exit(7)
        elif order == "hang":
            time.sleep(60)
        elif order == "work slowly":
            for step in range(8):
                time.sleep(0.2)
                self.report(f"step {step}")
        elif order == "raise":
            raise ValueError("something odd")
        elif order == "refuse":
            raise EngineError("the model is not for you")
        return Answer(str(os.getpid()))


class Unopenable:
    """Cannot be made."""

    def __init__(self, *_: object) -> None:
        raise EngineError("no model can be opened here")


class Short(Echo):
    """Forgets its last reply."""

    def answer(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Answer all but one."""
        return [self.reply(request) for request in requests[:-1]]
