"""What trackers are told of a run: finite numbers under names that each of them takes, and short texts. Pure.

Names are made of ASCII letters, digits, `_`, `-` and `.`, with `/` between their parts, and are shorter than the 250
characters that MLflow allows; texts are inert and on one line. A number that is missing has no entry.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_ftcheck.records import EvalSummary, GateResult, ModelRecord, ProbeResult, Run, canonical_json, digest
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.markdown import run_markdown

NAME_LIMIT = 80
TEXT_LIMIT = 500
"""Characters of one text: MLflow takes 6,000 of a parameter, its older servers 500."""
NOTE_LIMIT = 5_000
"""Bytes of the description, Markdown: MLflow takes 8,000 characters of a tag, its older servers 5,000."""

_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_EVAL = ("base", "ft", "delta", "low", "high", "gained", "lost", "n", "base_length", "ft_length")
_VERDICT = ("base", "ft", "delta", "low", "high", "bound", "p_value", "gained", "lost", "n")
_PROBE = ("n", "failed", "base_failed", "new")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedEval:
    """One eval: its metrics by field, its parameters, and the verdicts that rest on it by gate."""

    name: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A run as trackers are told it.

    `name` is the fine-tune's folder, `series` that of its training, which checkpoints share; `checkpoint` is its
    content hash, empty where unknown; `step` the training step it was saved at, 0 where unknown. `metrics` are those
    of all evals (`test_intent/exact_match/delta`), gates (`gates/test_x/p_value`) and probes. `note` is Markdown.
    """

    name: str
    series: str
    checkpoint: str
    step: int
    verdict: str
    summary: str
    note: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    evals: tuple[TrackedEval, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return this as JSON has it."""
        return asdict(self)

    @classmethod
    def of_plain(cls, found: Mapping[str, Any]) -> Facts:
        """Return what `plain` made."""
        return cls(**{**found, "evals": tuple(TrackedEval(**one) for one in found["evals"])})


def facts_of(run: Run) -> Facts:
    """Return what trackers are told of a run."""
    ft = next((model for model in run.models if model.role == "ft"), None)
    decision = wording.overall(run)
    gates = _names(result.nodeid for result in run.gates)
    evals = _names(one.nodeid for one in run.evals)
    name, series = _places("" if ft is None else ft.source)
    return Facts(
        name=name,
        series=series,
        checkpoint="" if ft is None else key(ft.fingerprint, ""),
        step=_step(run, ft),
        verdict="none" if decision is None else decision.value,
        summary=_text(wording.closing_line(run)),
        note=run_markdown(run, limit=NOTE_LIMIT, losses_shown=0),
        metrics={
            **{f"{evals[one.nodeid]}/{key(one.metric)}/{what}": v for one in run.evals for what, v in _of_eval(one)},
            **{f"gates/{gates[each.nodeid]}/{what}": v for each in run.gates for what, v in _of_gate(each)},
            **{f"probes/{probe}/{what}": v for each in run.probes for probe, what, v in _of_probe(each)},
        },
        params=_params(run),
        tags=_tags(run),
        verdicts={gates[each.nodeid]: each.decision.value for each in run.gates},
        evals=tuple(_eval(one, evals[one.nodeid], run) for one in run.evals),
    )


def key(text: str, nothing: str = "unnamed") -> str:
    """Return text as one part of a name that every tracker takes; `nothing` for none.

    >>> key("test_x[a b]"), key("../ü"), key("")
    ('test_x_a_b', 'unnamed', 'unnamed')
    """
    plain = _OTHER.sub("_", str(text)).strip("._")
    if len(plain) > NAME_LIMIT:
        plain = f"{plain[: NAME_LIMIT - 9]}-{digest(str(text))[:8]}"
    return plain or nothing


def verdicts_of(one: EvalSummary, run: Run) -> dict[str, str]:
    """Return the verdicts that rest on an eval, by gate. A gate names its evals; of one name, its own file's counts."""
    gates = _names(result.nodeid for result in run.gates)
    shared = sum(each.name == one.name for each in run.evals) > 1
    found = {}
    for result in run.gates:
        read = {*result.evals, *(name for verdict in result.verdicts for name in verdict.evals)}
        near = not shared or _file(one.nodeid) == _file(result.nodeid)
        if one.nodeid in read or (one.name in read and near):
            found[gates[result.nodeid]] = result.decision.value
    return found


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _names(nodeids: Iterable[str]) -> Mapping[str, str]:
    """Map node ids to names, unique among them."""
    found = {nodeid: key(label) for nodeid, label in wording.labels(nodeids).items()}
    shared = Counter(found.values())
    return {nodeid: name if shared[name] == 1 else f"{name}-{digest(nodeid)[:8]}" for nodeid, name in found.items()}


def _places(source: str) -> tuple[str, str]:
    """Return the names of a checkpoint and of its training: of `out/checkpoint-500` they are that and `out`."""
    parts = [part for part in re.split(r"[/\\]", source) if part not in ("", ".", "..")]
    last = key(parts[-1] if parts else "", "model")
    if len(parts) > 1 and _CHECKPOINT.fullmatch(parts[-1]):
        return f"{key(parts[-2])}/{last}", key(parts[-2])
    return last, last


def _step(run: Run, ft: ModelRecord | None) -> int:
    named = _CHECKPOINT.fullmatch(re.split(r"[/\\]", ft.source.rstrip("/\\"))[-1]) if ft is not None else None
    if named:
        return min(int(named[1][:18]), 2**62)
    return (run.training.global_step or 0) if run.training is not None else 0


def _numbers(record: object, names: Iterable[str]) -> list[tuple[str, float]]:
    found = ((name, getattr(record, name)) for name in names)
    return [(name, float(value)) for name, value in found if value is not None and math.isfinite(value)]


def _of_eval(one: EvalSummary) -> list[tuple[str, float]]:
    # Of an eval without a pair the counts are zeros that say nothing.
    pairs = _numbers(one, _EVAL) if one.n else []
    return [*pairs, ("missing", float(len(one.missing)))]


def _of_gate(result: GateResult) -> list[tuple[str, float]]:
    return [] if result.verdict is None else _numbers(result.verdict, _VERDICT)


def _of_probe(found: ProbeResult) -> list[tuple[str, str, float]]:
    name = f"{key(found.capability)}-{key(found.kind)}"
    return [(name, what, value) for what, value in _numbers(found, _PROBE)]


def _text(value: object) -> str:
    shown = inert(str(value), limit=TEXT_LIMIT, one_line=True)
    return shown if len(shown) <= TEXT_LIMIT else f"{shown[: TEXT_LIMIT - 1]}…"


def _params(run: Run) -> dict[str, str]:
    names = ("source", "kind", "engine", "fingerprint", "profile", "prompting")
    told = {f"{model.role}.{name}": getattr(model, name) for model in run.models for name in names}
    told |= {"pytest-ftcheck": run.version, **{f"version.{key(name)}": text for name, text in run.versions.items()}}
    return {name: _text(value) for name, value in told.items() if value}


def _tags(run: Run) -> dict[str, str]:
    told = {"run": run.id, "started": run.started, "limit": "" if run.limit is None else run.limit}
    if run.registration is not None:
        told["registration"] = "pre-registered" if run.registration.stands else "changed"
    return {name: _text(value) for name, value in told.items() if value != ""}


def _eval(one: EvalSummary, name: str, run: Run) -> TrackedEval:
    told = {"metric": one.metric, "case_set": one.case_set, "samples": one.samples, "method": one.method}
    told |= {"decoding": canonical_json(one.decoding) if one.decoding else "", "reason": one.reason}
    return TrackedEval(
        name=name,
        metrics=dict(_of_eval(one)),
        params={what: _text(value) for what, value in told.items() if value != ""},
        verdicts=verdicts_of(one, run),
    )
