"""One run: check, answer, grade, compare, record. It knows evals, roles and the store, but nothing of pytest.

Answers and grades are facts in the store; whoever asks for a comparison, in whatever order, gets the same one.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_ftcheck.answering import Answering, Watcher
from pytest_ftcheck.comparison import Comparison, Metric, Policy, against_third
from pytest_ftcheck.errors import CaseError, ConfigError, EngineError, FtcheckError, GraderError, StoreError
from pytest_ftcheck.evals import Eval, EvalSpec
from pytest_ftcheck.gradebook import GradeBook, beside_third
from pytest_ftcheck.grading.judge import as_judged, trust_of
from pytest_ftcheck.grading.protocol import Grader
from pytest_ftcheck.models.checkpoints import was_met
from pytest_ftcheck.models.process import EarlyProcess
from pytest_ftcheck.models.roster import open_engine, start_early
from pytest_ftcheck.options import Settings
from pytest_ftcheck.people import UNCALIBRATED, Raters
from pytest_ftcheck.records import (
    ROLES,
    Answer,
    Case,
    CaseResult,
    Decoding,
    Failure,
    Grade,
    Leak,
    Message,
    ProbeResult,
    Reply,
    Request,
    Role,
)
from pytest_ftcheck.roles import Roles, resolve_roles
from pytest_ftcheck.store import LedgerEntry, Store
from pytest_ftcheck.teamwork import Findings, Selection, Tasks, Team, talks_of

NAMED_MISSING = 5
SUMMARY = "summary"
"""The task of summing evals up, and of saying what all results together show."""
SUITES_FOLDER = Path(__file__).parent / "suites"


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """The state of one process's part in a run. Made cheaply: models are resolved when `start` is called.

    `together` says that other processes have parts in it, with the same evals.
    """

    settings: Settings
    run: str
    owner: str
    watcher: Watcher
    together: bool = False
    started: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    _clock: float = field(default_factory=time.monotonic)
    _evals: dict[EvalSpec, Eval] = field(default_factory=dict)
    _results: dict[Eval, dict[str, CaseResult]] = field(default_factory=dict)
    _findings: Findings | None = None
    _tasks: Tasks | None = None
    _fingerprints: dict[int, str | None] = field(default_factory=dict)
    _roles: Roles | None = None
    _store: Store | None = None
    _answering: Answering | None = None
    _early: EarlyProcess | None = None
    _fault: str = ""
    _found: list[ProbeResult] = field(default_factory=list)
    _best: dict[Eval, Eval] = field(default_factory=dict)
    _raters: Raters = field(init=False)
    notices: list[str] = field(default_factory=list)
    leaks: dict[str, tuple[Leak, ...]] = field(default_factory=dict)
    _leaks_by_case: dict[Eval, Mapping[str, Leak]] = field(default_factory=dict)
    _whole: dict[Eval, tuple[Case, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._raters = Raters(folder=self.settings.labels)

    def eval_of(self, spec: EvalSpec) -> Eval:
        """Return the run's eval for a declaration, its cases loaded once. Raises CaseError, or ConfigError."""
        if spec not in self._evals:
            self._require_judge(spec)
            self._raters.require_readable(spec)
            cases = spec.load()
            chosen = spec.sample(cases, self.settings.limit)
            nodeid = f"{_relative(spec.path, self.settings.rootdir)}::{spec.name}"
            self._evals[spec] = Eval(nodeid=nodeid, spec=spec, cases=chosen, total=len(cases))
            self._whole[self._evals[spec]] = cases
        return self._evals[spec]

    def expect_answers(self) -> None:
        """Start the local engine's process, without weights, if the store has never met ft's weights.

        A hint for speed, taken from names and times: a run that is answered from the store starts no engine.
        """
        source = self.settings.model
        if self._store is not None or self._fault or source is None or not self.settings.engine_process:
            return
        with suppress(FtcheckError):  # what is wrong with the store is said by `start`
            self._store = Store(self.settings.store)
            if not was_met(source, rootdir=self.settings.rootdir, digests=self._store):
                self._early = start_early(self.settings.engine)

    def expect_no_answers(self) -> None:
        """End an engine process that was started and is not needed."""
        if self._early is not None:
            self._early.close()

    def start(self) -> None:
        """Open the store and resolve both models; nothing is loaded. Raises ConfigError, EngineError or StoreError.

        After a failure every later question is answered with the same reason.
        """
        if self._fault:
            raise EngineError(self._fault)
        if self._answering is not None:
            return
        try:
            self._store = self._store or Store(self.settings.store)
            self._roles = resolve_roles(self.settings, self._store)
        except FtcheckError as error:
            self._fault = str(error)
            raise
        self._answering = Answering(
            store=self._store,
            run=self.run,
            owner=self.owner,
            key_of=self._roles.key_of,
            open_engine=self._open_engine,
            watcher=self.watcher,
        )
        self._tasks = Tasks(answering=self._answering)

    def answer(self, planned: Iterable[tuple[Eval, Sequence[Case]]], beside: Sequence[Request] = ()) -> list[Reply]:
        """Answer and grade the planned cases of evals, all of them in one plan (one per turn, where cases have turns).

        Requests `beside` them, those of probes, share the first plan; their replies are returned in order.
        """
        work = [(one, case) for one, cases in planned for case in self._unknown(one, cases)]
        replies, apart = self._converse(work, ROLES, beside)
        by_eval: dict[Eval, list[Case]] = {}
        for one, case in work:
            by_eval.setdefault(one, []).append(case)
        for one, cases in by_eval.items():
            self._results.setdefault(one, {}).update(self._grade(one, cases, replies))
        self._ask_third({one: cases for one, cases in by_eval.items() if one.baseline == "given"})
        return apart

    def prepare(self, planned: Sequence[tuple[Eval, Sequence[Case]]], beside: Sequence[Request] = ()) -> list[Reply]:
        """Answer and grade what a run selected, as `answer` does, but what one process suffices for once in the run."""
        self.start()
        if not (self.together and planned) or self._findings is not None:
            return self.answer(planned, beside)
        self._fingerprints.update({id(each): each.fingerprint for one, _ in planned for each in one.spec.graders})
        selection = Selection(evals=tuple((one, tuple(cases)) for one, cases in planned))
        team = Team(
            answering=self._the_answering,
            roles=self._the_roles,
            selection=selection,
            name=selection.name(self._the_roles, self._fingerprints),
        )
        if team.leads():
            return self._lead(team, planned, beside)
        self._findings = team.findings()
        # Where the leader could not find anything each process does, and says why.
        known = all(not self._unknown(one, cases[:1]) for one, cases in planned)
        return self.answer(() if known else planned, beside)

    def _lead(
        self, team: Team, planned: Sequence[tuple[Eval, Sequence[Case]]], beside: Sequence[Request]
    ) -> list[Reply]:
        self._the_answering.herald = team.herald
        with self._the_answering.heartbeat():
            try:
                replies = self.answer(planned, beside)
            except FtcheckError:
                with suppress(FtcheckError):
                    team.publish({})
                raise
            finally:
                self._the_answering.herald = None
            try:
                team.publish(self._results)
            except StoreError:  # such as for a grade's detail that JSON cannot hold: the others find out for themselves
                team.publish({})
        # It alone has all results at hand.
        if self._tasks is not None:
            self._tasks.take(SUMMARY)
        return replies

    def _unknown(self, one: Eval, cases: Sequence[Case]) -> list[Case]:
        """Return the cases of which nothing is known, here or from the process that led."""
        known = self._results.get(one, {})
        unknown = [case for case in cases if case.id not in known]
        if unknown and self._findings is not None:
            found = self._findings.of(one, unknown)
            self._results.setdefault(one, {}).update(found)
            unknown = [case for case in unknown if case.id not in found]
        return unknown

    def _ask_third(self, planned: Mapping[Eval, Sequence[Case]]) -> None:
        """Put the third model's answers beside those of base and ft, which are all there: it can take nothing away."""
        work = [(one, case) for one, cases in planned.items() for case in cases]
        if self.settings.also is None or not work:
            return
        replies: dict[tuple[Role, Eval, str], list[Reply]] = {}
        absent = self._the_roles.absent
        try:
            if not absent:
                replies, _ = self._converse(work, ("also",))
        except FtcheckError as error:
            absent = str(error)
        for one, cases in planned.items():
            silent = [Failure(reason=absent)] * one.spec.samples
            said = {case.id: replies.get(("also", one, case.id), silent) for case in cases}
            known = {case.id: self._results[one][case.id] for case in cases}
            try:
                found = beside_third(known, said, one.spec.graders, self._book(one))
            except FtcheckError as error:
                silent = [Failure(reason=str(error))] * one.spec.samples
                found = beside_third(known, dict.fromkeys(said, silent), one.spec.graders, self._book(one))
            self._results[one].update(found)

    def result(self, one: Eval, case: Case) -> CaseResult:
        """Return one case's answers and grades. Raises EngineError or GraderError when one of them is missing."""
        if self._unknown(one, [case]):
            self.answer([(one, [case])])
        result = self._results[one][case.id]
        if result.missing:
            raise _fault(result)
        return result

    def results(self, one: Eval) -> list[CaseResult]:
        """Return what is known of an eval's cases, in the order of the file."""
        self._unknown(one, self.cases_of(one))
        known = self._results.get(one, {})
        return [known[case.id] for case in self.cases_of(one) if case.id in known]

    def known_result(self, one: Eval, case: Case) -> CaseResult | None:
        """Return one case's answers and grades, with what is missing of them; None where it was not asked."""
        self._unknown(one, [case])
        return self._results.get(one, {}).get(case.id)

    def exchange(
        self, role: Role, one: Eval, case: Case, *, sample: int, earlier: Sequence[str]
    ) -> tuple[Request, str, Reply | None, bool]:
        """Return what a role was asked: the request, its key, the reply if any, and if the store had it before."""
        request = self._the_roles.request(role, one.spec, case, sample=sample, earlier=earlier, baseline=one.baseline)
        key = self._the_roles.key_of(request)
        return request, key, *self._the_answering.recalled(key)

    @property
    def evals(self) -> tuple[Eval, ...]:
        """All evals that were collected."""
        return tuple(self._whole)

    def whole(self, one: Eval) -> tuple[Case, ...]:
        """Return all cases of an eval, `--ft-limit` or not."""
        return self._whole[one]

    def cases_of(self, one: Eval) -> tuple[Case, ...]:
        """Return the cases that are judged: all but those that leaked, where these are left out."""
        if self.settings.leaks == "warn" or one.nodeid not in self.leaks:
            return one.cases
        leaked = self.leaks_by_case(one)
        return tuple(case for case in one.cases if case.id not in leaked)

    def leaks_by_case(self, one: Eval) -> Mapping[str, Leak]:
        """Return the first leak found of each leaked case of an eval, by case id."""
        if one not in self._leaks_by_case and one.nodeid in self.leaks:
            self._leaks_by_case[one] = {leak.case: leak for leak in reversed(self.leaks[one.nodeid])}
        return self._leaks_by_case.get(one, {})

    def refuse(self, reason: str) -> None:
        """Answer every later question of the run with why it is not asked."""
        self._fault = reason

    @property
    def store(self) -> Store:
        """The store, once `start` opened it."""
        return self._the_store

    def comparison(self, spec: EvalSpec) -> Comparison:
        """Pair all cases of an eval, whichever of them were selected as tests.

        Raises EngineError or GraderError naming the cases that lack a grade: n never shrinks quietly.
        """
        one = self.eval_of(spec)
        if not self.cases_of(one):
            raise CaseError(f"eval {one.name}: all {len(one.cases)} cases stand in the training data")
        best = self.best_of(one)
        self.answer([(each, self.cases_of(one)) for each in (one, best) if each is not None])
        found = self._paired(one)
        # What is found of either stands in one list: it is one gate's.
        return found if best is None else replace(found, best=replace(self._paired(best), verdicts=found.verdicts))

    def best_of(self, one: Eval) -> Eval | None:
        """Return the eval with base at its best prompt; None where none is given, or the eval leaves profiles out."""
        if self.settings.best_base_profile is None or one.spec.raw or one.baseline == "best":
            return None
        return self._best.setdefault(one, replace(one, baseline="best"))

    def _paired(self, one: Eval) -> Comparison:
        results = self.results(one)
        missing = [result for result in results if result.missing]
        if missing:
            named = "; ".join(f"{result.case.id}: {result.missing}" for result in missing[:NAMED_MISSING])
            more = f"; and {len(missing) - NAMED_MISSING} more" if len(missing) > NAMED_MISSING else ""
            raise type(_fault(missing[0]))(
                f"eval {one.name}: {len(missing)} of {len(results)} cases have no pair of grades ({named}{more})"
            )
        return self.pair(one, results)

    def pair(self, one: Eval, results: Sequence[CaseResult]) -> Comparison:
        """Make the comparison of results that all have grades."""
        metrics, results = self._raters.beside(one.spec, metrics_of(one.spec), results)
        third = against_third(results)
        partial = ""
        if len(one.cases) < one.total:
            partial = f"partial: {len(one.cases)} of {one.total} cases (--ft-limit)"
        policy = Policy(
            inconclusive=self.settings.inconclusive,
            partial=partial,
            caveat=self._caveat(one),
            acceptable=self.settings.acceptable_drop,
            catastrophic=self.settings.catastrophic_drop,
            baseline="best" if one.baseline == "best" else "",
        )
        return Comparison(
            eval=one.name,
            metrics=metrics,
            cases=tuple(results),
            metric=metrics[0],
            policy=policy,
            refusals=_refusals(one.spec, results),
            apart=frozenset(_incomparable(one.spec, third)) if third else frozenset(),
            describe=_describe,
        )

    def _caveat(self, one: Eval) -> str:
        unequal = "" if self._roles is None else self._roles.unequal(one.spec)
        baseline = "base at its best prompt" if one.baseline == "best" else unequal
        return "; ".join(filter(None, [baseline, self._leaked(one)]))

    def _leaked(self, one: Eval) -> str:
        one = next((given for given, best in self._best.items() if best is one), one)
        leaked = len({leak.case for leak in self.leaks.get(one.nodeid, ())})
        if not leaked:
            return ""
        left_out = "" if self.settings.leaks == "warn" else ", left out"
        return f"{leaked:,} of {len(one.cases):,} cases leaked{left_out}"

    def ask(
        self, role: Role, prompt: str | Sequence[Message], *, decoding: Decoding, system: str | None = None
    ) -> Answer:
        """Answer a probe's prompt. Raises EngineError when there is no answer."""
        request = self.question(role, prompt, decoding=decoding, system=system)
        return answer_of(request, self._the_answering.answer_now(request))

    def ask_all(
        self,
        role: Role,
        prompts: Sequence[str | Sequence[Message]],
        *,
        decoding: Decoding,
        system: str | None = None,
    ) -> list[Answer]:
        """Answer several prompts of a probe in one plan, in order. Raises EngineError when one has no answer."""
        requests = [self.question(role, prompt, decoding=decoding, system=system) for prompt in prompts]
        replies = self._the_answering.answer(requests) if requests else []
        return [answer_of(request, reply) for request, reply in zip(requests, replies, strict=True)]

    def note(self, found: ProbeResult) -> None:
        """Keep what a probe found until its test ends."""
        self._found.append(found)

    def take_notes(self) -> list[ProbeResult]:
        """Return what probes found since the last call."""
        found, self._found = self._found, []
        return found

    def question(
        self, role: Role, prompt: str | Sequence[Message], *, decoding: Decoding, system: str | None = None
    ) -> Request:
        """Return the request that a probe's prompt becomes, with the role's profile applied."""
        self.start()
        return self._the_roles.question(role, prompt, decoding, system)

    def takes_at_last(self, task: str) -> bool:
        """Whether it is this process that does, at the end of its part, what one of the run's suffices for."""
        return self._tasks is None or self._tasks.take_at_last(task)

    def did(self, task: str) -> None:
        """Say that a task that was taken is done, so that nobody takes it over."""
        if self._tasks is not None:
            self._tasks.done(task)

    def record(self, started: str, facts: Mapping[str, Any]) -> None:
        """Enter the run into the ledger, and forget what its processes told each other. Raises StoreError."""
        with Store(self.settings.store) as store:
            store.withdraw(self.run)
            store.record_run(self.run, started, facts)

    def history(self) -> list[LedgerEntry]:
        """Return the runs of the ledger, newest first. Raises StoreError."""
        with Store(self.settings.store) as store:
            return store.runs()

    @property
    def roles(self) -> Roles | None:
        """Both models, once `start` found them."""
        return self._roles

    @property
    def counts(self) -> tuple[int, int]:
        """How many requests this process answered, and how many the store held already."""
        if self._answering is None:
            return 0, 0
        return self._answering.answered, self._answering.from_store

    @property
    def duration_s(self) -> float:
        """Seconds since the session was made."""
        return time.monotonic() - self._clock

    def all_notices(self) -> list[str]:
        """What a reader of the verdicts must know of how the answers came to be, as this process saw it."""
        store = [] if self._store is None else list(self._store.notices)
        roles = [] if self._roles is None else self._roles.notices()
        engine = [] if self._answering is None else self._answering.notices()
        return [*store, *self.notices, *roles, *engine]

    def all_results(self) -> dict[Eval, dict[str, CaseResult]]:
        """Return all that is known, by eval and case id, this process's own and what another found."""
        if self._findings is not None:
            for one, cases in self._findings.selection.evals:
                self._unknown(one, cases)
        return self._results

    def close(self) -> None:
        """Give engine and store back."""
        self.expect_no_answers()
        if self._answering is not None:
            self._answering.close()
        if self._tasks is not None:
            self._tasks.leave()
        if self._store is not None:
            self._store.close()

    def _require_judge(self, spec: EvalSpec) -> None:
        asking = [grader.name for grader in spec.graders if as_judged(grader) is not None]
        if asking and self.settings.model is not None and self.settings.judge is None:
            raise ConfigError(
                f"grader {', '.join(asking)} asks a model, and --ft-judge is missing; allowed: --ft-judge=SOURCE, a"
                " folder, a hub id, an adapter folder, answers.jsonl or http://host/v1#name"
            )

    def judge_notices(self) -> list[str]:
        """Say of every judge how far its grades can be believed, and of every metric that cannot compare the roles."""
        found = []
        for one, results in self.all_results().items():
            for grader in one.spec.graders:
                if as_judged(grader) is None:
                    continue
                trust = trust_of(grader, list(results.values()))
                why = self._raters.ratings(one.spec, grader, list(results.values())).why
                blind = f"{grader.name} is graded by an {why}: its errors are not in the intervals" if why else ""
                said = [text for text in (blind, "" if trust is None else trust.notice) if text]
                found += [f"{one.name}: {'; '.join(said)}"] if said else []
            whole = [result for result in results.values() if not result.missing]
            found += [f"{one.name}: {why}" for why in _incomparable(one.spec, whole).values()]
        return found

    def keep_sheets(self) -> list[str]:
        """Leave the judged answers of this run for people to rate (`ftcheck review`); say what could not be left."""
        try:
            for one, results in self.all_results().items():
                if len(results) == len(one.cases):
                    self._raters.keep_sheets(one.spec, list(results.values()), self.settings.store)
        except FtcheckError as error:
            return [str(error)]
        return []

    def _open_engine(self) -> Any:
        # Rate and budget of served models are shared by all processes of the run.
        options = self._the_roles.options
        served = replace(options.served, meter=self._the_store.folder / f"{self.run}.meter")
        return open_engine(
            self._the_roles.specs,
            replace(options, served=served),
            engine=self.settings.engine,
            in_process=not self.settings.engine_process,
            report=self.watcher.phase,
            time_limit_s=self.settings.time_limit_s,
            early=self._early,
        )

    def _converse(
        self, work: Sequence[tuple[Eval, Case]], roles: Sequence[Role], beside: Sequence[Request] = ()
    ) -> tuple[dict[tuple[Role, Eval, str], list[Reply]], list[Reply]]:
        """Answer every sample of every case for the roles; later turns follow in rounds, each round one plan."""
        if not work and not beside:
            return {}, []
        self.start()
        talks = [talk for one, case in work for talk in talks_of(one, case, roles)]
        open_talks = talks
        first = list(beside)
        apart: list[Reply] = []
        while open_talks or first:
            requests = [talk.next_request(self._the_roles) for talk in open_talks]
            answered = self._the_answering.answer([*requests, *first])
            for talk, reply in zip(open_talks, answered, strict=False):
                talk.replies.append(reply)
            apart += answered[len(requests) :]
            open_talks, first = [talk for talk in open_talks if not talk.finished], []
        replies: dict[tuple[Role, Eval, str], list[Reply]] = {}
        for talk in talks:
            replies.setdefault((talk.role, talk.one, talk.case.id), []).append(talk.replies[-1])
        return replies, apart

    def _grade(
        self, one: Eval, cases: Sequence[Case], replies: dict[tuple[Role, Eval, str], list[Reply]]
    ) -> dict[str, CaseResult]:
        """Grade all answers of an eval's cases, those with a fingerprint by way of the store."""
        book = self._book(one)
        said: dict[str, dict[Role, Sequence[Reply]]] = {
            case.id: {role: replies[role, one, case.id] for role in ROLES} for case in cases
        }
        for case in cases:
            for role in ROLES:
                for grader in one.spec.graders:
                    for number in range(one.spec.samples):
                        book.want(grader, case, role, number, said[case.id])
        self.watcher.phase(f"grading {one.name}, {len(cases):,} cases", passing=True)
        book.fill()
        return {case.id: _result(case, said[case.id], one.spec.graders, book) for case in cases}

    def _book(self, one: Eval) -> GradeBook:
        return GradeBook(
            eval=one.name,
            store=self._the_store,
            ask=self._the_answering.answer,
            key_of=self._the_roles.key_of,
            fingerprints=self._fingerprints,
        )

    @property
    def _the_store(self) -> Store:
        assert self._store is not None
        return self._store

    @property
    def _the_roles(self) -> Roles:
        assert self._roles is not None
        return self._roles

    @property
    def _the_answering(self) -> Answering:
        assert self._answering is not None
        return self._answering


