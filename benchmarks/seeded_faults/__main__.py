"""Inject every fault, write docs/seeded-faults.md and benchmarks/results/<date>-seeded-faults.json.

    python -m benchmarks.seeded_faults [NAMES] [--folder build/seeded_faults] [--jobs 2] [--resume]

With NAMES only these are injected, and what came of them is printed; nothing is written.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.every import machine
from benchmarks.seeded_faults.exam import Exam, Form, Outcome, answers_of, make_exam
from benchmarks.seeded_faults.exams import EXAMS
from benchmarks.seeded_faults.fault import Fault
from benchmarks.seeded_faults.findings import compare
from benchmarks.seeded_faults.fine_tunes import FINE_TUNES
from benchmarks.seeded_faults.page import PAGE, write_page

ROOT = Path(__file__).parents[2]
FAULTS = (*FINE_TUNES, *EXAMS)


class Control:
    """The exam without a fault, run twice: the second time from a store that holds every answer, as the faults' do.

    One that stands in its folder is taken up.
    """

    def __init__(self, folder: Path, form: Form, store: Path | None = None) -> None:
        self.form: Form = form
        kept = folder / "outcome.json"
        if kept.exists():
            self.exam = Exam(folder=folder)
            self.outcome = Outcome(**json.loads(kept.read_text(encoding="utf-8")))
        else:
            shutil.rmtree(folder, ignore_errors=True)
            self.exam = make_exam(folder, form)
            if store is not None:  # base is answered once
                copy_answers(store, folder / "store")
            self.exam.run()
            forget_runs(folder / "store")
            self.outcome = self.exam.run()
            kept.write_text(json.dumps(asdict(self.outcome)), encoding="utf-8")
        document = self.outcome.document
        if self.outcome.status or document is None or document["notices"]:
            raise SystemExit(f"the control is not green ({form}):\n{self.outcome.printed[-4000:]}")
        self.answers = answers_of(document)

    def broken(self, folder: Path) -> Exam:
        """Return a new exam like this one, beside a copy of its store."""
        exam = make_exam(folder, self.form)
        exam.answers = self.answers
        copy_answers(self.exam.folder / "store", folder / "store")
        return exam


def copy_answers(store: Path, copy: Path) -> None:
    """Copy a store without its record of runs: no fault's run is to be told that its cases met the control's ft."""
    shutil.copytree(store, copy)
    forget_runs(copy)


def forget_runs(store: Path) -> None:
    """Empty a store's ledger."""
    with contextlib.closing(sqlite3.connect(store / "store.sqlite")) as connection, connection:
        connection.execute("DELETE FROM ledger")


def inject(fault: Fault, control: Control, folder: Path) -> dict[str, Any]:
    """Inject one fault and run, or take up the run that stands; return what became of it as plain JSON."""
    kept = folder / fault.name / "outcome.json"
    if not kept.exists():
        start = time.monotonic()
        shutil.rmtree(folder / fault.name, ignore_errors=True)
        exam = control.broken(folder / fault.name)
        fault.inject(exam)
        run = exam.run()
        facts: dict[str, Any] = asdict(run)
        if fault.fresh:
            again = exam.run(ft_store="fresh")
            facts["same_verdicts_from_an_empty_store"] = _verdicts(run.document) == _verdicts(again.document)
        kept.write_text(json.dumps(facts | {"wall_s": round(time.monotonic() - start, 1)}), encoding="utf-8")
    # Messages name files by where the project lay in this run.
    facts = json.loads(kept.read_text(encoding="utf-8").replace(f"{folder / fault.name}/", ""))
    outcome = Outcome(**{name: facts.pop(name) for name in ("status", "printed", "document")})
    found = compare(control.outcome, outcome)
    caught = found.caught(harmful=fault.harmful)
    print(f"{fault.name}: {caught} ({facts['wall_s']} s)", file=sys.stderr, flush=True)
    told = {name: getattr(fault, name) for name in ("name", "breaks", "story", "change", "form", "harmful")}
    return told | {"caught": caught} | found.as_json() | facts


def _verdicts(document: Mapping[str, Any] | None) -> dict[str, str]:
    return {gate["name"]: gate["verdict"] for gate in (document or {"gates": []})["gates"]}


def inject_all(faults: Sequence[Fault], folder: Path, *, jobs: int) -> dict[str, Any]:
    """Run the controls, then every fault, `jobs` at a time; return all that was found."""
    adapter = Control(folder / "control-adapter", "adapter")
    controls = {"adapter": adapter}
    if any(fault.form == "merged" for fault in faults):
        controls["merged"] = Control(folder / "control-merged", "merged", adapter.exam.folder / "store")
    print(f"controls: {', '.join(controls)} green", file=sys.stderr, flush=True)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        found = list(pool.map(lambda fault: inject(fault, controls[fault.form], folder), faults))
    return {"controls": {form: _control(each) for form, each in controls.items()}, "faults": found}


def _control(control: Control) -> Mapping[str, Any]:
    document = control.outcome.document
    assert document is not None
    return {
        "status": control.outcome.status,
        "summary": document["summary"],
        "notices": document["notices"],
        "cases": {one["name"]: one["n"] for one in document["evals"]},
        "verdicts": _verdicts(document),
    }


def main() -> int:
    """Inject, write, and say what was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *(fault.name for fault in FAULTS)], metavar="NAME")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "seeded_faults")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--resume", action="store_true", help="take up the runs that stand in the folder")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    if not chosen.resume:
        shutil.rmtree(chosen.folder, ignore_errors=True)
    where = machine()
    faults = [fault for fault in FAULTS if not chosen.names or fault.name in chosen.names]
    found = inject_all(faults, chosen.folder.resolve(), jobs=chosen.jobs)
    if chosen.names:
        print(json.dumps(found["faults"], indent=2, ensure_ascii=False))
        return 0
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    spent = round(sum(one["wall_s"] for one in found["faults"]))
    result = {"date": today, "machine": where, "wall_s_of_all_faults": spent, **found}
    path = chosen.results / f"{today}-seeded-faults.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_page(PAGE, result)
    print(f"written: {path} and {PAGE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
