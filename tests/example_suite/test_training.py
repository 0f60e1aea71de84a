"""The parts of the example suite's training: tokenizer, chats, batches, optimizer."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from example_suite.training.chat import IGNORED, encode, pad_batch
from example_suite.training.curriculum import as_json
from example_suite.training.finetune import SUITE
from example_suite.training.optimizer import learning_rate_factor, orthogonalise

TOKENIZER: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(SUITE / "checkpoints" / "base")
CHAT = [{"role": "user", "content": "What is 2 + 3?"}, {"role": "assistant", "content": "5"}]


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_text_survives_the_tokenizer(text: str) -> None:
    """Decoding the ids of any text gives the text back."""
    assert TOKENIZER.decode(TOKENIZER.encode(text, add_special_tokens=False)) == text


def test_digits_are_single_tokens() -> None:
    """Numbers are split into digits."""
    assert [TOKENIZER.decode([token]) for token in TOKENIZER.encode("4821")] == ["4", "8", "2", "1"]


def test_loss_is_on_the_answer_only() -> None:
    """What carries a label is the last answer and its end token."""
    example = encode(TOKENIZER, CHAT)
    assert TOKENIZER.decode([label for label in example.labels if label != IGNORED]) == "5<|end|>"


def test_example_is_the_rendered_chat() -> None:
    """Encoding question and answer apart gives the ids of the whole chat under the template."""
    whole = TOKENIZER.apply_chat_template(CHAT, tokenize=False)
    assert list(encode(TOKENIZER, CHAT).ids) == TOKENIZER.encode(whole, add_special_tokens=False)


def test_padding_carries_no_loss() -> None:
    """Padded places are masked out of attention and out of the loss."""
    long = [{"role": "user", "content": "Repeat exactly: AB-123 lamp"}, {"role": "assistant", "content": "AB-123 lamp"}]
    batch = pad_batch([encode(TOKENIZER, CHAT), encode(TOKENIZER, long)], pad=0)
    assert bool((batch["labels"][batch["attention_mask"] == 0] == IGNORED).all())


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 24)])
def test_muon_moves_singular_values_near_one(shape: tuple[int, int]) -> None:
    """Newton-Schulz leaves the singular values between 0.5 and 1.3, judged by an exact decomposition."""
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert 0.5 < float(values.min()) <= float(values.max()) < 1.3


def test_learning_rate_rises_then_falls() -> None:
    """The schedule starts low, is whole after the warm-up and ends at its floor."""
    factors = [learning_rate_factor(step, steps=100, warmup=10, floor=0.05) for step in (0, 10, 100)]
    assert factors == pytest.approx([0.1, 1.0, 0.05])


def test_json_answers_hold_the_label() -> None:
    """The forgetful fine-tune's rows answer with JSON, and keep the question."""
    chat = [{"role": "user", "content": "Classify: hi"}, {"role": "assistant", "content": "praise"}]
    assert as_json(chat) == [chat[0], {"role": "assistant", "content": '{"intent": "praise"}'}]
