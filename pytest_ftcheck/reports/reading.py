"""A run read back from its JSON file, of this version or an older one: what a file does not say keeps its default.

It is the inverse of `document.run_document`, but for what the document leaves out: a case's fields.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import (
    Answer,
    Case,
    CaseResult,
    Decision,
    EvalSummary,
    Failure,
    GateResult,
    Grade,
    Reply,
    Run,
    Verdict,
)
from pytest_ftcheck.reports.document import SCHEMA_VERSION

Record = TypeVar("Record")


def read_run(path: Path) -> Run:
    """Read the run that `--ft-json` wrote to `path`. Raises ConfigError naming the file and what is wrong with it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is no JSON: {error}; allowed: a file that --ft-json wrote") from None
    try:
        return run_of(document)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def run_of(document: Any) -> Run:
    """Return the run of a document. Raises ConfigError saying what is wrong with it."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise ConfigError(
            f"schema_version is {version!r}; allowed: 1 to {SCHEMA_VERSION} (a file that --ft-json wrote; that of a"
            " newer pytest-ftcheck is read by that one)"
        )
    try:
        counts = document.get("counts", {})
        return _made(
            Run,
            document,
            duration_s=document.get("duration_s") or 0.0,
            evals=tuple(map(_summary, document.get("evals", ()))),
            gates=tuple(map(_gate, document.get("gates", ()))),
            answered=counts.get("answered", 0),
            from_store=counts.get("from_store", 0),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"is not as run.schema.json says ({type(error).__name__}: {error}); allowed: a file that --ft-json wrote"
        ) from None


@cache
def _types(kind: Any) -> Mapping[str, Any]:
    """Return the types of a record's fields, by name."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _made(kind: Callable[..., Record], found: Mapping[str, Any], **own: Any) -> Record:
    """Make a record of the values in `found` that have its fields' names; `own` ones win."""
    known = {
        name: _as(kind_of_field, found[name])
        for name, kind_of_field in _types(kind).items()
        if name in found and name not in own
    }
    return kind(**known, **own)


def _as(kind: Any, value: Any) -> Any:
    """Return `value` as its type has it: lists as tuples, mappings as the records that they were."""
    if isinstance(value, list) and get_origin(kind) is tuple:
        return tuple(_as(get_args(kind)[0], each) for each in value)
    inner = next((each for each in (kind, *get_args(kind)) if is_dataclass(each)), None)
    return _made(inner, value) if isinstance(value, dict) and isinstance(inner, type) else value


def _gate(found: Mapping[str, Any]) -> GateResult:
    verdicts = tuple(_verdict(claim) for claim in found.get("claims", ()))
    decided = any(verdict.decision.value == found["verdict"] for verdict in verdicts)
    return GateResult(
        nodeid=found["nodeid"],
        name=found["name"],
        decision=Decision(found["verdict"]),
        verdicts=verdicts,
        reason="" if decided else found.get("reason", ""),
        evals=tuple(found.get("evals", ())),
    )


def _verdict(found: Mapping[str, Any]) -> Verdict:
    slices = tuple(_verdict(part) for part in found.get("slices", ()))
    return _made(Verdict, found, decision=Decision(found["verdict"]), by_slice=slices)


def _summary(found: Mapping[str, Any]) -> EvalSummary:
    low, high = found["score_range"]
    # Files of the first versions hold no cases but the worst losses.
    unheld = found.get("n", 0) + len(found.get("missing", ()))
    return _made(
        EvalSummary,
        found,
        score_range=(-math.inf if low is None else low, math.inf if high is None else high),
        worst=tuple(map(_case, found.get("worst", ()))),
        cases=tuple(map(_case, found.get("cases", ()))),
        cases_left_out=int(found.get("cases_left_out", unheld)),
    )


def _case(found: Mapping[str, Any]) -> CaseResult:
    asked, also = found["input"], found.get("also")
    return CaseResult(
        case=_made(Case, found, input=asked if isinstance(asked, str) else tuple(asked)),
        base_answers=_answers(found["base"]),
        ft_answers=_answers(found["ft"]),
        base_grades=_grades(found["base"]),
        ft_grades=_grades(found["ft"]),
        missing=found.get("missing", ""),
        outcome=found.get("outcome", ""),
        base_score=found.get("base_score"),
        ft_score=found.get("ft_score"),
        also_answers=_answers(also) if also else (),
        also_grades=_grades(also) if also else {},
        also_score=found.get("also_score"),
        also_missing=found.get("also_missing", ""),
    )


def _answers(role: Mapping[str, Any]) -> tuple[Reply, ...]:
    return tuple(_answer(found) for found in role["answers"])


def _answer(found: Mapping[str, Any]) -> Reply:
    if found["text"] is None:
        return Failure(reason=found["failure"] or "")
    return Answer(found["text"], **{name: value for name, value in found.items() if name not in ("text", "failure")})


def _grades(role: Mapping[str, Any]) -> dict[str, tuple[Grade, ...]]:
    return {metric: tuple(map(_grade, given)) for metric, given in role["grades"].items()}


def _grade(found: Mapping[str, Any]) -> Grade:
    if found["score"] is None:
        return Grade.ungraded(found["reason"] or "not told", found.get("detail"))
    return Grade(found["score"], found["reason"], found.get("detail", {}))
