"""From what the user gave (`--ft-model=...`) to a model that is known by content, without loading anything.

A source is a checkpoint folder, an adapter folder, a hub id, a file of recorded answers or a served model's address,
which is known by name only. Every refusal is an EngineError that names the path and what is allowed. Nothing here
imports torch, transformers or numpy, nor knows how a checkpoint is loaded.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.devices import resolve_device, resolve_dtype
from pytest_ftcheck.models.endpoint import is_served
from pytest_ftcheck.models.fingerprints import (
    code_digest,
    config_digest,
    file_digest,
    has_tokenizer,
    is_remembered,
    read_json,
    safetensors_header,
    tokenizer_digest,
    weights_digest,
)
from pytest_ftcheck.models.hub import fetch_snapshot, is_hub_id
from pytest_ftcheck.models.identity import answer_key, engine_identity
from pytest_ftcheck.models.listing import resolve_served, served_base
from pytest_ftcheck.models.protocol import DigestCache, EngineOptions, ModelSpec, ServedOptions
from pytest_ftcheck.records import Role, digest
from pytest_ftcheck.suggestions import nearest

__all__ = [
    "answer_key",
    "base_of",
    "embedding_of",
    "engine_identity",
    "resolve",
    "resolve_custom",
    "resolve_device",
    "resolve_dtype",
    "tokenizer_folder",
    "was_met",
]

ALLOWED = (
    "a folder with config.json and *.safetensors, an adapter folder, a hub id (org/name[@revision]), *.jsonl,"
    " or http://host:port/v1#name"
)

ADAPTER_CONFIG = "adapter_config.json"
_BASE_FIELD = "base_model_name_or_path"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
# Modules whose whole matrix an adapter may bring, besides its own small ones.
EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out", "shared")


def resolve(role: Role, source: str, *, rootdir: Path, options: EngineOptions, digests: DigestCache) -> ModelSpec:
    """Return the model that `source` means, with the hashes that name it.

    A relative path is looked for in the current folder, then in `rootdir`. Raises EngineError if there is no such
    checkpoint, or one that cannot or must not be loaded.
    """
    if is_served(source):
        return resolve_served(role, source, options.served)
    path = _locate(source, rootdir=rootdir, code=options.trust_remote_code)
    if path.is_file():
        found = file_digest(path, digests)
        return ModelSpec(role=role, source=source, kind="recorded", path=path, weights=found, fingerprint=found)
    if (path / ADAPTER_CONFIG).is_file():
        return _resolve_adapter(role, source, path, rootdir=rootdir, options=options, digests=digests)
    weights = _checkpoint_digest(path, options, digests)
    fingerprint = digest({"weights": weights, "tokenizer": tokenizer_digest(path, digests)})
    return ModelSpec(role=role, source=source, kind="checkpoint", path=path, weights=weights, fingerprint=fingerprint)


def resolve_custom(role: Role, source: str, *, engine: str, rootdir: Path, digests: DigestCache) -> ModelSpec:
    """Return the model of a user's own engine (`engine` is "module:Class"): what `source` means is the engine's affair.

    The fingerprint covers the engine's name, its module's file, and the source: its files' content if it is a path.
    """
    path = _find_path(source, rootdir=rootdir) or Path(source)
    content: dict[str, str] = {}
    code = _module_file(engine.partition(":")[0])
    if path.exists():
        files = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if entry.is_file())
        content = {file.relative_to(path).as_posix(): file_digest(file, digests) for file in files}
    made_by = [engine, file_digest(code, digests) if code else ""]
    found = digest({"engine": made_by, "source": "" if content else source, "content": content})
    return ModelSpec(role=role, source=source, kind="custom", path=path, weights=found, fingerprint=found)


def _module_file(module: str) -> Path | None:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(found.origin) if found is not None and found.has_location and found.origin else None


def base_of(source: str, *, rootdir: Path, served: ServedOptions | None = None) -> str | None:
    """Return the base that a checkpoint itself names, as a source for `resolve`, or None.

    An adapter names it in adapter_config.json, any other checkpoint by `base_model:` in its README's front matter; of
    a served one its server may tell the parent. Raises EngineError if there is no such checkpoint.
    """
    if is_served(source):
        return served_base(source, served or ServedOptions())
    path = _locate(source, rootdir=rootdir, code=False)
    if path.is_file():
        return None
    if (path / ADAPTER_CONFIG).is_file():
        return _adapter_base(path, rootdir=rootdir)[0]
    named = _front_matter_base(path / "README.md")
    if named is None:
        return None
    beside = path / Path(named).expanduser()
    return os.path.normpath(beside) if beside.exists() else named


def was_met(source: str, *, rootdir: Path, digests: DigestCache) -> bool:
    """Return whether a checkpoint's weights, as they are, were hashed before, and so stood in an earlier run.

    A look at names and times, nothing is read. What is not a folder here counts as met.
    """
    path = None if is_served(source) else _find_path(source, rootdir=rootdir)
    if path is None or not path.is_dir():
        return True
    files = [file for pattern in ("*.safetensors", *_PICKLES) for file in path.glob(pattern)]
    return all(is_remembered(file, digests) for file in files)


def tokenizer_folder(spec: ModelSpec) -> Path:
    """Return the folder whose tokenizer and chat template the role uses: the adapter's own where it brings them."""
    return spec.adapter if spec.adapter is not None and has_tokenizer(spec.adapter) else spec.path


