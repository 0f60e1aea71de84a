"""A pytest run of ours: what the plugin's hooks call. It carries facts between pytest's items, workers and reports."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import uuid
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.curves import judged
from pytest_ftcheck.data.training_log import find_training_log, read_training_log
from pytest_ftcheck.diagnosis import diagnose
from pytest_ftcheck.environment import versions
from pytest_ftcheck.errors import ConfigError, FtcheckError
from pytest_ftcheck.hygiene.answer_sets import answer_notices, likeness, silence
from pytest_ftcheck.hygiene.case_sets import case_set_notices, label_notices
from pytest_ftcheck.hygiene.leaked import mark_leaks
from pytest_ftcheck.hygiene.registration import changes_told, register
from pytest_ftcheck.items.capabilities import entries
from pytest_ftcheck.items.crossing import LIGHT, Share, pack, send_bundles, unpack
from pytest_ftcheck.items.evals import NO_MODEL, EvalItem, Item, WholeEvalItem, eval_items
from pytest_ftcheck.items.gates import comparisons_for, gate_result, gate_spec, rehearse
from pytest_ftcheck.items.inventory import gates_of, training_evals, whole_files
from pytest_ftcheck.items.outputs import deliver, needs_cases
from pytest_ftcheck.items.planning import PlanningPass, answer_planned
from pytest_ftcheck.items.probes import Model
from pytest_ftcheck.items.verbose_cases import OPTION, case_views, unknown_cases
from pytest_ftcheck.items.workers import Crashes, Silent, Watch
from pytest_ftcheck.records import (
    Decision,
    EvalSummary,
    GateResult,
    ProbeResult,
    Registration,
    Role,
    Run,
    TrainingLog,
)
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.progress import Progress
from pytest_ftcheck.reports.selection import with_kept_cases
from pytest_ftcheck.reports.verbose_case import CaseView, case_text, case_title
from pytest_ftcheck.session import SUMMARY, Session

if TYPE_CHECKING:
    from pytest_ftcheck.comparison import Comparison
    from pytest_ftcheck.evals import Eval, EvalSpec
    from pytest_ftcheck.options import Settings
    from pytest_ftcheck.records import Case


SHOWN_OF_A_FAULT = 4_000
"""Characters of an error's message that are shown: it may quote an answer, which may be of any length."""

PIPED_WIDTH = 120
"""Width of the verdict table where nobody's terminal limits it."""


