"""How long 1,000 cases take against training files of 10,000, 100,000 and 1,000,000 rows, and how much memory.

    python -m benchmarks.leaks [--rows 10000 100000 1000000] [--folder DIR]

Rows are chats in made-up words whose frequencies fall as those of English do (Zipf), 20 to 100 words asked and 10 to
60 answered. 30 cases are planted in each file: 10 word for word, 10 in another case and punctuation, 10 with a word in
twenty-four replaced. Each file is searched in a process of its own, whose peak memory is its own too. What is found is
checked: every planted case, and no other.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pytest_ftcheck.data.cases import load_cases
from pytest_ftcheck.hygiene.scan import find_leaks

CASES = 1_000
PLANTED = 30
WORDS = 30_000


class Writer:
    """Draws texts."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        letters = "etaoinshrdlucmfwypvbgkqjxz"
        weights = [1 / (place + 2) for place in range(len(letters))]
        self.words = [
            "".join(self.draw.choices(letters, weights, k=2 + min(int(self.draw.expovariate(0.3)), 10)))
            for _ in range(WORDS)
        ]
        self.frequencies = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(WORDS)))

    def text(self, least: int, most: int) -> str:
        """Return a text of `least` to `most` words."""
        drawn = self.draw.choices(self.words, cum_weights=self.frequencies, k=self.draw.randint(least, most))
        return " ".join(drawn).capitalize() + "."

    def edited(self, text: str) -> str:
        """Return the text with one word in twenty-four replaced, one at the least."""
        words = text.split()
        for at in range(3, len(words), 24):
            words[at] = self.draw.choice(self.words)
        return " ".join(words)


def chat(asked: str, said: str) -> str:
    """Return one line of training data."""
    return json.dumps({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}) + "\n"


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write cases and training rows with some of the cases among them; the first cases are those planted."""
    writer = Writer(rows)
    asked = [writer.text(25, 100) for _ in range(CASES)]
    cases = folder / "cases.jsonl"
    lines = (json.dumps({"id": f"c{n}", "input": text, "expected": "x"}) + "\n" for n, text in enumerate(asked))
    cases.write_text("".join(lines), encoding="utf-8")
    third = PLANTED // 3
    copies = asked[:third] + [text.upper().replace(".", " !") for text in asked[third : 2 * third]]
    copies += [writer.edited(text) for text in asked[2 * third : PLANTED]]
    places = dict(zip(writer.draw.sample(range(rows), PLANTED), copies, strict=True))
    train = folder / "train.jsonl"
    with train.open("w", encoding="utf-8") as file:
        file.writelines(_lines(writer, rows, places))
    return cases, train


def _lines(writer: Writer, rows: int, places: dict[int, str]) -> Iterator[str]:
    for number in range(rows):
        yield chat(places.get(number) or writer.text(20, 100), writer.text(10, 60))


def search(cases: Path, train: Path) -> None:
    """Search one file and print what it took."""
    held = load_cases(cases.name, base_dir=cases.parent, name="cases")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found, rows = find_leaks(train, {"cases": held})
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    named = {leak.case for leak in found["cases"]}
    planted = {f"c{number}" for number in range(PLANTED)}
    print(
        f"{rows:>9,} rows ({train.stat().st_size / 2**20:,.0f} MiB): {wall:.1f} s wall, {cpu:.1f} CPU-s,"
        f" {cpu / rows * 1e6:.0f} us a row; peak {peak / 1024:.0f} MiB, of which {before / 1024:.0f} before;"
        f" found {len(named & planted)} of {PLANTED} planted, {len(named - planted)} others",
        flush=True,
    )


def main() -> None:
    """Write and search files of several sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=None, help="where to write the files (default a temporary one)")
    parser.add_argument("--search", type=Path, nargs=2, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.search:
        search(*arguments.search)
        return
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            files = write(Path(folder), rows)
            subprocess.run([sys.executable, "-m", "benchmarks.leaks", "--search", *map(str, files)], check=True)


if __name__ == "__main__":
    main()
