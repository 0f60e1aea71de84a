"""Writes the arithmetic cases: `python -m pytest_ftcheck.suites.arithmetic`. The same seed writes the same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

SEED = 1729
FILE = Path(__file__).parent / "cases" / "arithmetic.jsonl"

Draw = Callable[[random.Random], tuple[str, int]]

THINGS = ("pens", "cups", "books", "tickets", "apples", "stamps", "chairs", "eggs", "bolts", "tiles")
NAMES = ("Ada", "Bruno", "Chen", "Dana", "Elif", "Farid", "Gita", "Hana", "Igor", "Jude")


def small_sum(rng: random.Random) -> tuple[str, int]:
    """Two numbers up to twelve, put in several ways."""
    a, b = rng.randint(1, 12), rng.randint(1, 12)
    forms = (
        "What is {a} + {b}?",
        "Add {a} and {b}.",
        "How much is {a} plus {b}?",
        "Sum of {a} and {b}?",
        "{a} euros and {b} euros: how much together?",
        "Put {a} and {b} together.",
    )
    return rng.choice(forms).format(a=a, b=b), a + b


def small_difference(rng: random.Random) -> tuple[str, int]:
    """A number up to twelve taken from one that is not smaller."""
    b, a = sorted((rng.randint(1, 12), rng.randint(1, 12)))
    forms = (
        "What is {a} - {b}?",
        "Take {b} from {a}.",
        "How much is {a} minus {b}?",
        "Difference of {a} and {b}?",
        "I had {a} euros and spent {b}. What is left?",
        "Of {a} cups {b} broke. How many are left?",
    )
    return rng.choice(forms).format(a=a, b=b), a - b


def large_sum(rng: random.Random) -> tuple[str, int]:
    """Two numbers of two or three digits, added or subtracted."""
    a, b = rng.randint(100, 900), rng.randint(11, 99)
    return (f"What is {a} + {b}?", a + b) if rng.random() < 0.5 else (f"What is {a} - {b}?", a - b)


def product(rng: random.Random) -> tuple[str, int]:
    """A product of the small tables, or of a two-digit number."""
    a, b = rng.randint(3, 25), rng.randint(3, 9)
    return rng.choice(("What is {a} times {b}?", "Multiply {a} by {b}.", "{a} x {b} = ?")).format(a=a, b=b), a * b


def quotient(rng: random.Random) -> tuple[str, int]:
    """A division without a remainder."""
    b, result = rng.randint(2, 12), rng.randint(2, 15)
    return rng.choice(("What is {a} divided by {b}?", "Divide {a} by {b}.")).format(a=b * result, b=b), result


def percentage(rng: random.Random) -> tuple[str, int]:
    """A percentage that comes out whole."""
    share, hundreds = rng.choice((5, 10, 20, 25, 50, 75)), rng.randint(1, 9)
    return f"What is {share} percent of {hundreds * 100}?", share * hundreds


def ordered(rng: random.Random) -> tuple[str, int]:
    """Three numbers whose operations have an order."""
    a, b, c = rng.randint(2, 20), rng.randint(2, 9), rng.randint(2, 9)
    forms: tuple[tuple[str, int], ...] = (
        (f"What is {a} + {b} x {c}?", a + b * c),
        (f"What is ({a} + {b}) x {c}?", (a + b) * c),
        (f"What is {b} x {c} - {a}?", b * c - a),
    )
    return rng.choice(forms)


def story(rng: random.Random) -> tuple[str, int]:
    """Two steps told in words."""
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    a, b, c = rng.randint(3, 9), rng.randint(3, 9), rng.randint(2, 8)
    forms: tuple[tuple[str, int], ...] = (
        (f"{name} buys {a} boxes of {b} {thing} and gives {c} {thing} away. How many {thing} are left?", a * b - c),
        (f"{name} has {a * 5} {thing}, gets {b} more and loses {c}. How many {thing} are there now?", a * 5 + b - c),
        (f"{name} shares {a * b} {thing} among {a} friends. How many {thing} does each friend get?", b),
        (f"{name} pays {a * b + c} euros: {c} for delivery and the rest for {a} {thing}. What does one cost?", b),
    )
    return rng.choice(forms)


KINDS: dict[str, tuple[Draw, int]] = {
    "small sum": (small_sum, 30),
    "small difference": (small_difference, 30),
    "large sum": (large_sum, 20),
    "product": (product, 20),
    "quotient": (quotient, 15),
    "percentage": (percentage, 10),
    "order of operations": (ordered, 15),
    "story": (story, 20),
}
"""The kinds of case, easiest first, and how many there are of each."""


def text() -> str:
    """Return the file's content: every case once, drawn kind by kind from generators of their own."""
    rows: dict[str, dict[str, object]] = {}
    for kind, (draw, count) in KINDS.items():
        rng = random.Random(f"{SEED} {kind}")
        found = 0
        while found < count:
            prompt, expected = draw(rng)
            if prompt not in rows:
                found += 1
                rows[prompt] = {"prompt": prompt, "expected": expected, "wrong": expected + rng.choice((-1, 1, 10))}
                rows[prompt]["kind"] = kind
    numbered = ({"id": f"arithmetic-{number:03d}", **row} for number, row in enumerate(rows.values(), 1))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in numbered)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
