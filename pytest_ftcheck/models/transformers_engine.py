"""The default engine: checkpoints on this machine's CPU or GPU, through transformers and PEFT.

It loads, asks for batches and takes them apart when they fail; it knows nothing of cases, grades or the store. Text is
what the model said, special tokens left out and nothing else stripped: a tokenizer that writes a leading space gives
a leading space. `completion_tokens` and `logprob` count the end token where there was one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.answering import Answerer, Result, Row, name
from pytest_ftcheck.models.batching import Budget
from pytest_ftcheck.models.classification import Classifier
from pytest_ftcheck.models.forward import Forward
from pytest_ftcheck.models.generation import Generator
from pytest_ftcheck.models.loading import Weights, load_tokenizer, quiet
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec
from pytest_ftcheck.models.rendering import Renderer
from pytest_ftcheck.models.room import free_bytes, is_spread, may_stay, weights_bytes
from pytest_ftcheck.models.scoring import Scorer
from pytest_ftcheck.records import Failure, Reply, Request, Role

KEPT_SHARE = 4
"""Prefixes kept between calls hold one part in so many of a batch's tokens."""


class TransformersEngine:
    """Answers in batches; each row's answer is that of the row alone (exactly so in float32).

    A role's model stays in memory beside the next one's where both fit, else it leaves before that comes. `free` tells
    what a device has free, in bytes.
    """

    def __init__(
        self,
        specs: Mapping[Role, ModelSpec],
        options: EngineOptions,
        report: Callable[[str], None],
        free: Callable[[str], Sequence[int]] = free_bytes,
    ) -> None:
        self._specs = specs
        self._options = options
        self._report = report
        self._free_bytes = free
        self._loaded: dict[str, Weights] = {}  # by digest, the last used last
        self._tokenizers: dict[Role, Any] = {}
        self._forwards: dict[Role, Forward | None] = {}
        self._budget = Budget(options.batch_tokens)

    def answer(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Answer requests of one role, loading its model first if need be. Raises EngineError if that fails."""
        roles = sorted({request.role for request in requests})
        if len(roles) > 1:
            raise EngineError(f"one call asks {' and '.join(roles)}; allowed: one role a call")
        if not roles:
            return []
        spec = self._specs[roles[0]]
        with quiet(), torch.inference_mode():
            weights = self._load(spec)
            with weights.acting_as(spec) as model:
                return self._answer_all(self._answerers(weights, model, spec), requests)

    def close(self) -> None:
        """Free the model's memory."""
        self._unload(keep="")
        self._tokenizers.clear()

    def _load(self, spec: ModelSpec) -> Weights:
        weights = self._loaded.pop(spec.weights, None)
        if weights is None:
            weights = self._fetch(spec)
        elif weights.lacks(spec):
            self._report(f"loading {spec.role} {spec.source} onto the model in memory")
        self._loaded[spec.weights] = weights
        return weights

    def _fetch(self, spec: ModelSpec) -> Weights:
        size = weights_bytes(spec, self._options.dtype)
        if not may_stay(size, self._free_bytes(self._options.device)):
            self._unload(keep="")
        if self._loaded:
            try:
                return self._read(spec, size)
            except EngineError as error:
                if not _is_out_of_memory(error.__cause__):
                    raise
            self._unload(keep="")
        return self._read(spec, size)

    def _read(self, spec: ModelSpec, size: int) -> Weights:
        self._report(f"loading {spec.role} {spec.source}")
        # Memory is looked at again: what left has given its own back.
        spread = is_spread(size, self._free_bytes(self._options.device))
        return Weights(spec, self._options, spread=spread)

    def _unload(self, *, keep: str) -> None:
        """Let every model leave the device, but the one whose digest is given."""
        for digest in [each for each in self._loaded if each != keep]:
            for role in [role for role in self._forwards if self._specs[role].weights == digest]:
                del self._forwards[role]
            self._loaded.pop(digest).close()

    def _tokenizer(self, spec: ModelSpec) -> Any:
        if spec.role not in self._tokenizers:
            self._tokenizers[spec.role] = load_tokenizer(spec, self._options)
        return self._tokenizers[spec.role]

    def _answerers(self, weights: Weights, model: Any, spec: ModelSpec) -> Callable[[Request], Answerer]:
        """Return who answers a request: a classifier everything, a language model by what is asked."""
        if weights.is_classifier:
            classifier = Classifier(model, self._tokenizer(spec), spec)
            return lambda request: classifier
        if spec.role not in self._forwards:
            self._forwards[spec.role] = Forward.prove(model, keep_tokens=self._options.batch_tokens // KEPT_SHARE)
        renderer, forward = Renderer(self._tokenizer(spec), spec), self._forwards[spec.role]
        generator, scorer = Generator(model, renderer, spec, forward), Scorer(model, renderer, spec, forward)
        return lambda request: scorer if request.decoding.scores else generator

    def _answer_all(self, answerer_of: Callable[[Request], Answerer], requests: Sequence[Request]) -> list[Reply]:
        work = _Work(answerer_of, requests)
        for places in work.kinds():
            waiting = places
            while waiting:
                waiting = self._answer_kind(work, waiting)
        return work.replies()

    def _answer_kind(self, work: _Work, places: list[int]) -> list[int]:
        """Answer rows of one kind, given by their places; return those for which memory asks for smaller batches."""
        answerer = work.answerer(places[0])
        batches = answerer.cut([work.rows[place] for place in places], self._budget.tokens)
        chosen = [[places[index] for index in batch] for batch in batches]
        for number, batch in enumerate(chosen):
            rows = [work.rows[place] for place in batch]
            found = _attempt(answerer, rows)
            if isinstance(found, _Fault) and found.memory:
                self._free()
                if len(rows) > 1:
                    self._budget.shrink(len(rows) * max(len(row.tokens) + row.new_tokens for row in rows))
                    return [place for left in chosen[number:] for place in left]
                found = [Failure(reason=f"{name(rows[0].request)}: out of memory even alone: {found.reason}")]
            elif isinstance(found, _Fault):
                found = _answer_apart(answerer, rows, found)
            else:
                self._budget.grow()
            work.results.update(zip(batch, found, strict=True))
            self._report(f"answering {rows[0].request.role} {work.done()}/{work.size}")
        return []

    def _free(self) -> None:
        self._unload(keep=next(reversed(self._loaded)))
        for forward in self._forwards.values():
            if forward is not None:
                forward.forget()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class _Work:
    """The requests of one call as rows, and the rows' results, by place."""

    def __init__(self, answerer_of: Callable[[Request], Answerer], requests: Sequence[Request]) -> None:
        self.rows: list[Row] = []
        self.results: dict[int, Result] = {}
        self.size = len(requests)
        self._answerer_of = answerer_of
        self._requests: list[tuple[Request, list[int] | Failure]] = []
        for request in requests:
            read = answerer_of(request).read(request)
            if isinstance(read, Failure):
                self._requests.append((request, read))
                continue
            self._requests.append((request, list(range(len(self.rows), len(self.rows) + len(read)))))
            self.rows += read

    def answerer(self, place: int) -> Answerer:
        """Who answers a row."""
        return self._answerer_of(self.rows[place].request)

    def kinds(self) -> list[list[int]]:
        """All rows' places, those of one kind together."""
        kinds: dict[Hashable, list[int]] = {}
        for place, row in enumerate(self.rows):
            kinds.setdefault(row.kind, []).append(place)
        return list(kinds.values())

    def done(self) -> int:
        """How many requests have all of their results."""
        return sum(isinstance(at, Failure) or all(place in self.results for place in at) for _, at in self._requests)

    def replies(self) -> list[Reply]:
        """Every request's reply, in order."""
        return [at if isinstance(at, Failure) else self._reply(request, at) for request, at in self._requests]

    def _reply(self, request: Request, places: list[int]) -> Reply:
        results = [self.results[place] for place in places]
        for result in results:
            if isinstance(result, Failure):
                return result
        return self._answerer_of(request).conclude(request, [self.rows[place] for place in places], results)


class _Fault(NamedTuple):
    """Why a batch failed; `memory`: because it did not fit."""

    reason: str
    memory: bool


def _attempt(answerer: Answerer, rows: Sequence[Row]) -> Sequence[Result] | _Fault:
    """Answer a batch. Raises EngineError where the device itself is lost, as then every later batch would fail too."""
    try:
        return answerer.answer(rows)
    except EngineError:
        raise
    except Exception as error:  # the engine's one boundary: a model's code may raise anything
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        memory = _is_out_of_memory(error)
        if not memory and "CUDA error" in str(error):
            raise EngineError(f"the GPU failed while answering {name(rows[0].request)}: {reason}") from error
        # Once this returns the exception is gone, and with it the frames that held the batch's tensors.
        return _Fault(reason, memory)


def _answer_apart(answerer: Answerer, rows: Sequence[Row], fault: _Fault) -> Sequence[Result]:
    """Answer the halves of a batch that failed, down to the one row that is to blame."""
    if len(rows) == 1:
        return [Failure(reason=f"{name(rows[0].request)}: the model failed: {fault.reason}")]
    middle = len(rows) // 2
    results: list[Result] = []
    for half in (rows[:middle], rows[middle:]):
        found = _attempt(answerer, half)
        results += _answer_apart(answerer, half, found) if isinstance(found, _Fault) else found
    return results


def _is_out_of_memory(error: BaseException | None) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)
