"""What a report says of a run in one line each: a verdict, the decision, the counts. It knows no layout.

All text that comes from models, files and tests passes through `inert`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pytest_ftcheck.records import Decision, GateResult, ModelRecord, Run, ThirdScore, Verdict
from pytest_ftcheck.reports.figures import Scale, count, duration, p_value, proportion
from pytest_ftcheck.reports.inert import inert

NAME_LIMIT = 120
REASON_LIMIT = 400


def verdict_line(verdict: Verdict) -> str:
    """Return all that a verdict found, on one line: what a failed assertion and a comparison's repr show.

    Parts whose numbers are None are left out, and the decision where nothing is claimed; p is that of what was
    decided. For a claim about ft alone the interval is ft's own.

    >>> verdict_line(Verdict(claim="at least 90.0", decision=Decision.PASS, words="proven", ft=0.97, low=0.931,
    ...     high=0.99, level=0.9, n=200, metric="valid_json"))
    'valid_json  at least 90.0  PASS  ft 97.0 %  90 % CI [93.1, 99.0]  200 cases'
    """
    scale = verdict_scale(verdict)
    interval = scale.interval(verdict.low, verdict.high, signed=verdict.delta is not None)
    parts = [
        subject(verdict),
        inert(verdict.claim, one_line=True),
        verdict.decision.name if verdict.claim else "",
        " ".join(f"{role} {scale.value(score)}" for role, score in _scores(verdict)),
        f"d {scale.signed(verdict.delta)}" if verdict.delta is not None else "",
        " ".join(filter(None, [proportion(verdict.level) if verdict.level else "", "CI", interval]))
        if interval
        else "",
        pairs(verdict.gained, verdict.lost, verdict.n),
        _p_and_method(verdict),
        f"detectable {scale.plain(verdict.detectable)}" if verdict.detectable is not None else "",
        f"needs about {count(verdict.needed_cases, 'case')}" if verdict.needed_cases is not None else "",
        inert(verdict.reason, limit=REASON_LIMIT, one_line=True),
    ]
    return "  ".join(part for part in parts if part)


def subject(verdict: Verdict) -> str:
    """Name what a verdict is about: its gate, else its evals, else its metric; and its slice."""
    name = short_name(verdict.gate) or ", ".join(map(short_name, verdict.evals)) or inert(verdict.metric, one_line=True)
    where = inert(verdict.slice, limit=NAME_LIMIT, one_line=True)
    return f"{name} ({where})" if name and where else name or where


def verdict_scale(verdict: Verdict) -> Scale:
    """Return the scale in which all numbers of a verdict are written."""
    numbers = (verdict.base, verdict.ft, verdict.delta, verdict.low, verdict.high)
    return Scale.of(*numbers, percent=verdict.percent)


def pairs(gained: int | None, lost: int | None, n: int) -> str:
    """Say how the paired cases fell: `11 gained, 13 lost of 200`, or `200 cases` where nothing is paired."""
    if gained is None or lost is None:
        return count(n, "case") if n else ""
    return f"{gained:,} gained, {lost:,} lost of {n:,}"


def short_name(nodeid: str) -> str:
    """Return the last part of a node id, made inert: the test's name with its parameters.

    >>> short_name("tests/test_desk.py::TestA::test_x[a::b]")
    'test_x[a::b]'
    """
    head, bracket, parameters = nodeid.partition("[")
    return inert(head.rsplit("::", 1)[-1] + bracket + parameters, limit=NAME_LIMIT, one_line=True)


def labels(nodeids: Iterable[str]) -> Mapping[str, str]:
    """Map node ids to the shortest names that tell them apart: the last part, or the whole id where that is shared."""
    every = list(dict.fromkeys(nodeids))
    shared = Counter(map(short_name, every))
    return {
        nodeid: inert(nodeid, limit=NAME_LIMIT, one_line=True) if shared[short_name(nodeid)] > 1 else short_name(nodeid)
        for nodeid in every
    }


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict's words, with its reason where they do not hold it already."""
    return _with_reason(verdict.words or verdict.decision.value, verdict.reason)


def gate_words(result: GateResult) -> str:
    """Return the words of the verdict that decided a gate, or why it could not be judged."""
    if result.verdict is None:
        return _with_reason(result.decision.value, result.reason)
    return verdict_words(result.verdict)


