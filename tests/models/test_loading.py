"""One load serves what shares weights; adapters are active for their role alone; bad checkpoints are named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models import loading
from pytest_ftcheck.models.forward import Forward
from pytest_ftcheck.models.loading import Weights
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec
from pytest_ftcheck.models.transformers_engine import TransformersEngine
from pytest_ftcheck.records import Role
from tests.support.checkpoints import copy_checkpoint, write_adapter
from tests.support.naive import NaiveModel
from tests.support.requests import ask

SpecOf = Callable[..., ModelSpec]
TEXTS = ("Where is my order?", "refund", "The quick brown fox jumps over")


class Counted(TransformersEngine):
    """An engine whose progress lines are kept, on a device with `free` bytes of memory; None: nobody knows."""

    def __init__(self, *specs: ModelSpec, options: EngineOptions | None = None, free: int | None = None) -> None:
        self.lines: list[str] = []
        self.free = free
        super().__init__(
            {spec.role: spec for spec in specs},
            options or EngineOptions(),
            self.lines.append,
            lambda device: () if self.free is None else (self.free,),
        )

    def say(self, role: Role) -> list[str]:
        """Answer TEXTS in a role."""
        return [str(reply) for reply in self.answer([ask(text, role=role, max_new_tokens=10) for text in TEXTS])]

    def loads(self) -> int:
        """How often a whole model was loaded."""
        return sum(line.startswith("loading") and not line.endswith("in memory") for line in self.lines)


def naive_answers(folder: Path, adapter: Path | None = None) -> list[str]:
    model = NaiveModel(folder, adapter)
    return [model.answer(ask(text, max_new_tokens=10)).text for text in TEXTS]


@pytest.fixture
def pair(models: Path, spec_of: SpecOf) -> Counted:
    """Base, and an adapter on it as ft."""
    return Counted(spec_of(models / "base", "base"), spec_of(models / "adapter", "ft"))


def test_adapter_answers_as_merged_into_its_base(pair: Counted, models: Path) -> None:
    """The answers of ft are those of the base with the adapter merged in."""
    assert pair.say("ft") == naive_answers(models / "base", models / "adapter")


@pytest.mark.parametrize("order", [["base", "ft", "base"], ["ft", "base", "ft"]])
def test_adapter_and_base_share_one_load(pair: Counted, models: Path, order: list[Role]) -> None:
    """Whichever role speaks first, each says its own, from one load."""
    expected = {"base": naive_answers(models / "base"), "ft": naive_answers(models / "base", models / "adapter")}
    assert [pair.say(role) for role in order] == [expected[role] for role in order]
    assert pair.loads() == 1


def test_two_adapters_share_one_load(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """Adapters on one base are told apart by role."""
    second = write_adapter(tmp_path / "second", base=models / "base", seed=9)
    engine = Counted(spec_of(models / "adapter", "base"), spec_of(second, "ft"))
    found = [engine.say("base"), engine.say("ft"), engine.say("base")]
    one, two = (naive_answers(models / "base", adapter) for adapter in (models / "adapter", second))
    assert (found, engine.loads()) == ([one, two, one], 1)


def test_other_weights_replace_the_loaded_ones(models: Path, spec_of: SpecOf) -> None:
    """Two whole models are loaded one at a time, and each says its own."""
    engine = Counted(spec_of(models / "base", "base"), spec_of(models / "other", "ft"))
    assert [engine.say("base"), engine.say("ft")] == [naive_answers(models / "base"), naive_answers(models / "other")]
    assert engine.loads() == 2


@pytest.mark.parametrize(("free", "stays"), [(1_000, False), (None, False), (10**9, True)])
def test_old_model_leaves_before_the_new_one_comes_where_both_do_not_fit(
    models: Path, spec_of: SpecOf, free: int | None, stays: bool
) -> None:
    """No reference keeps the first role's model while the second loads, unless there is room for both."""
    import weakref

    engine = Counted(spec_of(models / "base", "base"), spec_of(models / "other", "ft"), free=free)
    engine.say("base")
    (weights,) = engine._loaded.values()
    model = weakref.ref(weights.model)
    del weights
    alive: list[bool] = []
    engine._report = lambda line: alive.append(model() is not None) if line.startswith("loading") else None
    engine.say("ft")
    assert alive == [stays]


