"""A comparison: all grades of one eval, paired by case. It knows no models and decides nothing: gates do.

Scores are kept in the metric's units; a delta is always ft minus base. A case answered several times enters with the
mean of its samples, or with what the metric makes of them all, such as pass@k.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

from pytest_ftcheck.errors import ConfigError, GraderError
from pytest_ftcheck.grading.corpus import STATISTICS, Corpus, signature_of
from pytest_ftcheck.records import ROLES, Answer, CaseResult, Grade, Role, Verdict
from pytest_ftcheck.suggestions import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A grader as a comparison sees it: its name, the range of its scores, whether only the two ends occur.

    `corpus` gives the value of a metric that is no mean over cases; `lower_is_better` holds for error rates; `combine`
    makes one score, in the same range, of all samples of a case, where that is not their mean; `judge` says what
    stands behind a model's grades, such as "uncalibrated judge", and is empty where no model graded; `opposes` says
    that it compares the two roles' answers.
    """

    name: str
    score_range: tuple[float, float] = (0.0, 1.0)
    binary: bool = True
    corpus: Corpus | None = None
    lower_is_better: bool = False
    combine: Callable[[Sequence[float]], float] | None = None
    judge: str = ""
    opposes: bool = False

    def score_of_case(self, samples: Sequence[float]) -> float:
        """Return the score of a case from its samples' scores, at least one."""
        if self.combine is not None:
            return self.combine(samples)
        return fmean(samples) if len(samples) > 1 else float(samples[0])

    def outcome(self, base: float, ft: float) -> str:
        """Name how a case's two scores stand: win, loss, both right, both wrong, or tie."""
        sign = -1 if self.lower_is_better else 1
        return outcome_of(sign * base, sign * ft, sign * self.best, binary=self.binary)

    @property
    def span(self) -> float:
        """Width of the range."""
        return self.score_range[1] - self.score_range[0]

    @property
    def best(self) -> float:
        """The best score that there is."""
        return self.score_range[0 if self.lower_is_better else 1]

    @property
    def percent(self) -> bool:
        """Whether reports print its scores as percentages."""
        return self.score_range == (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a run decided about its gates. `partial` says why a comparison is not the whole eval, else it is empty.

    `caveat` is what every verdict on it must say, such as that leaked cases were left out. `claims` gathers, in a
    rehearsal, what was claimed, as plain values. `baseline` is "best" where base was asked with its best prompt.

    `acceptable` and `catastrophic` are the drops, as shares of a metric's range, that `assert_kept` goes by.
    `rehearsal` gathers, before any model loads, what each claim would need at the least (see gates.rehearse).
    """

    inconclusive: Literal["fail", "warn"] = "fail"
    partial: str = ""
    acceptable: float = 0.05
    catastrophic: float = 0.15
    rehearsal: list[str] | None = None
    caveat: str = ""
    claims: list[dict[str, Any]] | None = None
    baseline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Comparison:
    """All grades of one eval under one metric, paired by case: what a gate reads.

    `cases` holds one CaseResult per case, none of them missing. `verdicts` gathers what the assertions found.
    `refusals` says of metrics that no gate may rest on why not. `best` is the same with base at its best prompt.
    `apart` names the metrics by which the third model (--also) does not compare with ft.
    """

    eval: str
    metrics: tuple[Metric, ...]
    cases: tuple[CaseResult, ...]
    metric: Metric
    policy: Policy = Policy()
    slice: str = ""
    refusals: Mapping[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    describe: Callable[[Comparison], str] | None = None
    # One of each copy, which may be of another metric or of fewer cases: scores are asked for dozens of times.
    _scores: dict[Role, tuple[float, ...]] = field(default_factory=dict, init=False)
    best: Comparison | None = None
    apart: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.cases)

    def __repr__(self) -> str:
        if self.describe is not None and self.cases:
            return self.describe(self)
        return f"<comparison {self.eval} on {self.metric.name}: {len(self.cases)} cases>"

    def samples(self, role: Role) -> list[list[float]]:
        """Return the role's scores, one list of samples per case [n][k], in the order of `cases`."""
        return [[_score(grade) for grade in grades] for grades in self._grades(role)]

    def scores(self, role: Role) -> list[float]:
        """Return the role's score of each case [n], its samples averaged or combined, in the order of `cases`."""
        if role not in self._scores:
            self._scores[role] = tuple(self.metric.score_of_case(samples) for samples in self.samples(role))
        return list(self._scores[role])

    def observations(self, role: Role) -> list[list[float]]:
        """Return what statistics take: samples [n][k], or where the metric combines them one score per case [n][1]."""
        return self.samples(role) if self.metric.combine is None else [[score] for score in self.scores(role)]

    def statistics(self, role: Role) -> list[list[float]]:
        """Return a corpus metric's statistics, averaged within each case [n, d]. Raises GraderError where they lack."""
        rows = [_mean_row([_statistics(grade) for grade in grades]) for grades in self._grades(role)]
        if len(set(map(len, rows))) > 1:
            lengths = ", ".join(str(length) for length in sorted(set(map(len, rows))))
            raise GraderError(
                f"eval {self.eval}: {self.metric.name} gave statistics of lengths {lengths}; allowed: one"
            )
        return rows

    def lengths(self, role: Role) -> list[float]:
        """Return how long the role's answers are, in characters, averaged within each case [n]."""
        answers = [case.base_answers if role == "base" else case.ft_answers for case in self.cases]
        return [fmean(len(answer) for answer in several if isinstance(answer, Answer)) for several in answers]

    @property
    def base(self) -> float:
        """Base's mean score, or its value of a corpus metric. Raises StatisticsError where that has none."""
        return self._value("base")

    @property
    def ft(self) -> float:
        """The fine-tune's mean score, or its value of a corpus metric. Raises StatisticsError where that has none."""
        return self._value("ft")

    @property
    def also(self) -> float | None:
        """The third model's score (--also), on which no verdict rests.

        None without it, by a metric that compares base with ft, and where it lacks the grade of a case. Raises
        StatisticsError where a corpus metric has no value.
        """
        third = with_third(self)
        return None if third is None or len(third) < len(self) else third.base

    @property
    def delta(self) -> float:
        """Score of ft minus that of base."""
        return fmean(self.deltas) if self._is_mean else self.ft - self.base

    @property
    def signature(self) -> str:
        """What a corpus metric says of its settings, such as sacreBLEU's signature; empty for others."""
        if self._is_mean:
            return ""
        details = (grade.detail for role in ROLES for grades in self._grades(role) for grade in grades)
        return signature_of(self.metric.corpus, details)

    @property
    def deltas(self) -> list[float]:
        """Per-case differences [n], ft minus base."""
        return [ft - base for base, ft in zip(self.scores("base"), self.scores("ft"), strict=True)]

    @property
    def gains(self) -> list[float]:
        """Per-case differences [n], positive where ft is better than base."""
        return [-delta for delta in self.deltas] if self.metric.lower_is_better else self.deltas

    @property
    def gained(self) -> int:
        """How many cases ft scored better than base."""
        return sum(gain > 0 for gain in self.gains)

    @property
    def lost(self) -> int:
        """How many cases ft scored worse than base."""
        return sum(gain < 0 for gain in self.gains)

    @property
    def losses(self) -> tuple[CaseResult, ...]:
        """The cases that ft scored worse than base, the largest drop first."""
        ranked = sorted(zip(self.gains, self.cases, strict=True), key=lambda pair: (pair[0], pair[1].case.id))
        return tuple(case for gain, case in ranked if gain < 0)

    @property
    def clusters(self) -> list[str] | None:
        """Each case's cluster [n], or None where no case has one. A case without one is a cluster of its own."""
        if all(result.case.cluster is None for result in self.cases):
            return None
        return [
            f"alone:{number}" if result.case.cluster is None else f"in:{result.case.cluster}"
            for number, result in enumerate(self.cases)
        ]

    def on(self, metric: str) -> Comparison:
        """Return the same comparison under another of the eval's metrics. Raises ConfigError for an unknown name."""
        for known in self.metrics:
            if known.name == metric:
                return replace(self, metric=known, best=None if self.best is None else self.best.on(metric))
        names = [known.name for known in self.metrics]
        raise ConfigError(
            f"eval {self.eval}: metric is {metric!r}{did_you_mean(metric, names)}; allowed: {', '.join(names)}"
        )

    def by(self, tag: str) -> Mapping[str, Comparison]:
        """Split by a tag: one comparison per value, in the values' order. Raises ConfigError for an unknown tag."""
        values = sorted({result.case.tags[tag] for result in self.cases if tag in result.case.tags})
        if not values:
            known = sorted({name for result in self.cases for name in result.case.tags})
            raise ConfigError(
                f"eval {self.eval}: tag is {tag!r}{did_you_mean(tag, known)};"
                f" allowed: {', '.join(known) or 'none, as no case has tags'}"
            )
        return {
            value: self._part(f"{tag}={value}", [r for r in self.cases if r.case.tags.get(tag) == value])
            for value in values
        }

    def _part(self, name: str, cases: Sequence[CaseResult]) -> Comparison:
        ids = {result.case.id for result in cases}
        best = self.best
        if best is not None:
            best = best._part(name, [result for result in best.cases if result.case.id in ids])
        return replace(self, cases=tuple(cases), slice=name, best=best)

    @property
    def _is_mean(self) -> bool:
        """Whether the metric is the mean of the scores; in a rehearsal, whose grades are made up, every metric is."""
        return self.metric.corpus is None or self.policy.rehearsal is not None

    def _value(self, role: Role) -> float:
        if self._is_mean or self.metric.corpus is None:
            return fmean(self.scores(role))
        return self.metric.corpus.value([sum(column) for column in zip(*self.statistics(role), strict=True)])

    def _grades(self, role: Role) -> list[Sequence[Grade]]:
        name = self.metric.name
        return [(case.base_grades if role == "base" else case.ft_grades)[name] for case in self.cases]


def outcome_of(base: float, ft: float, top: float, *, binary: bool) -> str:
    """Name how a pair of scores stands: win, loss, both right, both wrong, or tie.

    >>> outcome_of(0.0, 1.0, 1.0, binary=True)
    'win'
    >>> outcome_of(0.5, 0.5, 1.0, binary=False)
    'tie'
    """
    if ft != base:
        return "win" if ft > base else "loss"
    if ft == top:
        return "both right"
    return "both wrong" if binary and ft < top else "tie"


def has_third(result: CaseResult, metric: str | None = None) -> bool:
    """Whether a result has all grades of the third model: those under `metric`, or under each."""
    rows = result.also_grades.values() if metric is None else [result.also_grades.get(metric, ())]
    whole = all(len(row) == len(result.also_answers) and all(grade.graded for grade in row) for row in rows)
    return bool(result.also_answers) and whole


def with_third(comparison: Comparison) -> Comparison | None:
    """Compare ft with the third model, on the cases that this has grades for; None where a run has none.

    It is no gate's: what would be claimed of it stands in no verdict.
    """
    if not any(result.also_answers for result in comparison.cases):
        return None
    whole = tuple(against_third(comparison.cases, comparison.metric.name))
    return replace(comparison, cases=whole, verdicts=[], refusals={}, best=None)


def against_third(results: Sequence[CaseResult], metric: str | None = None) -> list[CaseResult]:
    """Return the results that have all grades of the third model, with that in base's place."""
    return [
        replace(result, base_answers=result.also_answers, base_grades=result.also_grades, people={})
        for result in results
        if has_third(result, metric)
    ]


def _score(grade: Grade) -> float:
    if grade.score is None:
        raise ConfigError(f"an ungraded answer entered a comparison: {grade.reason}")
    return grade.score


def _statistics(grade: Grade) -> list[float]:
    row = grade.detail.get(STATISTICS)
    if not isinstance(row, list | tuple) or not row:
        raise GraderError(f"a grade of a corpus metric has no detail['{STATISTICS}']: {grade.reason}")
    return [float(number) for number in row]


def _mean_row(rows: Sequence[Sequence[float]]) -> list[float]:
    return [fmean(column) for column in zip(*rows, strict=True)]
