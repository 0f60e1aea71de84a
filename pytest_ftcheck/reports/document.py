"""A run as plain JSON: the facts of every other report, for programs. `run.schema.json` describes each of them.

Numbers are in the metric's units (proportions 0 to 1), finite, and null where there is none; text is as it was found,
but that a lone surrogate, which is no Unicode text, is written as its escape. Additions keep the schema's version; a
change that an old reader would misread raises it.
"""

from __future__ import annotations

import json
import math
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from pytest_ftcheck.records import (
    Calibration,
    CaseResult,
    Decision,
    EvalSummary,
    Failure,
    GateResult,
    Grade,
    Habits,
    Leak,
    ModelRecord,
    Registration,
    Reply,
    Run,
    Table,
    ThirdScore,
    TrainingLog,
    Verdict,
    WinRate,
)
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.files import write_whole
from pytest_ftcheck.reports.losses import last_question
from pytest_ftcheck.reports.selection import kept_cases

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("run.schema.json")

_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}


def run_document(run: Run) -> dict[str, Any]:
    """Return all facts of a run as dicts, lists, strings, bools, finite numbers and None, as the schema has them."""
    decision = wording.overall(run)
    kept = kept_cases(run.evals)
    return {
        "schema_version": SCHEMA_VERSION,
        "id": _plain(run.id),
        "version": _plain(run.version),
        "started": _plain(run.started),
        "duration_s": _plain(run.duration_s),
        "decision": decision.value if decision is not None else None,
        "summary": wording.closing_line(run),
        "inconclusive": run.inconclusive,
        "limit": run.limit,
        "versions": _plain(run.versions),
        "counts": _counts(run),
        "notices": [_plain(notice) for notice in run.notices],
        "registration": _registration(run.registration),
        "training": _training(run.training),
        "diagnosis": [_named(finding, _FINDING) for finding in run.diagnosis],
        "models": [_model(model) for model in run.models],
        "gates": [_gate(result) for result in run.gates],
        "probes": [{name: _plain(getattr(found, name)) for name in _PROBE} for found in run.probes],
        "evals": [_eval(summary, cases) for summary, cases in zip(run.evals, kept, strict=True)],
    }


def write_json(run: Run, path: Path) -> None:
    """Write a run's document to `path` in one step, a case a line. Raises ConfigError naming the path."""
    write_whole(path, _spelled(run_document(run)).encode("ascii"), what="JSON report")


def _spelled(document: dict[str, Any]) -> str:
    """Write a document indented, but for its cases, each of which has a line of its own."""
    # A random mark, so that no text of the run can pass for it.
    mark = secrets.token_hex(16)
    held = [one["cases"] for one in document["evals"]]
    hollow = [{**one, "cases": f"{mark}{number}"} for number, one in enumerate(document["evals"])]
    text = json.dumps({**document, "evals": hollow}, ensure_ascii=True, allow_nan=False, indent=2) + "\n"
    for number, cases in enumerate(held):
        lines = [json.dumps(case, ensure_ascii=True, allow_nan=False) for case in cases]
        written = "".join(["[\n        ", ",\n        ".join(lines), "\n      ]"]) if lines else "[]"
        text = text.replace(f'"{mark}{number}"', written, 1)
    return text


def _registration(found: Registration | None) -> dict[str, Any] | None:
    if found is None:
        return None
    state = "pre-registered" if found.stands else "changed"
    return {"state": state, **{name: _plain(getattr(found, name)) for name in ("lock", "frozen", "changes")}}


def _leak(leak: Leak) -> dict[str, Any]:
    return {
        name: _plain(getattr(leak, name))
        for name in ("case", "train_line", "kind", "part", "similarity", "rows", "last_line")
    }


_TRAINING = ("path", "training", "validation", "pattern", "evidence", "best_step", "best_loss", "global_step")


def _training(found: TrainingLog | None) -> dict[str, Any] | None:
    return None if found is None else _named(found, _TRAINING)


_FINDING = ("name", "sure", "what", "evidence", "remedies", "gates")


def _counts(run: Run) -> dict[str, int]:
    tally = Counter(result.decision for result in run.gates)
    return {
        **{decision.value: tally[decision] for decision in Decision},
        "gates": len(run.gates),
        "evals": len(run.evals),
        "cases": sum(summary.n for summary in run.evals),
        "missing": sum(len(summary.missing) for summary in run.evals),
        "answered": run.answered,
        "from_store": run.from_store,
    }


_MODEL = ("role", "source", "kind", "fingerprint", "engine", "profile", "prompting")


def _model(model: ModelRecord) -> dict[str, Any]:
    return _named(model, _MODEL)


def _gate(result: GateResult) -> dict[str, Any]:
    """Return a gate: its own decision, the facts of the verdict that decided it, and all verdicts under `claims`."""
    decided = result.verdict if result.verdict is not None else _unjudged(result)
    return {
        "nodeid": _plain(result.nodeid),
        "name": _plain(result.name),
        **_facts(decided),
        "verdict": result.decision.value,
        "words": wording.gate_words(result),
        "evals": [_plain(name) for name in decided.evals or result.evals],
        "also": _third(decided.also),
        "claims": [_claim(verdict, result) for verdict in result.verdicts],
    }


def _unjudged(result: GateResult) -> Verdict:
    return Verdict(claim="", decision=result.decision, words="", reason=result.reason, evals=result.evals)


def _claim(verdict: Verdict, result: GateResult) -> dict[str, Any]:
    return {
        "verdict": verdict.decision.value,
        "slice": _plain(verdict.slice),
        "line": wording.verdict_line(verdict),
        **_facts(verdict),
        "words": wording.verdict_words(verdict),
        "evals": [_plain(name) for name in verdict.evals or result.evals],
        "also": _third(verdict.also),
        "slices": [_claim(part, result) for part in verdict.by_slice],
    }


