"""JUnit properties: names and values that cross processes and XML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings

from pytest_ftcheck.records import GateResult
from pytest_ftcheck.reports.junit import gate_properties
from tests.support import arbitrary_runs, runs


def test_a_gates_properties() -> None:
    """Decision, claim and numbers of the verdict that decided, with proportions as they are."""
    found = dict(gate_properties(runs.PASSED[0]))
    assert found["ftcheck.verdict"] == "pass"
    assert found["ftcheck.words"] == "the win"
    assert (found["ftcheck.base"], found["ftcheck.delta"], found["ftcheck.lost"]) == ("0.59", "0.225", "7")
    assert "ftcheck.reason" not in found


def test_a_gate_that_could_not_be_judged_has_its_reason() -> None:
    """No number is made up."""
    found = dict(gate_properties(runs.mixed_run().gates[-1]))
    assert found["ftcheck.reason"] == runs.ERROR_REASON
    assert "ftcheck.delta" not in found


@settings(deadline=None, max_examples=30)
@given(arbitrary_runs.gates)
def test_all_are_exact_strings_that_xml_holds(gate: GateResult) -> None:
    """Both sides are builtin str, and an XML parser gives them back unchanged."""
    for name, value in gate_properties(gate):
        assert (type(name), type(value)) == (str, str)
        element = ElementTree.Element("property", name=name, value=value)
        read = ElementTree.fromstring(ElementTree.tostring(element))
        assert (read.get("name"), read.get("value")) == (name, value)


def test_long_text_is_cut() -> None:
    """A property is no place for a megabyte."""
    result = replace(runs.mixed_run().gates[-1], reason="r" * 1_000_000)
    assert max(len(value) for _, value in gate_properties(result)) < 500
