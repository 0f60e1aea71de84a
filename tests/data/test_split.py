"""Splits: shares, strata, groups and duplicates, whatever the order of the rows."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.data.raw_rows import RawRow
from pytest_ftcheck.data.split import Split, split_rows
from pytest_ftcheck.errors import CaseError, ConfigError

SHARES = {"train": 80.0, "validation": 10.0, "test": 10.0}


def raw(values: Sequence[dict[str, Any]]) -> list[RawRow]:
    """Return rows of these values."""
    return [RawRow(place=f"f:{n}", values=row, raw=json.dumps(row).encode()) for n, row in enumerate(values, 1)]


def parts(rows: Sequence[RawRow], split: Split) -> dict[str, list[bytes]]:
    """Return the bytes of each part's rows."""
    return {name: [row.raw for row in split.rows(rows, name)] for name in split.names}


def sized(split: Split) -> dict[str, int]:
    """Return the number of rows of each part."""
    return {name: split.part_of.count(number) for number, name in enumerate(split.names)}


def distinct(n: int, **more: Any) -> list[dict[str, Any]]:
    """Return `n` rows of different prompts."""
    return [{"prompt": f"question number {number}", **more} for number in range(n)]


def test_the_shares_are_met() -> None:
    """100 rows make 80, 10 and 10."""
    assert sized(split_rows(raw(distinct(100)), SHARES, seed=0)) == {"train": 80, "validation": 10, "test": 10}


def test_every_stratum_is_shared_out_alike() -> None:
    """Each value of a field is in every part in its share, to one row."""
    values = [{"prompt": f"{n}", "label": "rare" if n % 10 == 0 else "common"} for n in range(1000)]
    split = split_rows(raw(values), SHARES, seed=3, stratify=["label"])
    for stratum, n in (("label=rare", 100), ("label=common", 900)):
        for name, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
            assert abs(split.strata[stratum][name] - share * n) <= 1


def test_strata_of_one_row_do_not_all_go_to_training() -> None:
    """Where each stratum is a single row, the parts still get their shares."""
    values = [{"prompt": f"{n}", "label": f"l{n}"} for n in range(100)]
    found = sized(split_rows(raw(values), SHARES, seed=0, stratify=["label"]))
    assert abs(found["train"] - 80) <= 2
    assert abs(found["test"] - 10) <= 2


@pytest.mark.parametrize(
    "copy", ["Where is my order?", "where is my ORDER", "“Where  is my order?”", "where is my order…"]
)
def test_duplicates_stay_on_one_side(copy: str) -> None:
    """Rows whose prompts are the same, but for case, spacing and punctuation, are never parted."""
    for seed in range(20):
        rows = raw([*distinct(30), {"prompt": "Where is my order?", "n": 1}, {"prompt": copy, "n": 2}])
        split = split_rows(rows, SHARES, seed=seed)
        assert split.part_of[-1] == split.part_of[-2]
        assert split.repeated == 2


def test_groups_stay_on_one_side() -> None:
    """Rows of one value of a field are never parted, and the shares are met nonetheless."""
    values = [{"prompt": f"{n}", "user": {"id": n % 40}} for n in range(400)]
    split = split_rows(raw(values), SHARES, seed=1, group=["user.id"])
    for user in range(40):
        assert len({split.part_of[n] for n in range(400) if n % 40 == user}) == 1
    assert sized(split) == {"train": 320, "validation": 40, "test": 40}


def test_groups_and_duplicates_chain() -> None:
    """A duplicate in another group ties the two groups together."""
    values = [{"prompt": f"{n}", "g": "a" if n < 5 else "b"} for n in range(10)] + [{"prompt": "0", "g": "b"}]
    split = split_rows(raw([*values, *distinct(60, g=None)][:11]), {"x": 1.0}, seed=0, group=["g"])
    assert split.units == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz"), st.integers(0, 5)), min_size=12),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_does_not_matter(
    drawn: list[tuple[str, str, int]], seed: int, random: random.Random
) -> None:
    """The same rows in another order make the same parts, and each row is in one part."""
    values = [{"prompt": f"{a} {n}", "label": b, "n": n} for a, b, n in drawn]
    shuffled = list(values)
    random.shuffle(shuffled)
    made = []
    for order in (values, shuffled):
        rows = raw(order)
        try:
            split = split_rows(rows, {"train": 2, "test": 1}, seed=seed, stratify=["label"])
        except ConfigError:
            return
        made.append({name: Counter(held) for name, held in parts(rows, split).items()})
        assert sum(made[-1].values(), Counter()) == Counter(row.raw for row in rows)
    assert made[0] == made[1]


def test_the_seed_decides() -> None:
    """One seed gives one split, another seed another."""
    rows = raw(distinct(100))
    found = [split_rows(rows, SHARES, seed=seed).part_of for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_a_missing_field_is_named() -> None:
    """A row without the field to stratify or group by is named with its place."""
    with pytest.raises(CaseError, match=r"f:1: no field 'lable', which --stratify names \(did you mean 'label'\?\)"):
        split_rows(raw(distinct(9, label="x")), SHARES, seed=0, stratify=["lable"])


def test_a_part_without_rows_is_an_error() -> None:
    """Two groups cannot fill three parts."""
    values = [{"prompt": f"{n}", "g": n % 2} for n in range(100)]
    with pytest.raises(ConfigError, match="would hold no row: there are 100 rows in 2 units that stay together"):
        split_rows(raw(values), SHARES, seed=0, group=["g"])