_PROBE = ("nodeid", "capability", "kind", "n", "failed", "base_failed", "new")

_FACTS = (
    *("claim", "metric", "base", "ft", "delta", "low", "high", "level", "bound", "n", "gained", "lost"),
    *(
        "pass_above",
        "pass_below",
        "method",
        "p_value",
        "p_fail",
        "alpha",
        "detectable",
        "needed_cases",
        "percent",
        "reason",
        "rated",
        "wider",
        "kind",
        "baseline",
        "at_chance",
    ),
)


def _facts(verdict: Verdict) -> dict[str, Any]:
    return _named(verdict, _FACTS)


_SUMMARY = (
    *("nodeid", "name", "metric", "binary", "n", "base", "ft", "delta", "low", "high", "level", "method"),
    *("gained", "lost", "both_right", "both_wrong", "ties", "reason"),
    *("case_set", "variance_between_cases", "variance_between_samples"),
    "lower_is_better",
    "signatures",
    *("base_length", "ft_length", "delta_at_equal_length", "gain_by_length"),
    *("samples", "decoding", "alike"),
)


def _eval(summary: EvalSummary, cases: Sequence[CaseResult]) -> dict[str, Any]:
    return {
        **{name: _plain(getattr(summary, name)) for name in _SUMMARY},
        "score_range": [_plain(end) for end in summary.score_range],
        "missing": [_plain(case) for case in summary.missing],
        "leaks": [_leak(leak) for leak in summary.leaks],
        "excluded": summary.excluded,
        "checkpoints": summary.checkpoints,
        "also": _third(summary.also),
        "worst": [_case(result) for result in summary.worst],
        "tables": [_table(table) for table in summary.tables],
        "win_rate": None if summary.win_rate is None else _win_rate(summary.win_rate),
        "calibrations": [_calibration(each) for each in summary.calibrations],
        "slices": [_named(part, _SLICE) for part in summary.slices],
        "histograms": [_named(each, _HISTOGRAM) for each in summary.histograms],
        **{name: _habits(getattr(summary, name)) for name in ("base_habits", "ft_habits")},
        "cases": [_case(result) for result in cases],
        "cases_left_out": _left_out(summary, len(cases)),
    }


_THIRD = ("score", "delta", "low", "high", "level", "n", "gained", "lost", "missing", "reason")


def _third(found: ThirdScore | None) -> dict[str, Any] | None:
    return None if found is None else _named(found, _THIRD)


def _calibration(found: Calibration) -> dict[str, Any]:
    parts = [_named(each, ("name", "estimate", "low", "high", "level", "reason")) for each in found.coefficients]
    return {**_named(found, ("metric", "rated", "n", "items")), "coefficients": parts}


_SLICE = ("tag", "value", "n", "base", "ft", "delta", "gained", "lost")
_HISTOGRAM = ("name", "edges", "base", "ft")


_HABITS = ("n", "json", "refusals", "loops", "cut_off", "empty", "commonest", "misshapen", "swapped")


def _habits(found: Habits | None) -> dict[str, Any] | None:
    return None if found is None else _named(found, _HABITS)


def _left_out(summary: EvalSummary, kept: int) -> int:
    every = len(summary.cases) + summary.cases_left_out
    return max(every, 0 if summary.cases else summary.n + len(summary.missing)) - kept


def _win_rate(rate: WinRate) -> dict[str, Any]:
    names = ("raw", "at_equal_length", "low", "high", "level", "reason")
    return {name: _plain(getattr(rate, name)) for name in names}


def _table(table: Table) -> dict[str, Any]:
    return _named(table, ("name", "role", "columns", "rows"))


def _named(record: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: _plain(getattr(record, name)) for name in names}


def _case(result: CaseResult) -> dict[str, Any]:
    case = result.case
    return {
        "id": _plain(case.id),
        "prompt": _plain(last_question(case)),
        "input": _plain(case.input),
        "expected": _plain(case.expected),
        "cluster": _plain(case.cluster),
        "tags": _plain(case.tags),
        "source": _plain(case.source),
        "base": _role(result.base_answers, result.base_grades),
        "ft": _role(result.ft_answers, result.ft_grades),
        "missing": _plain(result.missing),
        "outcome": _plain(result.outcome),
        "base_score": _plain(result.base_score),
        "ft_score": _plain(result.ft_score),
        "also": _role(result.also_answers, result.also_grades) if result.also_answers else None,
        "also_score": _plain(result.also_score),
        "also_missing": _plain(result.also_missing),
    }


def _role(answers: Sequence[Reply], grades: Mapping[str, Sequence[Grade]]) -> dict[str, Any]:
    return {
        "answers": [_answer(answer) for answer in answers],
        "grades": {_text(metric): [_grade(grade) for grade in given] for metric, given in grades.items()},
    }


def _answer(answer: Reply) -> dict[str, Any]:
    if isinstance(answer, Failure):
        return {"text": None, "failure": _plain(answer.reason)}
    return {"text": _text(answer), "failure": None, **{name: _plain(fact) for name, fact in answer.facts().items()}}


def _grade(grade: Grade) -> dict[str, Any]:
    return {"score": _plain(grade.score), "reason": _plain(grade.reason), "detail": _plain(grade.detail)}


def _plain(value: Any) -> Any:
    """Return `value` as JSON has it: exact builtins, numbers finite or None, anything unknown as its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _text(str(value))


def _text(text: str) -> str:
    return str(text).translate(_SURROGATES)