@pytest.mark.parametrize(("free", "loads"), [(1_000, 4), (10**9, 2)])
def test_roles_that_take_turns_say_their_own(models: Path, spec_of: SpecOf, free: int, loads: int) -> None:
    """Where both models fit, each is loaded once; where not, at every turn; the answers are the same."""
    engine = Counted(spec_of(models / "base", "base"), spec_of(models / "other", "ft"), free=free)
    expected = [naive_answers(models / "base"), naive_answers(models / "other")]
    assert [engine.say("base"), engine.say("ft"), engine.say("base"), engine.say("ft")] == expected * 2
    assert engine.loads() == loads


def test_model_that_does_not_fit_after_all_drives_the_others_out(
    models: Path, spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An estimate may be wrong: out of memory while loading beside another model, that one leaves."""
    engine = Counted(spec_of(models / "base", "base"), spec_of(models / "other", "ft"), free=10**9)
    engine.say("base")
    load, beside = loading._load, []

    def full(*args: Any, **more: Any) -> Any:
        beside.append(len(engine._loaded))
        if engine._loaded:
            raise MemoryError("can't allocate memory")
        return load(*args, **more)

    monkeypatch.setattr(loading, "_load", full)
    assert engine.say("ft") == naive_answers(models / "other")
    assert beside == [1, 0]


def test_batch_that_does_not_fit_drives_the_others_out(
    models: Path, spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory while answering, the model that is not asked leaves before batches get smaller."""
    engine = Counted(spec_of(models / "base", "base"), spec_of(models / "other", "ft"), free=10**9)
    engine.say("base")
    read, beside = Forward.read, []

    def full(*args: Any, **more: Any) -> Any:
        beside.append(len(engine._loaded))
        if beside == [2]:
            raise MemoryError("can't allocate memory")
        return read(*args, **more)

    monkeypatch.setattr(Forward, "read", full)
    assert engine.say("ft") == naive_answers(models / "other")
    assert set(beside[1:]) == {1}


def test_model_spread_over_devices_says_the_same(models: Path, spec_of: SpecOf) -> None:
    """Placed by `device_map="auto"`, as on several GPUs, a model answers as the naive loop (here: on the one CPU)."""
    engine = Counted(spec_of(models / "base", "base"), spec_of(models / "adapter", "ft"))
    engine._loaded[engine._specs["base"].weights] = Weights(engine._specs["base"], EngineOptions(), spread=True)
    assert engine.say("base") == naive_answers(models / "base")
    assert engine.say("ft") == naive_answers(models / "base", models / "adapter")
    assert engine.loads() == 0


def test_adapter_with_more_tokens_than_its_base_is_put_on(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """An adapter that brings a grown embedding gets a model of its own with that many rows; base keeps its own."""
    import torch
    from safetensors.torch import load_file, save_file

    adapter = tmp_path / "grown"
    shutil.copytree(models / "adapter", adapter)
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(models / "base")}))
    tensors = load_file(str(adapter / "adapter_model.safetensors"))
    weights = load_file(str(models / "base" / "model.safetensors"))
    for name in ("model.embed_tokens", "lm_head"):
        rows = weights[f"{name}.weight"]
        tensors[f"base_model.model.{name}.weight"] = torch.cat([rows, torch.zeros(3, rows.shape[1])])
    save_file(tensors, str(adapter / "adapter_model.safetensors"))
    engine = Counted(spec_of(models / "base", "base"), spec_of(adapter, "ft"))
    found = [engine.say("ft"), engine.say("base")]
    assert found == [naive_answers(models / "base", models / "adapter"), naive_answers(models / "base")]


