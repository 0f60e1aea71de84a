"""Room on a device: estimated from the files, read from the system, decided by numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ftcheck.models import room
from pytest_ftcheck.models.protocol import ModelSpec
from tests.support.checkpoints import copy_checkpoint

SpecOf = Callable[..., ModelSpec]
GIB = 2**30


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "auto"])
def test_what_weights_take_is_what_torch_counts(models: Path, spec_of: SpecOf, dtype: str) -> None:
    """The estimate from the file's header is the size of all tensors in the number format asked for."""
    import torch
    from safetensors.torch import load_file

    tensors = load_file(str(models / "base" / "model.safetensors")).values()
    size = torch.float32.itemsize if dtype == "auto" else getattr(torch, dtype).itemsize
    assert room.weights_bytes(spec_of(models / "base"), dtype) == sum(each.numel() for each in tensors) * size


def test_damaged_weights_have_no_size(models: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    """What cannot be read is estimated as unknown; saying what is wrong is the loader's part."""
    folder = copy_checkpoint(models / "base", tmp_path / "copy")
    spec = spec_of(folder)
    (folder / "model.safetensors").write_bytes(b"gone")
    assert room.weights_bytes(spec, "float32") == 0


def group(folder: Path, limit: str) -> Path:
    """Write a container's memory files: 3 GiB used, one of them of files that are merely cached."""
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{3 * GIB}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {GIB}\nactive_file 7\n")
    return folder


@pytest.mark.parametrize(("limit", "free"), [(str(4 * GIB), 2 * GIB), (str(64 * GIB), 8 * GIB), ("max", 8 * GIB)])
def test_free_memory_is_the_machines_or_the_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, free: int
) -> None:
    """The less of what the machine has available and what a container's limit leaves."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 9999999 kB\nMemAvailable: {8 * 2**20} kB\n")
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(room, "_CGROUP", group(tmp_path, limit))
    assert room.free_bytes("cpu") == (free,)


def test_unknown_memory_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that tells nothing has no number, and so no room for two."""
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "absent")
    assert room.free_bytes("cpu") == ()
    assert not room.may_stay(1, room.free_bytes("cpu"))


@pytest.mark.parametrize(
    ("size", "free", "spread"),
    [
        (30 * GIB, [80 * GIB, 80 * GIB], False),
        (70 * GIB, [80 * GIB, 80 * GIB], True),
        (140 * GIB, [80 * GIB] * 4, True),
        (70 * GIB, [80 * GIB], False),
        (70 * GIB, [], False),
    ],
)
def test_large_models_are_spread_over_the_workers_gpus(size: int, free: list[int], spread: bool) -> None:
    """A model goes onto one GPU if it fits there with its batches, else over all that the worker sees."""
    assert room.is_spread(size, free) is spread
