"""What a run leaves for people to rate: an eval's cases with both roles' answers. It lies in the store's folder.

It holds no judge's score. Who rates sees neither roles nor scores; the roles stand here because both answers of a case
are to be rated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_ftcheck.data.labels import file_name, write_in_one_step
from pytest_ftcheck.errors import StoreError

FOLDER = "review"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCase:
    """One case: what was asked, as text, the expected answer where people are to see it, both roles' samples."""

    id: str
    digest: str
    question: str
    expected: str | None
    base: tuple[str, ...]
    ft: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One eval under one judged metric. `labels` is the file that ratings go to; `scale` is of rubrics alone."""

    eval: str
    metric: str
    kind: Literal["rubric", "pairwise"]
    criteria: tuple[str, ...]
    scale: tuple[int, int] | None
    asked: str
    labels: str
    cases: tuple[SheetCase, ...]

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.eval} by {self.metric}"


def write_sheet(store: Path, sheet: Sheet) -> None:
    """Keep a sheet in the store's folder; the last run's stands. Raises StoreError."""
    path = store / FOLDER / f"{file_name(sheet.eval)}.{file_name(sheet.metric)}.json"
    document = {"version": VERSION, **asdict(sheet)}
    write_in_one_step(path, json.dumps(document, ensure_ascii=True) + "\n", what="the sheet for review")


def read_sheets(store: Path) -> list[Sheet]:
    """Return all sheets of a store, by eval and metric. Raises StoreError naming a file that is none."""
    return [_sheet(path) for path in sorted((store / FOLDER).glob("*.json"))]


def _sheet(path: Path) -> Sheet:
    try:
        row = json.loads(path.read_text(encoding="ascii"))
        if row.pop("version") != VERSION:
            raise ValueError("another version")
        cases = tuple(_case(case) for case in row.pop("cases"))
        scale = row.pop("scale")
        criteria = tuple(row.pop("criteria"))
        return Sheet(**row, cases=cases, criteria=criteria, scale=None if scale is None else (scale[0], scale[1]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path}: no sheet for review: {error}; run the suite again") from None


def _case(row: Mapping[str, Any]) -> SheetCase:
    base: Sequence[str] = row["base"]
    ft: Sequence[str] = row["ft"]
    return SheetCase(**{**row, "base": tuple(base), "ft": tuple(ft)})
