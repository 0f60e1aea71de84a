"""Log-probabilities of text: of choices behind a prompt, or of a text by itself.

Contexts are computed once and the head only where a token is scored; the log-softmax is fp32. Tokens are those of
lm-evaluation-harness (0.4.13): `_encode_pair` for choices, rolling windows with one token before them for texts.
It knows nothing of how a model is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from pytest_ftcheck.models.answering import Result, Row, Scored, name, pad
from pytest_ftcheck.models.batching import cut_batches
from pytest_ftcheck.models.forward import Forward
from pytest_ftcheck.models.generation import positions_of, virtual_tokens
from pytest_ftcheck.models.prefixes import Span, cut_shared, lay_out
from pytest_ftcheck.models.protocol import ModelSpec
from pytest_ftcheck.models.rendering import Rendered, Renderer
from pytest_ftcheck.records import Answer, Failure, Reply, Request

LOGITS_AT_ONCE = 1 << 26
"""Numbers in one tensor of logits: 256 MiB in fp32, whatever the vocabulary."""


class Scorer:
    """A causal language model that scores. `forward` is None for a model that cannot share prefixes."""

    def __init__(self, model: Any, renderer: Renderer, spec: ModelSpec, forward: Forward | None) -> None:
        self._model = model
        self._renderer = renderer
        self._spec = spec
        self._forward = forward
        self._positions = positions_of(model)
        self._virtual = virtual_tokens(model, spec)
        self._vocabulary = max(1, int(model.get_input_embeddings().weight.shape[0]))

    def read(self, request: Request) -> list[Row] | Failure:
        """Return one row a choice, or one a window of a text: the tokens read, all but the last; `own` are scored."""
        pairs = self._windows(request) if request.decoding.reads else self._pairs(request)
        if isinstance(pairs, Failure):
            return pairs
        rows = []
        for before, scored in pairs:
            tokens = [*before, *scored]
            if self._positions is not None and len(tokens) - 1 + self._virtual > self._positions:
                return Failure(
                    reason=f"{name(request)}: the prompt and a choice have {len(tokens)} tokens; "
                    f"the context has {self._positions}"
                )
            rows.append(Row(request, tokens, len(scored), 0, ("score", len(tokens) if self._virtual else 0)))
        return rows

    def _pairs(self, request: Request) -> list[tuple[list[int], list[int]]] | Failure:
        decoding = request.decoding
        if decoding.contexts:
            contexts = [Rendered(context, special=True) for context in decoding.contexts]
        else:
            rendered = self._renderer.render(request)
            if isinstance(rendered, Failure):
                return rendered
            contexts = [rendered] * len(decoding.choices)
        pairs = []
        for context, choice in zip(contexts, decoding.choices, strict=True):
            before, scored = self._renderer.pair(context, choice)
            if not scored:
                return Failure(reason=f"{name(request)}: choice {choice!r} has no tokens of its own")
            pairs.append((before or self._begin(), scored))
        return pairs if all(before for before, _ in pairs) else _no_begin(request)

    def _windows(self, request: Request) -> list[tuple[list[int], list[int]]] | Failure:
        """Cut a text into windows of the whole context, each but the first conditioned on all before it that fits."""
        keeps = request.decoding.keeps_begin
        text = Rendered(request.messages[-1]["content"], special=keeps)
        tokens, begin = self._renderer.tokens(text), self._begin()
        if not begin:
            return _no_begin(request)
        if tokens[:1] == begin and not keeps:
            tokens = tokens[1:]
        if not tokens:
            return Failure(reason=f"{name(request)}: the prompt has no tokens")
        size = len(tokens) if self._positions is None else self._positions - self._virtual
        ends = [*range(size, len(tokens), size), len(tokens)]
        whole, pairs, done = [*begin, *tokens], [], 0
        for end in ends:
            # Read are the `size` tokens before the last one scored, the begin token in front counted.
            first = max(0, end - size)
            pairs.append((whole[first : done + 1], whole[done + 1 : end + 1]))
            done = end
        return pairs

    def _begin(self) -> list[int]:
        """Return the token that a text is read after: the begin token, else the end token, else none."""
        tokenizer = self._renderer.tokenizer
        return [token for token in (tokenizer.bos_token_id, tokenizer.eos_token_id) if token is not None][:1]

    def cut(self, rows: Sequence[Row], batch_tokens: int) -> list[list[int]]:
        """Cut by shared prefixes; where they cannot be shared, by length and by what a batch's logits take."""
        if self._forward is not None:
            return [batch.rows for batch in cut_shared(_spans(rows), batch_tokens=batch_tokens)]
        limit = min(batch_tokens, LOGITS_AT_ONCE // self._vocabulary)
        return cut_batches([len(row.tokens) for row in rows], new_tokens=0, batch_tokens=max(1, limit))

    def answer(self, rows: Sequence[Row]) -> list[Result]:
        """Score one batch."""
        found = self._score_plain(rows) if self._forward is None else self._score(self._forward, rows)
        return [
            one if torch.isfinite(torch.tensor(one.logprob)) else self._not_finite(row)
            for row, one in zip(rows, found, strict=True)
        ]

    def _score(self, forward: Forward, rows: Sequence[Row]) -> list[Scored]:
        """Score through shared prefixes. Rows that read the same (choices of one token) are computed once."""
        wanted: dict[tuple[int, ...], list[int]] = {}
        for number, row in enumerate(rows):
            wanted.setdefault(tuple(row.tokens[:-1]), []).append(number)
        spans = [Span(list(tokens), max(rows[each].own for each in same)) for tokens, same in wanted.items()]
        batch = lay_out(spans)
        states = forward.read(spans, batch)
        flat, width = states.hidden.flatten(0, 1), states.hidden.shape[1]
        asked = list(wanted.values())
        places: list[int] = []
        targets: list[int] = []
        owners: list[int] = []
        for line, span in enumerate(batch.rows):
            for number in asked[span]:
                own = rows[number].own
                places += range((line + 1) * width - own, (line + 1) * width)
                targets += rows[number].tokens[-own:]
                owners += [number] * own
        sums = [0.0] * len(rows)
        greedy = [row.request.decoding.greedy for row in rows]
        size = max(1, LOGITS_AT_ONCE // self._vocabulary)
        for start in range(0, len(places), size):
            part = slice(start, start + size)
            logits = forward.logits(flat[torch.tensor(places[part], device=flat.device)])
            chosen = torch.tensor(targets[part], device=logits.device)
            logprobs = logits.gather(-1, chosen[:, None])[:, 0] - logits.logsumexp(dim=-1)
            for owner, logprob in zip(owners[part], logprobs.tolist(), strict=True):
                sums[owner] += logprob
            if any(greedy[owner] for owner in owners[part]):
                for owner, hit in zip(owners[part], (logits.argmax(dim=-1) == chosen).tolist(), strict=True):
                    greedy[owner] &= hit
        return [Scored(*each) for each in zip(sums, greedy, strict=True)]

    def _score_plain(self, rows: Sequence[Row]) -> list[Scored]:
        """Score whole rows, padded on the right, where padding cannot touch what stands before it."""
        tokens, mask = pad([row.tokens for row in rows], token=0, left=False)
        device = self._model.device
        logits = self._model(input_ids=tokens.to(device), attention_mask=mask.to(device), use_cache=False).logits
        device = logits.device
        logprobs = torch.log_softmax(logits[:, -tokens.shape[1] :].float(), dim=-1)
        found = []
        for row, line in zip(rows, logprobs, strict=True):
            first, last = len(row.tokens) - row.own, len(row.tokens)
            chosen = torch.tensor(row.tokens[first:], device=device)
            own = line[first - 1 : last - 1]
            greedy = row.request.decoding.greedy and bool((own.argmax(dim=-1) == chosen).all())
            found.append(Scored(float(own.gather(-1, chosen[:, None]).sum()), greedy))
        return found

    def conclude(self, request: Request, rows: Sequence[Row], results: Sequence[Result]) -> Reply:
        """Pick the likeliest choice, the first of equals; or add up a text's windows."""
        scored_rows = [result for result in results if isinstance(result, Scored)]
        logprobs = [result.logprob for result in scored_rows]
        if request.decoding.reads:
            scored = sum(row.own for row in rows)
            return Answer("", prompt_tokens=0, completion_tokens=scored, finish_reason="read", logprob=sum(logprobs))
        weighed = [_normalised(request, *each) for each in zip(request.decoding.choices, rows, logprobs, strict=True)]
        best = max(range(len(weighed)), key=lambda number: weighed[number])
        return Answer(
            request.decoding.choices[best],
            prompt_tokens=len(rows[best].tokens) - rows[best].own,
            completion_tokens=rows[best].own,
            finish_reason="choice",
            logprob=logprobs[best],
            choice_logprobs=logprobs,
            choice_greedy=[result.greedy for result in scored_rows] if request.decoding.greedy else None,
        )

    def _not_finite(self, row: Row) -> Failure:
        return Failure(reason=f"{name(row.request)}: NaN logits: {self._spec.role}'s model gave no finite number")


def _normalised(request: Request, choice: str, row: Row, logprob: float) -> float:
    by = {"none": 1, "length": row.own, "bytes": max(1, len(choice.encode("utf-8", "replace")))}
    return logprob / by[request.decoding.normalize]


def _spans(rows: Sequence[Row]) -> list[Span]:
    return [Span(row.tokens[:-1], row.own) for row in rows]


def _no_begin(request: Request) -> Failure:
    return Failure(reason=f"{name(request)}: the tokenizer has neither a begin nor an end token to score a text after")
