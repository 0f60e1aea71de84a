"""Metrics of the whole corpus in gates: values are the reference's, intervals a jackknife's; stored grades do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
import sacrebleu
from sklearn.metrics import confusion_matrix, f1_score

from pytest_ftcheck.grading import extras
from pytest_ftcheck.grading.classification import Classification
from pytest_ftcheck.grading.translation import Translation
from tests.plugin.conftest import Suite, write_jsonl
from tests.support.projects import Project

SUITE = """
from pytest_ftcheck import *

@eval_cases("cases.jsonl", {arguments})
def test_intent(case, answer): ...

@gate(test_intent)
def test_gate(comparison):
    {body}
"""
Row = tuple[str, str, str]
"""What a case expects, and what base and ft answer."""


def write(suite: Suite, rows: Sequence[Row], *, arguments: str, body: str, **fields: Any) -> None:
    """Write cases with both roles' answers, and the test file; each of `fields` makes a field from a case's number."""
    cases = [
        {"id": f"c{at}", "input": f"question {at}", "expected": expected, **{k: make(at) for k, make in fields.items()}}
        for at, (expected, _, _) in enumerate(rows)
    ]
    write_jsonl(suite.pytester.path / "cases.jsonl", cases)
    for name, column in (("base", 1), ("ft", 2)):
        answers = [{"case": f"c{at}", "answer": row[column]} for at, row in enumerate(rows)]
        write_jsonl(suite.pytester.path / f"{name}.jsonl", answers)
    suite.pytester.makepyfile(test_suite=SUITE.format(arguments=arguments, body=body))


def document(suite: Suite) -> dict[str, Any]:
    """The last run's JSON file."""
    found: dict[str, Any] = json.loads((suite.pytester.path / "verdicts.json").read_text(encoding="utf-8"))
    return found


def routed(n: int) -> list[Row]:
    """Return cases of spam and ham; base finds two thirds of the spam, ft nearly all."""
    rows = []
    for at in range(n):
        expected = "spam" if at % 3 else "ham"
        base = expected if at % 7 not in (1, 4) else {"spam": "ham", "ham": "spam"}[expected]
        rows.append((expected, base if at % 11 else "no idea", expected if at % 19 else "ham"))
    return rows


F1 = 'grader=f1(["spam", "ham"], positive="spam")'


def test_f1_of_both_roles_is_the_references(suite: Suite) -> None:
    """The verdict's figures are scikit-learn's F1 over all cases, and the interval is a jackknife's."""
    rows = routed(200)
    write(suite, rows, arguments=F1, body="assert_improves(comparison, by=0.02)")
    assert suite.run().ret == 0
    gate = suite.gates()["test_gate"]
    expected, *answers = zip(*rows, strict=True)
    base, ft = (f1_score(expected, each, labels=["spam"], average="macro") for each in answers)
    assert (gate["base"], gate["ft"], gate["delta"]) == pytest.approx((base, ft, ft - base))
    # Most cases are answered alike, so the guard against too small a variance is on.
    assert gate["method"] == "jackknife t (guarded)"
    assert gate["low"] < gate["delta"] < gate["high"]


def test_cases_are_still_gained_and_lost_one_by_one(suite: Suite) -> None:
    """A case's own score is whether its label is right."""
    rows = routed(200)
    write(suite, rows, arguments=F1, body="assert_improves(comparison)")
    suite.run()
    gate = suite.gates()["test_gate"]
    assert gate["gained"] == sum(ft == want != base for want, base, ft in rows)
    assert gate["lost"] == sum(base == want != ft for want, base, ft in rows)


def test_clusters_are_left_out_whole(suite: Suite) -> None:
    """Cases of one document are not independent: the jackknife's values go to CR2."""
    write(
        suite,
        routed(200),
        arguments=f'{F1}, cluster="page"',
        body="assert_improves(comparison)",
        page=lambda at: at // 4,
    )
    suite.run()
    assert suite.gates()["test_gate"]["method"] == "jackknife CR2"


def test_slices_have_values_of_their_own(suite: Suite) -> None:
    """per= sums the statistics of each slice apart."""
    rows = routed(200)
    write(
        suite,
        rows,
        arguments=f'{F1}, tags=["half"]',
        body='assert_no_worse(comparison, margin=0.1, per="half")',
        half=lambda at: "one" if at < 100 else "two",
    )
    suite.run()
    (claim,) = suite.gates()["test_gate"]["claims"]
    for part, chosen in zip(claim["slices"], (rows[:100], rows[100:]), strict=True):
        expected, base, ft = zip(*chosen, strict=True)
        want = [f1_score(expected, each, labels=["spam"], average="macro") for each in (base, ft)]
        assert [part["base"], part["ft"]] == pytest.approx(want)


def test_a_floor_is_judged_on_fts_value(suite: Suite) -> None:
    """assert_at_least takes the jackknife of one role."""
    write(suite, routed(200), arguments=F1, body="assert_at_least(comparison, floor=0.9)")
    assert suite.run().ret == 0
    gate = suite.gates()["test_gate"]
    assert (gate["base"], gate["method"]) == (None, "jackknife t (guarded)")
    assert 0.9 < gate["low"] < gate["ft"] < gate["high"] <= 1.0


