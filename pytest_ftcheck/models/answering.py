"""What the transformers engine needs of a loaded model, whichever kind it is: requests as rows of tokens, and answers.

`generation.py`, `scoring.py` and `classification.py` keep this contract.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

import torch

from pytest_ftcheck.records import Failure, Reply, Request


class Row(NamedTuple):
    """A sequence that the model reads for a request.

    Its last `own` tokens are what this row alone asks for, and `new_tokens` is how many it may answer; only equal
    `kind`s share a batch.
    """

    request: Request
    tokens: list[int]
    own: int
    new_tokens: int
    kind: Hashable


class Scored(NamedTuple):
    """The sum of the natural log-probabilities of a row's scored tokens; `greedy` is whether each is the likeliest."""

    logprob: float
    greedy: bool = False


Result = Reply | Scored


class Answerer(Protocol):
    """One role's model, ready to answer one kind of request."""

    def read(self, request: Request) -> list[Row] | Failure:
        """Render and tokenise a request; a Failure if it cannot be rendered or does not fit the context."""
        ...

    def cut(self, rows: Sequence[Row], batch_tokens: int) -> list[list[int]]:
        """Cut rows of one kind into batches of indices, the costliest first."""
        ...

    def answer(self, rows: Sequence[Row]) -> Sequence[Result]:
        """Answer one batch; raises what the model raises."""
        ...

    def conclude(self, request: Request, rows: Sequence[Row], results: Sequence[Result]) -> Reply:
        """Make a request's reply of its rows' results, none of which is a Failure."""
        ...


def pad(rows: Sequence[Sequence[int]], *, token: int, left: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows as one tensor, and its attention mask, both rows by the longest row's length."""
    width = max(map(len, rows))
    padding = [[token] * (width - len(row)) for row in rows]
    masked = [[0] * len(fill) for fill in padding]
    seen = [[1] * len(row) for row in rows]
    if left:
        tokens = [fill + list(row) for fill, row in zip(padding, rows, strict=True)]
        mask = [zeros + ones for zeros, ones in zip(masked, seen, strict=True)]
    else:
        tokens = [list(row) + fill for fill, row in zip(padding, rows, strict=True)]
        mask = [ones + zeros for zeros, ones in zip(masked, seen, strict=True)]
    return torch.tensor(tokens), torch.tensor(mask)


def too_long(request: Request, tokens: int, positions: int) -> Failure:
    """Return the Failure of a prompt that leaves no room for an answer: a prompt is never cut."""
    return Failure(
        reason=f"{name(request)}: the prompt has {tokens} tokens; the context has {positions}, "
        f"and {request.decoding.max_new_tokens} new tokens were asked for"
    )


def name(request: Request) -> str:
    """Name a request in a message."""
    return request.label or f"{request.eval}[{request.case}]"