def answer_of(request: Request, reply: Reply) -> Answer:
    """Return the answer to a probe's request. Raises EngineError where there is none."""
    if isinstance(reply, Failure):
        text = request.messages[-1]["content"][:80]
        raise EngineError(f"{request.role} did not answer {text!r}: {reply.reason}")
    return reply


def _refusals(spec: EvalSpec, results: Sequence[CaseResult]) -> dict[str, str]:
    """Say of each metric that is not to be relied on, for its judge or what it measures, why no gate may rest on it."""
    found = {grader.name: trust_of(grader, results) for grader in spec.graders}
    judges = {name: trust.refusal for name, trust in found.items() if trust is not None and trust.refusal}
    return judges | _incomparable(spec, results)


def _incomparable(spec: EvalSpec, results: Sequence[CaseResult]) -> dict[str, str]:
    """Say of each metric that says so itself why its figures of the two roles do not compare."""
    reasons = {one.name: one.refusal(results) for one in spec.graders if hasattr(one, "refusal")}
    return {name: why for name, why in reasons.items() if why}


def metrics_of(spec: EvalSpec) -> tuple[Metric, ...]:
    """Describe an eval's graders as metrics, the primary first."""
    return tuple(
        Metric(
            name=grader.name,
            score_range=grader.score_range,
            binary=grader.binary and getattr(grader, "combine", None) is None,
            corpus=getattr(grader, "corpus", None),
            lower_is_better=getattr(grader, "lower_is_better", False),
            combine=getattr(grader, "combine", None),
            judge=UNCALIBRATED if as_judged(grader) is not None else "",
            opposes=bool(getattr(grader, "opposes", False)),
        )
        for grader in spec.graders
    )


