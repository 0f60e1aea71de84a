"""Room for models: what a checkpoint takes, what its device has free, and so what stays there and where a model goes.

The decisions are functions of numbers of bytes; what was measured is given to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.fingerprints import safetensors_header
from pytest_ftcheck.models.protocol import ModelSpec

BESIDE = 2.0
"""Models stay in memory where this many times what the next one takes is free: it needs room for its batches too."""
WHOLE = 1.2
"""A model goes onto one GPU where this many times what it takes is free there."""

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def weights_bytes(spec: ModelSpec, dtype: str) -> int:
    """Return how many bytes a checkpoint's weights take in a number format ("auto": their own); 0 if unknown."""
    files = sorted(spec.path.glob("*.safetensors"))
    if not files:
        return sum(file.stat().st_size for pattern in ("*.bin", "*.pt", "*.pth") for file in spec.path.glob(pattern))
    whole = spec.path / "model.safetensors"
    total = 0
    for file in [whole] if whole in files else files:
        try:
            for entry in safetensors_header(file).values():
                start, end = entry["data_offsets"]
                total += math.prod(entry["shape"]) * _BYTES[dtype] if dtype in _BYTES else end - start
        except (EngineError, KeyError, TypeError, ValueError):
            return 0  # loading will say what is wrong with it
    return total


def free_bytes(device: str) -> tuple[int, ...]:
    """Return how many bytes are free on a device: a number for each visible GPU, one for the CPU, none if unknown."""
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            return ()
        return tuple(torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count()))
    try:
        lines = _MEMINFO.read_text().splitlines()
        (available,) = (1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError):
        return ()
    return (min([available, *_left_to_this_group()]),)


def _left_to_this_group() -> list[int]:
    """Return what a container's limit leaves, files that are merely cached not counted; nothing without a limit."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError):  # "max" is no limit
        return []
    return [limit - used + cached]


def may_stay(size: int, free: Sequence[int]) -> bool:
    """Whether models that are in memory may stay there when one of `size` bytes comes onto the first device.

    >>> may_stay(10, [25]), may_stay(10, [15, 25]), may_stay(10, []), may_stay(0, [25])
    (True, False, False, False)
    """
    return size > 0 and len(free) > 0 and free[0] >= BESIDE * size


def is_spread(size: int, free: Sequence[int]) -> bool:
    """Whether a model of `size` bytes is spread over all visible GPUs, because it is too large for the first of them.

    >>> is_spread(10, [11, 11]), is_spread(10, [20, 20]), is_spread(10, [11])
    (True, False, False)
    """
    return len(free) > 1 and size * WHOLE > free[0]
