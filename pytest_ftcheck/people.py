"""People beside a judge: which of their ratings count for a run's answers, and what a run leaves them to rate.

It knows judged graders, cases and files of ratings; what the ratings prove is the statistics' affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_ftcheck.comparison import Metric
from pytest_ftcheck.data.labels import Label, answer_digest, labels_file, read_labels
from pytest_ftcheck.data.sheets import Sheet, SheetCase, write_sheet
from pytest_ftcheck.evals import EvalSpec
from pytest_ftcheck.grading.judge import expected_text, question_text
from pytest_ftcheck.grading.protocol import Grader
from pytest_ftcheck.records import ROLES, Answer, Case, CaseResult, Reply

LEAST_RATED = 20
"""Cases of which people must have rated both answers before they correct a judge."""
UNCALIBRATED = "uncalibrated judge"

Index = Mapping[tuple[str, str, frozenset[str]], Label]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """What people's ratings of an eval under one judge come to.

    `results` have people's scores where the judge is corrected by them, and none where `why` says why not: that its
    words are a judge's which nobody checked. `rated` counts the cases of which both answers are rated.
    """

    results: tuple[CaseResult, ...]
    rated: int
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Raters:
    """The people whose ratings stand in the files of a folder, each file read once."""

    folder: Path
    _labels: dict[Path, list[Label]] = field(default_factory=dict)

    def require_readable(self, spec: EvalSpec) -> None:
        """Read the ratings of an eval's judged graders. Raises CaseError naming file and line."""
        for grader in filter(can_be_rated, spec.graders):
            self.ratings(spec, grader, [])

    def ratings(self, spec: EvalSpec, grader: Grader, results: Sequence[CaseResult]) -> Ratings:
        """Return what people's ratings say of results under one judged grader. Raises CaseError."""
        if not can_be_rated(grader):
            return Ratings(results=tuple(results), rated=0, why=UNCALIBRATED)
        path = labels_file(self.folder, spec.name, grader.name)
        if path not in self._labels:
            self._labels[path] = read_labels(path)
        return rate(grader, results, self._labels[path])

    def beside(
        self, spec: EvalSpec, metrics: Sequence[Metric], results: Sequence[CaseResult]
    ) -> tuple[tuple[Metric, ...], Sequence[CaseResult]]:
        """Give results the scores of people who rated them, and each judged metric what stands behind it."""
        told = []
        for metric, grader in zip(metrics, spec.graders, strict=True):
            if metric.judge:
                found = self.ratings(spec, grader, results)
                results = found.results
                metric = replace(metric, judge=found.why or UNCALIBRATED)
            told.append(metric)
        return tuple(told), results

    def keep_sheets(self, spec: EvalSpec, results: Sequence[CaseResult], store: Path) -> None:
        """Leave an eval's judged answers in the store for people to rate. Raises an FtcheckError if it cannot be."""
        whole = [result for result in results if not result.missing]
        for grader in filter(can_be_rated, spec.graders):
            write_sheet(store, sheet_of(grader, spec.name, whole, self.folder))


def can_be_rated(grader: Grader) -> bool:
    """Whether people can be asked what this grader asks its judge."""
    return hasattr(grader, "asked")


def rate(grader: Any, results: Sequence[CaseResult], labels: Sequence[Label]) -> Ratings:
    """Give results the scores of people's ratings. Only ratings of the answers at hand, by these criteria, count.

    Where a model changed some of the answers that were rated, the ratings that are left are of the answers that did
    not change, which is no random sample: then none is used until the new answers are rated.
    """
    index = {label.key: label for label in labels if label.asked == grader.asked and _on_scale(grader, label)}
    known = {label.case for label in index.values()}
    scored = [_scores(grader, result, index) for result in results]
    whole = [any(b is not None and f is not None for b, f in zip(*each, strict=True)) for each in scored]
    lapsed = sum(
        not each and result.case.digest in known and _changed(result, index)
        for result, each in zip(results, whole, strict=True)
    )
    rated = sum(whole)
    if lapsed:
        why = f"{UNCALIBRATED}: {lapsed} of {rated + lapsed} rated cases have new answers to be rated"
    elif rated < LEAST_RATED:
        why = f"{UNCALIBRATED}: people rated {rated} cases, {LEAST_RATED} needed" if rated else UNCALIBRATED
        if not rated and any(label.case in {result.case.digest for result in results} for label in labels):
            why = f"{UNCALIBRATED}: people rated by other criteria"
    else:
        with_people = tuple(
            replace(result, people={**result.people, grader.name: dict(zip(ROLES, each, strict=True))})
            for result, each in zip(results, scored, strict=True)
        )
        return Ratings(results=with_people, rated=rated)
    return Ratings(results=tuple(results), rated=rated, why=why)


def sheet_of(grader: Any, eval_name: str, results: Sequence[CaseResult], folder: Path) -> Sheet:
    """Return what people can be asked about an eval's answers; ratings go to a file in `folder`."""
    cases = tuple(
        SheetCase(
            id=result.case.id,
            digest=result.case.digest,
            question=question_text(result.case),
            expected=expected_text(result.case) if grader.reference else None,
            base=tuple(map(str, result.base_answers)),
            ft=tuple(map(str, result.ft_answers)),
        )
        for result in results
        if all(isinstance(reply, Answer) for reply in (*result.base_answers, *result.ft_answers))
    )
    return Sheet(
        eval=eval_name,
        metric=grader.name,
        kind="pairwise" if grader.opposes else "rubric",
        criteria=tuple(grader.criteria),
        scale=None if grader.opposes else tuple(grader.scale),
        asked=grader.asked,
        labels=str(labels_file(folder, eval_name, grader.name)),
        cases=cases,
    )


def _on_scale(grader: Any, label: Label) -> bool:
    """Whether a rating is one of what this grader asks."""
    if grader.opposes or label.better:
        return bool(grader.opposes) and bool(label.better)
    return label.score is not None and grader.scale[0] <= label.score <= grader.scale[1]


def _scores(grader: Any, result: CaseResult, index: Index) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Return people's scores of base's and of ft's samples, in the metric's units; None where nobody rated."""
    base, ft = (
        tuple(_score(grader, result.case, own, other, index) for own, other in zip(mine, theirs, strict=True))
        for mine, theirs in (
            (result.base_answers, result.ft_answers),
            (result.ft_answers, result.base_answers),
        )
    )
    return base, ft


def _score(grader: Any, case: Case, own: Reply, other: Reply, index: Index) -> float | None:
    if not isinstance(own, Answer) or not isinstance(other, Answer):
        return None
    answers = {answer_digest(own), answer_digest(other)} if grader.opposes else {answer_digest(own)}
    label = index.get((grader.asked, case.digest, frozenset(answers)))
    if label is None:
        return None
    if not grader.opposes:
        low, high = grader.score_range
        least, most = grader.scale
        return float(low + (label.score - least) / (most - least) * (high - low))
    if label.better == "tie":
        return 0.5
    better = label.answer if label.better == "answer" else label.other
    return 1.0 if better == answer_digest(own) else 0.0


def _changed(result: CaseResult, index: Index) -> bool:
    """Whether some rating of a case is of an answer that is given no more."""
    replies = (*result.base_answers, *result.ft_answers)
    given = {answer_digest(reply) for reply in replies if isinstance(reply, Answer)}
    return any(case == result.case.digest and not answers <= given for _, case, answers in index)
