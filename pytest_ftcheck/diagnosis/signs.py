"""A run as the rules ask for it: what was claimed of which eval and decided how, and how its figures are said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_ftcheck.records import Decision, EvalSummary, GateResult, Run, TrainingLog, Verdict
from pytest_ftcheck.reports.figures import count
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.wording import NAME_LIMIT, pairs, short_name, verdict_scale

GOALS = ("improves", "at_least")
"""Kinds of claims about what the fine-tune was made for."""

KEPT = ("no_worse", "equivalent")
"""Kinds of claims about what must not get worse."""

MOST_TOLD = 4
"""Gates whose figures are told as evidence; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One verdict of a gate, with the summaries of the evals that it is about."""

    gate: GateResult
    verdict: Verdict
    evals: tuple[EvalSummary, ...]

    @property
    def drop(self) -> float:
        """Share of the metric's range that ft lost; 0 where it gained, and where the range has no end."""
        span = 1.0
        sign = 1.0
        for one in self.evals[:1]:
            if one.metric == self.verdict.metric:
                span = one.score_range[1] - one.score_range[0]
                sign = -1.0 if one.lower_is_better else 1.0
        if not math.isfinite(span) or span <= 0:
            return 0.0
        return max(0.0, -sign * (self.verdict.delta or 0.0) / span)

    def told(self) -> str:
        """Say what was found, in a line: the gate, its claim, the figures."""
        verdict = self.verdict
        scale = verdict_scale(verdict)
        roles = [f"{role} {scale.value(score)}" for role, score in _scores(verdict) if score is not None]
        interval = scale.interval(verdict.low, verdict.high, signed=verdict.delta is not None)
        change = f"delta {scale.signed(verdict.delta)} {interval}" if verdict.delta is not None else f"in {interval}"
        figures = [*roles, change if interval else "", pairs(verdict.gained, verdict.lost, verdict.n)]
        of = f" on {', '.join(map(short_name, verdict.evals))}" if verdict.evals else ""
        said = inert(verdict.claim, limit=NAME_LIMIT, one_line=True)
        return f"{short_name(self.gate.name)} ({said}{of}): {', '.join(filter(None, figures))}"


@dataclass(frozen=True)
class Signs:
    """All that a run says, looked up in the ways that rules ask."""

    run: Run

    @cached_property
    def claims(self) -> tuple[Claimed, ...]:
        """Every verdict of every gate."""
        return tuple(
            Claimed(gate=gate, verdict=verdict, evals=self._evals(gate, verdict))
            for gate in self.run.gates
            for verdict in gate.verdicts
        )

    def decided(self, decision: Decision, kinds: Sequence[str]) -> list[Claimed]:
        """Return the claims of some kinds that were decided so."""
        return [one for one in self.claims if one.verdict.decision is decision and one.verdict.kind in kinds]

    @cached_property
    def lost(self) -> list[Claimed]:
        """The claims that something was kept, whose opposite is proven."""
        return self.decided(Decision.FAIL, KEPT)

    @cached_property
    def missed(self) -> list[Claimed]:
        """The claims about the goal that are not proven, or whose opposite is."""
        return [one for one in self.claims if one.verdict.kind in GOALS and one.verdict.decision is not Decision.PASS]

    @cached_property
    def troubled(self) -> tuple[str, ...]:
        """Node ids of all gates that did not pass."""
        return tuple(gate.nodeid for gate in self.run.gates if gate.decision is not Decision.PASS)

    @property
    def log(self) -> TrainingLog | None:
        """The training's log."""
        return self.run.training

    @property
    def pattern(self) -> str:
        """What the log shows; empty without one."""
        return "" if self.run.training is None else self.run.training.pattern or ""

    @property
    def log_told(self) -> tuple[str, ...]:
        """What the log shows, as evidence; nothing without one."""
        log = self.run.training
        return () if log is None or not log.evidence else (f"training log: {inert(log.evidence, one_line=True)}",)

    @property
    def is_adapter(self) -> bool:
        """Whether ft is an adapter beside its base's weights."""
        return any(model.role == "ft" and "adapter" in model.kind for model in self.run.models)

    def restore(self) -> tuple[str, ...]:
        """Say which step to go back to, where validation was best before the end."""
        log = self.run.training
        if log is None or log.best_step is None or log.best_loss is None or not log.validation:
            return ()
        if log.best_step >= log.validation[-1][0]:
            return ()
        return (f"restore step {log.best_step:g} (lowest validation loss, {log.best_loss:.4g})",)

    def _evals(self, gate: GateResult, verdict: Verdict) -> tuple[EvalSummary, ...]:
        """Look evals up by name; where several files have one of that name, the gate's own file comes first."""
        file = gate.nodeid.partition("::")[0]
        found = []
        for name in verdict.evals or gate.evals:
            known = [one for one in self.run.evals if name in (one.name, one.nodeid)]
            known.sort(key=lambda one: one.nodeid.partition("::")[0] != file)
            found += known[:1]
        return tuple(found)


def told(claims: Iterable[Claimed]) -> tuple[str, ...]:
    """Tell the figures of claims, the largest drop first, of many the first MOST_TOLD."""
    ranked = sorted(claims, key=lambda one: (-one.drop, one.gate.nodeid))
    more = len(ranked) - MOST_TOLD
    return (*(one.told() for one in ranked[:MOST_TOLD]), *([f"and {count(more, 'more gate')}"] if more > 0 else []))


def gates_of(claims: Iterable[Claimed]) -> tuple[str, ...]:
    """Return the node ids of the gates that claims belong to, each once."""
    return tuple(dict.fromkeys(one.gate.nodeid for one in claims))


def evals_of(claims: Iterable[Claimed]) -> tuple[EvalSummary, ...]:
    """Return the evals that claims are about, each once, in their order."""
    found: dict[str, EvalSummary] = {}
    for claimed in claims:
        found.update((one.nodeid, one) for one in claimed.evals)
    return tuple(found.values())


def about(claims: Iterable[Claimed], evals: Sequence[EvalSummary]) -> list[Claimed]:
    """Return the claims that are about one of the evals."""
    known = {one.nodeid for one in evals}
    return [claimed for claimed in claims if any(one.nodeid in known for one in claimed.evals)]


def rise(one: EvalSummary, habit: str) -> float:
    """Return by what share of the answers ft has a habit more often than base."""
    if one.base_habits is None or one.ft_habits is None or not one.ft_habits.n:
        return 0.0
    return float(getattr(one.ft_habits, habit) - getattr(one.base_habits, habit)) / one.ft_habits.n


def habit_told(one: EvalSummary, habit: str) -> str:
    """Say how many of ft's answers have a habit, and how many of base's."""
    habits = one.ft_habits
    before = 0 if one.base_habits is None else getattr(one.base_habits, habit)
    return "" if habits is None else f"{getattr(habits, habit):,} of {count(habits.n, 'answer')} (base {before:,})"


def _scores(verdict: Verdict) -> tuple[tuple[str, float | None], ...]:
    if verdict.kind == "no_memorisation":
        return (("gap", verdict.ft),)
    return ("base", verdict.base), ("ft", verdict.ft)
