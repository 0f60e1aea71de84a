"""Behavioural probes in whole runs: what they ask, in which batches, what fails them, and what they say then."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.planned import ProbeProject, outcomes
from tests.support.projects import Project

IMPORTS = """
import pytest
from hypothesis import given, settings, strategies as st
from pytest_ftcheck import (
    assert_capable, assert_direction, assert_invariant, assert_no_new_failures, falls, perturb, probe,
    prompts, rises, template,
)
def has(word): return lambda case, answer: word in answer
"""
CASES = "CASES = template('Where is order {n} of {name}?', n=range(5), name=['Maria', 'Omar'])\n"


@pytest.fixture
def probes(pytester: pytest.Pytester) -> ProbeProject:
    """A project whose engine repeats the prompt with its role's mark, and says no to numbers of 1000 or more."""
    return ProbeProject(pytester)


@pytest.fixture
def behaviour(project: Project) -> Project:
    """A project of two tables of answers and no eval."""
    project.write([], base={"*": "ok"}, ft={"*": "ok"})
    (project.path / "test_suite.py").unlink()
    return project


def write(project: Project, body: str) -> None:
    """Write the file of probes."""
    (project.path / "test_behaviour.py").write_text(IMPORTS + body)


def test_planned_assertions_share_batches(probes: ProbeProject) -> None:
    """Under @probe, all prompts of four assertions on both models are two batches, one a role."""
    probes.write(
        IMPORTS
        + CASES
        + """
@probe
def test_minimum(ft_model, base_model):
    assert_capable(ft_model, CASES, has("order"), base=base_model)
@probe
def test_invariant(ft_model, base_model):
    changes = [perturb.whitespace, perturb.case]
    assert_invariant(ft_model, CASES, perturb=changes, same=lambda a, b: True, base=base_model)
@probe
def test_direction(ft_model):
    assert_direction(ft_model, CASES, perturb=perturb.distractors, holds=rises(len, by=1))
@probe
def test_new(ft_model, base_model):
    assert_no_new_failures(ft_model, CASES, has("order"), base=base_model)
"""
    )
    assert outcomes(probes.run()) == {"passed": 4}
    answered = probes.answered()
    assert answered.missed == 0
    assert [{role for role, _ in batch} for batch in answered.planned] == [{"base"}, {"ft"}]
    # 10 prompts, 10 with other white space, 10 in another case; with ft 10 more with a distractor.
    assert list(map(len, answered.planned)) == [30, 40]


def test_assertions_batch_without_a_plan(probes: ProbeProject) -> None:
    """Without @probe a test's prompts are one batch a role too, asked when the test runs."""
    probes.write(
        IMPORTS
        + CASES
        + """
def test_minimum(ft_model, base_model):
    assert_capable(ft_model, CASES, has("order"), base=base_model)
"""
    )
    assert outcomes(probes.run()) == {"passed": 1}
    answered = probes.answered()
    assert answered.planned == []
    notes = (probes.path / "notes.jsonl").exists()
    assert (len(answered.on_the_spot["test_minimum"]), notes) == (20, False)


def test_batches_on_the_spot_are_whole(probes: ProbeProject) -> None:
    """An unplanned assertion reaches the engine as two calls, not as one a prompt."""
    body = 'def test_minimum(ft_model, base_model): assert_capable(ft_model, CASES, has("order"), base=base_model)'
    probes.write(IMPORTS + CASES + body)
    probes.run()
    calls = [line for line in (probes.path / "notes.jsonl").read_text().splitlines() if "asked" in line]
    assert len(calls) == 2


def test_properties_are_planned(probes: ProbeProject) -> None:
    """Prompts of a strategy under @given are foreseen, and a failure shrinks to the smallest prompt that fails."""
    probes.write(
        IMPORTS
        + """
ORDERS = prompts("Where is order {n} of {name}?", n=st.integers(0, 9999), name=["Ann", "Bo"], noise=perturb.whitespace)
@given(prompt=ORDERS)
@settings(deadline=None, database=None, max_examples=40)
def test_answers(ft_model, base_model, prompt):
    assert_capable(ft_model, [prompt], lambda case, answer: answer != "no", base=base_model)
"""
    )
    result = probes.run(inline=False)
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(["*prompt='Where is order 1000 of Ann?'*"])
    assert sum(map(len, probes.answered().planned)) >= 40


