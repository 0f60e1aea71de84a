"""The transformers engine beside transformers' own ways: padded batches, a static cache, continuous batching.

    python -m benchmarks.decoding [--device cpu] [--dtype float32] [--rounds 3] [--folder build/bench]

Few-shot prompts with a shared prefix are answered by a loaded and warm model, greedily, in every way that the device
allows. The figures are seconds of the clock, the least of the rounds, and ratios are ours over theirs: a way that is
quicker than ours on a GPU is worth having there. Texts are compared first; in float32 they are the same, in other
number formats near ties may fall otherwise, and their share is printed. A way that fails says why. Writes
<date>-decoding-<device>.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, ContinuousBatchingConfig, GenerationConfig

from benchmarks.every import machine
from benchmarks.over_floor import NoDigests, left_padded
from benchmarks.workload import NEW_TOKENS, work
from pytest_ftcheck.models.checkpoints import resolve
from pytest_ftcheck.models.protocol import EngineOptions
from pytest_ftcheck.models.transformers_engine import TransformersEngine
from pytest_ftcheck.records import Answer, Decoding, Request

Way = Callable[[], list[str]]
PAGE = 256
"""Tokens of a page of its cache, as transformers has it."""
CPU_BATCH_TOKENS = 2_048
PACKAGES = ("pytest-ftcheck", "torch", "transformers", "peft")


def ours(checkpoint: Path, prompts: Sequence[str], new_tokens: int, options: EngineOptions) -> Way:
    """Return the engine's way; each time no prefix is known from the time before."""
    spec = resolve("ft", str(checkpoint), rootdir=checkpoint.parent, options=options, digests=NoDigests())
    engine = TransformersEngine({"ft": spec}, options, lambda line: None)
    decoding = Decoding(max_new_tokens=new_tokens)
    requests = [
        Request(role="ft", messages=({"role": "user", "content": text},), decoding=decoding, template="none", case=text)
        for text in prompts
    ]

    def answer() -> list[str]:
        for forward in engine._forwards.values():
            assert forward is not None, "the model shares no prefixes"
            forward.forget()
        replies = engine.answer(requests)
        assert all(isinstance(reply, Answer) for reply in replies), replies
        return [str(reply) for reply in replies]

    return answer


def theirs(checkpoint: Path, prompts: Sequence[str], new_tokens: int, options: EngineOptions) -> dict[str, Way]:
    """Return transformers' ways, all of one loaded model."""
    tokenizer: Any = AutoTokenizer.from_pretrained(str(checkpoint))
    dtype: Any = options.dtype if options.dtype == "auto" else getattr(torch, options.dtype)
    loaded: Any = AutoModelForCausalLM.from_pretrained(str(checkpoint), dtype=dtype)
    model: Any = loaded.eval().to(options.device)
    rows = [tokenizer(text)["input_ids"] for text in prompts]
    tokens, mask = (each.to(options.device) for each in left_padded(rows))

    def decode(said: Sequence[Sequence[int]]) -> list[str]:
        return [str(tokenizer.decode(row, skip_special_tokens=True)) for row in said]

    def padded(**more: Any) -> list[str]:
        said = model.generate(
            input_ids=tokens, attention_mask=mask, max_new_tokens=new_tokens, do_sample=False, **more
        )  # fmt: skip
        return decode(said[:, tokens.shape[1] :].tolist())

    def continuous() -> list[str]:
        config = GenerationConfig(
            max_new_tokens=new_tokens, do_sample=False, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id or 0,
        )  # fmt: skip
        # On a GPU it takes what memory there is; a CPU's it would fill with zeros for half a minute.
        blocks = sum(-(-(len(row) + new_tokens) // PAGE) for row in rows)
        sized = (
            {} if options.device.startswith("cuda") else {"num_blocks": blocks, "max_batch_tokens": CPU_BATCH_TOKENS}
        )
        found = model.generate_batch(
            inputs=rows, generation_config=config, continuous_batching_config=ContinuousBatchingConfig(**sized)
        )
        assert len(found) == len(rows), f"{len(found)} of {len(rows)} were answered"
        return decode([one.generated_tokens for one in found.values()])

    return {
        "padded batch": padded,
        "static cache": lambda: padded(cache_implementation="static"),
        "continuous batching": continuous,
    }


def seconds(way: Way, device: str) -> float:
    """Return how long a way takes once, by the clock."""
    start = time.perf_counter()
    way()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(
    checkpoint: Path, prompts: Sequence[str], *, new_tokens: int, options: EngineOptions, rounds: int
) -> dict[str, Any]:
    """Answer in every way, in turns; return seconds, ratios, shares of texts like ours, and what failed."""
    ways: Mapping[str, Way] = {
        "ours": ours(checkpoint, prompts, new_tokens, options),
        **theirs(checkpoint, prompts, new_tokens, options),
    }
    said: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for name, way in ways.items():
        try:
            said[name] = way()  # which warms it up
        except Exception as error:  # noqa: BLE001 - a way that this device or model does not bear is one figure less
            failed[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    spent: dict[str, list[float]] = {name: [] for name in said}
    for _ in range(rounds):
        for name, times in spent.items():
            times.append(seconds(ways[name], options.device))
    least = {name: min(times) for name, times in spent.items()}
    return {
        "seconds": {name: round(value, 3) for name, value in least.items()},
        "ratios": {name: round(least["ours"] / value, 3) for name, value in least.items() if name != "ours"},
        "same_texts": {
            name: sum(map(str.__eq__, said["ours"], texts)) / len(texts) for name, texts in said.items()
        },
        "failed": failed,
    }  # fmt: skip


def main() -> int:
    """Measure, print and write; 1 where texts differ that should not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    chosen = parser.parse_args()
    where = work(chosen.folder.resolve())
    if chosen.device == "cpu":
        torch.set_num_threads(1)
    prompts = [json.loads(line)["input"] for line in where("generate.jsonl").open(encoding="utf-8")]
    options = EngineOptions(device=chosen.device, dtype=chosen.dtype)
    found = compare(where("ft"), prompts, new_tokens=NEW_TOKENS, options=options, rounds=chosen.rounds)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    result = {
        "date": today,
        "machine": machine() | ({"gpu": torch.cuda.get_device_name()} if chosen.device == "cuda" else {}),
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}},
        "dtype": chosen.dtype,
        "prompts": len(prompts),
        "new_tokens": NEW_TOKENS,
        **found,
    }
    chosen.results.mkdir(parents=True, exist_ok=True)
    file = chosen.results / f"{today}-decoding-{chosen.device}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    return int(chosen.dtype == "float32" and any(share < 1 for share in found["same_texts"].values()))


if __name__ == "__main__":
    sys.exit(main())