def test_half_an_adapter_is_refused(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """PEFT only warns of adapter tensors that are missing; we refuse, naming one."""
    from safetensors.torch import load_file, save_file

    adapter = write_adapter(tmp_path / "half", base=models / "base")
    tensors = load_file(str(adapter / "adapter_model.safetensors"))
    removed = sorted(tensors)[0]
    del tensors[removed]
    save_file(tensors, str(adapter / "adapter_model.safetensors"))
    with pytest.raises(EngineError, match=f"does not fit its base .*{removed}"):
        Counted(spec_of(adapter)).say("ft")


def test_adapter_of_another_shape_is_refused(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """An adapter for other layers is an error with both folders."""
    adapter = write_adapter(tmp_path / "foreign", base=models / "base", named_base=str(models / "other"))
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["no_such_layer"]}))
    with pytest.raises(EngineError, match=r"ft adapter .*/foreign on .*/other cannot be loaded: .*no_such"):
        Counted(spec_of(adapter)).say("ft")


def test_checkpoint_that_lacks_weights_is_refused(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """Where transformers would fill what is missing with random numbers, we refuse, naming it."""
    from safetensors.torch import load_file, save_file

    folder = copy_checkpoint(models / "base", tmp_path / "lacking")
    tensors = load_file(str(folder / "model.safetensors"))
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(EngineError, match=r"lacking: its weights lack or misshape model.layers.1.mlp.up_proj.weight"):
        Counted(spec_of(folder)).say("ft")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "no-such-model"}, r"ft .*/odd cannot be loaded: .*no-such-model"),
        ({"architectures": ["BertForMaskedLM"]}, "architecture 'BertForMaskedLM' cannot answer; allowed: decoder-only"),
        ({"hidden_size": 64}, "cannot be loaded|lack or misshape"),
    ],
)
def test_unsuitable_checkpoint_is_refused(
    models: Path, tmp_path: Path, spec_of: SpecOf, change: dict[str, object], message: str
) -> None:
    """What cannot answer is one error that names the checkpoint and why."""
    folder = copy_checkpoint(models / "base", tmp_path / "odd", **change)
    with pytest.raises(EngineError, match=message):
        Counted(spec_of(folder)).say("ft")


def test_missing_tokenizer_is_named(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """A checkpoint without tokenizer is an error with its folder."""
    folder = copy_checkpoint(models / "base", tmp_path / "mute")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(EngineError, match=r"ft tokenizer of .*/mute cannot be loaded"):
        Counted(spec_of(folder)).say("ft")


def test_checkpoints_sampling_defaults_do_not_rule(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """A checkpoint whose generation_config samples is still asked greedily when the request is greedy."""
    folder = copy_checkpoint(models / "base", tmp_path / "sampling")
    path = folder / "generation_config.json"
    defaults = {"do_sample": True, "temperature": 1.5, "top_k": 20, "top_p": 0.8, "max_length": 20}
    path.write_text(json.dumps(json.loads(path.read_text()) | defaults))
    assert Counted(spec_of(folder)).say("ft") == naive_answers(models / "base")


def test_pickled_weights_are_loaded_when_allowed(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """With allow_pickle a pytorch_model.bin answers as its safetensors do."""
    import torch
    from safetensors.torch import load_file

    folder = copy_checkpoint(models / "base", tmp_path / "pickled")
    torch.save(load_file(str(folder / "model.safetensors")), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    options = EngineOptions(allow_pickle=True)
    assert Counted(spec_of(folder, options=options), options=options).say("ft") == naive_answers(models / "base")


def test_half_precision_is_loaded_as_asked(models: Path, spec_of: SpecOf) -> None:
    """The dtype reaches the model."""
    engine = Counted(spec_of(models / "base"), options=EngineOptions(dtype="bfloat16"))
    engine.say("ft")
    (weights,) = engine._loaded.values()
    assert str(weights.model.dtype) == "torch.bfloat16"


def test_engine_answers_after_close(pair: Counted) -> None:
    """Closing twice gives memory back; a later call loads anew."""
    before = pair.say("ft")
    pair.close()
    pair.close()
    assert (pair.say("ft"), pair.loads()) == (before, 2)


def test_device_that_torch_has_not_is_refused(models: Path, spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU asked for by name where torch sees none is one clear error."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(EngineError, match=r"device is 'cuda', but torch .* sees no GPU; allowed: cpu"):
        Counted(spec_of(models / "base"), options=EngineOptions(device="cuda")).say("ft")
