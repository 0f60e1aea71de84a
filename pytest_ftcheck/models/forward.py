"""A causal model run over many sequences whose shared beginnings are computed once.

Sequences are laid out in the levels of `prefixes.py`. Within a level padding comes first; it is masked, and positions
are given, so every row is computed as if it were alone.
It knows tensors and tokens, nothing of requests or answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from pytest_ftcheck.models.past import Past
from pytest_ftcheck.models.prefixes import Batch, Span, common_prefix

SHORTEST_KEPT = 16
"""Tokens of a trunk worth keeping for the next batch."""

_WINDOWS = ("window_size", "attention_window", "attention_chunk_size")
_ROPE_BY_LENGTH = {"dynamic", "longrope"}
_REFUSALS = (TypeError, ValueError, RuntimeError, AttributeError, KeyError, IndexError, NotImplementedError)


class States(NamedTuple):
    """What a level came to, before the head: rows by width by hidden size. `seen` is 1 where a token stands."""

    hidden: torch.Tensor
    seen: torch.Tensor
    past: Past


class Forward:
    """A model that proved to compute the same with and without shared prefixes (`prove`)."""

    def __init__(self, model: Any, *, keep_tokens: int) -> None:
        self.device: torch.device = model.device
        self._model = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._layers = _plain_layers(self._model.config)
        self._backbone, self._head = _parts(self._model)
        self._kept = _Prefixes(keep_tokens)

    @classmethod
    def prove(cls, model: Any, *, keep_tokens: int) -> Forward | None:
        """Return the model's Forward, or None for a model whose cache cannot be shared, or is not what it seems.

        A dozen tokens are computed both ways, through a prefix, two padded rows and one more step, and compared.
        """
        try:
            forward = cls(model, keep_tokens=keep_tokens)
            return forward if forward._agrees(model) else None
        except torch.OutOfMemoryError:
            raise
        except _REFUSALS:
            # Whatever it does not bear, it is answered in plain batches.
            return None

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return fp32 logits of states: one dimension by vocabulary more than there is hidden size."""
        logits: torch.Tensor = hidden if self._head is None else self._head(hidden)
        return logits.float()

    def read(self, spans: Sequence[Span], batch: Batch, *, room: int = 0) -> States:
        """Run all spans of a batch; the states are of the rows' own parts, rows in the order of `batch.rows`.

        The past has room for `room` more tokens a row.
        """
        own = [(spans[row].tokens, branch.end) for branch in batch.branches for row in branch.rows]
        width = max(len(tokens) - end for tokens, end in own)
        past = self._branches(spans, batch, room=width + room)
        return self.step(past, [tokens[end:] for tokens, end in own])

    def _branches(self, spans: Sequence[Span], batch: Batch, *, room: int) -> Past:
        """Return the past of all rows up to where their own parts begin."""
        first = spans[batch.branches[0].rows[0]].tokens
        trunk = self._trunk(first[: batch.trunk])
        if batch.flat:
            return self._grown(trunk, [0] * len(batch.branches), room=room)
        shared = [spans[branch.rows[0]].tokens[batch.trunk : branch.end] for branch in batch.branches]
        past = self._grown(trunk, [0] * len(shared), room=max(map(len, shared)))
        past = self.step(past, shared).past
        parents = [number for number, branch in enumerate(batch.branches) for _ in branch.rows]
        return past.select(parents, room=room)

    def _grown(self, trunk: Past | None, rows: list[int], *, room: int) -> Past:
        if trunk is None:
            return Past.empty(self._layers, rows=len(rows), room=room, device=self.device)
        return trunk.select(rows, room=room)

    def _trunk(self, tokens: Sequence[int]) -> Past | None:
        """Return the past of one row of tokens, from the longest of its beginnings that is kept."""
        if not tokens:
            return None
        known, length = self._kept.longest(tokens)
        if known is not None and length == len(tokens):
            return known if known.length == length else known.select([0], length=length, room=0)
        if known is None:
            past = Past.empty(self._layers, rows=1, room=len(tokens), device=self.device)
        else:
            past = known.select([0], length=length, room=len(tokens) - length)
        past = self.step(past, [tokens[length:]]).past
        if len(tokens) >= SHORTEST_KEPT:
            self._kept.put(tokens, past)
        return past

    def step(self, past: Past, rows: Sequence[Sequence[int]]) -> States:
        """Read tokens behind what each row has read. A row may be empty, if not all are."""
        width = max(map(len, rows))
        tokens = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=self.device)
        seen = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=self.device)
        return self.advance(past, tokens, seen)

    def advance(self, past: Past, tokens: torch.Tensor, seen: torch.Tensor) -> States:
        """Read tokens, rows by width; `seen` is 0 where there is only padding."""
        start, end = past.length, past.length + tokens.shape[1]
        past.mask[:, start:end] = seen
        positions = (past.read[:, None] + seen.cumsum(dim=-1) - 1).clamp(min=0)
        past.read = past.read + seen.sum(dim=-1)
        said = self._backbone(
            input_ids=tokens,
            attention_mask=past.mask[:, :end],
            position_ids=positions,
            past_key_values=past.cache(),
            use_cache=True,
        )
        return States(said.logits if self._head is None else said.last_hidden_state, seen, past)

    def forget(self) -> None:
        """Give back the memory of kept prefixes."""
        self._kept.clear()

    def _agrees(self, model: Any) -> bool:
        top = max(2, min(1000, int(self._model.get_input_embeddings().weight.shape[0])))
        tokens = [(7 * place * place + 3 * place + 1) % top for place in range(12)]
        plain = model(input_ids=torch.tensor([tokens], device=self.device), use_cache=False).logits[0].float()
        trunk = self.step(Past.empty(self._layers, rows=1, room=5, device=self.device), [tokens[:5]]).past
        states = self.step(trunk.select([0, 0], room=9), [tokens[5:11], tokens[5:8]])
        shared = self.logits(states.hidden[:, -1])
        last = self.logits(self.step(states.past, [tokens[11:], tokens[8:9]]).hidden[:, -1])
        found = torch.cat([shared, last]).to(plain.device)
        expected = plain[[10, 7, 11, 8]]
        error = (found - expected).norm() / expected.norm()
        return bool(error < (1e-3 if self._model.dtype == torch.float32 else 0.05))


