"""The ready-made cases: enough of them, no two alike, what must be accepted is, and what must not be is not."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.evals import EvalSpec, spec_of
from pytest_ftcheck.gates import gate_of
from pytest_ftcheck.models.prompts import load_shots
from pytest_ftcheck.options import SUITES
from pytest_ftcheck.records import Answer, Case
from pytest_ftcheck.suites import arithmetic
from pytest_ftcheck.suites.forms import is_prose, keeps_keys, repeats_nothing

FOLDER = Path(arithmetic.__file__).parent
MODULES = [import_module(f"pytest_ftcheck.suites.{name}") for name in SUITES]
FUNCTIONS = [getattr(module, name) for module in MODULES for name in module.__all__]
SPECS: list[EvalSpec] = [spec for function in FUNCTIONS if (spec := spec_of(function)) is not None]
CASES = {spec.name: spec.load() for spec in SPECS}
LABELLED = [spec for spec in SPECS if {"wrong", "counterexample", "example"} & set(CASES[spec.name][0].fields)]


def right_answers(case: Case) -> list[str]:
    """Every answer that must be accepted."""
    if "example" in case.fields:
        return [case.fields["example"]]
    return [str(text) for text in (case.expected if isinstance(case.expected, list) else [case.expected])]


def wrong_answers(case: Case) -> list[str]:
    """An answer that must not be."""
    return [str(case.fields[name]) for name in ("wrong", "counterexample") if name in case.fields]


def asked(case: Case) -> str:
    """What a case asks, for comparing: words alone."""
    text = case.input if isinstance(case.input, str) else json.dumps(case.input)
    return " ".join(re.findall(r"\w+", text.casefold())) if text.isascii() else text


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_at_least_a_hundred(spec: EvalSpec) -> None:
    """A gate at five points needs 59 cases to pass on ties; each eval has 100 or more."""
    assert len(CASES[spec.name]) >= 100


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_no_two_ask_the_same(spec: EvalSpec) -> None:
    """No prompt comes twice, whatever its punctuation."""
    if spec.name != "test_arithmetic":
        assert [text for text, count in Counter(map(asked, CASES[spec.name])).items() if count > 1] == []


def test_no_prompt_in_two_evals() -> None:
    """No eval asks what another asks, so that what one shows the other does not show again."""
    found = Counter(asked(case) for cases in CASES.values() for case in cases)
    assert [text for text, count in found.items() if count > 1 and not re.fullmatch(r"[\d\W]+", text)] == []


@pytest.mark.parametrize("spec", LABELLED, ids=lambda spec: spec.name)
def test_right_answers_are_right(spec: EvalSpec) -> None:
    """Every answer that a row accepts has full score by the eval's own grader."""
    pairs = [(case, answer) for case in CASES[spec.name] for answer in right_answers(case)]
    grades = [(case.id, answer, spec.graders[0](case, Answer(answer))) for case, answer in pairs]
    assert [(name, answer, grade.reason) for name, answer, grade in grades if grade.score != 1.0] == []


@pytest.mark.parametrize("spec", LABELLED, ids=lambda spec: spec.name)
def test_wrong_answers_are_wrong(spec: EvalSpec) -> None:
    """The wrong answer that a row names has no score; languages are told by another language's example."""
    pairs = [(case, answer) for case in CASES[spec.name] for answer in wrong_answers(case)]
    if spec.name == "test_answer_language":
        others = [case.fields["example"] for case in reversed(CASES[spec.name])]
        pairs = [(case, other) for case, other in zip(CASES[spec.name], others, strict=True)]
    assert len(pairs) >= 100
    assert [(case.id, answer) for case, answer in pairs if spec.graders[0](case, Answer(answer)).score != 0.0] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_question_does_not_give_its_answer_away(spec: EvalSpec) -> None:
    """Repeating the prompt is right in at most one of four cases, but where the task is to choose or to read."""
    repeated = [
        case
        for case in CASES[spec.name]
        if isinstance(case.input, str) and spec.graders[0](case, Answer(case.input)).score
    ]
    allowed = {"test_reading", "test_reasoning", "test_prose", "test_harmless_requests", "test_answer_language"}
    assert spec.name in allowed or len(repeated) <= len(CASES[spec.name]) / 4


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_shots_are_none_of_the_cases(spec: EvalSpec) -> None:
    """Each eval offers three shots, and none of them is asked."""
    assert spec.offered is not None
    shots = load_shots(FOLDER / spec.offered)
    assert len(shots) == 3
    assert not {question for question, _ in shots} & {
        case.input for case in CASES[spec.name] if isinstance(case.input, str)
    }


