"""docs/judges.md says what is so: its suite runs, its commands parse, its CSV is taken."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import pytest_ftcheck.summaries  # an in-process run forgets its modules, and numpy cannot be imported twice
from pytest_ftcheck.cli import main
from pytest_ftcheck.commands import attack_judge, review
from pytest_ftcheck.data.labels import read_labels
from pytest_ftcheck.grading.rubric import Rubric
from pytest_ftcheck.options import OPTIONS

GUIDE = (Path(__file__).parent.parent / "docs" / "judges.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = {"review": review, "attack-judge": attack_judge}


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def said(score: int) -> str:
    """A rubric judge's reply."""
    return json.dumps({"reasons": "so", "score": score})


def write_suite(folder: Path, n: int) -> None:
    """Lay out the guide's suite: cases, both models' answers, and a recorded judge to whom ft is better."""
    (folder / "data").mkdir()
    tables: dict[str, list[dict[str, Any]]] = {"data/replies": [], "base": [], "ft": [], "judge": []}
    for number in range(1, n + 1):
        case = f"c{number}"
        tables["data/replies"].append({"id": case, "input": f"Where is order {number}?"})
        tables["base"].append({"case": case, "answer": "No."})
        tables["ft"].append({"case": case, "answer": "Dear customer, it left today."})
        for role, score in (("base", 1), ("ft", 5)):
            row = {"eval": "test_replies/rubric", "case": f"{case}/{role}", "answer": said(score)}
            tables["judge"].append(row)
            better = {"reasons": "so", "better": "A" if role == "ft" else "B"}
            place = {"eval": "test_replies/pairwise", "case": f"{case}/{role} first", "answer": json.dumps(better)}
            tables["judge"].append(place)
    for name, rows in tables.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_its_suite_runs_and_its_csv_is_taken(pytester: pytest.Pytester) -> None:
    """The first block is a suite whose gates pass by a recorded judge, and the CSV rates two of its answers."""
    pytester.makepyfile(test_guide=blocks("python")[0])
    write_suite(pytester.path, 40)
    models = [f"--{role}={name}.jsonl" for role, name in (("ft-model", "ft"), ("base-model", "base"))]
    result = pytester.runpytest("-p", "no:randomly", *models, "--ft-judge=judge.jsonl")
    result.assert_outcomes(passed=42)
    (pytester.path / "ratings.csv").write_text(blocks("csv")[0])
    options = ["--eval", "test_replies", "--metric", "rubric", "--import", str(pytester.path / "ratings.csv")]
    assert main(["review", "--store", str(pytester.path / ".ftcheck"), *options]) == 0
    labels = read_labels(pytester.path / "labels" / "test_replies.rubric.jsonl")
    assert [label.score for label in labels] == [5, 1]


def test_its_commands_parse() -> None:
    """Every `ftcheck` line has options that there are, and every option of pytest is one."""
    flags = {option.flag for option in OPTIONS}
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    ours = [line for line in lines if line.startswith("ftcheck ")]
    assert len(ours) == 2
    for line in ours:
        _, name, *words = shlex.split(line)
        parser = argparse.ArgumentParser(exit_on_error=False)
        COMMANDS[name].add_arguments(parser)
        parser.parse_args(words)
    used = {flag for line in lines if "pytest " in line for flag in re.findall(r"--[a-z-]+", line)}
    assert used <= flags


def test_its_signatures_are_the_graders() -> None:
    """The headings name arguments that the graders take, with their defaults."""
    heads = dict(re.findall(r"^## (\w+)\((.*)\)$", GUIDE, flags=re.MULTILINE))
    for name, arguments in heads.items():
        made = eval(f"pytest_ftcheck.{name}('x')", {"pytest_ftcheck": pytest_ftcheck})
        for argument, default in re.findall(r"(\w+)=(\([^)]*\)|[\w.]+)", arguments):
            assert getattr(made, argument) == eval(default)
    assert isinstance(pytest_ftcheck.rubric("x"), Rubric)
    assert set(heads) >= {"rubric", "pairwise"}
