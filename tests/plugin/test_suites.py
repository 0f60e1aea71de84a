"""Ready-made suites in whole pytest runs: by option, by an import, with workers; and what their gates call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pytest_ftcheck.evals import spec_of
from pytest_ftcheck.grading import language
from pytest_ftcheck.options import SUITES
from pytest_ftcheck.records import Case
from pytest_ftcheck.suites.sycophancy import test_sycophancy as sycophancy
from tests.support.projects import QUIET

CASES = spec_of(sycophancy).load()  # type: ignore[union-attr]
RECORDED = ("--ft-model=ft.jsonl", "--base-model=base.jsonl", "--ft-json=run.json")
ONE = "--ft-suite=sycophancy"
Says = Callable[[int, Case], str]


def record(pytester: pytest.Pytester, *, base: Says, ft: Says, cases: Iterable[Case] = CASES) -> None:
    """Write both roles' answers to the sycophancy suite."""
    for name, says in (("base", base), ("ft", ft)):
        rows = [{"case": case.id, "answer": says(number, case)} for number, case in enumerate(cases)]
        (pytester.path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def right(share: float) -> Says:
    """Answer the first cases right, the others wrong."""
    return lambda number, case: str(case.expected[0] if number < 100 * share else case.fields["wrong"])


def gate(pytester: pytest.Pytester) -> tuple[str, str]:
    """Verdict and words of the one gate of the last run."""
    document = json.loads((pytester.path / "run.json").read_text(encoding="utf-8"))
    (found,) = document["gates"]
    return found["verdict"], found["claims"][0]["words"] if "words" in found["claims"][0] else found["words"]


@pytest.mark.parametrize(
    ("base", "ft", "verdict", "words"),
    [
        (0.60, 0.80, "pass", "the win"),
        (0.80, 0.80, "pass", "acceptable"),
        (0.80, 0.75, "inconclusive", "watch: nothing proven either way"),
        (0.90, 0.86, "inconclusive", "watch: needs about"),
        (0.95, 0.82, "fail", "watch: the drop is proven"),
        (0.90, 0.60, "fail", "catastrophic forgetting"),
        (0.10, 0.10, "inconclusive", "base at chance: cannot tell"),
        (0.10, 0.40, "pass", "the win"),
    ],
)
def test_what_a_drop_is_called(pytester: pytest.Pytester, base: float, ft: float, verdict: str, words: str) -> None:
    """The win, acceptable, watch, catastrophic forgetting, or that base cannot show a loss."""
    record(pytester, base=right(base), ft=right(ft))
    pytester.runpytest(*QUIET, *RECORDED, ONE)
    found = gate(pytester)
    assert (found[0], found[1][: len(words)]) == (verdict, words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--ft-acceptable-drop=0.2", "--ft-catastrophic-drop=0.4"), "acceptable"),
        (("--ft-catastrophic-drop=0.05", "--ft-acceptable-drop=0.01"), "catastrophic forgetting"),
    ],
)
def test_the_bounds_are_the_users(pytester: pytest.Pytester, options: tuple[str, ...], words: str) -> None:
    """What is acceptable, and what is catastrophic, can be said by option."""
    record(pytester, base=right(0.9), ft=right(0.8))
    pytester.runpytest(*QUIET, *RECORDED, ONE, *options)
    assert gate(pytester)[1] == words


def test_beside_ones_own_tests(pytester: pytest.Pytester) -> None:
    """A suite is added to what pytest collects, under a node id that is the same wherever it is installed."""
    pytester.makepyfile(test_own="def test_own(): pass")
    found = pytester.runpytest(*QUIET, "--collect-only", "-q", ONE)
    found.stdout.fnmatch_lines(["test_own.py::test_own", "pytest_ftcheck/suites/sycophancy.py::test_sycophancy*"])
    found.stdout.fnmatch_lines(["*102 tests collected*"])


def test_by_an_import(pytester: pytest.Pytester) -> None:
    """One line in a test file brings evals and gates, and the verdict is the option's."""
    record(pytester, base=right(0.8), ft=right(0.8))
    pytester.makepyfile(test_desk="from pytest_ftcheck.suites.sycophancy import *")
    pytester.runpytest(*QUIET, *RECORDED).assert_outcomes(passed=101)
    assert gate(pytester) == ("pass", "acceptable")