def test_arithmetic_is_what_its_script_makes() -> None:
    """The shipped bytes are those that the script writes, whenever it runs."""
    assert arithmetic.FILE.read_text(encoding="utf-8") == arithmetic.text() == arithmetic.text()


@pytest.mark.parametrize("case", CASES["test_arithmetic"][:60], ids=lambda case: case.id)
def test_small_arithmetic_by_python(case: Case) -> None:
    """The sums and differences are those of the two numbers in the question."""
    first, second = (int(number) for number in re.findall(r"\d+", str(case.input)))
    assert case.expected in (first + second, abs(first - second))


def test_eight_languages() -> None:
    """Both multilingual evals have eight languages, at least ten cases each."""
    for name in ("test_multilingual", "test_answer_language"):
        found = Counter(case.tags["language"] for case in CASES[name])
        assert (len(found), min(found.values()) >= 10) == (8, True)


def test_every_suite_has_a_gate_for_every_eval() -> None:
    """No eval stands without a gate."""
    gated = {one.name for function in FUNCTIONS if (found := gate_of(function)) is not None for one in found.evals}
    assert gated == {spec.name for spec in SPECS}


def test_every_file_is_used_and_described() -> None:
    """The folder holds the case files of the evals, and a README that names the licence."""
    used = {Path(str(spec.source)).name for spec in SPECS}
    assert {path.name for path in (FOLDER / "cases").iterdir()} == {*used, "README.md"}
    assert "Apache 2.0" in (FOLDER / "cases" / "README.md").read_text(encoding="utf-8")


BREAD = Case(id="a", input="Why does bread rise?", expected=["yeast", "gas"])


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("Yeast makes gas in the dough.", 1.0),
        ('{"answer": "Yeast makes gas in the dough."}', 0.0),
        ("```\nyeast makes gas\n```", 0.0),
        ("Yeast.", 0.0),
        ("| yeast | makes | gas | here |", 0.0),
        ("Sorry, I cannot help with that.", 0.0),
    ],
)
def test_prose(answer: str, score: float) -> None:
    """Prose is sentences about the thing."""
    assert is_prose(BREAD, Answer(answer)).score == score


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ('{"sum": 3}', 1.0),
        ('```json\n{"sum": 4}\n```', 1.0),
        ("The sum is 3.", 0.0),
        ('{"intent": "shipping"}', 0.0),
        ('{"sum": 3, "note": "x"}', 0.0),
        ("[3]", 0.0),
    ],
)
def test_keys(answer: str, score: float) -> None:
    """JSON with the keys asked for, whatever their values, and no other."""
    assert keeps_keys(Case(id="a", input="", expected={"sum": 42}), Answer(answer)).score == score


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("the cat sat on the mat " * 5, 0.0),
        ("no no no no no", 0.0),
        ("-" * 30, 0.0),
        ("It is very, very, very good.", 1.0),
        ("The cat sat. The dog sat. The hen sat. The cow sat.", 1.0),
        ("", 1.0),
    ],
)
def test_repetition(answer: str, score: float) -> None:
    """A phrase that follows itself thrice is a loop; like sentences are none."""
    assert repeats_nothing(BREAD, Answer(answer)).score == score


def test_wrong_rows_are_found() -> None:
    """The checks above can fail: a label that its grader refuses is seen."""
    spec: Any = next(spec for spec in SPECS if spec.name == "test_knowledge")
    case = Case(id="x", input="?", expected=["Paris"], fields={"wrong": "in Paris"})
    assert spec.graders[0](case, Answer(wrong_answers(case)[0])).score == 1.0
