"""Content hashes of checkpoint files: what a model is, apart from where it lies.

It knows file names and formats, and nothing of how a source is found (checkpoints.py) or loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.protocol import DigestCache
from pytest_ftcheck.records import digest

# A file that changed this lately may change again within its time stamps' grain, as git's "racy" entries do.
RACY_NS = 2_000_000_000

_TOKENIZER_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
_TOKENIZER_PATTERNS = ("*.model", "*.tiktoken", "additional_chat_templates/*.jinja")

# Keys that say where a file came from, not what the model does: they differ between machines.
_PLACES = frozenset({"_name_or_path", "base_model_name_or_path"})


def file_digest(path: Path, digests: DigestCache) -> str:
    """Return the SHA-256 of a file's content, remembered while its path, size, times and inode are unchanged.

    A file that changed within the last two seconds, or while it was read, is hashed but not remembered.
    Raises EngineError if it cannot be read.
    """
    try:
        before = path.stat()
        key = _key(path, before)
        known = digests.get_digest(key)
        if known is not None:
            return known
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        after = path.stat()
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror or error}") from error
    if _key(path, after) == key and time.time_ns() - max(after.st_mtime_ns, after.st_ctime_ns) > RACY_NS:
        digests.put_digest(key, found)
    return found


def is_remembered(path: Path, digests: DigestCache) -> bool:
    """Return whether the hash of a file, as it is, is known without reading it."""
    try:
        return digests.get_digest(_key(path, path.stat())) is not None
    except OSError:
        return False


def _key(path: Path, stat: os.stat_result) -> str:
    place = os.fspath(path.resolve())
    return f"{place}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}|{stat.st_ino}"


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises EngineError naming the file and line if there is none."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        raise EngineError(f"{path}:{error.lineno}: is not JSON: {error.msg}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise EngineError(f"{path}: is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise EngineError(f"{path}: holds a JSON {type(value).__name__}; allowed: an object")
    return value


def config_digest(path: Path) -> str:
    """Return the hash of a configuration file's values, without those that only say where it lay."""
    return digest({key: value for key, value in read_json(path).items() if key not in _PLACES})


def has_tokenizer(folder: Path) -> bool:
    """Return whether a folder brings its own tokenizer, as an adapter's folder may."""
    return (folder / "tokenizer_config.json").is_file() or (folder / "tokenizer.json").is_file()


def weights_digest(folder: Path, weights: Iterable[Path], digests: DigestCache) -> str:
    """Return the hash of what is loaded as the model: weights by file name, configuration, generation defaults."""
    parts = _file_digests(folder, weights, digests)
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            parts[name] = config_digest(folder / name)
    return digest(parts)


def tokenizer_digest(folder: Path, digests: DigestCache) -> str:
    """Return the hash of a folder's tokenizer files and chat templates."""
    files = [folder / name for name in _TOKENIZER_FILES]
    for pattern in _TOKENIZER_PATTERNS:
        files.extend(folder.glob(pattern))
    return digest(_file_digests(folder, (path for path in files if path.is_file()), digests))


def code_digest(folder: Path, digests: DigestCache) -> str:
    """Return the hash of the Python files of a folder whose remote code is trusted."""
    return digest(_file_digests(folder, folder.glob("*.py"), digests))


def _file_digests(folder: Path, paths: Iterable[Path], digests: DigestCache) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): file_digest(path, digests) for path in sorted(paths)}


def safetensors_header(path: Path) -> Mapping[str, Any]:
    """Return the header of a safetensors file: tensor name to dtype, shape and offsets.

    Raises EngineError if the header is damaged or the file is shorter or longer than it says (a broken download).
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            raw = file.read(length) if 8 + length <= size else b""
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) < 2:
        raise EngineError(f"{path}: damaged safetensors file of {size} bytes: its header does not fit in it")
    try:
        header = json.loads(raw)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise EngineError(f"{path}: damaged safetensors file: its header cannot be read") from None
    if 8 + length + end != size:
        raise EngineError(f"{path}: damaged safetensors file: {size} bytes, but its header says {8 + length + end}")
    return tensors
