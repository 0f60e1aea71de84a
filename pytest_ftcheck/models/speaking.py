"""The decode loop: rows go on from what they have read, each to its own end, and leave the batch when they have ended.

It knows tensors and tokens, nothing of requests or answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import RepetitionPenaltyLogitsProcessor

from pytest_ftcheck.models.decoding import Decode, Sampler, says_stop
from pytest_ftcheck.models.forward import Forward, States

RETIRED = 4
"""Rows that have ended leave once they are one in so many: leaving copies what the others hold."""


@dataclass(slots=True)
class Speech:
    """What a row said, token by token, the end token too; `broken` where its logits were no finite numbers.

    `ended` is set once nothing more is to be said.
    """

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    broken: list[bool] = field(default_factory=list)
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How rows speak: at most `new_tokens` each, until an end token or a stop string; `penalty` is on repetition."""

    new_tokens: int
    ends: frozenset[int]
    stop: tuple[str, ...]
    decode: Decode
    penalty: float | None = None


def speak(
    forward: Forward, states: States, prompts: Sequence[Sequence[int]], sampler: Sampler, manner: Manner
) -> list[Speech]:
    """Let rows go on from `states`, the last of which each row's first token is drawn from.

    `prompts` are what the rows have read, for the penalty; everything is in the order of the states' rows.
    """
    said = [Speech() for _ in prompts]
    history = _History(prompts, manner.penalty, forward.device)
    rows = list(range(len(prompts)))
    hidden, past = states.hidden[:, -1], states.past
    for step in range(manner.new_tokens):
        # A model may lie on several devices, and its head on another than its first layer.
        drawn = sampler.draw(history.penalise(forward.logits(hidden).to(forward.device)))
        going = _note(said, rows, drawn.tokens.tolist(), drawn.logprobs.tolist(), drawn.broken.tolist(), manner)
        if not going or step + 1 == manner.new_tokens:
            break
        tokens = drawn.tokens.to(forward.device)
        if RETIRED * (len(rows) - len(going)) >= len(rows):
            past = past.select(going, room=manner.new_tokens - step - 1)
            sampler.keep(going)
            history.keep(going)
            tokens, rows = tokens[going], [rows[place] for place in going]
        history.add(tokens)
        hidden = forward.advance(past, tokens[:, None], torch.ones_like(tokens[:, None])).hidden[:, -1]
    return said


def _note(
    said: list[Speech], rows: list[int], tokens: list[int], logprobs: list[float], broken: list[bool], manner: Manner
) -> list[int]:
    """Write down a step of the rows that have not ended; return the places of those that go on."""
    going = []
    for place, row in enumerate(rows):
        speech = said[row]
        if speech.ended:
            continue
        speech.tokens.append(tokens[place])
        speech.logprobs.append(logprobs[place])
        speech.broken.append(broken[place])
        speech.ended = (
            tokens[place] in manner.ends or broken[place] or says_stop(speech.tokens, manner.stop, manner.decode)
        )
        if not speech.ended:
            going.append(place)
    return going


class _History:
    """All tokens of every row, for the penalty on repetition; nothing where there is none."""

    def __init__(self, prompts: Sequence[Sequence[int]], penalty: float | None, device: torch.device) -> None:
        self._processor = None if penalty is None else RepetitionPenaltyLogitsProcessor(penalty)
        if self._processor is not None:
            width = max(map(len, prompts))
            # Filled up with a token that the row has read anyway, which changes nothing.
            filled = [[prompt[0]] * (width - len(prompt)) + list(prompt) for prompt in prompts]
            self._tokens: torch.Tensor = torch.tensor(filled, device=device)

    def penalise(self, logits: torch.Tensor) -> torch.Tensor:
        if self._processor is None:
            return logits
        penalised: torch.Tensor = self._processor(self._tokens, logits)
        return penalised

    def add(self, tokens: torch.Tensor) -> None:
        if self._processor is not None:
            self._tokens = torch.cat([self._tokens, tokens[:, None]], dim=1)

    def keep(self, rows: list[int]) -> None:
        if self._processor is not None:
            self._tokens = self._tokens[rows]