def test_a_value_that_is_not_defined_decides_nothing(suite: Suite) -> None:
    """Base never says spam: its precision is a share of nothing, which the verdict says."""
    rows = [("spam" if at % 2 else "ham", "dunno", "spam" if at % 2 else "ham") for at in range(60)]
    write(
        suite,
        rows,
        arguments='grader=precision(["spam", "ham"], positive="spam")',
        body="assert_improves(comparison)",
    )
    assert suite.run().ret == 1
    gate = suite.gates()["test_gate"]
    assert gate["verdict"] == "inconclusive"
    assert gate["reason"] == "precision of 'spam' is not defined: no answer is that label (for base's all cases)"
    assert (gate["base"], gate["ft"], gate["delta"]) == (None, 1.0, None)


def test_a_jackknife_that_loses_the_only_case_decides_nothing(suite: Suite) -> None:
    """With one spam among the cases, recall without it is a share of nothing."""
    rows = [("spam" if at == 7 else "ham", "ham", "spam" if at == 7 else "ham") for at in range(60)]
    write(suite, rows, arguments='grader=recall(["spam", "ham"], positive="spam")', body="assert_improves(comparison)")
    suite.run()
    gate = suite.gates()["test_gate"]
    assert gate["verdict"] == "inconclusive"
    assert "no case expects that label (for base's all but case 7)" in gate["reason"]
    assert (gate["base"], gate["ft"]) == (0.0, 1.0)


def test_the_confusion_tables_are_in_json_and_terminal(suite: Suite) -> None:
    """One for each role, as scikit-learn counts them; the terminal shows them under -v."""
    rows = routed(90)
    write(suite, rows, arguments='grader=accuracy(["spam", "ham"])', body="assert_improves(comparison)")
    shown = suite.run("-v")
    tables = document(suite)["evals"][0]["tables"]
    expected, base, ft = zip(*rows, strict=True)
    for table, answers in zip(tables, (base, ft), strict=True):
        seen = [answer if answer in ("spam", "ham") else "(none)" for answer in answers]
        matrix = confusion_matrix(expected, seen, labels=["spam", "ham", "(none)"])
        assert [row[1:] for row in table["rows"]] == matrix[:2].tolist()
    shown.stdout.fnmatch_lines(["confusion of test_intent (base)", "expected  spam  ham  (none)", "confusion of*(ft)"])
    assert "confusion of" not in suite.run().stdout.str()


def test_metrics_of_the_same_labels_share_their_tables(suite: Suite) -> None:
    """Accuracy beside F1 shows each role's confusions once."""
    arguments = 'grader=[accuracy(["spam", "ham"]), f1(["spam", "ham"], positive="spam")]'
    write(suite, routed(30), arguments=arguments, body="assert_improves(comparison)")
    suite.run()
    assert [table["role"] for table in document(suite)["evals"][0]["tables"]] == ["base", "ft"]


def test_fields_have_a_table(suite: Suite) -> None:
    """Extraction shows how often each role has each field right; an answer that is no JSON has none."""
    right, wrong = json.dumps({"order": 7, "name": "tea"}), json.dumps({"order": 7, "name": "milk"})
    rows = [(right, wrong if at % 2 else "no JSON", right) for at in range(40)]
    write(suite, rows, arguments="grader=json_fields()", body="assert_improves(comparison)")
    suite.run()
    (table,) = document(suite)["evals"][0]["tables"]
    assert table["columns"] == ["field", "answers", "base", "ft"]
    assert table["rows"] == [["name", 40, 0.0, 1.0], ["order", 40, 0.5, 1.0]]


WORDS = re.findall(
    r"\w+", "the old cat sat on a warm mat near our door while it rained and nobody came home before noon"
)


def translated(n: int) -> list[Row]:
    """Return sentences; base has more of the words wrong than ft."""
    rows = []
    for at in range(n):
        sentence = [WORDS[(at * 7 + step * (at % 3 + 1)) % len(WORDS)] for step in range(9)]
        base = [word if step % 4 != at % 4 else "x" for step, word in enumerate(sentence)]
        ft = [word if step != at % 9 or at % 3 == 0 else "y" for step, word in enumerate(sentence)]
        rows.append((" ".join(sentence), " ".join(base), " ".join(ft)))
    return rows


@pytest.mark.parametrize(
    ("name", "metric"), [("bleu", sacrebleu.BLEU()), ("chrf", sacrebleu.CHRF()), ("ter", sacrebleu.TER())]
)
def test_translations_have_sacrebleus_score_and_signature(suite: Suite, name: str, metric: Any) -> None:
    """The gate's figures are corpus scores, 0 to 100, and its method says how they were made."""
    rows = translated(60)
    write(suite, rows, arguments=f"grader={name}()", body="assert_improves(comparison, by=1.0)")
    shown = suite.run()
    assert shown.ret == 0
    gate = suite.gates()["test_gate"]
    references, base, ft = ([*column] for column in zip(*rows, strict=True))
    scores = [metric.corpus_score(each, [references]).score for each in (base, ft)]
    assert (gate["base"], gate["ft"], gate["delta"]) == pytest.approx((*scores, scores[1] - scores[0]))
    assert gate["method"].split("|", 1)[1] == str(metric.get_signature())
    assert str(metric.get_signature()) in shown.stdout.str().replace("\n", "")
    assert gate["percent"] is False


