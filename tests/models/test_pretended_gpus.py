"""On GPUs nothing is left on the CPU: models on pretended ones, which refuse mixtures, answer as they do on the CPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkpoints import train_tokenizer

ROOT = Path(__file__).parents[2]
KINDS = ("greedy", "sampled", "stopped", "chosen", "read")
PLACES = [(name, "one") for name in ("base", "adapter", "classifier", "mamba")] + [("base", "two"), ("adapter", "two")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was said on the CPU, on one pretended GPU and over two."""
    import torch
    from transformers import AutoModelForCausalLM, MambaConfig

    folder = tmp_path_factory.mktemp("gpus")
    for name in ("base", "adapter", "classifier"):
        shutil.copytree(models / name, folder / name)
    torch.manual_seed(0)
    tokenizer = train_tokenizer()
    config = MambaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, state_size=8, initializer_range=0.4,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(str(folder / "mamba"))  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(str(folder / "mamba"))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.pretended_gpus", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-4000:]
    said: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "place"), PLACES)
def test_it_says_there_what_it_says_on_the_cpu(found: dict[str, Any], name: str, place: str, kind: str) -> None:
    """Texts are the same, log-probabilities within 1e-4."""
    here, there = (found["checkpoints"][name][where]["said"][kind] for where in ("cpu", place))
    assert [text for text, _ in there] == [text for text, _ in here]
    assert [logprob for _, logprob in there] == [
        None if logprob is None else pytest.approx(logprob, abs=1e-4) for _, logprob in here
    ]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_all_weights_lie_there(found: dict[str, Any], name: str, place: str) -> None:
    """On the one GPU, or on both; an adapter's too."""
    assert found["checkpoints"][name][place]["devices"] == ["gpu:0", "gpu:1"][: 1 + (place == "two")]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_prefixes_are_shared_there_as_on_the_cpu(found: dict[str, Any], name: str, place: str) -> None:
    """A mixture would not be seen otherwise: a model that fails the proof is answered without them."""
    shares = found["checkpoints"][name]["cpu"]["shares"]
    assert shares is (name in ("base", "adapter"))
    assert found["checkpoints"][name][place]["shares"] is shares


def test_pretended_gpus_refuse_mixtures(found: dict[str, Any]) -> None:
    """Otherwise none of this would show anything."""
    assert "expected all tensors to be on the same device, but found them on cpu, gpu:0" in found["mixture"]
