"""Commands for a workflow's runner: one line each, whatever the gate's texts hold."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ftcheck.records import Decision, GateResult, Run
from pytest_ftcheck.reports.workflow import Place, annotation, command, deltas, outputs
from tests.support.arbitrary_runs import hostile, runs
from tests.support.runs import REGRESSION, WIN, gate


@settings(max_examples=40, deadline=None)
@given(runs)
def test_an_annotation_is_one_command(run: Run) -> None:
    """No text of a gate begins a second command or adds a property."""
    for result in run.gates:
        said = annotation(result, Place("tests/test_a.py", 3))
        if said is not None:
            assert re.fullmatch(r"::error file=tests/test_a\.py,line=3,title=[^,:\r\n]*::[^\r\n]*", said)


def test_a_gate_that_passed_is_not_annotated() -> None:
    """Green gates leave no mark."""
    assert annotation(gate("test_gate", "test_intent", WIN), None) is None


def test_a_regression_says_its_line() -> None:
    """The message is the verdict's line, in the runner's escapes."""
    said = annotation(gate("test_gate", "test_intent", REGRESSION), Place("a.py", 7))
    assert said is not None
    assert said.startswith("::error file=a.py,line=7,title=test_gate%3A regression")
    assert "FAIL" in said
    assert " %25" in said


def test_what_is_let_stand_is_a_warning() -> None:
    """An inconclusive gate under --ft-inconclusive=warn warns."""
    result = GateResult(nodeid="a.py::test_gate", name="test_gate", decision=Decision.INCONCLUSIVE, reason="few")
    said = annotation(result, None, inconclusive="warn")
    assert said is not None
    assert said.startswith("::warning title=")


def test_a_message_is_escaped_as_the_runner_reads_it() -> None:
    """Percent signs, line ends, and in properties colons and commas, as actions/toolkit's own tests have them."""
    said = command("some-command", "percent % percent % cr \r cr \r lf \n lf \n", {"name": "%25 % \r \n : ,"})
    escaped = "percent %25 percent %25 cr %0D cr %0D lf %0A lf %0A"
    assert said == f"::some-command name=%2525 %25 %0D %0A %3A %2C::{escaped}"


@given(st.dictionaries(st.sampled_from(["verdict", "delta"]), hostile, max_size=2))
def test_an_output_cannot_be_closed(values: dict[str, str]) -> None:
    """Read as the runner reads the file, every output has its value and there is no other."""
    read, lines = {}, outputs(values).split("\n")
    while lines and lines != [""]:
        name, mark = lines.pop(0).split("<<")
        end = lines.index(mark)
        read[name], lines = "\n".join(lines[:end]), lines[end + 1 :]
    assert read == values


def test_deltas_are_named() -> None:
    """Each gate with a delta gives its name and the delta in the metric's units."""
    assert deltas([gate("test_gate", "test_intent", WIN)]) == "test_gate=+0.225"