def test_of_ter_less_is_better(suite: Suite) -> None:
    """Fewer edits are an improvement, more a regression; gained cases are those with fewer; the claim says so."""
    rows = translated(60)
    write(suite, rows, arguments="grader=ter()", body="assert_improves(comparison)")
    suite.run()
    gate = suite.gates()["test_gate"]
    assert gate["delta"] < 0
    assert gate["high"] < 0
    assert gate["gained"] > gate["lost"] == 0
    assert gate["claim"] == "improves by 0 (less is better)"
    write(
        suite,
        [(want, ft, base) for want, base, ft in rows],
        arguments="grader=ter()",
        body="assert_no_worse(comparison, margin=1)",
    )
    assert suite.run().ret == 1
    assert (suite.gates()["test_gate"]["verdict"], suite.gates()["test_gate"]["words"]) == ("fail", "regression")


def test_a_floor_under_an_error_rate_is_refused(suite: Suite) -> None:
    """At least so many errors is nothing to claim."""
    write(suite, translated(9), arguments="grader=ter()", body="assert_at_least(comparison, floor=50)")
    assert suite.run().ret == 1
    assert "of which less is better" in suite.gates()["test_gate"]["reason"]


def test_a_second_run_grades_nothing_again(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grades from the store carry their statistics: the same verdict without the metric."""
    write(
        suite,
        translated(60),
        arguments="grader=[bleu(), f1(['a', 'b'], positive='a')][:1]",
        body="assert_improves(comparison)",
    )
    suite.run()
    before = suite.gates()["test_gate"]
    monkeypatch.setattr(Translation, "measured", lambda grader, job: pytest.exit("graded again"))
    assert suite.run().ret == 0
    assert suite.gates()["test_gate"] == before


def test_samples_are_averaged_within_the_case(project: Project) -> None:
    """The statistics of a case are the mean of its samples', so that n stays the number of cases."""
    rows = [{"id": f"c{at}", "input": f"q {at}", "expected": "yes" if at % 2 else "no"} for at in range(40)]
    arguments = 'grader=f1(["yes", "no"], positive="yes"), samples=3'
    project.write(rows, base={"*": "b"}, ft={"*": "f"}, arguments=arguments, body="assert_improves(comparison)")
    path = project.path / "test_suite.py"
    path.write_text(path.read_text().replace("exact_match, gate", "exact_match, f1, gate"))
    project.run(engine="Drawing")
    (gate,) = project.document()["gates"]
    assert gate["n"] == 40
    assert gate["method"].startswith("jackknife t")
    assert 0 < gate["base"] < gate["ft"] < 1


def test_a_users_grader_may_be_a_corpus_metric(suite: Suite) -> None:
    """Any grader with a `corpus` and statistics is one."""
    write(suite, routed(80), arguments="grader=Ratio()", body="assert_equivalent(comparison, within=0.5)")
    path = suite.pytester.path / "test_suite.py"
    path.write_text(
        "class Ratio:\n"
        "    name, score_range, binary, fingerprint = 'ratio', (0.0, 1.0), False, None\n"
        "    @property\n"
        "    def corpus(self): return self\n"
        "    def value(self, sums): return sums[0] / sums[1]\n"
        "    def __call__(self, case, answer):\n"
        "        return Grade(0.5, detail={'statistics': [answer.count('a'), len(answer)]})\n" + path.read_text()
    )
    suite.run()
    rows = routed(80)
    ft = [row[2] for row in rows]
    want = sum(text.count("a") for text in ft) / sum(map(len, ft))
    assert suite.gates()["test_gate"]["ft"] == pytest.approx(want)


def test_a_corpus_metric_without_statistics_is_a_graders_fault(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is an error that names grader and case, not a mean of the scores."""
    made = Classification.__call__
    monkeypatch.setattr(Classification, "__call__", lambda grader, *pair: type(made(grader, *pair))(1.0))
    write(suite, routed(30), arguments=F1, body="assert_improves(comparison)")
    assert suite.run().ret == 1
    gate = suite.gates()["test_gate"]
    assert gate["verdict"] == "error"
    assert "grader f1, case 'c0'" in gate["reason"]
    assert "detail['statistics'] is None" in gate["reason"]


def test_a_missing_extra_is_an_error_of_collection(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends before any model is loaded, with the line to type."""
    write(suite, translated(9), arguments="grader=bleu()", body="assert_improves(comparison)")
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    result = suite.run()
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*bleu needs the package sacrebleu*pip install 'pytest-ftcheck?text?'*"])
