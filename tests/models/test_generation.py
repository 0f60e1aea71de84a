"""The transformers engine says what one-by-one `model.generate` says, in any batch, and fails one case at a time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.forward import Forward, States
from pytest_ftcheck.models.prefixes import Batch, Span
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec
from pytest_ftcheck.models.transformers_engine import TransformersEngine
from pytest_ftcheck.records import Answer, Failure, Reply, Request
from tests.support.checkpoints import LINES, POSITIONS, change_weights, copy_checkpoint, write_chat_model
from tests.support.naive import NaiveModel
from tests.support.requests import ask

SpecOf = Callable[..., ModelSpec]
NEW_TOKENS = 24


def prompts(count: int = 32) -> list[str]:
    """Prompts of 1 to 40 words."""
    rng = random.Random(7)
    words = " ".join(LINES).split()
    return [" ".join(rng.choices(words, k=rng.randint(1, 40))) for _ in range(count)]


def open_engine(*specs: ModelSpec, **options: object) -> TransformersEngine:
    return TransformersEngine(
        {spec.role: spec for spec in specs}, EngineOptions(**options), lambda line: None  # type: ignore[arg-type]
    )  # fmt: skip


def facts(replies: Sequence[Reply]) -> list[tuple[str, object, object, object]]:
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    assert len(answers) == len(replies), replies
    return [(str(each), each.prompt_tokens, each.completion_tokens, each.finish_reason) for each in answers]


@pytest.fixture(scope="module")
def naive(models: Path) -> NaiveModel:
    return NaiveModel(models / "base")


@pytest.fixture
def engine(models: Path, spec_of: SpecOf) -> TransformersEngine:
    return open_engine(spec_of(models / "base"))


@pytest.fixture
def ending(models: Path, tmp_path: Path) -> Path:
    """A model that soon ends its answers: its end token's logit is raised."""
    from safetensors.torch import load_file, save_file

    folder = copy_checkpoint(models / "base", tmp_path / "ending")
    path = folder / "model.safetensors"
    tensors = load_file(str(path))
    tensors["lm_head.weight"][2] *= 2.5
    save_file(tensors, str(path), metadata={"format": "pt"})
    return folder


def test_answers_equal_the_naive_loop(engine: TransformersEngine, naive: NaiveModel) -> None:
    """Each text is that of the prompt asked alone."""
    requests = [ask(text, max_new_tokens=NEW_TOKENS) for text in prompts()]
    assert [str(reply) for reply in engine.answer(requests)] == [naive.answer(each).text for each in requests]


def test_logprobs_equal_the_naive_loop(engine: TransformersEngine, naive: NaiveModel) -> None:
    """An answer's log-probability is the sum over its tokens of a plain forward pass."""
    requests = [ask(text, max_new_tokens=NEW_TOKENS) for text in prompts(8)]
    found = [reply.logprob for reply in engine.answer(requests) if isinstance(reply, Answer)]
    assert found == pytest.approx([naive.answer(each).logprob for each in requests], abs=1e-4)


def test_answers_that_end_equal_the_naive_loop(ending: Path, spec_of: SpecOf) -> None:
    """Rows that end at different steps have the naive loop's text and count of tokens."""
    naive = NaiveModel(ending)
    requests = [ask(text, max_new_tokens=NEW_TOKENS) for text in prompts()]
    expected = [naive.answer(each) for each in requests]
    replies = facts(open_engine(spec_of(ending)).answer(requests))
    assert [(text, count) for text, _, count, _ in replies] == [(each.text, len(each.tokens)) for each in expected]
    assert len({reason for *_, reason in replies}) == 2  # some ended and some did not, else this shows nothing


@pytest.mark.parametrize("rows", [1, 8, 32])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_do_not_depend_on_the_batch(models: Path, spec_of: SpecOf, rows: int, temperature: float) -> None:
    """Batches of 1, 8 and 32 give equal tokens in float32, greedy or sampled."""
    requests = [ask(text, max_new_tokens=NEW_TOKENS, temperature=temperature) for text in prompts()]
    spec = spec_of(models / "base")
    alone = facts([open_engine(spec).answer([each])[0] for each in requests[:4]])
    engine = open_engine(spec, batch_tokens=1 if rows == 1 else rows * 200)
    assert facts(engine.answer(requests))[:4] == alone
    assert facts(engine.answer(requests)) == facts(open_engine(spec, batch_tokens=1_000_000).answer(requests))