def _locate(source: str, *, rootdir: Path, code: bool) -> Path:
    path = _find_path(source, rootdir=rootdir)
    if path is None:
        if not is_hub_id(source):
            raise EngineError(f"no such checkpoint: {source!r}{_did_you_mean(source, rootdir)}; allowed: {ALLOWED}")
        try:
            return fetch_snapshot(source, code=code)
        except EngineError as error:
            raise EngineError(f"no such checkpoint folder, and {error}{_did_you_mean(source, rootdir)}") from error
    if path.is_file() and path.suffix != ".jsonl":
        raise EngineError(f"{path}: is a file; allowed: {ALLOWED}")
    return path


def _find_path(source: str, *, rootdir: Path) -> Path | None:
    if not source:
        return None
    for place in (Path.cwd(), rootdir):
        path = place / Path(source).expanduser()
        if path.exists():
            return path.resolve()
    return None


def _did_you_mean(source: str, rootdir: Path) -> str:
    wanted = Path(source).expanduser()
    for place in (Path.cwd(), rootdir):
        parent = (place / wanted).parent
        names = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
        near = nearest(wanted.name, names)
        if near is not None:
            return f" (did you mean {str(wanted.parent / near)!r}?)"
    return ""


def _resolve_adapter(
    role: Role, source: str, adapter: Path, *, rootdir: Path, options: EngineOptions, digests: DigestCache
) -> ModelSpec:
    named, revision = _adapter_base(adapter, rootdir=rootdir)
    path = _find_path(named, rootdir=rootdir)
    if path is None:
        try:
            path = fetch_snapshot(named, revision=revision, code=options.trust_remote_code)
        except EngineError as error:
            raise _base_missing(adapter, named, rootdir, f"hub id: {error}") from error
    if (path / ADAPTER_CONFIG).is_file():
        raise EngineError(f"adapter {adapter}: its base {path} is itself an adapter; allowed: a whole checkpoint")
    weights = _checkpoint_digest(path, options, digests)
    file = _adapter_weights(adapter, options)
    content = digest([file_digest(file, digests), config_digest(adapter / ADAPTER_CONFIG)])
    tokens = tokenizer_digest(adapter if has_tokenizer(adapter) else path, digests)
    fingerprint = digest({"weights": weights, "tokenizer": tokens, "adapter": content})
    if _replaces_embeddings(adapter, file):
        # disable_adapter() would not bring the base's embeddings back, so base must never share this load.
        weights = digest([weights, content])
    return ModelSpec(
        role=role, source=source, kind="adapter", path=path, adapter=adapter, weights=weights, fingerprint=fingerprint
    )


def _adapter_base(adapter: Path, *, rootdir: Path) -> tuple[str, str | None]:
    """Return the base that an adapter names, as a path if one exists here, else as a hub id with its revision."""
    config = read_json(adapter / ADAPTER_CONFIG)
    named = config.get(_BASE_FIELD)
    if not isinstance(named, str) or not named:
        raise EngineError(
            f"adapter {adapter}: field {_BASE_FIELD!r} of {ADAPTER_CONFIG} is {named!r}; allowed: a folder or a hub id"
        )
    for place in (adapter, rootdir):
        path = place / Path(named).expanduser()
        if path.is_dir():
            return str(path.resolve()), None
    if not is_hub_id(named):
        raise _base_missing(adapter, named, rootdir, "it has not the form of a hub id")
    revision = config.get("revision")
    return named, revision if isinstance(revision, str) else None


def _base_missing(adapter: Path, named: str, rootdir: Path, hub: str) -> EngineError:
    tried = dict.fromkeys(str(place / Path(named).expanduser()) for place in (adapter, rootdir))
    return EngineError(
        f"adapter {adapter}: its base is missing: {_BASE_FIELD!r} is {named!r}; "
        f"tried {', '.join(tried)}, and as {hub.removeprefix('hub id: ')}"
    )


