"""A set of rows split into parts: stratified, groups and duplicates on one side, seeded, whatever the rows' order.

It knows rows, not files. Rows whose prompts are the same but for case, spacing and punctuation are one unit, as are
the rows of a group; units are dealt out, the largest first, each to the part that lacks most of its stratum.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ftcheck.data.raw_rows import RawRow
from pytest_ftcheck.data.texts import normalise
from pytest_ftcheck.data.training import texts_of
from pytest_ftcheck.data.values import named
from pytest_ftcheck.errors import CaseError, ConfigError
from pytest_ftcheck.suggestions import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The parts of a split: each row's part by its number, and what the rows were found to be.

    `strata` counts rows by stratum and part; `repeated` counts rows whose prompt another row has too.
    """

    names: tuple[str, ...]
    part_of: tuple[int, ...]
    units: int
    repeated: int
    strata: Mapping[str, Counter[str]]

    def rows(self, rows: Sequence[RawRow], name: str) -> list[RawRow]:
        """Return the rows of one part, in their own order."""
        number = self.names.index(name)
        return [row for row, part in zip(rows, self.part_of, strict=True) if part == number]


def split_rows(
    rows: Sequence[RawRow],
    shares: Mapping[str, float],
    *,
    seed: int,
    stratify: Sequence[str] = (),
    group: Sequence[str] = (),
) -> Split:
    """Deal rows out to the parts that `shares` names.

    `stratify` names fields whose values each part holds in the same shares; `group` fields of which rows with one value
    stay together. Raises CaseError for a row without a named field, and ConfigError where a part would stay empty.
    """
    if sum(shares.values()) <= 0 or min(shares.values()) <= 0:
        raise ConfigError(f"shares are {dict(shares)}; allowed: a number above 0 for each part")
    names = tuple(shares)
    targets = [share / sum(shares.values()) for share in shares.values()]
    digests = [_digest(row.values, seed) for row in rows]
    units, repeated = _units(rows, group)
    strata = [_stratum(row, stratify) for row in rows]
    ordered: dict[str, list[tuple[int, str, list[int]]]] = {}
    for unit in units:
        main = min(Counter(strata[number] for number in unit).items(), key=lambda pair: (-pair[1], pair[0]))[0]
        mark = hashlib.sha256("".join(sorted(digests[number] for number in unit)).encode()).hexdigest()
        ordered.setdefault(main, []).append((-len(unit), mark, unit))
    part_of = [0] * len(rows)
    held = [0] * len(names)
    for main in sorted(ordered):
        _deal(sorted(ordered[main], key=lambda unit: unit[:2]), targets, held, part_of)
    _require_filled(names, held, len(units), rows, group)
    counts: dict[str, Counter[str]] = {}
    for stratum, part in zip(strata, part_of, strict=True):
        counts.setdefault(stratum, Counter())[names[part]] += 1
    return Split(
        names=names, part_of=tuple(part_of), units=len(units), repeated=repeated, strata=dict(sorted(counts.items()))
    )


def _deal(
    units: Sequence[tuple[int, str, list[int]]], targets: Sequence[float], held: list[int], part_of: list[int]
) -> None:
    """Give each unit of one stratum to the part that lacks most: of the stratum, and of all that was dealt."""
    whole = sum(len(unit) for _, _, unit in units)
    own = [0] * len(targets)
    for _, _, unit in units:
        dealt = sum(held) + len(unit)
        lacks = [
            (share * whole - mine) + (share * dealt - all_of_part)
            for share, mine, all_of_part in zip(targets, own, held, strict=True)
        ]
        part = max(range(len(targets)), key=lambda number: (lacks[number], -number))
        own[part] += len(unit)
        held[part] += len(unit)
        for number in unit:
            part_of[number] = part


def _units(rows: Sequence[RawRow], group: Sequence[str]) -> tuple[list[list[int]], int]:
    """Join rows that must stay together; count those whose prompt another row has."""
    parents = list(range(len(rows)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    first: dict[tuple[str, str], int] = {}
    prompts: Counter[tuple[str, str]] = Counter()
    for number, row in enumerate(rows):
        own = ("", prompt_key(row.values))
        prompts[own] += 1
        for key in (own, *((name, _written(_field(row, name, "--group"))) for name in group)):
            parents[root(number)] = root(first.setdefault(key, number))
    units: dict[int, list[int]] = {}
    for number in range(len(rows)):
        units.setdefault(root(number), []).append(number)
    return list(units.values()), sum(count for count in prompts.values() if count > 1)


def prompt_key(values: Mapping[str, Any]) -> str:
    """Return what makes two rows duplicates: the normalised prompt, or the whole row where it has none.

    >>> prompt_key({"prompt": "Where is it?", "completion": "Here."}) == prompt_key({"prompt": "where is IT"})
    True
    """
    prompts, _, texts = texts_of(values)
    key = normalise("\n".join(texts or prompts))
    return key or "row " + json.dumps(values, sort_keys=True, default=str)


def _stratum(row: RawRow, fields: Sequence[str]) -> str:
    return ", ".join(f"{name}={_written(_field(row, name, '--stratify'))}" for name in fields)


def _field(row: RawRow, path: str, option: str) -> Any:
    found: Any = row.values
    for part in [path] if path in row.values else path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise CaseError(
                f"{row.place}: no field {path!r}, which {option} names{did_you_mean(path, row.values)}; "
                f"the row has {named(row.values)}"
            )
        found = found[part]
    return found


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _digest(values: Mapping[str, Any], seed: int) -> str:
    text = json.dumps([seed, values], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _require_filled(
    names: Sequence[str], held: Sequence[int], units: int, rows: Sequence[RawRow], group: Sequence[str]
) -> None:
    empty = [name for name, count in zip(names, held, strict=True) if not count]
    if empty:
        why = f" in {units} units that stay together" if units < len(rows) else ""
        hint = f" (rows of one {' and '.join(group)})" if group and why else ""
        raise ConfigError(
            f"{', '.join(empty)} would hold no row: there are {len(rows)} rows{why}{hint}; allowed: fewer parts, or"
            " smaller groups"
        )
