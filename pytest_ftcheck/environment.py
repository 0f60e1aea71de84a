"""What a run was made with: Python, the platform, and the packages that compute answers and numbers."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("pytest", "numpy", "scipy", "torch", "transformers", "peft", "tokenizers")


def versions() -> Mapping[str, str]:
    """Name versions, packages that are not installed left out; none of them is imported."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
