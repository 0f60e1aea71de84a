"""Probes: what the fixtures `base_model` and `ft_model` give to a plain test."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, get_args, overload

from pytest_ftcheck.errors import ConfigError, EngineError
from pytest_ftcheck.evals import NORMALIZE, checked_choices
from pytest_ftcheck.records import Answer, Decoding, Message, Normalize, ProbeKind, ProbeResult, Role

Test = TypeVar("Test", bound=Callable[..., Any])
PLANNED = "__ftcheck_probe__"
CAPABILITY = "__ftcheck_capability__"
KINDS = get_args(ProbeKind)


class Asked(Protocol):
    """Whom a model function asks: the run's session, or in the planning pass what takes its place."""

    def ask(
        self, role: Role, prompt: str | Sequence[Message], *, decoding: Decoding, system: str | None = None
    ) -> Answer:
        """Answer a prompt. Raises EngineError when there is no answer."""
        ...

    def ask_all(
        self,
        role: Role,
        prompts: Sequence[str | Sequence[Message]],
        *,
        decoding: Decoding,
        system: str | None = None,
    ) -> list[Answer]:
        """Answer several prompts as one batch, in order. Raises EngineError when one has no answer."""
        ...

    def note(self, found: ProbeResult) -> None:
        """Hear what a probe found."""
        ...


@overload
def probe(test: Test, /) -> Test: ...


@overload
def probe(*, capability: str, kind: ProbeKind = "MFT") -> Callable[[Test], Test]: ...


def probe(
    test: Test | None = None, /, *, capability: str = "", kind: ProbeKind = "MFT"
) -> Test | Callable[[Test], Test]:
    """Mark a plain test, or a class of them, whose prompts are collected before the run and answered in batches.

    Its body runs more than once then. With `capability` the test counts in the capability matrix: what its assertions
    found, or without any of them the test itself as one case of the `kind` MFT, INV or DIR. Raises ConfigError for
    what is no test or no kind.
    """
    if test is None:
        if not capability or kind not in KINDS:
            raise ConfigError(f"@probe got capability={capability!r}, kind={kind!r}; allowed: text, {', '.join(KINDS)}")
        return lambda marked: _marked(marked, (capability, kind))
    if not callable(test):
        raise ConfigError(f"@probe got {test!r}; allowed: the test itself, or capability= and kind=")
    return _marked(test, None)


def capability_of(test: object) -> tuple[str, ProbeKind] | None:
    """Return the row and the column of the capability matrix that `@probe` gave a test or its class."""
    found: tuple[str, ProbeKind] | None = getattr(test, CAPABILITY, None)
    return found


def _marked(test: Test, cell: tuple[str, ProbeKind] | None) -> Test:
    setattr(test, PLANNED, True)
    if cell is not None:
        setattr(test, CAPABILITY, cell)
    return test


class Model:
    """One role's model as a function: a prompt, or a list of messages, in; an Answer out.

    Answers come from the store where they are known; otherwise the model is asked at once.
    """

    def __init__(self, session: Asked, role: Role) -> None:
        self._session = session
        self.role = role

    def __repr__(self) -> str:
        return f"<{self.role} model>"

    def __call__(
        self,
        prompt: str | Sequence[Message],
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: Sequence[str] = (),
        system: str | None = None,
    ) -> Answer:
        """Answer a prompt. `max_new_tokens` counts tokens; `temperature` 0 is greedy. Raises EngineError."""
        decoding = Decoding(max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, stop=tuple(stop))
        return self._ask(prompt, decoding, system)

    def answers(
        self,
        prompts: Sequence[str | Sequence[Message]],
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: Sequence[str] = (),
        choices: Sequence[str] = (),
        normalize: Normalize = "none",
        system: str | None = None,
    ) -> list[Answer]:
        """Answer several prompts as one batch, in order; with `choices` the likeliest of them. Raises EngineError."""
        where = f"{self.role}_model.answers"
        if isinstance(prompts, str) or not all(prompts):
            raise ConfigError(f"{where} got {prompts!r}; allowed: a list of prompts, none of them empty")
        if choices:
            decoding = Decoding(choices=checked_choices(choices, where), normalize=normalize)
        else:
            decoding = Decoding(max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, stop=tuple(stop))
        return self._session.ask_all(self.role, prompts, decoding=decoding, system=system)

    def note(self, found: ProbeResult) -> None:
        """Enter what a probe found into the run's capability matrix."""
        self._session.note(found)

    def choose(
        self,
        prompt: str | Sequence[Message],
        choices: Sequence[str],
        *,
        normalize: Normalize = "none",
        system: str | None = None,
    ) -> Answer:
        """Return the choice that the model finds likeliest behind a prompt, the first of equals.

        `normalize` weighs a choice by its log-probability ("none"), or that divided by its tokens ("length") or its
        UTF-8 bytes ("bytes"). The answer's `logprob` is the choice's, `choice_logprobs` those of all, in order, neither
        normalised. Choices follow the prompt as they are: one that begins a word of plain text needs its space.
        Raises EngineError, and ConfigError for choices that are none.
        """
        decoding = Decoding(choices=checked_choices(choices, f"{self.role}_model.choose"), normalize=normalize)
        if normalize not in NORMALIZE:
            raise ConfigError(f"{self.role}_model.choose got normalize={normalize!r}; allowed: {', '.join(NORMALIZE)}")
        return self._ask(prompt, decoding, system)

    def loglikelihood(self, prompt: str | Sequence[Message], continuation: str, *, system: str | None = None) -> float:
        """Return the natural log-probability of a text behind a prompt, summed over its tokens. Raises EngineError."""
        if not isinstance(continuation, str) or not continuation:
            raise ConfigError(
                f"{self.role}_model.loglikelihood got continuation={continuation!r}; allowed: text that is not empty"
            )
        return _logprob(self._ask(prompt, Decoding(choices=(continuation,)), system), self.role)

    def perplexity(self, text: str) -> float:
        """Return a text's perplexity, 1 or more: exp of the mean negative log-probability of its tokens.

        The text is read by itself, after the begin token (the end token where there is none), whatever the role's
        profile; a text longer than the context in windows, each conditioned on all before it that fits. Figures of
        models with different tokenizers do not compare: use `bits_per_byte`. Raises EngineError.
        """
        answer = self._read(text)
        return math.exp(-_logprob(answer, self.role) / (answer.completion_tokens or 1))

    def bits_per_byte(self, text: str) -> float:
        """Return a text's negative log-probability in bits for each of its UTF-8 bytes, 0 or more."""
        logprob = _logprob(self._read(text), self.role)
        return -logprob / math.log(2) / len(text.encode("utf-8", "replace"))

    def _read(self, text: str) -> Answer:
        if not isinstance(text, str):
            raise ConfigError(f"{self.role}_model got {text!r} to read; allowed: text")
        return self._ask(text, Decoding(reads=True), None)

    def _ask(self, prompt: str | Sequence[Message], decoding: Decoding, system: str | None) -> Answer:
        if not prompt:
            raise ConfigError(f"{self.role}_model got an empty prompt: {prompt!r}; allowed: text or a list of messages")
        return self._session.ask(self.role, prompt, decoding=decoding, system=system)


def _logprob(answer: Answer, role: Role) -> float:
    """Return an answer's log-probability. Raises EngineError where an engine gave none."""
    logprob = answer.logprob
    if logprob is None:
        raise EngineError(
            f"{role}'s engine gave no log-probability; allowed: a local checkpoint, or an engine that does"
        )
    return logprob
