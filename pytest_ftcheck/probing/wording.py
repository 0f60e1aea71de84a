"""What a failed probe says: how many cases fail, with base's count beside it, and the smallest of them in full."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ftcheck.probing.trials import Fault, Trial, Trials
from pytest_ftcheck.records import Answer, ProbeResult
from pytest_ftcheck.reports.figures import Scale, count
from pytest_ftcheck.reports.inert import inert

SHOWN = 3
TEXT_LIMIT = 300
LEVEL = 0.95
_SHARE = Scale.of(percent=True)


def headline(found: ProbeResult, *, counted: str, at_most: float) -> str:
    """Say how many cases fail, with an interval (Clopper-Pearson) and what is allowed."""
    # Imported when something failed: the statistics bring numpy and scipy.
    from pytest_ftcheck.stats.proportion import clopper_pearson

    failed = found.new or 0 if counted == "new" else found.failed
    bounds = clopper_pearson(failed, found.n, level=LEVEL)
    share = f"{_SHARE.value(failed / found.n)}, 95 % CI {_SHARE.interval(bounds.low, bounds.high, signed=False)}"
    allowed = f"at most {_SHARE.value(at_most)} allowed" if at_most else "none allowed"
    what = "fail with ft and pass with base" if counted == "new" else "fail"
    parts = [f"{found.kind}: {failed:,} of {count(found.n, 'case')} {what} ({share}), {allowed}"]
    if found.base_failed is not None:
        beside = f"base fails {found.base_failed:,}"
        parts.append(beside if counted == "new" else f"{beside}; {found.new or 0:,} new with ft")
    return "; ".join(parts)


def message(done: Trials, found: ProbeResult, *, counted: str, at_most: float) -> str:
    """Return the headline and the smallest failures: prompts, both models' answers, and why."""
    failures = [trial for trial in done.trials if (trial.is_new if counted == "new" else trial.fault)]
    failures.sort(key=lambda trial: sum(map(len, trial.ask.texts)))
    lines = [headline(found, counted=counted, at_most=at_most)]
    if done.untouched:
        lines.append(f"  {count(done.untouched, 'case')} not tried: no perturbation changes them")
    for number, trial in enumerate(failures[:SHOWN], 1):
        lines += _example(number, trial)
    if len(failures) > SHOWN:
        lines.append(f"  and {len(failures) - SHOWN:,} more")
    return "\n".join(lines)


def _example(number: int, trial: Trial) -> list[str]:
    assert trial.fault is not None
    fault: Fault = trial.fault
    places = [0] if fault.at == 0 else [0, fault.at]
    lines = [f"  {number}. {_shown(trial.ask.case.id)}: {inert(fault.why, limit=TEXT_LIMIT, one_line=True)}"]
    for at in places:
        label = "prompt" if at == 0 else inert(trial.ask.by[at], limit=TEXT_LIMIT, one_line=True)
        lines.append(f"     {label}: {_shown(trial.ask.texts[at])}")
        lines.append(f"       ft: {_shown(trial.answers[at])}{_beside(trial.base_answers, at)}")
    if trial.base_answers:
        lines.append(f"     base {'passes' if trial.base_fault is None else 'fails too'}")
    return lines


def _beside(answers: Sequence[Answer], at: int) -> str:
    return f"  base: {_shown(answers[at])}" if answers else ""


def _shown(text: str) -> str:
    return f'"{inert(str(text), limit=TEXT_LIMIT, one_line=True)}"'
