"""Comparisons whose cases carry people's scores: what of a claim they bear out, and how far judge and people agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_ftcheck.calibration import is_calibrated, reliability, weigh
from pytest_ftcheck.claims import Claim
from pytest_ftcheck.comparison import Comparison, Metric
from pytest_ftcheck.data.labels import Label, answer_digest
from pytest_ftcheck.errors import StatisticsError
from pytest_ftcheck.grading.pairwise import pairwise
from pytest_ftcheck.grading.rubric import rubric
from pytest_ftcheck.people import LEAST_RATED, rate, sheet_of
from pytest_ftcheck.records import Answer, Case, CaseResult, Grade
from pytest_ftcheck.stats import judge_calibrated

METRIC = Metric(name="rubric", binary=False, judge="uncalibrated judge")
IMPROVES = Claim(kind="improves", bound=0.1, alpha=0.05)


def result(
    number: int,
    base: Sequence[float],
    ft: Sequence[float],
    people: tuple[Sequence[float | None], Sequence[float | None]] | None = None,
    cluster: str | None = None,
) -> CaseResult:
    """One case with the judge's scores of its samples and people's."""
    none = ([None] * len(base), [None] * len(ft))
    rated = people or none
    return CaseResult(
        case=Case(id=f"c{number}", input=f"q{number}", cluster=cluster),
        base_answers=tuple(Answer(f"b{number} {k}") for k in range(len(base))),
        ft_answers=tuple(Answer(f"f{number} {k}") for k in range(len(ft))),
        base_grades={"rubric": tuple(map(Grade, base))},
        ft_grades={"rubric": tuple(map(Grade, ft))},
        people={"rubric": {"base": rated[0], "ft": rated[1]}},
    )


def compared(cases: Sequence[CaseResult], **more: Any) -> Comparison:
    """A comparison of judged cases."""
    metric = replace(METRIC, **more)
    return Comparison(eval="test_x", metrics=(metric,), cases=tuple(cases), metric=metric)


def drawn(n: int = 200, rated: int = 60, *, clusters: int = 0) -> list[CaseResult]:
    """Cases whose judge is one step too kind to ft in half of them."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(n):
        base, ft = rng.choice([0.0, 0.25, 0.5], size=2)
        kind = ft + 0.25 * rng.integers(0, 2)
        people = ([float(base)], [float(ft)]) if number % (n // rated) == 0 else None
        label = f"k{number % clusters}" if clusters else None
        found.append(result(number, [float(base)], [float(kind)], people, label))
    return found


def test_the_rated_cases_correct_the_others() -> None:
    """The evidence is PPI++ of the differences on rated and other cases, wherever those stand."""
    cases = drawn()
    found = weigh(compared(cases), IMPROVES)
    judged = [case.ft_grades["rubric"][0].score - case.base_grades["rubric"][0].score for case in cases]
    people = [case.people["rubric"] for case in cases]
    there = [at for at, each in enumerate(people) if each["ft"][0] is not None]
    said = [people[at]["ft"][0] - people[at]["base"][0] for at in there]
    rest = [judged[at] for at in range(len(cases)) if at not in there]
    expected = judge_calibrated(
        said, [judged[at] for at in there], rest, kind="improves", bound=0.1, alpha=0.05, score_range=(-1.0, 1.0)
    )
    assert found == expected
    assert found.rated == len(there)


def test_only_rated_samples_are_set_beside_people() -> None:
    """Of three samples one is rated: the judge's score of that one is compared, its mean of all three where none is."""
    cases = [
        result(n, [0.0, 0.0, 1.0], [1.0, 0.5, 0.0], ([None, 0.0, None], [None, 0.25, None]) if n < 30 else None)
        for n in range(60)
    ]
    found = weigh(compared(cases), IMPROVES)
    flat = judge_calibrated(
        [0.25] * 30, [0.5] * 30, [1 / 6] * 30, kind="improves", bound=0.1, alpha=0.05, score_range=(-1.0, 1.0)
    )
    assert found.estimate == pytest.approx(flat.estimate)


def test_clusters_widen() -> None:
    """Cases that come in clusters are fewer than they look; clusters of one are none."""
    plain = weigh(compared(drawn()), IMPROVES)
    few = weigh(compared(drawn(clusters=12)), IMPROVES)
    alone = weigh(compared(drawn(clusters=200)), IMPROVES)
    assert "CR2" in few.method
    assert alone == plain


def test_where_less_is_better_the_sign_turns_back() -> None:
    """An error rate's delta keeps its sign, and "improves" is about its fall."""
    cases = [result(n, [1.0], [0.0], ([1.0], [0.0]) if n % 2 else None) for n in range(120)]
    found = weigh(compared(cases, lower_is_better=True), IMPROVES)
    assert found.estimate == pytest.approx(-1.0)
    assert found.low <= found.estimate <= found.high
    assert found.p_pass < 0.05


def test_a_slice_without_ratings_says_so() -> None:
    """A part of which people rated two cases is not judged, and is not left to the judge alone."""
    cases = [result(n, [0.0], [1.0], ([0.0], [1.0]) if n < 2 else None) for n in range(50)]
    assert is_calibrated(compared(cases))
    with pytest.raises(StatisticsError, match="n == 2 rated cases, at least 3 needed"):
        weigh(compared(cases), IMPROVES)


def test_agreement_counts_answers_and_pairs() -> None:
    """A rubric has two items a case, one where the answers are equal; a comparison has one."""
    cases = [result(n, [0.0], [1.0], ([0.0], [float(n % 2)])) for n in range(30)]
    found = reliability(compared(cases), 5)
    assert found is not None
    assert (found.rated, found.items) == (30, 60)
    assert found.coefficients[0].estimate == pytest.approx(0.75)
    same = [replace(case, ft_answers=case.base_answers) for case in cases]
    once = reliability(compared(same), 5)
    pairs = reliability(compared(cases, opposes=True), 3)
    assert once is not None
    assert pairs is not None
    assert (once.items, pairs.items) == (30, 30)


def test_without_ratings_there_is_no_agreement() -> None:
    """Where nobody rated there is nothing to report; where all say one thing kappa is undefined, with why."""
    assert reliability(compared([result(0, [0.0], [1.0])]), 5) is None
    flat = reliability(compared([result(n, [1.0], [1.0], ([1.0], [1.0])) for n in range(20)]), 5)
    assert flat is not None
    kappa = flat.coefficients[1]
    assert kappa.estimate is None
    assert "all in one category" in kappa.reason


def labelled(grader: Any, cases: Sequence[CaseResult], score: int = 3) -> list[Label]:
    """Ratings of all answers of some cases."""
    return [
        Label(asked=grader.asked, case=one.case.digest, id=one.case.id, answer=answer_digest(answer), score=score)
        for one in cases
        for answer in (*one.base_answers, *one.ft_answers)
    ]


def test_scores_of_people_are_in_the_metrics_units() -> None:
    """3 on a scale of 1 to 5 is a half, or 3 where scores are not normalised."""
    cases = [result(n, [0.0], [1.0]) for n in range(LEAST_RATED)]
    for grader, expected in ((rubric("x"), 0.5), (rubric("x", normalize=False), 3.0)):
        found = rate(grader, cases, labelled(grader, cases))
        assert found.why == ""
        assert {found.results[0].people["rubric"][role] for role in ("base", "ft")} == {(expected,)}


def test_a_rating_off_the_scale_is_of_another_question() -> None:
    """A score that the rubric does not have does not count."""
    grader = rubric("x", scale=(0, 1))
    cases = [result(n, [0.0], [1.0]) for n in range(30)]
    assert rate(grader, cases, labelled(grader, cases, score=3)).rated == 0


def test_one_changed_answer_lapses_all() -> None:
    """Where one rated case has a new answer, the rest is no random sample."""
    grader = rubric("x")
    cases = [result(n, [0.0], [1.0]) for n in range(30)]
    labels = labelled(grader, cases)
    changed = [replace(cases[0], ft_answers=(Answer("new"),)), *cases[1:]]
    found = rate(grader, changed, labels)
    assert found.why == "uncalibrated judge: 1 of 30 rated cases have new answers to be rated"
    assert found.results == tuple(changed)
    both = [*labels, *labelled(grader, changed[:1])]
    assert rate(grader, changed, both).rated == 30


def test_a_review_that_was_left_halfway_counts_whole_cases() -> None:
    """A case of which one answer is rated so far is neither rated nor changed."""
    grader = rubric("x")
    cases = [result(n, [0.0], [1.0]) for n in range(30)]
    assert rate(grader, cases, labelled(grader, cases)[:-1]).rated == 29
    assert rate(grader, cases, labelled(grader, cases)[:-1]).why == ""


def test_a_pair_is_rated_in_either_order() -> None:
    """Whose answer stood first does not matter: base's score is one minus ft's."""
    grader = pairwise("x")
    cases = [result(n, [0.0], [1.0]) for n in range(LEAST_RATED)]
    labels = []
    for number, one in enumerate(cases):
        first, second = (one.base_answers, one.ft_answers)[:: 1 if number % 2 else -1]
        better = "other" if number % 2 else "answer"
        common = {"asked": grader.asked, "case": one.case.digest, "id": one.case.id, "better": better}
        labels.append(Label(answer=answer_digest(first[0]), other=answer_digest(second[0]), **common))
    found = rate(grader, cases, labels)
    assert {one.people["pairwise"]["ft"] for one in found.results} == {(1.0,)}
    assert {one.people["pairwise"]["base"] for one in found.results} == {(0.0,)}


def test_a_sheet_has_no_scores(tmp_path: Any) -> None:
    """What is left for people holds answers and questions, and no judge's word."""
    sheet = sheet_of(rubric("x"), "test_x", [result(0, [0.0], [0.75])], tmp_path)
    assert "0.75" not in repr(sheet)
    assert sheet.cases[0].expected is None
    assert sheet.labels == str(tmp_path / "test_x.rubric.jsonl")
