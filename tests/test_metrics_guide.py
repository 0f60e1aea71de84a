"""docs/metrics.md says what is so: its code runs, its metrics exist under their extras."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import pytest_ftcheck
import pytest_ftcheck.summaries  # an in-process run forgets its modules, and numpy cannot be imported twice
from pytest_ftcheck.grading.extras import PACKAGES

GUIDE = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")

BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)


def scores(pytester: pytest.Pytester, block: str, answers: dict[str, list[str]]) -> dict[str, float]:
    """Run a block of the guide with the same answers recorded for both roles; return ft's score by eval."""
    pytester.makepyfile(test_guide=block)
    rows = [
        {"case": case, "sample": k, "answer": text} for case, texts in answers.items() for k, text in enumerate(texts)
    ]
    (pytester.path / "both.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pytester.runpytest("-p", "no:randomly", "--ft-model=both.jsonl", "--base-model=both.jsonl", "--ft-json=run.json")
    return {one["name"]: one["ft"] for one in json.loads((pytester.path / "run.json").read_text())["evals"]}


def test_its_constraints_run(pytester: pytest.Pytester) -> None:
    """Instructions of cases and of one's own are graded as the guide shows."""
    answers = {"warm": ["* tea\n* cocoa"], "late": ["Bonjour Anne, votre colis est malheureusement en retard."]}
    assert scores(pytester, BLOCKS[2], answers) == {"test_instructions": 1.0, "test_letters": 1.0}


def test_its_code_runs(pytester: pytest.Pytester) -> None:
    """The share of samples that pass is the score of pass@1."""
    right, wrong = "```python\ndef add(a, b):\n    return a + b\n```", "No."
    # In the best sandbox of this machine, which need not be complete for programs of ours.
    block = re.sub(r"pass_at_k\((\d)\)", r"pass_at_k(\1, sandbox='best')", BLOCKS[3])
    found = scores(pytester, block, {"add": [right] * 3 + [wrong] * 7})
    assert found == {"test_code": pytest.approx(0.3)}


def test_its_own_metric_runs(pytester: pytest.Pytester) -> None:
    """The class of the guide is a corpus metric whose gate passes."""
    pytester.makepyfile(test_guide=BLOCKS[0])
    for role, extra in (("base", 2), ("ft", 1)):
        rows = [{"case": f"c{n}", "answer": "word " * (n + extra)} for n in range(1, 80)]
        (pytester.path / f"{role}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("-p", "no:randomly", "--ft-model=ft.jsonl", "--base-model=base.jsonl", "--ft-json=run.json")
    pytester.runpytest(*options).assert_outcomes(passed=79 + 1)
    (gate,) = json.loads((pytester.path / "run.json").read_text())["gates"]
    words = sum(range(1, 80))
    assert (gate["base"], gate["ft"]) == pytest.approx((100 * 2 * 79 / words, 100 * 79 / words))


def test_its_texts_are_read(pytester: pytest.Pytester) -> None:
    """The eval of documents takes a text file in parts, and its gate passes where ft reads them as well."""
    pytester.makepyfile(test_guide=BLOCKS[1])
    data = pytester.mkdir("data")
    (data / "field.txt").write_text("\n\n".join(f"Paragraph {n} of the field. " * (n % 3 + 1) for n in range(40)))
    pytester.makepyfile(
        own_engine="""
        from pytest_ftcheck import Answer

        class Reader:
            def __init__(self, specs, options, report): ...
            def answer(self, requests): return [self.read(request) for request in requests]
            def close(self): ...
            def read(self, request):
                assert request.decoding.reads
                text = request.messages[-1]["content"]
                nats = 0.5 * len(text) * (1 + len(text) % 7 / 1000 * (request.role == "ft"))
                return Answer("", finish_reason="read", logprob=-nats, completion_tokens=len(text.split()))
        """
    )
    for role in ("base", "ft"):
        (pytester.path / f"{role}.json").write_text(f'"{role}"')
    models = ("--ft-model=ft.json", "--base-model=base.json", "--ft-engine=own_engine:Reader")
    pytester.runpytest("-p", "no:randomly", *models, "--ft-engine-process=off", "--ft-json=run.json")
    document = json.loads((pytester.path / "run.json").read_text())
    (gate,) = document["gates"]
    assert (document["evals"][0]["n"], gate["verdict"]) == (40, "pass")
    assert gate["base"] == pytest.approx(0.5 / 0.6931471805599453)


def test_its_metrics_are_public() -> None:
    """Every call that the table shows is a name to import."""
    table = [line for line in GUIDE.splitlines() if line.startswith("|")]
    names = {name for line in table for name in re.findall(r"`(\w+)\(", line.split("|")[2])}
    assert len(names) >= 15
    assert names <= set(pytest_ftcheck.__all__)


def test_its_extras_exist() -> None:
    """The last column names the extra that a missing package's error names."""
    named = set(re.findall(r"\| `(\w+)` \|$", GUIDE, flags=re.MULTILINE))
    assert named == {extra for _, extra in PACKAGES.values()}