def _adapter_weights(adapter: Path, options: EngineOptions) -> Path:
    file = adapter / "adapter_model.safetensors"
    if file.is_file():
        safetensors_header(file)
        return file
    pickle = adapter / "adapter_model.bin"
    if pickle.is_file():
        if options.allow_pickle:
            return pickle
        raise _pickle_refused(adapter, [pickle.name])
    raise EngineError(f"adapter {adapter}: has no adapter_model.safetensors; it holds {_listing(adapter)}")


def _replaces_embeddings(adapter: Path, file: Path) -> bool:
    if file.suffix != ".safetensors":
        return False
    kept_apart = set(read_json(adapter / ADAPTER_CONFIG).get("modules_to_save") or ())
    return any(embedding_of(name) not in (None, *kept_apart) for name in safetensors_header(file))


def embedding_of(tensor: str) -> str | None:
    """Return the embedding module whose whole matrix an adapter's tensor is, or None.

    >>> embedding_of("base_model.model.lm_head.base_layer.weight")
    'lm_head'
    >>> embedding_of("base_model.model.lm_head.lora_A.weight") is None
    True
    """
    owner = tensor.removesuffix(".weight").removesuffix(".base_layer").rpartition(".")[2]
    return owner if owner in EMBEDDINGS else None


def _checkpoint_digest(path: Path, options: EngineOptions, digests: DigestCache) -> str:
    config = _checked_config(path, options)
    weights = weights_digest(path, _weight_files(path, options), digests)
    return digest([weights, code_digest(path, digests)]) if "auto_map" in config else weights


def _checked_config(path: Path, options: EngineOptions) -> dict[str, Any]:
    if not (path / "config.json").is_file():
        inside = sorted(
            entry.name
            for entry in path.iterdir()
            if (entry / "config.json").is_file() or (entry / ADAPTER_CONFIG).is_file()
        )
        hint = f" (did you mean {str(path / inside[-1])!r}?)" if inside else ""
        raise EngineError(f"{path}: no config.json there{hint}; it holds {_listing(path)}; allowed: {ALLOWED}")
    config = read_json(path / "config.json")
    for name in ("config.json", "tokenizer_config.json"):
        if not options.trust_remote_code and (path / name).is_file() and "auto_map" in read_json(path / name):
            raise EngineError(
                f"{path / name}: 'auto_map' asks to run Python code that came with the checkpoint; "
                "refused unless --ft-trust-remote-code is given"
            )
    return config


def _weight_files(path: Path, options: EngineOptions) -> list[Path]:
    whole, index = path / "model.safetensors", path / "model.safetensors.index.json"
    if whole.is_file() or index.is_file():
        files = [whole] if whole.is_file() else _shards(index)
        for file in files:
            safetensors_header(file)
        return files
    pickles = sorted({entry for pattern in _PICKLES for entry in path.glob(pattern)})
    if not pickles:
        raise EngineError(f"{path}: no model.safetensors (nor its index) there; it holds {_listing(path)}")
    if not options.allow_pickle:
        raise _pickle_refused(path, [entry.name for entry in pickles])
    return pickles


def _shards(index: Path) -> list[Path]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise EngineError(f"{index}: field 'weight_map' is {names!r}; allowed: tensor names mapped to shards")
    shards = [index.parent / str(name) for name in sorted(set(map(str, names.values())))]
    for shard in shards:
        if shard.parent != index.parent or not shard.is_file():
            raise EngineError(f"{index}: names the shard {shard.name!r}, which is not in {index.parent}")
    return shards


def _pickle_refused(path: Path, names: Iterable[str]) -> EngineError:
    return EngineError(
        f"{path}: its weights are pickles ({', '.join(names)}), which can run code when loaded; "
        "allowed: *.safetensors, or --ft-allow-pickle"
    )


def _listing(path: Path) -> str:
    names = sorted(entry.name for entry in path.iterdir())
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "nothing"


def _front_matter_base(readme: Path) -> str | None:
    """Read `base_model:` from a model card: a string, or a list of one."""
    try:
        text = readme.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
    matter = re.match(r"---[ \t]*\r?\n(.*?)\r?\n---", text, re.DOTALL)
    field = re.search(r"^base_model:[ \t]*(.*(?:\r?\n[ \t]*- .*)*)", matter[1], re.MULTILINE) if matter else None
    if field is None:
        return None
    listed = re.findall(r"^[ \t]*- (.*)$", field[1], re.MULTILINE) or field[1].strip().strip("[]").split(",")
    names = [name.split(" #")[0].strip().strip("'\"") for name in listed]
    return names[0] if len(names) == 1 and names[0] else None
