"""The page of what was found: docs/seeded-faults.md, made of the results alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.seeded_faults.fine_tunes import FINE_TUNES

PAGE = Path(__file__).parents[2] / "docs" / "seeded-faults.md"
SHOWN = 170
SIGNS = 2

INTRO = """\
# Which faults are caught

A tool that judges fine-tunes is itself to be tested: break something on purpose, and see whether it says so. This
page is written by `python -m benchmarks.seeded_faults` from real runs, as is
[{file}](../benchmarks/results/{file}); nobody wrote down what should be caught.

**The control.** {evals} of the example suite with {cases:,} cases in all, and its fine-tune `good`, as a LoRA adapter
and merged into a whole checkpoint. Both runs are green, with exit status {status} and no notice. Each fault is injected
into a copy of that project, which pytest then runs as a user would: its run differs from the control's by the fault
alone. "By" is what the fault's run shows and the control's does not: gates that were green, errors, notices, words of
verdicts.

**{count} faults on {date}: {stopped} stopped the run** (its exit status is not 0: nothing is merged), **{told} were
told** (a green run, with a notice that was not there before) **and {missed} were missed**. {quiet}

"""

REMEDIES = {
    "trained-on-cases-untold": """\
nothing in answers tells a leak from skill. Give `--ft-train-data`, always: the next row is the same fine-tune with
it.""",
    "grader-too-lenient": """\
it looks at the answer, and at too little of it; a good fine-tune's answers are right either way. Run a new suite once
on a fine-tune that must fail (the example's `forgetful`): a gate that stays green there guards nothing.""",
    "gate-shadowed": """\
Python replaced the first function before pytest saw it. Linters name it (ruff's F811), and so does a lock: of a pinned
gate that is gone a run says so.""",
}
"""What helps against faults that are missed."""

ADVICE = """
Three habits cover most of what no run can see: `ftcheck freeze` before the first run and `--ft-frozen` in CI
([hygiene](hygiene.md)); `--ft-train-data` whenever the data are at hand; and a fine-tune that is known to be bad, run
through every new suite once.
"""


def write_page(path: Path, result: Mapping[str, Any]) -> None:
    """Write the page of a run's results."""
    path.write_text(page(result), encoding="utf-8")


def page(result: Mapping[str, Any]) -> str:
    """Return the page as Markdown."""
    faults = result["faults"]
    harmful = [one for one in faults if one["harmful"]]
    tally = Counter(one["caught"] for one in harmful)
    control = result["controls"]["adapter"]
    intro = INTRO.format(
        file=f"{result['date']}-seeded-faults.json",
        date=result["date"],
        evals=f"{len(control['cases'])} evals",
        cases=sum(control["cases"].values()),
        status=control["status"],
        count=len(harmful),
        quiet=_quiet([one for one in faults if not one["harmful"]]),
        **{name: tally[name] for name in ("stopped", "told", "missed")},
    )
    gates = len(control["verdicts"])
    ours = {fault.name for fault in FINE_TUNES}
    parts = [
        intro,
        "## Broken fine-tunes\n\n",
        table([one for one in faults if one["name"] in ours], gates),
        "\n## Broken exams\n\nThe fine-tune is the good one.\n\n",
        table([one for one in faults if one["name"] not in ours], gates),
        "\n",
        "## What follows from the misses\n\n",
        *(
            f"- **{one['name']}**: {REMEDIES.get(one['name'], 'no remedy is known.')}\n"
            for one in harmful
            if one["caught"] == "missed"
        ),
        ADVICE,
    ]
    return "".join(parts)


def _quiet(others: Sequence[Mapping[str, Any]]) -> str:
    quiet = [one for one in others if one["caught"] == "quiet"]
    return f"Of {len(others)} changes that are no faults, {len(quiet)} went through without a word."


def table(faults: Sequence[Mapping[str, Any]], gates: int) -> str:
    """Return the rows of faults as a Markdown table; the control has so many gates."""
    lines = ["| fault | how it comes about | caught | by |", "|---|---|---|---|"]
    for one in faults:
        cells = (f"**{one['name']}**: {one['change']}", one["story"], one["caught"], _by(one, gates))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _by(one: Mapping[str, Any], gates: int) -> str:
    """Say what caught a fault, gates and like messages together, and how many answers changed where nothing did."""
    by_how = {how: [sign for sign in one["signs"] if sign["how"] == how] for how in ("gate", "error")}
    said = [f"red: {_names(by_how['gate'], gates)}"] if by_how["gate"] else []
    if by_how["error"]:
        named = [sign for sign in by_how["error"] if sign["name"]]
        where = f" in {_names(named, gates)}" if named else ""
        said.append(f"error{where}: {_text(by_how['error'][0]['what'])}")
    rest = [sign for sign in one["signs"] if sign["how"] not in by_how]
    alike: dict[str, list[Mapping[str, Any]]] = {}
    for sign in rest:
        alike.setdefault(f"{sign['how']} {_KIND.sub('', sign['what'])[:50]}", []).append(sign)
    for signs in list(alike.values())[:SIGNS]:
        more = f" ({len(signs) - 1} more like it)" if len(signs) > 1 else ""
        said.append(f"{signs[0]['how']}: {_text(signs[0]['what'])}{more}")
    if len(alike) > SIGNS:
        said.append(f"and {len(alike) - SIGNS} more")
    if "same_verdicts_from_an_empty_store" in one:
        same = "the same verdicts" if one["same_verdicts_from_an_empty_store"] else "other verdicts"
        said.append(f"from an empty store {same}")
    if not one["signs"]:
        changed = [f"{number} of {one['of']} of {role}" for role, number in one["changed"].items() if number]
        said.append(f"answers that changed: {', '.join(changed)}" if changed else "no answer changed")
    return "; ".join(said)


_KIND = re.compile(r"^\S+: |\d[\d,.]*|\btest_\w+")


def _names(signs: Sequence[Mapping[str, Any]], gates: int) -> str:
    if len(signs) == gates:
        return f"all {gates} gates"
    unproven = " (inconclusive)"
    return ", ".join(f"`{one['name']}`{unproven if one['what'].startswith('inconclusive') else ''}" for one in signs)


def _text(text: str) -> str:
    """Return a message as one short cell of a table, its marks made harmless."""
    short = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    for mark in "\\`*_[]<>|":
        short = short.replace(mark, f"\\{mark}")
    return short
