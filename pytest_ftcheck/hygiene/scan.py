"""Looking for the cases of evals in training files: one pass over the rows for all evals, findings kept by content."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pytest_ftcheck.data.leaks import RULES, LeakIndex
from pytest_ftcheck.data.training import training_rows
from pytest_ftcheck.models.fingerprints import file_digest
from pytest_ftcheck.records import Case, Leak, digest
from pytest_ftcheck.store import Store
from pytest_ftcheck.store.damage import alone

REPORT_EVERY_S = 2.0
WAIT_S = 3_600.0
"""How long a worker waits for another that reads the training data."""


def find_leaks(
    train: Path, groups: Mapping[str, Sequence[Case]], *, report: Callable[[str], None] = lambda line: None
) -> tuple[dict[str, tuple[Leak, ...]], int]:
    """Return each eval's leaked cases, and how many training rows were read. Raises CaseError or ConfigError.

    `report` is told every two seconds how far the reading is.
    """
    index = LeakIndex(groups)
    told = time.monotonic()
    for row in training_rows(train):
        index.add(row)
        if index.rows % 1000 == 0 and time.monotonic() - told > REPORT_EVERY_S:
            told = time.monotonic()
            report(f"{train.name}: {index.rows:,} training rows read")
    return {name: index.leaks(name) for name in groups}, index.rows


def kept_leaks(
    train: Path,
    groups: Mapping[str, Sequence[Case]],
    store: Store,
    *,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, tuple[Leak, ...]]:
    """Return each eval's leaked cases, from the store where the same rows met the same cases before.

    Of several processes one reads the training data, and the others wait for it. Raises CaseError, ConfigError or
    StoreError.
    """
    content = _content(train, store)
    keys = {
        name: "leaks " + digest([RULES, content, [[case.id, case.input, case.expected] for case in cases]])
        for name, cases in groups.items()
    }
    folder = store.folder / "leaks"
    folder.mkdir(exist_ok=True)
    with alone(folder, WAIT_S):
        held = {name: store.get_digest(key) for name, key in keys.items()}
        absent = {name: groups[name] for name, text in held.items() if text is None}
        found, _ = find_leaks(train, absent, report=report) if absent else ({}, 0)
        for name, leaks in found.items():
            held[name] = json.dumps([asdict(leak) for leak in leaks])
            store.put_digest(keys[name], held[name] or "")
    return {name: tuple(Leak(**fields) for fields in json.loads(text or "[]")) for name, text in held.items()}


def _content(train: Path, store: Store) -> str:
    """Return the content hash of a training file, or of all files of a saved dataset's folder."""
    if not train.is_dir():
        return file_digest(train, store)
    files = sorted(path for path in train.rglob("*") if path.is_file())
    return digest([[path.relative_to(train).as_posix(), file_digest(path, store)] for path in files])
