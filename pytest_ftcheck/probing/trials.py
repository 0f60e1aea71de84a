"""Trials: what a probe asks for each case, whether the answers hold, and how many cases fail with ft and with base.

All prompts of a test are asked as one batch a model, before the first answer is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.probing.cases import Prompt, last_text, with_text
from pytest_ftcheck.probing.perturb import Perturbation, as_perturbation
from pytest_ftcheck.records import Answer, Case, Normalize, ProbeKind, ProbeResult


class Asking(Protocol):
    """A role's model as probes see it: the fixtures `ft_model` and `base_model`."""

    def answers(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: Sequence[str] = (),
        choices: Sequence[str] = (),
        normalize: Normalize = "none",
        system: str | None = None,
    ) -> list[Answer]:
        """Answer several prompts as one batch, in order."""
        ...

    def note(self, found: ProbeResult) -> None:
        """Hear what a probe found."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a case fails: which of its prompts shows it, and in what way."""

    at: int
    why: str


Judge = Callable[[Case, Sequence[Answer]], Fault | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A case with its prompts: its own, and those that perturbations made of it, each with the perturbation's name."""

    case: Case
    texts: tuple[str, ...]
    by: tuple[str, ...]

    @property
    def prompts(self) -> list[Prompt]:
        """What the model is asked, the case's own prompt first."""
        return [with_text(self.case, text) for text in self.texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One case tried: both models' answers to its prompts, and why each of them fails; None where it holds."""

    ask: Ask
    answers: Sequence[Answer]
    fault: Fault | None
    base_answers: Sequence[Answer] = ()
    base_fault: Fault | None = None

    @property
    def is_new(self) -> bool:
        """Whether ft fails where base passes."""
        return self.fault is not None and bool(self.base_answers) and self.base_fault is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """All cases of a test. `untouched` counts those that no perturbation changes: they are not tried."""

    kind: ProbeKind
    trials: tuple[Trial, ...]
    with_base: bool
    untouched: int = 0

    def result(self, capability: str) -> ProbeResult:
        """Count what failed."""
        return ProbeResult(
            capability=capability,
            kind=self.kind,
            n=len(self.trials),
            failed=sum(trial.fault is not None for trial in self.trials),
            base_failed=sum(trial.base_fault is not None for trial in self.trials) if self.with_base else None,
            new=sum(trial.is_new for trial in self.trials) if self.with_base else None,
        )


def own_prompts(cases: Sequence[Case]) -> tuple[Ask, ...]:
    """Ask each case as it is."""
    return tuple(Ask(case=case, texts=(last_text(case),), by=("",)) for case in cases)


def perturbed(cases: Sequence[Case], perturb: Any, *, times: int, seed: int) -> tuple[Ask, ...]:
    """Ask each case as it is and in `times` variants of every perturbation; leave out cases that nothing changes.

    Raises ConfigError where nothing changes any case.
    """
    several = perturb if isinstance(perturb, list | tuple) else [perturb]
    changes: list[Perturbation] = [as_perturbation(one) for one in several]
    if not changes or times < 1:
        raise ConfigError(f"perturb={perturb!r}, times={times}; allowed: at least one perturbation, and 1 or more")
    asks = [_variants(case, changes, times, seed) for case in cases]
    found = tuple(ask for ask in asks if len(ask.texts) > 1)
    if not found:
        names = ", ".join(one.name for one in changes)
        raise ConfigError(f"perturb={names} changes none of the {len(cases)} prompts; allowed: one that changes some")
    return found


def run_trials(
    kind: ProbeKind,
    asks: Sequence[Ask],
    judge: Judge,
    *,
    model: Asking,
    base: Asking | None,
    asking: Mapping[str, Any],
    untouched: int = 0,
) -> Trials:
    """Ask everything, then judge each case."""
    models = [model] if base is None else [model, base]
    prompts = [prompt for ask in asks for prompt in ask.prompts]
    # Every model is asked before an answer is looked at: in the planning pass a look ends the body.
    said = [iter(one.answers(prompts, **asking)) for one in models]
    trials = []
    for ask in asks:
        answers, *others = [[next(answer) for _ in ask.texts] for answer in said]
        base_answers = others[0] if others else []
        trials.append(
            Trial(
                ask=ask,
                answers=answers,
                fault=judge(ask.case, answers),
                base_answers=base_answers,
                base_fault=judge(ask.case, base_answers) if base_answers else None,
            )
        )
    return Trials(kind=kind, trials=tuple(trials), with_base=base is not None, untouched=untouched)


def _variants(case: Case, changes: Sequence[Perturbation], times: int, seed: int) -> Ask:
    original = last_text(case)
    variants = {original: ""}
    for change in changes:
        for number in range(times):
            altered = change.apply(original, seed=seed + number)
            if altered.strip():
                variants.setdefault(altered, change.name)
    return Ask(case=case, texts=tuple(variants), by=tuple(variants.values()))