def test_order_is_kept(engine: TransformersEngine) -> None:
    """Replies stand where their requests stood, however batches were cut."""
    requests = [ask(text, max_new_tokens=4) for text in prompts()]
    forward, backward = engine.answer(requests), engine.answer(requests[::-1])
    assert list(forward) == list(backward)[::-1]


def test_mixed_decodings_keep_apart(engine: TransformersEngine) -> None:
    """One call may hold greedy and sampled requests of any length."""
    requests = [
        ask("Where is it?", max_new_tokens=tokens, temperature=temperature)
        for tokens in (2, 9)
        for temperature in (0.0, 1.0)
    ]
    assert facts(engine.answer(requests)) == facts([engine.answer([each])[0] for each in requests])


def test_samples_differ_and_repeat(engine: TransformersEngine) -> None:
    """Each sample is another draw, and the same draw in the next run."""
    requests = [ask("Where is it?", sample=sample, temperature=1.0, max_new_tokens=8) for sample in range(6)]
    first = [str(reply) for reply in engine.answer(requests)]
    assert (len(set(first)), [str(reply) for reply in engine.answer(requests[::-1])]) == (6, first[::-1])


def test_stop_string_ends_the_answer_before_it(engine: TransformersEngine, naive: NaiveModel) -> None:
    """The text stops where the stop string begins in the naive answer, and counts no token past it."""
    requests = [ask(text, max_new_tokens=NEW_TOKENS) for text in prompts(8)]
    texts = [naive.answer(each).text for each in requests]
    marks = [text[5:8] for text in texts]
    stopped = [ask(each.messages[0]["content"], max_new_tokens=NEW_TOKENS, stop=tuple(marks)) for each in requests]
    expected = [text[: min(text.find(mark) for mark in marks if mark in text)] for text in texts]
    replies = facts(engine.answer(stopped))
    assert [(text, reason) for text, *_, reason in replies] == [(text, "stop") for text in expected]
    assert all(isinstance(count, int) and count < NEW_TOKENS for *_, count, _ in replies)