def third_words(also: ThirdScore) -> str:
    """Say that the third model is not judged, what it lacks, and why figures are missing."""
    lacks = f"no grade in {count(also.missing, 'case')}" if also.missing else ""
    return "; ".join(filter(None, ["not judged", inert(also.reason, limit=REASON_LIMIT, one_line=True), lacks]))


def overall(run: Run) -> Decision | None:
    """Return what a run decided: fail before error before inconclusive before pass; None without gates.

    A proven regression comes first, for it stands whatever else could not be judged.
    """
    found = {result.decision for result in run.gates}
    order = (Decision.FAIL, Decision.ERROR, Decision.INCONCLUSIVE, Decision.PASS)
    return next((decision for decision in order if decision in found), None)


def closing_line(run: Run) -> str:
    """Return the line that decides: `1 gate failed, 1 inconclusive, 6 passed: do not release`."""
    decision = overall(run)
    if decision is None:
        return "no gates: nothing was decided"
    part = f", on the first {count(run.limit, 'case')} of each eval only" if run.limit is not None else ""
    if decision is Decision.PASS:
        which = "the gate" if len(run.gates) == 1 else f"all {len(run.gates):,} gates"
        return f"{which} passed{part}"
    tally = Counter(result.decision for result in run.gates)
    done = {
        Decision.FAIL: "failed",
        Decision.ERROR: "could not be judged",
        Decision.INCONCLUSIVE: "inconclusive",
        Decision.PASS: "passed",
    }
    rest = [f"{tally[each]:,} {word}" for each, word in done.items() if tally[each] and each is not decision]
    said = [f"{count(tally[decision], 'gate')} {done[decision]}", *rest]
    if decision is Decision.INCONCLUSIVE and run.inconclusive == "warn":
        return f"{', '.join(said)}{part}: not proven, and --ft-inconclusive=warn lets it stand"
    return f"{', '.join(said)}{part}: do not release"


def facts_line(run: Run) -> str:
    """Say which version ran when and for how long, and how many answers were made and how many the store had."""
    made = f"{count(run.answered, 'answer')} made, {run.from_store:,} from the store"
    pinned = ["pre-registered"] if run.registration is not None and run.registration.stands else []
    return " · ".join([inert(run.version, one_line=True), when(run.started), made, duration(run.duration_s), *pinned])


def signature_lines(run: Run) -> tuple[str, ...]:
    """Return one line for each eval whose metrics name their settings: `test_mt: BLEU|nrefs:1|case:mixed|...`."""
    return tuple(
        inert(f"{short_name(each.name)}: {', '.join(each.signatures)}", limit=REASON_LIMIT, one_line=True)
        for each in run.evals
        if each.signatures
    )


def notices(run: Run) -> tuple[str, ...]:
    """Return what a reader must know before trusting the table, inert; a partial run is always among it."""
    said = tuple(inert(notice, limit=REASON_LIMIT, one_line=True) for notice in run.notices)
    if run.limit is None or any("--ft-limit" in notice for notice in said):
        return said
    return (*said, f"partial run: --ft-limit={run.limit} left cases out, so that no gate can pass as whole")


def model_facts(model: ModelRecord) -> tuple[str, str, str]:
    """Return a model's source, kind with engine, and the first 12 digits of its fingerprint, inert."""
    kind = ", ".join(dict.fromkeys(inert(part, limit=80, one_line=True) for part in (model.kind, model.engine) if part))
    fingerprint = inert(model.fingerprint.rpartition(":")[2][:12], one_line=True)
    return inert(model.source, limit=1000, one_line=True), kind, fingerprint


def when(started: str) -> str:
    """Write an ISO 8601 time to the minute: `2026-11-21 03:47 UTC`; what is no such time stays as it is, inert."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return inert(started, limit=40, one_line=True)
    return f"{moment if moment.tzinfo is None else moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _scores(verdict: Verdict) -> list[tuple[str, float]]:
    return [(role, score) for role, score in (("base", verdict.base), ("ft", verdict.ft)) if score is not None]


def _p_and_method(verdict: Verdict) -> str:
    method = inert(verdict.method, one_line=True)
    shown = verdict.p_fail if verdict.decision is Decision.FAIL else verdict.p_value
    if shown is None:
        return f"({method})" if method else ""
    return p_value(shown, verdict.alpha) + (f" ({method})" if method else "")


def _with_reason(words: str, reason: str) -> str:
    said, why = (inert(text, limit=REASON_LIMIT, one_line=True) for text in (words, reason))
    if not why or why in said:
        return said
    return f"{said}; {why}" if ":" in said else f"{said}: {why}"
