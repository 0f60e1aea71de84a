"""The plugin: hooks and fixtures only, each a few lines. What they do stands in `items`.

Loading it imports neither the session nor anything heavy: a project that does not use it pays next to nothing.
"""

from __future__ import annotations

import contextlib
import sys
from argparse import SUPPRESS
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ftcheck.errors import ConfigError, FtcheckError
from pytest_ftcheck.options import Settings, add_options, read_settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_ftcheck.comparison import Comparison
    from pytest_ftcheck.items.probes import Model
    from pytest_ftcheck.items.run import ItemRun
    from pytest_ftcheck.records import TrainingLog

SETTINGS = pytest.StashKey[Settings]()
RUN = pytest.StashKey["ItemRun"]()
MARKERS = (
    "ftcheck_eval: a case of an eval, or all of them; set by @eval_cases, for -m",
    "ftcheck_gate: a gate, which reads all cases of its evals whatever -m selects; set by @gate, for -m",
    "ftcheck_probe: a test that asks ft_model or base_model; set by the plugin, for -m",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, and that of the `ftcheck` command, which asks what the tests hold."""
    add_options(parser)
    parser.addoption("--ft-inventory", dest="ftcheck_inventory", default=None, help=SUPPRESS)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Generator[None, None, None]:
    """Say what was meant by a misspelt option: after conftest files have declared theirs, before pytest refuses it."""
    yield
    unknown = parser.parse_known_and_unknown_args(args)[1]
    if unknown:
        from pytest_ftcheck.misspellings import misspelt_options

        if said := misspelt_options(unknown):
            raise pytest.UsageError(said)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, so that a wrong one is said before anything is collected."""
    if not hasattr(config, "workerinput"):
        _tell_of_misspelt_keys(config)
    try:
        config.stash[SETTINGS] = read_settings(config)
        if config.stash[SETTINGS].track or config.stash[SETTINGS].card:
            from pytest_ftcheck.items.outputs import require_outputs

            require_outputs(config.stash[SETTINGS])
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(Gathering(config), "ftcheck-gathering")


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Start one worker per GPU with `-n auto`; without GPUs, or with `-n logical`, xdist decides."""
    # Asked before pytest_configure. Loading the rest waits until a model is named.
    if config.getoption("numprocesses") != "auto" or read_settings(config).model is None:
        return None
    from pytest_ftcheck.items.gpus import worker_count

    return worker_count(read_settings(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Pin every worker to its GPUs before it starts."""
    if config.stash[SETTINGS].model is not None:
        from pytest_ftcheck.items.gpus import pin

        pin(specs, config.stash[SETTINGS])


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Any:
    """Turn a function under `@eval_cases` into one item per case."""
    spec = getattr(obj, "__dict__", {}).get("__ftcheck_eval__")
    if spec is None or not collector.funcnamefilter(name):
        return None
    try:
        return run_of(collector.config).collect(collector, spec)
    except FtcheckError as error:
        raise collector.CollectError(f"eval {name}: {error}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the ready-made suites that were asked for, and our markers; skip gates where there is no model."""
    if config.stash[SETTINGS].suites:
        from pytest_ftcheck.items.suites import suite_items

        items += suite_items(session, config.stash[SETTINGS].suites)
    for item in items:
        if hasattr(getattr(item, "function", None), "__ftcheck_gate__"):
            item.add_marker("ftcheck_gate")
        elif {"base_model", "ft_model"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker("ftcheck_probe")
    if any(hasattr(getattr(item, "function", None), "__ftcheck_gate__") for item in items):
        run_of(config).select(items)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say before the run which gates cannot pass with the cases that they have."""
    run = config.stash.get(RUN, None)
    return [] if run is None or run.is_worker else run.foretell(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write what the tests hold, where the `ftcheck` command asks for it."""
    path = session.config.getoption("ftcheck_inventory", None)
    if path is not None:
        from pytest_ftcheck.items.inventory import write_inventory

        write_inventory(Path(path), session.items, run_of(session.config).session)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Answer what the selected items need, after collection and before the first of them, in every worker."""
    stopped = session.testsfailed and not session.config.option.continue_on_collection_errors
    if session.config.stash[SETTINGS].model is None or stopped or session.config.option.collectonly:
        return
    probes = any({"base_model", "ft_model"} & {*getattr(item, "fixturenames", ())} for item in session.items)
    run = run_of(session.config) if probes else session.config.stash.get(RUN, None)
    if run is None:
        return
    try:
        run.answer(session.items)
    except FtcheckError as error:
        if not run.is_worker:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Refuse a gate that judged nothing."""
    result = yield
    if hasattr(pyfuncitem.function, "__ftcheck_gate__"):
        from pytest_ftcheck.items.gates import require_verdict

        require_verdict(pyfuncitem)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put outcomes and verdicts on the report."""
    report = yield
    run = item.config.stash.get(RUN, None)
    if run is not None:
        run.annotate(item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Show outcomes in the letter and the word; the category stays what pytest counts."""
    if not hasattr(report, "ftcheck_outcome") and not hasattr(report, "ftcheck_fault"):
        return None
    from pytest_ftcheck.items.status import status_of

    return status_of(report)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Show what the workers do, who say nothing themselves, and go on when one of them dies."""
    if node.config.stash[SETTINGS].model is not None:
        from pytest_ftcheck.items.crossing import hear_bundles
        from pytest_ftcheck.items.workers import outlive

        outlive(node)
        hear_bundles(node)
        run_of(node.config).watch(node.workerinput["testrunuid"])


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    """Run again what a worker's death befell, where it was none of its doing."""
    run = report.node.config.stash.get(RUN, None)
    if run is not None:
        run.crashes.handle(crashitem, report, sched)


def _tell_of_misspelt_keys(config: pytest.Config) -> None:
    """Say what was meant by a misspelt ini key; an error where pytest is strict, as it is then for pytest itself."""
    from pytest_ftcheck.misspellings import misspelt_keys

    for key, meant in misspelt_keys(config.inipath, config.getoption("override_ini") or ()).items():
        try:
            config.getini(key)  # somebody else's
        except ValueError:
            said = f"unknown ini key {key!r} in {config.inipath or 'the command line'} (did you mean {meant!r}?)"
            if config.getoption("strict_config", default=False) or _is_set(config, "strict_config", "strict"):
                raise pytest.UsageError(said) from None
            config.issue_config_time_warning(pytest.PytestConfigWarning(said), stacklevel=2)


def _is_set(config: pytest.Config, *keys: str) -> bool:
    """Whether the first of the ini keys that is known and set is true."""
    for key in keys:
        with contextlib.suppress(ValueError):
            if (value := config.getini(key)) is not None:
                return bool(value)
    return False


class Gathering:
    """Hears the reports of one pytest process: its own, or under xdist those of the workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        # Now, since while collecting both are what pytest captures with.
        self.stderr, self.is_terminal = sys.stderr, sys.stderr.isatty()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Hear that a test begins."""
        if RUN in self.config.stash:
            self.config.stash[RUN].begins(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Hear that a test has ended."""
        if RUN in self.config.stash:
            self.config.stash[RUN].crashes.ends(nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        """Send small reports of cases."""
        data = yield
        if data is not None and "ftcheck_light" in data:
            from pytest_ftcheck.items.crossing import lighten

            lighten(data)
        return data

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> None:
        """Learn from a worker's first report which items are ours."""
        if "ftcheck_own" in data:
            run_of(self.config).introduced(data.pop("ftcheck_own"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather gates and probes, in whichever process they were judged; hear whose call is over."""
        if report.when == "call" and RUN in self.config.stash:
            self.config.stash[RUN].crashes.called(report.nodeid)
        if hasattr(report, "ftcheck_gate") or hasattr(report, "ftcheck_probes"):
            run_of(self.config).heard(report)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Gather what a worker found."""
    run = node.config.stash.get(RUN, None)
    if run is not None and error:
        run.crashes.deaths += 1
    packed = getattr(node, "workeroutput", {}).get("ftcheck")
    if packed is not None:
        run_of(node.config).take(packed)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sum up what this process found; a worker hands it to the controller."""
    run = session.config.stash.get(RUN, None)
    if run is not None:
        run.finish(session.config)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the verdict table, and write the files that were asked for; xdist's workers are asked too, and say none."""
    run = config.stash.get(RUN, None)
    if run is not None and not run.is_worker:
        run.report(terminalreporter)


@pytest.fixture
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """All grades of the gate's eval, base and ft paired by case."""
    __tracebackhide__ = True
    return run_of(request.config).comparisons(request.node, one=True)[0]


@pytest.fixture
def comparisons(request: pytest.FixtureRequest) -> tuple[Comparison, ...]:
    """The comparisons of a gate over several evals, in the gate's order."""
    __tracebackhide__ = True
    return run_of(request.config).comparisons(request.node)


@pytest.fixture(scope="session")
def base_model(request: pytest.FixtureRequest) -> Model:
    """The model before fine-tuning, as a function from prompt to answer."""
    return run_of(request.config).model("base")


@pytest.fixture(scope="session")
def ft_model(request: pytest.FixtureRequest) -> Model:
    """The model after fine-tuning, as a function from prompt to answer."""
    return run_of(request.config).model("ft")


@pytest.fixture(scope="session")
def training_log(request: pytest.FixtureRequest) -> TrainingLog:
    """The fine-tune's losses, from `trainer_state.json` or a CSV of losses in its folder."""
    return run_of(request.config).training_log()


def run_of(config: pytest.Config) -> ItemRun:
    """Return this process's run, made when it is first needed."""
    if RUN not in config.stash:
        from pytest_ftcheck.items.run import ItemRun
        from pytest_ftcheck.reports.progress import Progress

        gathering = config.pluginmanager.get_plugin("ftcheck-gathering")
        assert isinstance(gathering, Gathering)
        progress = Progress(gathering.stderr, gathering.is_terminal)
        config.stash[RUN] = ItemRun(config, config.stash[SETTINGS], progress)
    return config.stash[RUN]
