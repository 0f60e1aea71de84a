"""How long the page of a large run takes: its making, its size, and its first paint in Chromium.

    python -m benchmarks.report [--cases 10000] [--characters 300] [--folder DIR]

Prints wall and CPU seconds. The first paint is the browser's own figure (first-contentful-paint), the search is one
that goes through every text of every case.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytest_ftcheck.records import Answer, Case, CaseResult, Grade, Run
from pytest_ftcheck.reports.document import write_json
from pytest_ftcheck.reports.html_report import write_report
from tests.support import pages, runs
from tests.support.browsers import chromium, showing

TEXT = "your parcel left the warehouse this morning; Lieferung, naïve café, 配送 are due on Thursday €5 (U.S.)"
WORDS = TEXT.split()
EVALS = 8
PAINT = "() => performance.getEntriesByName('first-contentful-paint').map(each => each.startTime)[0]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--characters", type=int, default=300, help="of each prompt and answer")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    run = large_run(options.cases, options.characters)
    print(f"{options.cases:,} cases in {EVALS} evals, prompts and answers of {options.characters} characters")
    measure("JSON written", lambda: write_json(run, folder / "run.json"))
    measure("page written", lambda: write_report(run, folder / "report.html"))
    for path in sorted(folder.iterdir()):
        print(f"{path.name:<24} {path.stat().st_size / 1e6:8.1f} MB")
    browse(folder / "report.html")


def browse(path: Path) -> None:
    """Open the page three times, and search it."""
    with chromium() as browser:
        for _ in range(3):
            with showing(browser, path) as shown:
                ready = shown.page.evaluate("() => performance.now()")
                paint = shown.page.evaluate(PAINT)
                search = shown.page.evaluate(SEARCH)
                print(f"first paint {paint / 1e3:.2f} s, cases there {ready / 1e3:.2f} s, search {search:.0f} ms")


SEARCH = """() => {
  const box = document.querySelector("#f-text"), before = performance.now();
  box.value = "no case has this";
  document.querySelector("#f-eval").dispatchEvent(new Event("change", { bubbles: true }));
  return performance.now() - before;
}"""


def measure(what: str, work: Callable[[], object]) -> None:
    """Run `work` and print how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    print(f"{what:<24} {time.perf_counter() - wall:8.1f} s wall {time.process_time() - cpu:8.1f} CPU-s")


def large_run(cases: int, characters: int) -> Run:
    """Return a run of many cases of ordinary texts, some of them in other scripts."""
    draw = random.Random(5)
    evals = []
    for number in range(EVALS):
        size = cases // EVALS
        results = tuple(_case(draw, number * size + at, characters) for at in range(size))
        name = f"test_eval_{number}"
        evals.append(
            replace(pages.intent(1), name=name, nodeid=f"tests/a.py::{name}", n=size, cases=results, missing=())
        )
    return replace(runs.mixed_run(), evals=tuple(evals))


def _case(draw: random.Random, number: int, characters: int) -> CaseResult:
    outcome = draw.choice(pages.OUTCOMES)
    base, ft = pages.SCORES[outcome]
    return CaseResult(
        case=Case(
            id=f"case-{number}",
            input=_text(draw, characters),
            expected=_text(draw, characters // 6),
            tags={"lang": draw.choice(("en", "de", "zh"))},
            source=f"data/eval.jsonl:{number}",
        ),
        base_answers=(Answer(_text(draw, characters), completion_tokens=60, finish_reason="stop"),),
        ft_answers=(Answer(_text(draw, characters), completion_tokens=60, finish_reason="stop"),),
        base_grades={"exact_match": (Grade(base, "expected another text"),)},
        ft_grades={"exact_match": (Grade(ft, "expected another text"),)},
        outcome=outcome,
        base_score=base,
        ft_score=ft,
    )


def _text(draw: random.Random, characters: int) -> str:
    return " ".join(draw.choices(WORDS, k=characters // 6))


if __name__ == "__main__":
    main()