def test_selected_by_name(pytester: pytest.Pytester) -> None:
    """`-k` chooses among a suite's items, and the gate reads all cases nevertheless."""
    record(pytester, base=right(0.8), ft=right(0.8))
    pytester.runpytest(*QUIET, *RECORDED, ONE, "-k", "has_not_grown").assert_outcomes(passed=1, deselected=100)


def test_two_workers(pytester: pytest.Pytester) -> None:
    """Two workers collect the same and come to the same verdict."""
    record(pytester, base=right(0.9), ft=right(0.6))
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-q", "-n", "2", *RECORDED, ONE]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)
    assert (done.returncode, gate(pytester)) == (1, ("fail", "catastrophic forgetting")), done.stdout[-2000:]


def test_without_a_model(pytester: pytest.Pytester) -> None:
    """Without --ft-model a suite is skipped."""
    pytester.runpytest(*QUIET, ONE).assert_outcomes(skipped=101)


def test_an_unknown_name(pytester: pytest.Pytester) -> None:
    """One error names the suites there are, and the one that was meant."""
    found = pytester.runpytest(*QUIET, "--ft-suite=refusal,formt")
    allowed = "capability, instruction, multilingual, format, refusal, sycophancy, or all, with commas between"
    found.stderr.fnmatch_lines([f"ERROR: --ft-suite is 'refusal,formt'; allowed: {allowed} (did you mean 'format'?)"])


def test_all_of_them(pytester: pytest.Pytester) -> None:
    """`all` collects every suite, each once, also where one is named beside it."""
    pytester.makeini("[pytest]\nft_suite = all, refusal")
    found = pytester.runpytest(*QUIET, "--collect-only", "-qq")
    names = {line.split(":")[0] for line in found.outlines if line.startswith("pytest_ftcheck/suites/")}
    assert {Path(name).stem for name in names} == set(SUITES)
    found.stdout.fnmatch_lines([f"pytest_ftcheck/suites/refusal.py: {143 + 118 + 2}"])


def test_nothing_is_imported_unasked(pytester: pytest.Pytester) -> None:
    """A run that asks for no suite imports none."""
    pytester.makepyfile("import sys\ndef test(): assert not [m for m in sys.modules if 'ftcheck.suites' in m]")
    assert pytester.runpytest_subprocess("-q").ret == 0


@pytest.mark.parametrize(("shots", "asked"), [("0", 0), ("2", 2), ("9", 3)])
def test_shots(pytester: pytest.Pytester, shots: str, asked: int) -> None:
    """Few-shot examples stand before each case where the run asks for them, as many as there are."""
    from tests.support.projects import Project

    project = Project(pytester)
    project.write([{"id": "a", "input": "?", "expected": "x"}], base={"*": "x"}, ft={"*": "x"})
    project.run(ONE, f"--ft-suite-shots={shots}", "-k", "has_not_grown")
    lengths = {len(one["messages"]) for one in project.asked() if one["case"] == "sycophancy-001"}
    assert lengths == {1 + 2 * asked}


@pytest.mark.parametrize("value", ["0", "5", "five"])
def test_a_drop_that_cannot_be_meant(pytester: pytest.Pytester, value: str) -> None:
    """Drops are shares."""
    found = pytester.runpytest(*QUIET, f"--ft-acceptable-drop={value}")
    found.stderr.fnmatch_lines([f"*--ft-acceptable-drop is '{value}'; allowed: a share above 0 and up to 1, such as*"])


def test_acceptable_is_less_than_catastrophic(pytester: pytest.Pytester) -> None:
    """Bounds in the wrong order are an error of the gate that names both, told before any model loads."""
    record(pytester, base=right(0.8), ft=right(0.8))
    found = pytester.runpytest(*QUIET, *RECORDED, ONE, "--ft-acceptable-drop=0.3")
    found.stdout.fnmatch_lines(["*catastrophic=0.15; allowed: above the acceptable drop 0.3*"])


def test_the_extra_is_named(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that needs a package that is not there says which extra brings it, when pytest collects."""
    pytester.makeconftest(
        f"import sys\nsys.modules[{language.MODULE!r}] = None\n"
        "for name in [n for n in sys.modules if n.startswith('pytest_ftcheck.suites.m')]: del sys.modules[name]"
    )
    found = pytester.runpytest_subprocess(*QUIET, "--ft-suite=multilingual", "--collect-only")
    found.stdout.fnmatch_lines(["*pytest-ftcheck[[]constraints[]]*"])
