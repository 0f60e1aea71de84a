"""Which device and number format local engines use, found without importing torch.

It knows nothing of models. `EngineOptions` takes what these functions return.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.suggestions import did_you_mean

DEVICES = ("auto", "cpu", "cuda")
DTYPES = ("auto", "float32", "bfloat16", "float16")
NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")


def resolve_device(text: str) -> str:
    """Return "cpu" or "cuda" for a device name; "auto" is "cuda" where a GPU is visible that torch can use.

    Raises ConfigError for any other name.
    """
    if text not in DEVICES:
        raise ConfigError(f"device is {text!r}; allowed: {', '.join(DEVICES)}")
    if text != "auto":
        return text
    return "cuda" if _torch_can_use_gpus() and _gpu_visible() else "cpu"


def resolve_dtype(text: str, *, device: str) -> str:
    """Return the dtype's name; "auto" is "float32" on the CPU and stays "auto" (the checkpoint's own) on CUDA.

    Raises ConfigError for a name that is none of DTYPES.

    >>> resolve_dtype("auto", device="cpu")
    'float32'
    """
    if text not in DTYPES:
        raise ConfigError(f"dtype is {text!r}{did_you_mean(text, DTYPES)}; allowed: {', '.join(DTYPES)}")
    return "float32" if text == "auto" and device == "cpu" else text


def _torch_can_use_gpus() -> bool:
    try:
        return not metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


def _gpu_visible() -> bool:
    return bool(visible_gpus())


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that CUDA would show, as CUDA_VISIBLE_DEVICES names them, found without torch.

    The order is CUDA's own: the variable's list, else numbers from 0. Empty where there is none.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = _installed_gpus()
    if chosen is None:
        return tuple(map(str, range(there)))
    named: list[str] = []
    for each in chosen.split(","):
        # CUDA reads the list up to the first invalid index: "" and "-1" hide every GPU.
        if not each.strip() or each.strip().startswith("-"):
            break
        named.append(each.strip())
    return tuple(named) if there else ()


def _installed_gpus() -> int:
    try:
        found = sum(1 for _ in NVIDIA_GPUS.iterdir())
    except OSError:
        found = 0
    return found or _listed_by_nvidia_smi()


def _listed_by_nvidia_smi() -> int:
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        listing = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines()) if listing.returncode == 0 else 0
