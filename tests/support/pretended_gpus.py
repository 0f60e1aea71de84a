"""GPUs that are not there: tensors in this machine's memory that torch takes for those of GPUs, as strict as CUDA's.

    python -m tests.support.pretended_gpus FOLDER

asks the checkpoints of FOLDER (base, adapter, classifier, mamba) on the CPU, on one such GPU, and base and adapter over
two, and prints as JSON what they said, where their weights lay, and whether prefixes were shared. An operation on
tensors of two devices fails as it does on CUDA, which lets pass copies, CPU indices and single CPU numbers alone. What
this cannot show is speed, and what only CUDA's kernels do. Registering the devices changes the process for good, so
that it wants one of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before any library reads them. Weights are read in this thread, since torch's modes hold for one.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DEACTIVATE_ASYNC_LOAD"] = "1"

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from pytest_ftcheck.models.checkpoints import resolve
from pytest_ftcheck.models.protocol import EngineOptions
from pytest_ftcheck.models.transformers_engine import TransformersEngine
from pytest_ftcheck.records import Failure, Request
from tests.support.digests import MemoryDigests
from tests.support.requests import ask

KIND = "gpu"
ASKED: dict[str, list[Request]] = {
    "greedy": [ask("the ball is red " * (at + 1), max_new_tokens=6 + at % 2) for at in range(3)],
    "sampled": [ask(f"the ball {at}", max_new_tokens=6, temperature=0.8, top_p=0.9, sample=at) for at in range(2)],
    "stopped": [ask(f"the ball {at}", max_new_tokens=12, stop=("e",)) for at in range(2)],
    "chosen": [ask(f"the ball is {at}", choices=(" red", " a dog and", " blue")) for at in range(2)],
    "read": [ask("the ball is red and the ball is blue", reads=True)],
}
OVER_TWO = {
    **{f"model.{part}": f"{KIND}:0" for part in ("embed_tokens", "rotary_emb", "layers.0")},
    **dict.fromkeys(("model.layers.1", "model.norm", "lm_head"), f"{KIND}:1"),
}

aten: Any = torch.ops.aten
_MOVES = {aten._to_copy.default, aten.copy_.default}
_INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}


class There(torch.Tensor):
    """A tensor on a pretended GPU; `held` has its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor, device: torch.device) -> There:
        """Wrap a tensor of this machine's memory."""
        made: There = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=device,
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute where no mode does."""
        return _compute(func, args, kwargs or {})

    def tolist(self) -> Any:
        """Return the numbers: torch refuses to, for tensors that are not its own."""
        return self.held.tolist()


class _Machine(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        key = "CompositeImplicitAutograd"
        if torch.is_inference_mode_enabled() and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), key):
            # In inference mode torch does not take composite operations apart by itself.
            with self:
                found = func.decompose(*args, **(kwargs or {}))
            if found is not NotImplemented:
                return found
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
    there = {each.device for each in tensors if isinstance(each, There)}
    if func is aten._has_compatible_shallow_copy_type.default:
        return isinstance(args[0], There) is isinstance(args[1], There)
    if func is aten._fused_sdp_choice.default and there:
        return 0  # of the ways to compute attention the one without a kernel of its own
    _refuse_mixtures(func, args, tensors, there)
    asked = kwargs.get("device")
    here = {"device": torch.device("cpu")} if asked is not None else {}
    found = func(*tree_map(_held, args), **{**tree_map(_held, kwargs), **here})
    returned = func._schema.returns
    if returned and returned[0].alias_info is not None and returned[0].alias_info.is_write:
        return args[0]  # changed in place
    device = torch.device(asked) if asked is not None else next(iter(there), torch.device("cpu"))
    if device.type == "cpu":
        return found
    where = torch.device(device.type, device.index or 0)
    return tree_map(lambda each: There(each, where) if isinstance(each, torch.Tensor) else each, found)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, There) else value


def _refuse_mixtures(func: Any, args: Any, tensors: list[torch.Tensor], there: set[torch.device]) -> None:
    if func in _MOVES:
        return
    checked = [args[0], *args[2:3]] if func in _INDEXED else tensors
    here = {each.device for each in checked if isinstance(each, torch.Tensor) and each.dim()} - there
    if len(there) + bool(there and here) > 1:
        devices = ", ".join(sorted(map(str, there | here)))
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, but found them on {devices}")


def _register() -> None:
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(KIND)
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch._C._set_only_lift_cpu_tensors(True)
    _teach_libraries()


def _teach_libraries() -> None:
    """Let safetensors load onto the device by way of the CPU, and place what `device_map="auto"` would not."""
    import peft.utils.save_and_load as adapters
    import transformers

    load: Any = adapters.safe_load_file

    def safe_load_file(name: str, device: str = "cpu") -> dict[str, torch.Tensor]:
        return {key: tensor.to(device) for key, tensor in load(name).items()}

    adapters.safe_load_file = safe_load_file  # type: ignore[attr-defined]
    auto: Any = transformers.AutoModelForCausalLM
    read = auto.from_pretrained

    def from_pretrained(*args: Any, device_map: Any = None, **kwargs: Any) -> Any:
        return read(*args, device_map=OVER_TWO if device_map == "auto" else device_map, **kwargs)

    auto.from_pretrained = from_pretrained


@contextlib.contextmanager
def _machine(device: str) -> Iterator[None]:
    with _Machine() if device != "cpu" else contextlib.nullcontext():
        yield


def _say(folder: Path, device: str, free: tuple[int, ...]) -> dict[str, Any]:
    """Ask everything of a checkpoint on a device with so many bytes free on each of its kind."""
    options = EngineOptions(device=device)
    spec = resolve("ft", str(folder), rootdir=folder.parent, options=options, digests=MemoryDigests())
    with _machine(device):
        engine = TransformersEngine({"ft": spec}, options, lambda line: None, free=lambda name: free)
        said = {kind: engine.answer(requests) for kind, requests in ASKED.items()}
        models = [weights.model for weights in engine._loaded.values()]
    return {
        "said": {
            kind: [[str(one), None if isinstance(one, Failure) else getattr(one, "logprob", None)] for one in replies]
            for kind, replies in said.items()
        },
        "devices": sorted({str(each.device) for model in models for each in model.parameters()}),
        "shares": engine._forwards.get("ft") is not None,
    }


def _mixture() -> str:
    """Return what a sum over two devices ends with."""
    with _Machine():
        try:
            torch.ones(2, device=KIND) + torch.ones(2)
        except RuntimeError as error:
            return str(error)
    return ""


def main(folder: Path) -> int:
    """Print what was said where."""
    _register()
    places = {"cpu": ("cpu", (1 << 40,)), "one": (KIND, (1 << 40,)), "two": (KIND, (1_000, 1_000))}
    spread = ("base", "adapter")
    found: dict[str, Any] = {
        name: {
            place: _say(folder / name, device, free)
            for place, (device, free) in places.items()
            if place != "two" or name in spread
        }
        for name in (*spread, "classifier", "mamba")
    }
    print(json.dumps({"mixture": _mixture(), "checkpoints": found}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
