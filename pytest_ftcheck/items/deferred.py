"""Answers that are still to be had: what a body gets for its prompts while they are only being collected.

It knows neither pytest nor Hypothesis.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pytest_ftcheck.records import Answer, Decoding, Message, ProbeResult, Reply, Request, Role, digest
from pytest_ftcheck.session import answer_of

if TYPE_CHECKING:
    from pytest_ftcheck.session import Session


class Deferred(BaseException):
    """A body looked at an answer that is still to be had. No Exception, so that its own handlers let it pass."""


class Placeholder:
    """Stands for an answer. Whatever looks at it raises Deferred.

    No subclass of `str`: code in C would read an empty buffer instead of asking. A body may keep one beyond the
    planning pass, in a cache of its module; then whatever looks at it looks at the answer.
    """

    __slots__ = ("_resolve",)

    def __init__(self, resolve: Callable[[], Answer]) -> None:
        self._resolve = resolve

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resolve(), name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Type of the answer: isinstance is a look too."""
        return type(self._resolve())


LOOKS: dict[str, Callable[..., Any]] = {
    "__str__": str,
    "__repr__": repr,
    "__format__": format,
    "__hash__": hash,
    "__bool__": bool,
    "__int__": int,
    "__float__": float,
    "__index__": operator.index,
    "__fspath__": os.fspath,
    "__len__": len,
    "__iter__": iter,
    "__reversed__": reversed,
    "__contains__": operator.contains,
    "__getitem__": operator.getitem,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
    "__add__": operator.add,
    "__radd__": lambda answer, other: other + answer,
    "__mul__": operator.mul,
    "__rmul__": operator.mul,
    "__mod__": operator.mod,
    "__rmod__": lambda answer, other: other % answer,
    "__dir__": dir,
    "__reduce_ex__": lambda answer, protocol: answer.__reduce_ex__(protocol),
}
"""Every way to look at a string that Python does not take by its attributes, and what it does to the answer."""


def _look(act: Callable[..., Any]) -> Callable[..., Any]:
    def look(placeholder: Placeholder, *arguments: Any) -> Any:
        return act(placeholder._resolve(), *arguments)

    return look


for _name, _act in LOOKS.items():
    setattr(Placeholder, _name, _look(_act))


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Stands where a probe's session would: answers what earlier rounds answered, and notes what is asked beyond.

    Keys are digests of a request's role and content. What the store knows is not looked up: the rounds of all workers
    of a run must ask the same, whatever was answered meanwhile.
    """

    session: Session
    known: dict[str, Reply] = field(default_factory=dict)
    asked: dict[str, Request] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    over: bool = False

    def ask(
        self, role: Role, prompt: str | Sequence[Message], *, decoding: Decoding, system: str | None = None
    ) -> Answer:
        """Answer a known prompt; note another, and return what stands for its answer. Raises EngineError."""
        request = self.session.question(role, prompt, decoding=decoding, system=system)
        key = digest([request.role, request.content()])
        if key in self.known:
            self.met.add(key)
            return answer_of(request, self.known[key])
        self.asked[key] = request

        def resolve() -> Answer:
            if not self.over:
                _defer()
            return self.session.ask(role, prompt, decoding=decoding, system=system)

        return cast("Answer", Placeholder(resolve))

    def ask_all(
        self,
        role: Role,
        prompts: Sequence[str | Sequence[Message]],
        *,
        decoding: Decoding,
        system: str | None = None,
    ) -> list[Answer]:
        """Answer or note each of several prompts."""
        return [self.ask(role, prompt, decoding=decoding, system=system) for prompt in prompts]

    def note(self, found: ProbeResult) -> None:
        """Forget what a probe found: it will find it again when its time comes."""

    def collect(self) -> tuple[dict[str, Request], set[str]]:
        """Return what was asked since the last call and is not known, and the keys of what was asked and is."""
        found = self.asked, self.met
        self.asked, self.met = {}, set()
        return found


def _defer() -> NoReturn:
    raise Deferred
