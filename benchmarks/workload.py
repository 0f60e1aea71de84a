"""What the benchmarks run: a 42M-parameter Qwen2-shaped checkpoint of random weights, and case files in its words.

Everything is made from seeds, so that two machines measure the same work.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

VOCABULARY = 24_000
SHAPE = {
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    # Wide weights: random models then give varied answers with no near ties.
    "initializer_range": 0.08,
}
CASES = 64
SHOTS = 8
SHOT_WORDS = 36
NEW_TOKENS = 32
CONTEXT_WORDS = 240
CHOICES = 4
CHOICE_WORDS = (12, 28)


class Words:
    """A made-up language of 40,000 words, the common ones common."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        parts = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "is")]
        made = random.Random(0)
        self._words = sorted({"".join(made.choices(parts, k=made.randint(1, 3))) for _ in range(60_000)})[:40_000]
        made.shuffle(self._words)
        self._weights = [1 / (rank + 50) for rank in range(len(self._words))]

    def say(self, words: int) -> str:
        """Return a text of so many words."""
        return " ".join(self._rng.choices(self._words, self._weights, k=words))

    def number(self, low: int, high: int) -> int:
        """Return a number between two, both possible."""
        return self._rng.randint(low, high)


def write_cases(folder: Path) -> None:
    """Write generate.jsonl (a few-shot prefix of about 400 tokens) and choose.jsonl (long contexts, long choices)."""
    words = Words(1)
    shots = "".join(f"Question: {words.say(SHOT_WORDS - 8)}\nAnswer: {words.say(8)}\n\n" for _ in range(SHOTS))
    rows = [
        {"id": f"g{number}", "input": f"{shots}Question: {words.say(words.number(16, 34))}\nAnswer:", "expected": "x"}
        for number in range(CASES)
    ]
    _write(folder / "generate.jsonl", rows)
    rows = []
    for number in range(CASES):
        context = f"{words.say(words.number(CONTEXT_WORDS - 60, CONTEXT_WORDS + 60))}\nAnswer:"
        choices = [f" {words.say(words.number(*CHOICE_WORDS))}" for _ in range(CHOICES)]
        rows.append({"id": f"c{number}", "input": context, "choices": choices, "expected": choices[0], "gold": 0})
    _write(folder / "choose.jsonl", rows)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_tokenizer(folder: Path) -> Any:
    """Train a byte-level BPE tokenizer of VOCABULARY tokens and save it; return it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    words = Words(2)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((words.say(1000) for _ in range(600)), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|endoftext|>")
    fast.save_pretrained(str(folder))
    return fast


def write_checkpoint(folder: Path, *, seed: int) -> Path:
    """Write a checkpoint with random weights, if it is not there; return its folder."""
    if not (folder / "model.safetensors").exists():
        import torch
        from transformers import Qwen2Config, Qwen2ForCausalLM

        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = write_tokenizer(folder)
        torch.manual_seed(seed)
        ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
        model = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **ids, **SHAPE))
        model.save_pretrained(str(folder))
    return folder


def write_adapter(folder: Path, base: Path) -> Path:
    """Write a LoRA adapter of rank 16 on every projection, its B not zero, if it is not there; return its folder."""
    if not (folder / "adapter_model.safetensors").exists():
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        torch.manual_seed(3)
        model = AutoModelForCausalLM.from_pretrained(str(base))
        adapted: Any = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        # As seen from the adapter's folder, so that both can be moved.
        adapted.peft_config["default"].base_model_name_or_path = os.path.relpath(base, folder)
        adapted.save_pretrained(str(folder))
    return folder


def work(folder: Path) -> Callable[[str], Path]:
    """Make what is missing in a folder: cases, base, ft and adapter; return where a name is."""
    folder.mkdir(parents=True, exist_ok=True)
    write_cases(folder)
    base = write_checkpoint(folder / "base", seed=0)
    write_checkpoint(folder / "ft", seed=1)
    write_adapter(folder / "adapter", base)
    return lambda name: folder / name
