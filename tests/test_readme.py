"""README says what is so: its code runs, its tables are the program's own."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from pytest_ftcheck.models.prompts import load_profile
from pytest_ftcheck.options import OPTIONS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def options_table() -> str:
    """The table of options as README has it, made from the options themselves."""
    rows = []
    for option in OPTIONS:
        flag = option.flag if option.metavar is None else f"{option.flag}={option.metavar}"
        rows.append(f"| `{flag}` | `{option.ini}` | {option.help} |".replace("on|off", "on\\|off"))
    return "\n".join(["| option | ini key | what it is |", "|---|---|---|", *rows])


def write_first_suite(folder: Path) -> None:
    """Lay out README's first suite, with enough cases for its gates and answers for both roles."""
    (folder / "data").mkdir()
    intent = [json.loads(line) for line in blocks("json")[0].splitlines()]
    intent += [{**intent[number % 2], "id": f"more-{number}"} for number in range(200)]
    tickets = [{"id": f"k-{n}", "input": f"Order {n}?", "expected": {"order": n}} for n in range(100)]
    (folder / "data" / "intent.jsonl").write_text("".join(json.dumps(row) + "\n" for row in intent), encoding="utf-8")
    (folder / "data" / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tickets), encoding="utf-8")
    for role, wrong in (("base", 3), ("ft", 50)):
        rows = [
            {"eval": "test_intent", "case": case["id"], "answer": "?" if n % wrong == 0 else case["expected"]}
            for n, case in enumerate(intent)
        ]
        rows += [
            {"eval": "test_extraction", "case": case["id"], "answer": json.dumps(case["expected"])} for case in tickets
        ]
        (folder / f"{role}-answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_the_first_suite_runs(pytester: pytest.Pytester) -> None:
    """The first code block is a suite whose evals and gates run as they stand."""
    write_first_suite(pytester.path)
    pytester.makepyfile(test_support=blocks("python")[0])
    recorded = ("--ft-model=ft-answers.jsonl", "--base-model=base-answers.jsonl")
    result = pytester.runpytest("-p", "no:randomly", *recorded, "-k", "not test_refuses")
    result.assert_outcomes(passed=202 + 100 + 3, deselected=1)


def test_the_second_suite_collects(pytester: pytest.Pytester) -> None:
    """The second code block makes one item per case and one gate."""
    pytester.makepyfile(test_prices=blocks("python")[1])
    pytester.runpytest("--collect-only", "-q").stdout.fnmatch_lines(["*100 tests collected*"])


def test_the_profile_loads(tmp_path: Path) -> None:
    """The profile is TOML that --ft-base-profile takes."""
    path = tmp_path / "base.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")
    assert load_profile(path).system == tomllib.loads(blocks("toml")[0])["system"]


def test_the_table_of_options_is_complete() -> None:
    """README's table has every option, with the words of --help."""
    assert options_table() in README


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_are_make_targets(target: str) -> None:
    """The two commands of README are targets of the Makefile."""
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    assert f"$ make {target}" in README
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