def test_a_failure_names_the_smallest_examples(behaviour: Project) -> None:
    """Prompts, perturbed prompts, both models' answers and base's count stand in the message, the shortest first."""
    behaviour.model("ft", {"WHERE?": "billing", "WHERE IS MY ORDER?": "no", "*": "shipping"})
    behaviour.model("base", {"WHERE IS MY ORDER?": "no", "*": "shipping"})
    write(
        behaviour,
        "def test_case(ft_model, base_model):\n"
        "    cases = ['Where is my order?', 'Where?', 'And now?']\n"
        "    assert_invariant(ft_model, cases, perturb=perturb.case(to='upper'), base=base_model)\n",
    )
    result = behaviour.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            # R: binom.test(2, 3) has the interval (0.0943, 0.9916).
            "*INV: 2 of 3 cases fail (66.7 %, 95 % CI [[]9.4, 99.2[]]), none allowed; base fails 1; 1 new with ft",
            "*1. *another answer to the changed prompt",
            '*prompt: "Where?"',
            '*ft: "shipping"  base: "shipping"',
            "*case(to='upper'): \"WHERE?\"",
            '*ft: "billing"  base: "shipping"',
            "*base passes",
            "*2. *",
            '*prompt: "Where is my order?"',
            "*base fails too",
        ]
    )


@pytest.mark.parametrize(
    ("assertion", "passes"),
    [
        ("assert_capable(ft_model, PROMPTS, has('ok'))", False),
        ("assert_capable(ft_model, PROMPTS, has('ok'), at_most=0.5)", True),
        ("assert_capable(ft_model, PROMPTS, has('ok'), at_most=0.49)", False),
        (
            "assert_capable(ft_model, PROMPTS, lambda case, answer: case.fields['k'] in ('a', 'b') or answer == 'ok')",
            True,
        ),
        ("assert_no_new_failures(ft_model, PROMPTS, has('ok'), base=base_model)", False),
        ("assert_no_new_failures(ft_model, PROMPTS, has('ok'), base=base_model, at_most=0.25)", True),
        ("assert_invariant(ft_model, ['q c'], perturb=perturb.case(to='upper'))", True),
        ("assert_invariant(ft_model, ['q a'], perturb=perturb.case(to='upper'))", False),
        ("assert_invariant(ft_model, ['q a'], perturb=perturb.case(to='upper'), same=lambda a, b: True)", True),
        ("assert_direction(ft_model, ['q a'], perturb=perturb.case(to='upper'), holds=falls(len))", True),
        ("assert_direction(ft_model, ['q a'], perturb=perturb.case(to='upper'), holds=falls(len, by=9))", False),
        (
            "assert_no_new_failures(ft_model, ['q b'], base=base_model, perturb=perturb.case(to='upper'),"
            " holds=rises(len))",
            False,
        ),
    ],
)
def test_assertions_decide(behaviour: Project, assertion: str, passes: bool) -> None:
    """Of four prompts ft fails two, base one of them: each assertion passes or fails by its own rule."""
    behaviour.model("base", {"q a": "wrong", "*": "ok"})
    behaviour.model("ft", {"q a": "wrong", "q b": "wrong", "*": "ok"})
    body = f"PROMPTS = template('q {{k}}', k='abcd')\ndef test_it(ft_model, base_model):\n    {assertion}\n"
    write(behaviour, body)
    behaviour.run().assert_outcomes(passed=int(passes), failed=int(not passes))


def test_conversations_are_perturbed_at_their_end(behaviour: Project) -> None:
    """Of messages only the last one changes, and arguments of the model reach it."""
    write(
        behaviour,
        "TALK = [{'role': 'system', 'content': 'be kind'}, {'role': 'user', 'content': 'late'}]\n"
        "def test_it(ft_model):\n"
        "    assert_invariant(ft_model, [TALK], perturb=perturb.case(to='upper'), max_new_tokens=7)\n",
    )
    behaviour.run().assert_outcomes(passed=1)
    asked = behaviour.asked()
    said = [[message["content"] for message in note["messages"]] for note in asked]
    assert sorted(said) == [["be kind", "LATE"], ["be kind", "late"]]
    assert {note["max_new_tokens"] for note in asked} == {7}


