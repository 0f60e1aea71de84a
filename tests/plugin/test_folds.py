"""Folds of a small set: each fold's fine-tune answers its own cases, and one gate judges all of them."""

from __future__ import annotations

from pytest_ftcheck.cli import main
from tests.plugin.conftest import Suite

FOLDS = """
from pytest_ftcheck import assert_improves, assert_no_worse, eval_cases, exact_match, gate, union

@eval_cases("cases-split/fold-1.test.jsonl", grader=exact_match())
def test_fold_1(case, answer): ...

@eval_cases("cases-split/fold-2.test.jsonl", grader=exact_match())
def test_fold_2(case, answer): ...

@eval_cases("cases-split/fold-3.test.jsonl", grader=exact_match())
def test_fold_3(case, answer): ...

@gate(test_fold_1, test_fold_2, test_fold_3)
def test_kept(comparisons):
    {body}

@gate(test_fold_1)
def test_one_fold(comparison):
    assert_no_worse(comparison, margin=0.05)
"""


def write(suite: Suite, body: str) -> None:
    """Write 60 cases that both roles answer right, in three folds, and the gates."""
    suite.write((60, 0, 0, 0))
    main(["split", str(suite.pytester.path / "cases.jsonl"), "--folds", "3"])
    suite.pytester.makepyfile(test_suite=FOLDS.format(body=body))


def test_a_gate_over_the_union_has_all_cases(suite: Suite) -> None:
    """60 ties prove a margin of 5 points, of which the 20 of one fold prove nothing."""
    write(suite, "assert_no_worse(union(comparisons), margin=0.05)")
    suite.run()
    gates = suite.gates()
    assert (gates["test_kept"]["verdict"], gates["test_kept"]["n"]) == ("pass", 60)
    assert (gates["test_one_fold"]["verdict"], gates["test_one_fold"]["n"]) == ("inconclusive", 20)


def test_the_union_is_foretold(suite: Suite) -> None:
    """A union that is too small for its claim says so at collection."""
    write(suite, "assert_no_worse(union(comparisons), margin=0.02)")
    suite.run("--collect-only").stdout.fnmatch_lines(["test_kept: *cannot be proven with 60 cases*at least 149"])


def test_a_union_of_a_part_is_partial(suite: Suite) -> None:
    """Under --ft-limit the union cannot pass as whole."""
    write(suite, "assert_improves(union(comparisons), by=0.05)")
    suite.answers((0, 60, 0, 0))
    suite.run("--ft-limit=10")
    gate = suite.gates()["test_kept"]
    assert (gate["verdict"], gate["n"]) == ("inconclusive", 30)
    assert "--ft-limit" in gate["reason"]


def test_a_case_in_two_folds_is_refused(suite: Suite) -> None:
    """A union that would count a case twice is an error."""
    write(suite, "assert_improves(union([*comparisons, comparisons[0]]))")
    suite.run().stdout.fnmatch_lines(["*stands in test_fold_1 too; allowed: each case in one fold*"])


def test_other_graders_are_refused(suite: Suite) -> None:
    """A union of evals that are graded otherwise is an error that names them."""
    write(suite, "assert_improves(union(comparisons))")
    path = suite.pytester.path / "test_suite.py"
    text = path.read_text().replace("import assert_improves", "import contains, assert_improves")
    path.write_text(text.replace('fold-2.test.jsonl", grader=exact_match()', 'fold-2.test.jsonl", grader=contains()'))
    suite.run().stdout.fnmatch_lines(["*test_fold_1 (exact_match) and test_fold_2 (contains)*same graders*"])
