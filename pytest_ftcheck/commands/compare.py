"""`ftcheck compare A B`: two recorded runs, or files of answers, paired case by case: what B won and lost against A.

Of a run its fine-tune is compared, and nothing is answered or graded again: the scores stand in the file that
`--ft-json` wrote. Files of answers are graded by the tests. It claims nothing; a gate between two models is a run with
`--base-model=A`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_ftcheck.commands.graded_answers import graded_answers, is_answers
from pytest_ftcheck.errors import ConfigError, StatisticsError
from pytest_ftcheck.records import CaseResult, EvalSummary, ModelRecord, Role, Run
from pytest_ftcheck.reports.reading import read_run

ALPHA = 0.05
WORST = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two files and what to print."""
    parser.add_argument(
        "a", type=Path, metavar="A", help="what is compared with: a file that --ft-json wrote, or answers.jsonl"
    )
    parser.add_argument("b", type=Path, metavar="B", help="another: what is compared")
    parser.add_argument("--tests", nargs="+", default=[], metavar="PATH", help="tests that grade files of answers")
    parser.add_argument("-v", "--verbose", action="store_true", help="the worst losses too")
    parser.add_argument("--json", action="store_true", help="print the document instead of the table")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison. Raises ConfigError for files that are no runs, or have no eval in common."""
    found = _found(arguments.a, arguments.b, arguments.tests)
    if not found.evals:
        raise ConfigError(f"{arguments.a} and {arguments.b} have no eval in common; allowed: runs of the same tests")
    if arguments.json:
        from pytest_ftcheck.reports.document import run_document

        print(json.dumps(run_document(found), indent=2, ensure_ascii=True, allow_nan=False))
        return 0
    from pytest_ftcheck.reports.terminal import verdict_table
    from pytest_ftcheck.reports.terminal_losses import worst_losses

    wide = shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else int(os.environ.get("COLUMNS", 120))
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(verdict_table(found, width=wide, colour=colour), end="")
    for one in found.evals if arguments.verbose else ():
        if one.worst:
            print(worst_losses(one, width=wide, colour=colour), end="")
    return 0


def compared(a: Run, b: Run) -> Run:
    """Return a run in which A's fine-tune stands as base and B's as ft, over the cases that both have graded.

    A case is the same where its id, input and expected answer are; what only one run has is counted in a notice.
    """
    earlier = {one.nodeid: one for one in a.evals}
    notices, evals = [], []
    for one in b.evals:
        other = earlier.get(one.nodeid)
        if other is None:
            notices.append(f"{one.name}: only in B")
            continue
        pairs = _pairs(other, one)
        left = sum(len(each.cases) + each.cases_left_out for each in (one, other)) - 2 * len(pairs)
        if left:
            notices.append(f"{one.name}: {left} cases stand in one of the runs alone, or changed, or have no grade")
        if other.metric != one.metric:
            notices.append(f"{one.name}: A graded by {other.metric}, B by {one.metric}; not compared")
        elif _is_corpus(one):
            notices.append(
                f"{one.name}: {one.metric} is no mean of its cases' scores; a run with --base-model compares it"
            )
        elif pairs:
            evals.append(_summary(one, pairs))
    notices += [f"{one.name}: only in A" for one in a.evals if one.nodeid not in {each.nodeid for each in b.evals}]
    return Run(
        id=b.id,
        started=b.started,
        duration_s=0.0,
        version=b.version,
        models=(*_standing(a, "base"), *_standing(b, "ft")),
        evals=tuple(evals),
        notices=tuple(notices),
    )


def _found(a: Path, b: Path, tests: Sequence[str]) -> Run:
    if is_answers(a) and is_answers(b):
        return graded_answers(base=a, ft=b, tests=tests)
    return compared(
        *(graded_answers(base=one, ft=one, tests=tests) if is_answers(one) else read_run(one) for one in (a, b))
    )


def _standing(run: Run, role: Role) -> tuple[ModelRecord, ...]:
    """Return a run's fine-tune as the model in `role`."""
    return tuple(replace(model, role=role) for model in run.models if model.role == "ft")


def _is_corpus(one: EvalSummary) -> bool:
    """Whether an eval's score is another than the mean of its cases', as those of F1 and BLEU are."""
    scores = [each.ft_score for each in one.cases if each.ft_score is not None]
    whole = len(scores) == one.n and one.ft is not None
    return whole and not math.isclose(sum(scores) / max(len(scores), 1), one.ft or 0.0, rel_tol=1e-9, abs_tol=1e-12)


def _pairs(a: EvalSummary, b: EvalSummary) -> list[CaseResult]:
    known = {(one.case.id, one.case.digest): one for one in a.cases if one.ft_score is not None}
    found = []
    for one in b.cases:
        other = known.get((one.case.id, one.case.digest))
        if other is not None and one.ft_score is not None:
            found.append(
                replace(
                    one,
                    base_answers=other.ft_answers,
                    base_grades=other.ft_grades,
                    base_score=other.ft_score,
                    outcome=_outcome(other.ft_score, one.ft_score),
                )
            )
    return found


def _outcome(base: float | None, ft: float | None) -> str:
    if base is None or ft is None:
        return ""
    return "win" if ft > base else "loss" if ft < base else "tie"


def _summary(one: EvalSummary, pairs: list[CaseResult]) -> EvalSummary:
    from pytest_ftcheck.stats.decide import judge_delta

    base = [pair.base_score or 0.0 for pair in pairs]
    ft = [pair.ft_score or 0.0 for pair in pairs]
    n = len(pairs)
    blank = EvalSummary(
        nodeid=one.nodeid,
        name=one.name,
        metric=one.metric,
        score_range=one.score_range,
        binary=one.binary,
        n=n,
        base=sum(base) / n,
        ft=sum(ft) / n,
        delta=sum(ft) / n - sum(base) / n,
        gained=sum(pair.outcome == "win" for pair in pairs),
        lost=sum(pair.outcome == "loss" for pair in pairs),
        ties=sum(pair.outcome == "tie" for pair in pairs),
        cases=tuple(pairs),
        worst=tuple(sorted((p for p in pairs if p.outcome == "loss"), key=_drop)[:WORST]),
        case_set=one.case_set,
    )
    clusters = [pair.case.cluster or pair.case.id for pair in pairs]
    try:
        found = judge_delta(
            base, ft, margin=0.0, kind="improves", alpha=ALPHA, score_range=one.score_range, clusters=clusters
        )
    except StatisticsError as error:
        return replace(blank, reason=str(error))
    return replace(blank, low=found.low, high=found.high, level=found.level, method=found.method, reason=found.reason)


def _drop(pair: CaseResult) -> float:
    return (pair.ft_score or 0.0) - (pair.base_score or 0.0)