def _result(case: Case, said: Mapping[Role, Sequence[Reply]], graders: Sequence[Grader], book: GradeBook) -> CaseResult:
    missing: list[str] = []
    grades: dict[Role, dict[str, list[Grade]]] = {"base": {}, "ft": {}}
    for role in ROLES:
        for grader in graders:
            row = grades[role].setdefault(grader.name, [])
            for number, reply in enumerate(said[role]):
                found = book.look_up(grader, case, role, number, reply)
                if isinstance(found, Failure):
                    missing.append(f"{role} has no answer: {found.reason}")
                elif isinstance(found, GraderError):
                    missing.append(f"{role}: {found}")
                else:
                    row.append(found)
                    if not found.graded:
                        missing.append(f"{role} is ungraded by {grader.name}: {found.reason}")
    return CaseResult(
        case=case,
        base_answers=tuple(said["base"]),
        ft_answers=tuple(said["ft"]),
        base_grades=grades["base"],
        ft_grades=grades["ft"],
        missing="; ".join(dict.fromkeys(missing)),
    )


def _describe(comparison: Comparison) -> str:
    # Imported when somebody looks: the statistics bring numpy and scipy.
    from pytest_ftcheck.judging import describe

    return describe(comparison)


def _fault(result: CaseResult) -> FtcheckError:
    """Say of which kind a missing grade is: the engine's fault or the grader's."""
    failed = any(isinstance(reply, Failure) for reply in (*result.base_answers, *result.ft_answers))
    return (EngineError if failed else GraderError)(f"case {result.case.id}: {result.missing}")


def _relative(path: Path, folder: Path) -> str:
    """Name a test file: ours, of a ready-made suite, by its place in the package; others below `folder`, or whole."""
    home = next((parent for parent in (SUITES_FOLDER, folder) if path.is_relative_to(parent)), None)
    if home is SUITES_FOLDER:
        home = home.parent.parent
    return path.as_posix() if home is None else path.relative_to(home).as_posix()
