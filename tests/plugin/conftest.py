"""A small suite of recorded answers, written into a fresh project: what most plugin tests run."""

from __future__ import annotations

import json
import os

# Before any library reads them: no test may reach the hub, and tiny models are slowed by threads.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# An in-process run forgets the modules that it imported, and numpy cannot be imported twice. The others are those that
# every run needs: each of hundreds would import them anew.
import httpx2  # noqa: F401
import pytest

import pytest_ftcheck.grading.exact
import pytest_ftcheck.grading.pairwise
import pytest_ftcheck.grading.rubric
import pytest_ftcheck.hygiene.leaked
import pytest_ftcheck.hygiene.reuse
import pytest_ftcheck.items.evals
import pytest_ftcheck.items.gates
import pytest_ftcheck.items.inventory
import pytest_ftcheck.items.planning
import pytest_ftcheck.items.probes
import pytest_ftcheck.items.run
import pytest_ftcheck.items.status
import pytest_ftcheck.items.workers
import pytest_ftcheck.judging
import pytest_ftcheck.reports.document
import pytest_ftcheck.reports.junit
import pytest_ftcheck.reports.progress
import pytest_ftcheck.reports.terminal
import pytest_ftcheck.summaries  # noqa: F401
from pytest_ftcheck.models.checkpoints import resolve
from pytest_ftcheck.models.protocol import EngineOptions
from pytest_ftcheck.records import Decoding, Request
from tests.support import checkpoints
from tests.support.digests import MemoryDigests
from tests.support.projects import Project

GATE = """
from pytest_ftcheck import (
    assert_at_least, assert_equivalent, assert_improves, assert_never, assert_no_worse, eval_cases, exact_match, gate
)

@eval_cases("cases.jsonl", grader=exact_match())
def test_intent(case, answer): ...

@gate(test_intent)
def test_gate(comparison):
    {body}
"""


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows, one JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Suite:
    """A project of one eval whose answers are recorded: `table` counts (both right, gained, lost, both wrong)."""

    pytester: pytest.Pytester

    def write(self, table: tuple[int, int, int, int], *, body: str = "assert_improves(comparison)") -> None:
        """Write cases, both roles' answers and a test file whose gate has the body given."""
        self.answers(table)
        self.pytester.makepyfile(test_suite=GATE.format(body=body))

    def answers(
        self, table: tuple[int, int, int, int], *, tags: Callable[[int], Mapping[str, str]] | None = None
    ) -> None:
        """Write cases.jsonl, base.jsonl and ft.jsonl."""
        pairs = [(base, ft) for (base, ft), count in zip(PAIRS, table, strict=True) for _ in range(count)]
        cases, base_rows, ft_rows = [], [], []
        for number, (base, ft) in enumerate(pairs):
            more = {} if tags is None else tags(number)
            cases.append({"id": f"c{number}", "input": f"question {number}", "expected": "yes", **more})
            base_rows.append({"case": f"c{number}", "answer": "yes" if base else "no"})
            ft_rows.append({"case": f"c{number}", "answer": "yes" if ft else "no"})
        write_jsonl(self.pytester.path / "cases.jsonl", cases)
        write_jsonl(self.pytester.path / "base.jsonl", base_rows)
        write_jsonl(self.pytester.path / "ft.jsonl", ft_rows)

    def run(self, *args: str) -> pytest.RunResult:
        """Run pytest on the recorded answers, with the verdicts in verdicts.json."""
        recorded = ("--ft-model=ft.jsonl", "--base-model=base.jsonl", "--ft-json=verdicts.json")
        return self.pytester.runpytest("-p", "no:randomly", "-p", "no:cacheprovider", *recorded, *args)

    def document(self) -> dict[str, Any]:
        """The last run's JSON file."""
        document: dict[str, Any] = json.loads((self.pytester.path / "verdicts.json").read_text(encoding="utf-8"))
        return document

    def gates(self) -> dict[str, dict[str, Any]]:
        """The gates of the last run's JSON file, by name."""
        document = self.document()
        return {gate["nodeid"].split("::")[-1]: gate for gate in document["gates"]}


PAIRS = ((True, True), (False, True), (True, False), (False, False))


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    """A fresh project for recorded answers."""
    return Suite(pytester)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """A fresh project whose models are small files."""
    return Project(pytester)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of real checkpoints: base, other (base's shape), adapter (on base), labels and relabelled (classifiers).

    Each kind has answered once, so that runs in this process find every module imported.
    """
    folder = tmp_path_factory.mktemp("tiny")
    checkpoints.write_chat_model(folder / "base", seed=0)
    checkpoints.write_chat_model(folder / "other", seed=5)
    checkpoints.write_adapter(folder / "adapter", base=folder / "base", named_base="../base")
    checkpoints.write_classifier(folder / "labels", seed=0)
    checkpoints.write_classifier(folder / "relabelled", seed=7)
    from pytest_ftcheck.models.transformers_engine import TransformersEngine

    for name in ("base", "adapter", "labels"):
        spec = resolve("ft", str(folder / name), rootdir=folder, options=EngineOptions(), digests=MemoryDigests())
        engine = TransformersEngine({"ft": spec}, EngineOptions(), lambda line: None)
        for decoding in (Decoding(max_new_tokens=2), Decoding(max_new_tokens=2, temperature=1.0)):
            question = {"role": "user", "content": "Where?"}
            engine.answer([Request(role="ft", messages=(question,), decoding=decoding)])
        engine.close()
    return folder