def test_prompt_tokens_count_the_rendered_prompt(engine: TransformersEngine, naive: NaiveModel) -> None:
    """prompt_tokens is the length of what the chat template gave, with no second begin token."""
    request = ask(LINES[0], max_new_tokens=1)
    expected = naive.tokenizer.apply_chat_template(
        [dict(request.messages[0])], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    assert facts(engine.answer([request]))[0][1] == len(expected)


def test_plain_template_adds_the_begin_token(engine: TransformersEngine, naive: NaiveModel) -> None:
    """Without a chat template the tokenizer's own begin token leads."""
    reply = engine.answer([ask(LINES[0], template="none", max_new_tokens=1)])[0]
    assert facts([reply])[0][1] == len(naive.tokenizer(LINES[0])["input_ids"])


def test_missing_chat_template_says_the_way_out(tmp_path: Path, spec_of: SpecOf) -> None:
    """A tokenizer without chat template is an error that names the checkpoint and the option."""
    write_chat_model(tmp_path / "plain", chat_template=None)
    engine = open_engine(spec_of(tmp_path / "plain"))
    with pytest.raises(EngineError, match=r"ft .*/plain: its tokenizer has no chat template; .*--ft-template=none"):
        engine.answer([ask("hi")])


def test_refusal_of_the_template_is_that_cases_failure(engine: TransformersEngine) -> None:
    """Messages that the template refuses fail alone, with the template's reason."""
    odd = Request(
        role="ft",
        messages=({"role": "user", "content": "a"}, {"role": "system", "content": "b"}),
        label="test_eval[odd]",
    )
    replies = engine.answer([odd, ask("fine", max_new_tokens=2)])
    assert replies[0] == Failure(
        reason="test_eval[odd]: the chat template refuses these messages: system message must come first"
    )
    assert isinstance(replies[1], Answer)


def test_prompt_longer_than_the_context_is_a_failure(engine: TransformersEngine) -> None:
    """A prompt that does not fit is never cut: its case fails, with the numbers."""
    replies = engine.answer([ask("order " * 400, case="long", max_new_tokens=5), ask("fine", max_new_tokens=2)])
    assert isinstance(replies[0], Failure)
    assert replies[0].reason == (
        f"test_eval[long]: the prompt has 404 tokens; the context has {POSITIONS}, and 5 new tokens were asked for"
    )
    assert isinstance(replies[1], Answer)


def test_answer_that_runs_out_of_context_is_a_failure(engine: TransformersEngine) -> None:
    """An answer that the context's end would cut is no answer."""
    reply = engine.answer([ask("order " * 250, case="tight", max_new_tokens=50)])[0]
    assert isinstance(reply, Failure)
    assert "the prompt has 254 tokens; the context has 256, and 50 new tokens were asked for" in reply.reason


def test_answer_that_ends_before_the_context_does_is_kept(ending: Path, spec_of: SpecOf) -> None:
    """A large max_new_tokens does no harm to an answer that is short."""
    short, long = (ask(LINES[0], max_new_tokens=tokens) for tokens in (200, 10_000))
    replies = facts(open_engine(spec_of(ending)).answer([short, long]))
    assert (replies[0], replies[0][-1]) == (replies[1], "stop")


def test_prompt_without_tokens_is_a_failure(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """Nothing to read is nothing to answer, and said so."""
    folder = copy_checkpoint(models / "base", tmp_path / "bare")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    reply = open_engine(spec_of(folder)).answer([ask("", case="empty", template="none")])[0]
    assert reply == Failure(reason="test_eval[empty]: the prompt has no tokens")


def test_nan_logits_are_a_failure_that_names_the_case(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """A model that reckons NaN has said nothing."""
    folder = copy_checkpoint(models / "base", tmp_path / "nan")
    change_weights(folder, model__norm__weight=float("nan"))
    for temperature in (0.0, 1.0):
        replies = open_engine(spec_of(folder)).answer([ask("a", temperature=temperature), ask("b")])
        assert [reply.reason.partition(": NaN logits")[0] for reply in replies if isinstance(reply, Failure)] == [
            "test_eval[a]", "test_eval[b]",
        ]  # fmt: skip


def test_lone_row_of_nan_leaves_its_neighbours_alone(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """A token whose embedding is NaN spoils the prompts that hold it, and no other row of the batch."""
    from safetensors.torch import load_file, save_file

    folder = copy_checkpoint(models / "base", tmp_path / "nan")
    tensors = load_file(str(folder / "model.safetensors"))
    naive = NaiveModel(models / "base")
    tensors["model.embed_tokens.weight"][naive.tokenizer("~", add_special_tokens=False)["input_ids"]] = float("nan")
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    requests = [ask("Where is it?", max_new_tokens=3), ask("a ~ b", max_new_tokens=3)]
    replies = open_engine(spec_of(folder)).answer(requests)
    assert (replies[0], type(replies[1])) == (naive.answer(requests[0]).text, Failure)


class Exhausted:
    """Stands for `Forward.read`: refuses more rows than fit, as torch does, or from some batch on fits more."""

    def __init__(self, rows: int, error: Exception) -> None:
        self.read = Forward.read
        self.rows = rows
        self.error = error
        self.tried: list[int] = []

    def put(self, patch: pytest.MonkeyPatch) -> Exhausted:
        """Take the place of what is run."""
        patch.setattr(Forward, "read", lambda forward, spans, batch, **more: self(forward, spans, batch, **more))
        return self

    def __call__(self, forward: Forward, spans: Sequence[Span], batch: Batch, *, room: int = 0) -> States:
        self.tried.append(len(spans))
        if self.tried[-1] > self.rows:
            raise self.error
        return self.read(forward, spans, batch, room=room)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")],
)
def test_batch_that_does_not_fit_in_memory_is_halved(
    engine: TransformersEngine, naive: NaiveModel, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Out of memory, smaller batches are answered, with the same answers; the next call starts with what fitted."""
    requests = [ask(text, max_new_tokens=4) for text in prompts(8)]
    expected = [naive.answer(each).text for each in requests]
    full = Exhausted(3, error).put(monkeypatch)
    assert list(engine.answer(requests)) == expected
    assert full.tried[0] == 8
    assert sum(rows for rows in full.tried if rows <= 3) == 8
    assert sum(rows > 3 for rows in full.tried) <= 2
    full.tried.clear()
    assert list(engine.answer(requests)) == expected
    assert max(full.tried) < 8


def test_batches_grow_back_after_running_out_of_memory(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory is free again, batches come back to their size."""
    requests = [ask(text, max_new_tokens=4) for text in prompts(8)]
    full = Exhausted(1, MemoryError()).put(monkeypatch)
    engine.answer(requests)
    full.rows = 8
    for _ in range(12):
        full.tried.clear()
        engine.answer(requests)
    assert full.tried == [8]


def test_request_that_does_not_fit_alone_is_a_failure(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At one row there is nothing left to halve: that case has no answer."""
    Exhausted(0, MemoryError("no more")).put(monkeypatch)
    assert engine.answer([ask("a"), ask("b")]) == [
        Failure(reason=f"test_eval[{case}]: out of memory even alone: MemoryError: no more") for case in "ab"
    ]


def test_engine_works_after_running_out_of_memory(
    models: Path, spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure of one call is none of the next."""
    engine = open_engine(spec_of(models / "base"))
    with monkeypatch.context() as patch:
        Exhausted(0, MemoryError()).put(patch)
        assert isinstance(engine.answer([ask("a", max_new_tokens=2)])[0], Failure)
    assert isinstance(engine.answer([ask("a", max_new_tokens=2)])[0], Answer)


def test_batch_that_fails_is_taken_apart(
    engine: TransformersEngine, naive: NaiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model raises is a failure of the one request that makes it; the others are answered."""
    requests = [ask(text, max_new_tokens=4) for text in prompts(6)]
    read = Forward.read
    lengths = {len(naive.prompt_tokens(requests[4]))}

    def faulty(forward: Forward, spans: Sequence[Span], batch: Batch, *, room: int = 0) -> States:
        if any(len(span.tokens) in lengths for span in spans):
            raise ValueError("cannot bear this")
        return read(forward, spans, batch, room=room)

    monkeypatch.setattr(Forward, "read", faulty)
    replies = engine.answer(requests)
    failed = [number for number, reply in enumerate(replies) if isinstance(reply, Failure)]
    assert failed == [number for number, each in enumerate(requests) if len(naive.prompt_tokens(each)) in lengths]


def test_lost_gpu_is_an_error_of_the_call(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a CUDA fault every batch would fail, so none is blamed."""
    Exhausted(0, RuntimeError("CUDA error: device-side assert")).put(monkeypatch)
    with pytest.raises(EngineError, match="the GPU failed while answering"):
        engine.answer([ask("a")])


def test_two_roles_in_one_call_are_refused(engine: TransformersEngine) -> None:
    """Base and ft never share a batch."""
    with pytest.raises(EngineError, match="asks base and ft; allowed: one role a call"):
        engine.answer([ask("a"), ask("a", role="base")])


def test_progress_is_reported(models: Path, spec_of: SpecOf) -> None:
    """Loading is said once, and each batch with its count."""
    lines: list[str] = []
    engine = TransformersEngine({"ft": spec_of(models / "base")}, EngineOptions(batch_tokens=1), lines.append)
    engine.answer([ask("a", max_new_tokens=1), ask("b", max_new_tokens=1)])
    assert lines == [f"loading ft {models / 'base'}", "answering ft 1/2", "answering ft 2/2"]


def test_nothing_is_asked_of_nobody(engine: TransformersEngine) -> None:
    """No request, no load."""
    assert (engine.answer([]), engine._loaded) == ([], {})