class ItemRun:
    """The run as one pytest process sees it."""

    def __init__(self, config: pytest.Config, settings: Settings, progress: Progress) -> None:
        worker = getattr(config, "workerinput", None)
        self.settings = settings
        self.is_worker = worker is not None
        self.collect_only = bool(config.getoption("collectonly", False))
        self.progress = Silent() if self.is_worker else progress
        self.session = Session(
            settings=settings,
            run=uuid.uuid4().hex if worker is None else str(worker["testrunuid"]),
            owner=f"{os.getpid()}-{uuid.uuid4().hex[:8]}",
            watcher=self.progress,
            together=worker is not None and worker["workercount"] > 1,
        )
        self.gates: dict[str, GateResult] = {}
        self.probes: dict[str, tuple[ProbeResult, ...]] = {}
        self.shares: list[Share] = []
        self.crashes = Crashes(config)
        send_bundles(config)
        self._watch: Watch | None = None
        self._introduced = False
        self._evals: dict[str, Eval] = {}
        self._collected: list[pytest.Item] = []
        self._registration: Registration | None = None
        self.config = config

    def collect(self, collector: Any, spec: EvalSpec) -> list[EvalItem] | list[WholeEvalItem]:
        """Make the items of an eval. While pytest goes on collecting, the engine's libraries are imported."""
        if not self.collect_only:
            self.session.expect_answers()
        return eval_items(collector, self.session.eval_of(spec), self.session)

    def select(self, items: list[pytest.Item]) -> None:
        """Skip gates without a model."""
        self._collected = list(items)
        if self.settings.model is None:
            for item in items:
                if gate_spec(item) is not None:
                    item.add_marker(pytest.mark.skip(reason=NO_MODEL))

    def foretell(self, items: list[pytest.Item]) -> list[str]:
        """Say which gates cannot pass with the cases that they have."""
        if self.settings.model is None:
            return []
        gates = (item for item in items if gate_spec(item) is not None)
        return [line for item in gates for line in rehearse(item, self.session)]

    def answer(self, items: list[pytest.Item]) -> None:
        """Answer and grade everything that the selected items need, in one plan."""
        if self.is_worker:
            # Cases and items stay to the end: the cycle collector need not look through them at every turn.
            gc.freeze()
        planned: dict[Eval, dict[str, Case]] = {}
        for item in items:
            if isinstance(item, Item):
                planned.setdefault(item.eval, {}).update((case.id, case) for case in item.cases)
        for item in items:
            spec = gate_spec(item)
            for one in () if spec is None else map(self.session.eval_of, spec.evals):
                planned[one] = {case.id: case for case in one.cases}
        self.session.expect_answers()  # where there are probes alone, beside their planning
        probes = PlanningPass(self.session, items)
        if not (planned or probes) or self.settings.model is None:
            self.session.expect_no_answers()
            return
        self._evals.update({one.nodeid: one for one in planned})
        self._check(items, list(planned))
        judged = {one: {case.id for case in self.session.cases_of(one)} for one in planned}
        planned = {one: {id: case for id, case in cases.items() if id in judged[one]} for one, cases in planned.items()}
        self.session.notices += self.foretell(items)  # before any gate runs, whose body may leave something behind
        work = [(one, list(cases.values())) for one, cases in planned.items()]
        gated = {one for item in items for one in map(self.session.eval_of, _evals_of(item))}
        bests = [(self.session.best_of(one), cases) for one, cases in work if one in gated]
        answer_planned(self.session, [*work, *((one, cases) for one, cases in bests if one is not None)], probes)
        if not self.session.counts[0]:
            self.session.expect_no_answers()
        self.progress.close()
        if self.is_worker:
            gc.freeze()  # and results

    def _check(self, items: list[pytest.Item], evals: list[Eval]) -> None:
        """Before any model loads: are the cases as they were pinned, are any in the training data?"""
        if self.settings.frozen or self.settings.lock.exists():
            known = self._collected or items
            files = whole_files(known, self.config)
            self._registration = register(self.session, gates_of(known, self.session), files)
            if self._registration is not None:
                self.session.notices += changes_told(self._registration)
        if self.settings.train_data is not None:
            trained = training_evals(self._collected or items, self.session)
            mark_leaks(self.session, [one for one in evals if one.name not in trained])

    def watch(self, run: str) -> None:
        """As the controller, show how far the workers of a run are, until the first test begins."""
        self.session.run = run
        if self._watch is None:
            self._watch = Watch(self.progress, self.settings.store, run)

    def begins(self, nodeid: str) -> None:
        """Hear that a test begins, in whichever process: what was to be answered is."""
        self.crashes.begins(nodeid)
        if self._watch is not None and not self._watch.is_over:
            self._watch.close()
            self.progress.close()

    def introduced(self, packed: str) -> None:
        """As the controller, hear from a worker which items are ours."""
        self.crashes.learn(*unpack(packed))

    def model(self, role: Role) -> Model:
        """Return a role's model for probes; without one the test is skipped."""
        if self.settings.model is None:
            pytest.skip(NO_MODEL)
        return Model(self.session, role)

    def _training(self) -> TrainingLog | None:
        """Return what the log in the fine-tune's folder shows, where there is one that can be read."""
        if self.settings.model is None or not Path(self.settings.model).is_dir():
            return None
        try:
            return self.training_log()
        except FtcheckError:
            return None

    def training_log(self) -> TrainingLog:
        """Return what the fine-tune's training log shows; without a model the test is skipped. Raises ConfigError."""
        if self.settings.model is None:
            pytest.skip(NO_MODEL)
        return judged(read_training_log(find_training_log(Path(self.settings.model))))

    def annotate(self, item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport) -> None:
        """Put on a report what the summary and the letter need; it crosses from worker to controller."""
        error = None if call.excinfo is None else call.excinfo.value
        if isinstance(item, Item):
            if report.when == "call":
                vars(report)["ftcheck_outcome"] = item.outcome
            if error is None and self.is_worker and self._introduced:
                vars(report)[LIGHT] = True
        if self.is_worker and not self._introduced:
            vars(report)["ftcheck_own"] = pack(_own(item.session.items))
            self._introduced = True
        if isinstance(item, Item) and error is None:
            return
        notes = self.session.take_notes() if report.when == "call" else []
        probed = entries(item, notes, failed=report.failed) if report.when == "call" and not report.skipped else ()
        if probed:
            vars(report)["ftcheck_probes"] = pack(probed)
        if isinstance(error, FtcheckError):
            vars(report)["ftcheck_fault"] = True
            if report.when == "setup":
                report.longrepr = inert(str(error), limit=SHOWN_OF_A_FAULT)
        if gate_spec(item) is None or report.skipped:
            return
        if report.when == "call" or (report.when == "setup" and report.failed):
            result = gate_result(item, error)
            vars(report)["ftcheck_gate"] = pack(result)
            vars(report)["ftcheck_outcome"] = result.decision.value
            item.user_properties += _properties(result)

    def comparisons(self, item: pytest.Item, *, one: bool = False) -> tuple[Comparison, ...]:
        """Compare the evals of a gate. Raises ConfigError, EngineError or GraderError."""
        __tracebackhide__ = True
        if self.settings.model is None:
            pytest.skip(NO_MODEL)
        found = comparisons_for(item, self.session)
        if one and len(found) > 1:
            raise ConfigError(f"gate {item.name} reads {len(found)} evals; allowed: the fixture comparisons, a tuple")
        return found

    def heard(self, report: pytest.TestReport) -> None:
        """Take what a report says of a gate or a probe, in whichever process it was judged."""
        if hasattr(report, "ftcheck_probes"):
            self.probes[report.nodeid] = unpack(vars(report)["ftcheck_probes"])
        if hasattr(report, "ftcheck_gate"):
            result: GateResult = unpack(vars(report)["ftcheck_gate"])
            self.gates[result.nodeid] = result

    def take(self, packed: str) -> None:
        """Take what a worker found."""
        self.shares.append(unpack(packed))

    def finish(self, config: pytest.Config) -> None:
        """Sum up what this process found, give engine and store back, and as a worker send it to the controller."""
        if self._watch is not None:
            self._watch.close()
            self.progress.close()
        share = self._share()
        output = getattr(config, "workeroutput", None)
        if output is not None:
            output["ftcheck"] = pack(share)
        else:
            self.shares.append(share)
        self.session.did(SUMMARY)
        self.session.close()

    def report(self, terminal: Any) -> None:
        """Print the verdict table, with the worst losses under -v, and write the files that were asked for.

        A run that could not begin has no table, but its files replace an earlier run's. One that cannot be written is
        a warning: the verdict stands. A worker, whose terminal nobody sees, leaves it to the controller.
        """
        run = self._reused(self._record())
        self._report(terminal, run)
        self._print_cases(terminal)

    def _report(self, terminal: Any, run: Run) -> None:
        if not (run.gates or run.evals or run.probes):
            return
        begun = bool(run.gates or run.probes or any(one.n or one.missing for one in run.evals))
        if begun:
            self._enter(run)
            self._print(terminal, run)
        for line, is_warning in deliver(run, self.settings, begun=begun):
            terminal.write_line(line, yellow=is_warning)

    def _print(self, terminal: Any, run: Run) -> None:
        from pytest_ftcheck.reports.terminal import eval_tables, verdict_table
        from pytest_ftcheck.reports.terminal_losses import worst_losses

        writer = terminal.config.get_terminal_writer()
        colour = writer.hasmarkup
        width = writer.fullwidth if colour or "COLUMNS" in os.environ else max(writer.fullwidth, PIPED_WIDTH)
        terminal.section("fine-tune verdict")
        plain = _is_ascii()
        terminal.write(verdict_table(run, width=width, colour=colour, ascii_only=plain))
        if terminal.config.get_verbosity() > 0:
            for one in run.evals:
                terminal.write(eval_tables(one, width=width, colour=colour, ascii_only=plain))
                if one.worst:
                    terminal.write(worst_losses(one, width=width, colour=colour, ascii_only=plain))

    def _print_cases(self, terminal: Any) -> None:
        """Print all that is known of the cases that --ft-verbose-case names."""
        views = {(view.case.id, view.eval): view for share in self.shares for view in share.case_views}
        for view in views.values():
            terminal.section(case_title(view))
            terminal.write(case_text(view, ascii_only=_is_ascii()))
        for text in dict.fromkeys(text for share in self.shares for text in share.warnings):
            terminal.write_line(f"warning: {inert(text, one_line=True)}", yellow=True)

    def _reused(self, run: Run) -> Run:
        """Say how many checkpoints the run's held-out sets have judged, by the ledger."""
        if not run.evals:
            return run
        from pytest_ftcheck.hygiene.reuse import with_reuse

        with contextlib.suppress(FtcheckError):
            return with_reuse(run, self.session.history())
        return run

    def _enter(self, run: Run) -> None:
        """Enter the run into the ledger; a ledger that cannot be written does not touch the verdict."""
        from pytest_ftcheck.hygiene.reuse import facts_of

        with contextlib.suppress(FtcheckError):
            self.session.record(run.started, facts_of(run))

    def _share(self) -> Share:
        notices = self.session.all_notices()
        summaries: tuple[EvalSummary, ...] = ()
        if self._evals and self._sums_up():
            from pytest_ftcheck.summaries import advice, agreements, summarise

            odd = [text for one in self._evals.values() for text in case_set_notices(one.name, one.cases)]
            found = [*self.session.keep_sheets(), *odd, *notices, *self.session.judge_notices()]
            whole = [result for results in self.session.all_results().values() for result in results.values()]
            notices = [*found, *likeness(whole, self.session.roles), *silence(whole, self.settings.also)]
            shown = needs_cases(self.settings)
            summaries = tuple(summarise(self.session, one, cases=shown) for one in self._evals.values())
            notices += [text for text in map(advice, summaries) if text]
            for one in self._evals.values():
                results = self.session.results(one)
                notices += label_notices(one.name, results)
                notices += answer_notices(one.name, one.spec.graders, results)
            notices += [text for one in summaries for text in agreements(one)]
            if self.is_worker and self.settings.report is None:  # the page's table of all cases needs them all
                summaries = with_kept_cases(summaries)
        answered, from_store = self.session.counts
        views, warnings = self._verbose_cases()
        return Share(
            started=self.session.started,
            duration_s=self.session.duration_s,
            models=() if self.session.roles is None else self.session.roles.records(),
            evals=summaries,
            notices=tuple(notices),
            answered=answered,
            from_store=from_store,
            registration=self._registration,
            case_views=views,
            warnings=warnings,
        )

    def _verbose_cases(self) -> tuple[tuple[CaseView, ...], tuple[str, ...]]:
        """Return what is known of the cases that --ft-verbose-case names, and warnings of those that nobody knows."""
        ids = self.settings.verbose_cases
        if not (ids and self.session.evals and self._sums_up()):
            return (), ()
        if self.settings.model is None:
            return (), (f"{OPTION} {NO_MODEL}",)
        try:
            return case_views(self.session, ids, self._collected), unknown_cases(self.session, ids)
        except FtcheckError as error:  # a store that cannot be read any more does not touch the verdict
            return (), (f"{OPTION}: {error}",)

    def _sums_up(self) -> bool:
        """Whether this process sums up: of several workers one does, and the others wait in case it does not live."""
        return not self.is_worker or self.session.takes_at_last(SUMMARY)

    def _record(self) -> Run:
        """Put together what all processes of the run found."""
        self.gates = {**self.crashes.errors(), **self.gates}
        evals = {one.nodeid: one for share in self.shares for one in share.evals}
        told = (text for share in self.shares for text in share.notices)
        notices = dict.fromkeys([*self.crashes.notices(), *told])
        if sum(result.decision is Decision.FAIL for result in self.gates.values()):
            from pytest_ftcheck.judging import not_standing

            notices |= dict.fromkeys(
                f"{name}: its fail is not proven once all gates of the run are taken together (Holm)"
                for name in not_standing(list(self.gates.values()))
            )
        run = Run(
            id=self.session.run,
            started=min((share.started for share in self.shares), default=self.session.started),
            duration_s=max((share.duration_s for share in self.shares), default=0.0),
            version=version("pytest-ftcheck"),
            models=next((share.models for share in self.shares if share.models), ()),
            evals=tuple(evals[nodeid] for nodeid in sorted(evals)),
            gates=tuple(self.gates[nodeid] for nodeid in sorted(self.gates)),
            probes=tuple(found for nodeid in sorted(self.probes) for found in self.probes[nodeid]),
            notices=tuple(notices),
            answered=sum(share.answered for share in self.shares),
            from_store=max((share.from_store for share in self.shares), default=0),
            limit=self.settings.limit,
            inconclusive=self.settings.inconclusive,
            versions=versions(),
            training=self._training(),
            registration=next((share.registration for share in self.shares if share.registration), None),
        )
        return replace(run, diagnosis=diagnose(run))


def _is_ascii() -> bool:
    """Whether the terminal's encoding may not take the reports' signs."""
    return not (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf8")


def _own(items: list[pytest.Item]) -> tuple[set[str], set[str]]:
    """Return the node ids of gates, and those of evals, of which each case has its own."""
    gates = {item.nodeid for item in items if gate_spec(item) is not None}
    return gates, {item.nodeid.partition("[")[0] for item in items if isinstance(item, Item)}


def _evals_of(item: pytest.Item) -> tuple[EvalSpec, ...]:
    """Return the evals that a gate reads; none for other items."""
    spec = gate_spec(item)
    return () if spec is None else spec.evals


def _properties(result: GateResult) -> list[tuple[str, str]]:
    from pytest_ftcheck.reports.junit import gate_properties

    return gate_properties(result)
