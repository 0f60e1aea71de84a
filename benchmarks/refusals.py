"""How often `is_refusal` is right, on answers labelled for it: `python -m benchmarks.refusals [--errors]`.

Prints precision and recall as docs/refusals.md has them, for both parts apart: rules were written while looking at the
errors of the tuning part alone. `--errors` lists those; those of the held-out part are not shown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pytest_ftcheck.grading.refusal import is_refusal

FILE = Path(__file__).parent.parent / "tests" / "grading" / "refusals.jsonl"
PARTS = ("tuning", "held-out")


class Counts(NamedTuple):
    """How a checker did: refusals found, missed, and seen where there are none; and all else."""

    found: int
    missed: int
    false: int
    rest: int

    @property
    def precision(self) -> float:
        """Share of refusals among what was called one."""
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        """Share of the refusals that were called one."""
        return self.found / max(1, self.found + self.missed)


def read(path: Path = FILE) -> list[dict[str, Any]]:
    """Return the labelled answers."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def count(rows: Iterable[Mapping[str, Any]]) -> Counts:
    """Compare the checker with the labels."""
    pairs = [(bool(row["refuses"]), is_refusal(row["answer"])) for row in rows]
    return Counts(
        pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)), pairs.count((False, False))
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown table of precision and recall by part, by language and, for answers that comply, by kind."""
    lines = ["| answers | refusals | others | precision | recall |", "|---|---|---|---|---|"]
    parts: list[tuple[str, list[Mapping[str, Any]]]] = [("all", list(rows))]
    parts += [(f"{part_name} part", [row for row in rows if row["part"] == part_name]) for part_name in PARTS]
    languages = dict.fromkeys(row["language"] for row in rows)
    parts += [(code, [row for row in rows if row["language"] == code]) for code in languages]
    for name, part in parts:
        found = count(part)
        refusals, others = found.found + found.missed, found.false + found.rest
        lines.append(f"| {name} | {refusals} | {others} | {found.precision:.3f} | {found.recall:.3f} |")
    lines += ["", "| answers that do not refuse | number | taken for refusals |", "|---|---|---|"]
    for kind in dict.fromkeys(row["kind"] for row in rows if not row["refuses"]):
        found = count(row for row in rows if row["kind"] == kind and not row["refuses"])
        lines.append(f"| {kind} | {found.false + found.rest} | {found.false} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true", help="list the errors on the tuning part")
    options = parser.parse_args()
    rows = read()
    print(table(rows))
    if options.errors:
        for row in rows:
            if row["part"] == "tuning" and is_refusal(row["answer"]) != row["refuses"]:
                print(f"{'missed' if row['refuses'] else 'false '}  {row['language']}  {row['answer']!r}")


if __name__ == "__main__":
    main()