class _Prefixes:
    """Pasts of single rows, the least recently used forgotten first, within a budget of tokens."""

    def __init__(self, tokens: int) -> None:
        self._budget = tokens
        self._entries: list[tuple[list[int], Past]] = []

    def longest(self, tokens: Sequence[int]) -> tuple[Past | None, int]:
        """Return the entry that shares most tokens from the start, and how many."""
        shared = [common_prefix(held, list(tokens)) for held, _ in self._entries]
        best = max(range(len(shared)), key=lambda number: (shared[number], number), default=None)
        if best is None or shared[best] < SHORTEST_KEPT:
            return None, 0
        entry = self._entries.pop(best)
        self._entries.append(entry)
        return entry[1], shared[best]

    def put(self, tokens: Sequence[int], past: Past) -> None:
        """Keep an entry in place of those that it continues; the last one whatever it takes, as its rows took it."""
        kept = list(tokens)
        self._entries = [entry for entry in self._entries if common_prefix(entry[0], kept) < len(entry[0])]
        self._entries.append((kept, past))
        while len(self._entries) > 1 and sum(len(held) for held, _ in self._entries) > self._budget:
            self._entries.pop(0)

    def clear(self) -> None:
        self._entries.clear()


def _plain_layers(config: Any) -> int:
    """Return how many layers a model's cache has.

    Raises ValueError if one of them holds more, or less, than all, or if what is computed depends on how long the
    whole is or on where a token lies in the cache: a dozen tokens would not show that.
    """
    text = config.get_text_config(decoder=True)
    windows = [name for name in _WINDOWS if getattr(text, name, None)]
    if windows or _ROPE_BY_LENGTH & _rope_types(getattr(text, "rope_parameters", None)):
        raise ValueError(f"attention depends on lengths: {windows or 'rope'}")
    layers = DynamicCache(config=config).layers
    odd = {type(layer).__name__ for layer in layers if type(layer) is not DynamicLayer}
    if odd or not layers:
        raise ValueError(f"cache layers are {sorted(odd) or 'unknown'}; allowed: DynamicLayer")
    return len(layers)


def _rope_types(parameters: Any) -> set[str]:
    """Return the kinds of rotary positions that a configuration names, for all layers or by kind of layer."""
    if not isinstance(parameters, dict):
        return set()
    nested = [_rope_types(value) for value in parameters.values()]
    return {str(parameters.get("rope_type"))}.union(*nested)


def _parts(model: Any) -> tuple[Any, Any]:
    """Return a causal model's body and its head, or the whole and None where logits are more than the head's output."""
    if "position_ids" not in inspect.signature(model.forward).parameters:
        raise ValueError(f"{type(model).__name__} takes no position_ids")
    body, head = getattr(model, model.base_model_prefix, None), model.get_output_embeddings()
    if body is None or body is model or head is None:
        return model, None
    tokens = torch.arange(1, 4, device=model.device)[None]
    whole = model(input_ids=tokens, use_cache=False).logits
    parts = head(body(input_ids=tokens, use_cache=False).last_hidden_state)
    return (body, head) if torch.equal(whole, parts.to(whole.device)) else (model, None)