@pytest.mark.parametrize(
    ("assertion", "said"),
    [
        ("assert_capable(ft_model, 'one prompt', has('ok'))", "*cases are 'one prompt'; allowed: a list*"),
        ("assert_capable(ft_model, [], has('ok'))", "*cases are empty*"),
        ("assert_capable(ft_model, ['a'], has('ok'), at_most=1)", "*at_most=1; allowed: a share*"),
        (
            "assert_invariant(ft_model, ['a', 'b'], perturb=perturb.names)",
            "*perturb=names changes none of the 2 prompts*",
        ),
        ("assert_no_new_failures(ft_model, ['a'], base=base_model)", "*assert_no_new_failures: allowed: one of*"),
        ("template('{a}', b=[1])", "*has the slots*given are*"),
    ],
)
def test_what_cannot_be_meant_is_refused(behaviour: Project, assertion: str, said: str) -> None:
    """A probe that cannot be meant says what is allowed."""
    write(behaviour, f"def test_it(ft_model, base_model):\n    {assertion}\n")
    result = behaviour.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])


MATRIX = """
@probe(capability="arithmetic")
def test_sum(ft_model): assert ft_model("2+2") == "4"
@probe(capability="arithmetic")
def test_product(ft_model): assert ft_model("2*3") == "6"
@probe(capability="order | \\x1b[31m", kind="DIR")
def test_property(ft_model): assert ft_model("a")
def test_named(ft_model, base_model):
    assert_no_new_failures(ft_model, ["2+2", "2*3", "1+1"], lambda case, answer: answer != "wrong", base=base_model,
                           capability="arithmetic", at_most=0.5)
@given(prompt=prompts("{n}", n=st.integers(0, 5)))
@settings(deadline=None, max_examples=5)
def test_given(ft_model, prompt):
    assert_invariant(ft_model, [prompt + "+a"], perturb=perturb.case(to="upper"), capability="letters")
def test_plain(ft_model): assert ft_model("plain")
"""


@pytest.mark.parametrize("workers", ["-n0", pytest.param("-n2", marks=pytest.mark.slow)])
def test_the_capability_matrix(behaviour: Project, workers: str) -> None:
    """Each probe counts in its capability's row and its kind's column, in JSON and on the terminal, once a case."""
    behaviour.model("base", {"2+2": "wrong", "*": "ok"})
    behaviour.model("ft", {"2+2": "4", "2*3": "wrong", "*": "ok"})
    write(behaviour, MATRIX)
    result = behaviour.run(workers)
    result.assert_outcomes(passed=5, failed=1)
    found = {(p["nodeid"].partition("::")[2], p["capability"], p["kind"]): p for p in behaviour.document()["probes"]}
    counts = {key: (p["n"], p["failed"], p["base_failed"], p["new"]) for key, p in found.items()}
    assert counts == {
        ("test_sum", "arithmetic", "MFT"): (1, 0, None, None),
        ("test_product", "arithmetic", "MFT"): (1, 1, None, None),
        ("test_property", "order | \x1b[31m", "DIR"): (1, 0, None, None),
        ("test_named", "arithmetic", "MFT"): (3, 1, 1, 1),
        ("test_given", "letters", "INV"): (1, 0, None, None),
    }
    result.stdout.fnmatch_lines(
        [
            "*failed of tried of the probes*",
            "capability * MFT * INV * DIR*",
            "arithmetic * 2 of 5 *",
            "letters * 0 of 1 *",
        ]
    )
    assert "\x1b[31m" not in result.stdout.str()


def test_bases_failures_stand_in_the_matrix(behaviour: Project) -> None:
    """Where base was asked too, a cell has its failures and those that are new."""
    behaviour.model("ft", {"b": "wrong", "*": "ok"})
    write(
        behaviour,
        "def test_it(ft_model, base_model):\n"
        "    assert_capable(ft_model, list('abc'), has('ok'), base=base_model, capability='words')\n",
    )
    behaviour.run().stdout.fnmatch_lines(["words * 1 of 3, base 0 (1 new) *"])


def test_the_guide_runs(behaviour: Project) -> None:
    """Both pieces of code in docs/checklist.md pass on a model that knows shipping, and fill the matrix."""
    guide = (Path(__file__).parents[2] / "docs" / "checklist.md").read_text(encoding="utf-8")
    first, second = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    behaviour.model("ft", {"*": "shipping"})
    behaviour.pytester.makepyfile(test_first=first, test_second=second)
    behaviour.run().assert_outcomes(passed=5)
    found = [(probe["capability"], probe["kind"], probe["n"]) for probe in behaviour.document()["probes"]]
    assert sorted(found) == sorted(
        [("shipping", kind, 6) for kind in ("MFT", "INV", "INV", "DIR")] + [("test_late_orders", "MFT", 1)]
    )
