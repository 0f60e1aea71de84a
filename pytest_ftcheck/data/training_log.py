"""Training logs read: losses by step, out of a trainer's `trainer_state.json` or a CSV of losses. It judges nothing."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.values import named, shown
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import TrainingLog

STATE = "trainer_state.json"
TABLES = ("training_log.csv", "log.csv", "losses.csv", "loss.csv", "metrics.csv", "results.csv")
STEPS = ("step", "global_step", "iteration", "iter", "epoch")
TRAIN = ("loss", "train_loss", "training_loss", "train/loss")
VALIDATION = ("eval_loss", "val_loss", "valid_loss", "validation_loss", "eval/loss", "val/loss")

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_NAMED_EVAL = re.compile(r"eval_\w*loss")


def find_training_log(folder: Path) -> Path:
    """Return the log of a checkpoint's folder: its own, its last `checkpoint-N`'s, or that of the run above it.

    Raises ConfigError naming what was looked for.
    """
    if folder.is_file():
        return folder
    steps = [
        (int(found[1]), each) for each in folder.glob("checkpoint-*") if (found := _CHECKPOINT.fullmatch(each.name))
    ]
    places = [folder, *(each for _, each in sorted(steps, reverse=True))]
    if _CHECKPOINT.fullmatch(folder.name):
        places.append(folder.parent)
    for place in places:
        for name in (STATE, *TABLES):
            if (place / name).is_file():
                return place / name
    raise ConfigError(
        f"no training log in {folder}; allowed: {STATE} (transformers, TRL), or a CSV of losses: {named(TABLES)}"
    )


def read_training_log(path: Path) -> TrainingLog:
    """Read a log. Raises ConfigError naming the file and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    entries = _state(text, path) if path.suffix.lower() == ".json" else _table(text, path)
    validation = next((name for name in VALIDATION if any(name in entry for entry in entries)), None)
    if validation is None:
        other = sorted({name for entry in entries for name in entry if _NAMED_EVAL.fullmatch(name)})
        validation = other[0] if other else VALIDATION[0]
    training = next((name for name in TRAIN if any(name in entry for entry in entries)), TRAIN[0])
    log = TrainingLog(
        path=str(path),
        training=_curve(entries, training, path),
        validation=_curve(entries, validation, path),
        global_step=_global_step(text) if path.suffix.lower() == ".json" else None,
    )
    if not (log.training or log.validation):
        keys = sorted({name for entry in entries for name in entry})
        raise ConfigError(
            f"{path} holds no loss; allowed: {named((*TRAIN[:2], *VALIDATION[:2]))}; it has {named(keys)}"
        )
    return log


def _state(text: str, path: Path) -> list[Mapping[str, Any]]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}; allowed: what a Trainer saved") from None
    history = held.get("log_history") if isinstance(held, Mapping) else None
    if not isinstance(history, list) or not all(isinstance(entry, Mapping) for entry in history):
        raise ConfigError(f"{path} has no log_history, a list of objects; allowed: what a Trainer saved")
    return history


def _global_step(text: str) -> int | None:
    """Return the step that a trainer's state names; what is no such number is none."""
    step = json.loads(text).get("global_step")
    return step if isinstance(step, int) and not isinstance(step, bool) and 0 <= step < 2**53 else None


def _table(text: str, path: Path) -> list[Mapping[str, Any]]:
    try:
        rows = list(csv.DictReader(text.splitlines(), strict=True))
    except csv.Error as error:
        raise ConfigError(f"{path} is no CSV: {error}") from None
    found: list[Mapping[str, Any]] = []
    for number, row in enumerate(rows, 2):
        entry: dict[str, Any] = {}
        for name, value in row.items():
            key = str(name).strip().lower().replace(" ", "_")
            if key in (*STEPS, *TRAIN, *VALIDATION) or _NAMED_EVAL.fullmatch(key):
                if isinstance(value, str) and value.strip():
                    entry[key] = _number(value, f"{path}:{number}: {key}")
            elif value is not None:
                entry[key] = value
        found.append(entry)
    return found


def _curve(entries: Sequence[Mapping[str, Any]], name: str, path: Path) -> tuple[tuple[float, float], ...]:
    """Return (step, loss) pairs in the order of the steps; the last of one step counts."""
    points: dict[float, float] = {}
    for number, entry in enumerate(entries, 1):
        if entry.get(name) is None:
            continue
        at = next((key for key in STEPS if entry.get(key) is not None), None)
        step = float(number) if at is None else _number(entry[at], f"{path}: entry {number}: {at}")
        points[step] = _number(entry[name], f"{path}: entry {number}: {name}")
    return tuple(sorted(points.items()))


def _number(value: Any, place: str) -> float:
    """Return a loss; NaN and infinities are losses too, of a training that broke."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise ConfigError(f"{place} is {shown(value)}; allowed: a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{place} is {shown(value)}; allowed: a number")
    return float(value) if isinstance(value, float) else (float(value) if abs(value) < 1e300 else math.inf)
