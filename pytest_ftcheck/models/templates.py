"""The chat template of a checkpoint, read from its files: loading a tokenizer would bring transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.checkpoints import tokenizer_folder
from pytest_ftcheck.models.fingerprints import read_json
from pytest_ftcheck.models.protocol import ModelSpec


def chat_template_of(spec: ModelSpec) -> str:
    """Return the chat template that a local model's prompts go through; empty where it has none that can be read."""
    if spec.kind not in ("checkpoint", "adapter"):
        return ""
    folder = tokenizer_folder(spec)
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return _from_config(folder).strip()


def _from_config(folder: Path) -> str:
    """Return the template of tokenizer_config.json, where older checkpoints have it: a text, or several by name."""
    try:
        found: Any = read_json(folder / "tokenizer_config.json").get("chat_template")
    except EngineError:
        return ""
    if isinstance(found, list):
        named = {each.get("name"): each.get("template") for each in found if isinstance(each, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else ""
