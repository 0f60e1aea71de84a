"""Before the run: gates that cannot pass say so at collection, and no model is needed for it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Suite


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ("assert_no_worse(comparison, margin=0.05)", 59),
        ("assert_no_worse(comparison, margin=0.01)", 299),
        ("assert_equivalent(comparison, within=0.1)", 29),
        ("assert_at_least(comparison, floor=0.95)", 59),
        ("assert_never(comparison, more_than=0.05)", 90),
    ],
)
def test_too_few_cases_are_foretold(suite: Suite, body: str, needed: int) -> None:
    """A gate over 20 cases says at collection how many its claim takes."""
    suite.write((20, 0, 0, 0), body=body)
    result = suite.run("--collect-only")
    result.stdout.fnmatch_lines(
        [f"test_gate: test_intent: * cannot be proven with 20 cases, *it takes at least {needed}"]
    )


def test_enough_cases_are_not_mentioned(suite: Suite) -> None:
    """A gate that can pass is not foretold anything."""
    suite.write((60, 0, 0, 0), body="assert_no_worse(comparison, margin=0.05)")
    suite.run("--collect-only").stdout.no_fnmatch_line("*cannot be proven*")


def test_what_was_foretold_stands_beside_the_verdict(suite: Suite) -> None:
    """The notice is repeated under the verdict table."""
    suite.write((20, 0, 0, 0), body="assert_no_worse(comparison, margin=0.05)")
    suite.run().stdout.fnmatch_lines(["*fine-tune verdict*", "*cannot be proven*"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_gate_is_rehearsed_before_it_is_judged(suite: Suite, workers: str) -> None:
    """What a gate's body leaves behind is of the true scores, in a plain run and under xdist."""
    body = 'print(comparison.scores("ft")[0], file=open("left.txt", "w")); assert_no_worse(comparison, margin=0.05)'
    suite.write((0, 0, 60, 0), body=body)
    suite.run("-n", workers, "-W", "ignore::ResourceWarning")
    assert (suite.pytester.path / "left.txt").read_text() == "0.0\n"


def test_a_rehearsal_runs_no_body_that_asks_for_more(suite: Suite) -> None:
    """A gate with other fixtures is not run before its time."""
    suite.write((20, 0, 0, 0))
    path = suite.pytester.path / "test_suite.py"
    path.write_text(
        path.read_text()
        .replace("def test_gate(comparison):", "def test_gate(comparison, tmp_path):")
        .replace("assert_improves(comparison)", "open('ran', 'a').write('x'); assert_no_worse(comparison, margin=0.5)")
    )
    suite.run("--collect-only")
    assert not (suite.pytester.path / "ran").exists()
