"""One item for a whole eval: the same verdicts, the counts of its cases, and errors that name them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugin.conftest import Suite
from tests.support.projects import Project, questions

TABLE = (60, 30, 6, 24)
BODY = "assert_improves(comparison, by=0.05)"
WHOLE = "--ft-items=eval"


@pytest.fixture
def by_case(suite: Suite) -> dict[str, Any]:
    """What the run says with an item for each case."""
    suite.write(TABLE, body=BODY)
    suite.run()
    return found(suite)


def found(suite: Suite) -> dict[str, Any]:
    """Gates and evals of the last run."""
    document = suite.document()
    return {name: document[name] for name in ("gates", "evals")}


@pytest.mark.parametrize(
    "args", [(), ("-n", "2"), ("-k", "test_intent or test_gate"), ("--ft-store=fresh",)], ids=" ".join
)
def test_the_same_verdicts(suite: Suite, by_case: dict[str, Any], args: tuple[str, ...]) -> None:
    """Gates and evals are what they are with an item for each case, and pytest counts two tests."""
    result = suite.run(WHOLE, *args)
    result.assert_outcomes(passed=2)
    assert found(suite) == by_case


def test_its_word_counts_the_cases(suite: Suite) -> None:
    """Under -v an eval says how its cases stand."""
    suite.write(TABLE, body=BODY)
    result = suite.run(WHOLE, "-v")
    result.stdout.fnmatch_lines(["*::test_intent 30 WINS, 6 LOSSES, 60 BOTH RIGHT, 24 BOTH WRONG*"])


def test_without_a_model_it_is_skipped(suite: Suite) -> None:
    """One skip an eval, with why."""
    suite.write(TABLE)
    result = suite.pytester.runpytest("-rs", WHOLE)
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*needs --ft-model*"])


def test_a_case_without_an_answer_is_named(suite: Suite) -> None:
    """The eval is an error that names the case, and so is its gate."""
    suite.write(TABLE)
    answers = suite.pytester.path / "ft.jsonl"
    answers.write_text("".join(line for line in answers.read_text().splitlines(True) if '"c7"' not in line))
    result = suite.run(WHOLE)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*1 of 120 cases have no pair of grades (c7: *"])
    (entry,) = suite.document()["evals"]
    assert entry["missing"] == ["c7"]


def test_last_failed_takes_the_eval_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an engine that could not be opened, --lf runs the eval and its gate again."""
    project.write(questions(12), base={"*": "no"}, ft={"*": "yes"})
    options = [one for one in project.options(WHOLE) if one not in ("-p", "no:cacheprovider", "no:randomly")]
    monkeypatch.setenv("ENGINE_IS_BROKEN", "1")
    project.pytester.runpytest(*options).assert_outcomes(errors=2)
    monkeypatch.delenv("ENGINE_IS_BROKEN")
    project.pytester.runpytest(*options, "--lf").assert_outcomes(passed=2)
    assert project.verdict() == "pass"


def test_another_word_is_refused(suite: Suite) -> None:
    """What the option takes is said."""
    suite.write(TABLE)
    result = suite.run("--ft-items=all")
    result.stderr.fnmatch_lines(["*--ft-items is 'all'; allowed: case or eval"])
