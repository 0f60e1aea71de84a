"""An engine's process answers as the engine does; its death, hang or noise is one error, and the next call works."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ftcheck.errors import ConfigError, EngineError
from pytest_ftcheck.models.process import EarlyProcess, EngineProcess, load_factory
from pytest_ftcheck.models.protocol import EngineDied, EngineOptions
from pytest_ftcheck.models.roster import TRANSFORMERS
from pytest_ftcheck.records import Answer, Failure
from tests.support.naive import NaiveModel
from tests.support.requests import ask

Opener = Callable[..., EngineProcess]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Return a function that opens an engine of tests.support.engines in a process; all are closed afterwards."""
    with contextlib.ExitStack() as stack:

        def open_process(
            name: str, *, time_limit_s: float | None = 30, report: Callable[[str], None] = lambda line: None
        ):
            engine = EngineProcess(f"tests.support.engines:{name}", {}, EngineOptions(), report, time_limit_s)
            stack.callback(engine.close)
            return engine

        yield open_process


def is_gone(pid: int) -> bool:
    """Wait up to 10 s for a process to end; a zombie has ended."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_replies_cross_whole(opened: Opener) -> None:
    """Answers with their facts, and failures, come back in order."""
    replies = opened("Echo").answer([ask("a"), ask("b", case="bad"), ask("é\ufffd")])
    assert list(replies) == ["ft: a", Failure(reason="bad case"), "ft: é\ufffd"]
    assert isinstance(replies[0], Answer)
    assert (replies[0].prompt_tokens, replies[0].logprob) == (3, -0.5)


def test_large_batches_cross(opened: Opener) -> None:
    """Frames far larger than a pipe holds arrive, both ways."""
    requests = [ask("x" * 10_000, case=str(number)) for number in range(500)]
    assert list(opened("Echo").answer(requests)) == [f"ft: {'x' * 10_000}"] * 500


def test_nothing_starts_before_it_is_needed(opened: Opener) -> None:
    """No request, no process."""
    engine = opened("Echo")
    engine.answer([])
    assert engine.pid is None


def test_started_process_answers_the_first_call(opened: Opener) -> None:
    """A process started beforehand is the one that answers."""
    engine = opened("Obedient")
    engine.start()
    pid = engine.pid
    assert list(engine.answer([ask("pid")])) == [str(pid)]


def test_early_process_answers_the_first_call() -> None:
    """A process started before its models were known is the one that answers, and ends with its engine."""
    early = EarlyProcess("tests.support.engines:Obedient")
    pid = early.pid
    engine = EngineProcess("tests.support.engines:Obedient", {}, EngineOptions(), print, 30, early)
    assert engine.answer([ask("who?")]) == [str(pid)]
    engine.close()
    assert pid is not None
    assert is_gone(pid)


@pytest.mark.parametrize("factory", ["Echo", "Obedient"], ids=["another engine", "never asked"])
def test_early_process_that_nobody_takes_ends(factory: str) -> None:
    """An engine of another class starts its own; closing, of either, leaves no process behind."""
    early = EarlyProcess(f"tests.support.engines:{factory}")
    pid = early.pid
    assert pid is not None
    engine = EngineProcess("tests.support.engines:Obedient", {}, EngineOptions(), print, 30, early)
    if factory == "Echo":
        assert engine.answer([ask("who?")]) != [str(pid)]
    engine.close()
    early.close()
    assert (early.pid, is_gone(pid)) == (None, True)


def test_the_collector_rests_for_imports_alone(opened: Opener) -> None:
    """While batches are answered it works, and spares what was imported."""
    assert opened("Tidy").answer([ask("a")]) == ["works: True, spared: True"]


def test_prints_of_libraries_do_not_garble_answers(opened: Opener) -> None:
    """What a library writes to standard output, through Python or not, is no part of the channel."""
    engine = opened("Printing")
    assert [list(engine.answer([ask("a")])) for _ in range(3)] == [["ft: a"]] * 3


def test_prints_of_libraries_do_not_reach_our_outputs(opened: Opener, capfd: pytest.CaptureFixture[str]) -> None:
    """The terminal is pytest's."""
    opened("Printing").answer([ask("a")])
    assert capfd.readouterr() == ("", "")


def test_progress_is_forwarded(opened: Opener) -> None:
    """Each line that the engine reports is reported here."""
    lines: list[str] = []
    opened("Echo", report=lines.append).answer([ask("a"), ask("b")])
    assert lines == ["answering 2"]


def test_engines_own_errors_come_with_their_words(opened: Opener) -> None:
    """An EngineError of the child is the parent's."""
    with pytest.raises(EngineError, match=r"^the model is not for you$"):
        opened("Obedient").answer([ask("refuse")])


def test_unforeseen_errors_name_their_type(opened: Opener) -> None:
    """Any other exception is an EngineError that names it, and the process lives on."""
    engine = opened("Obedient")
    with pytest.raises(EngineError, match=r"the engine failed: ValueError: something odd"):
        engine.answer([ask("raise")])
    assert list(engine.answer([ask("pid")])) == [str(engine.pid)]


def test_engine_that_cannot_be_made_says_why(opened: Opener) -> None:
    """What fails before the first answer is told at the first answer."""
    with pytest.raises(EngineError, match="no model can be opened here"):
        opened("Unopenable").answer([ask("a")])


def test_unknown_class_is_named(opened: Opener) -> None:
    """An engine that is not there is an error with its name."""
    with pytest.raises(EngineError, match=r"module 'tests.support.engines' has no 'Nothing'"):
        opened("Nothing").answer([ask("a")])


def test_missing_replies_are_an_error(opened: Opener) -> None:
    """An engine that gives too few replies is not believed."""
    with pytest.raises(EngineError, match="Short gave 1 replies to 2 requests"):
        opened("Short").answer([ask("a"), ask("b")])


def test_kill_names_signal_and_last_lines(opened: Opener) -> None:
    """A killed process is EngineDied, with the signal and what it printed last."""
    with pytest.raises(EngineDied, match=r"signal 9 \(SIGKILL\) while answering 1 requests of ft.*\n.*about to die"):
        opened("Obedient").answer([ask("die")])


def test_exit_names_its_code(opened: Opener) -> None:
    """A process that leaves is EngineDied with its exit code."""
    with pytest.raises(EngineDied, match=r"ended by exit code 7 "):
        opened("Obedient").answer([ask("exit")])


def test_next_call_after_a_death_is_answered(opened: Opener) -> None:
    """A new process takes over."""
    engine = opened("Obedient")
    with pytest.raises(EngineDied):
        engine.answer([ask("die")])
    assert list(engine.answer([ask("pid")])) == [str(engine.pid)]


def test_kill_between_calls_is_noticed_and_mended(opened: Opener) -> None:
    """A process that died while idle is an EngineDied of the next call, and the one after is answered."""
    engine = opened("Obedient")
    engine.answer([ask("pid")])
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match="SIGKILL"):
        engine.answer([ask("pid")])
    assert list(engine.answer([ask("pid")])) == [str(engine.pid)]


def test_kill_from_outside_within_a_call_is_noticed(opened: Opener) -> None:
    """The out-of-memory killer strikes from outside."""
    engine = opened("Obedient")
    engine.answer([ask("pid")])
    assert engine.pid is not None
    threading.Timer(0.3, os.kill, (engine.pid, signal.SIGKILL)).start()
    with pytest.raises(EngineDied, match="SIGKILL"):
        engine.answer([ask("hang")])


def test_hang_is_ended_after_the_time_limit(opened: Opener) -> None:
    """A silent process is killed, and the next call is answered."""
    engine = opened("Obedient", time_limit_s=1)
    engine.answer([ask("pid")])
    pid = engine.pid
    assert pid is not None
    with pytest.raises(EngineDied, match="was silent for 1 s while answering 1 requests of ft, and was ended"):
        engine.answer([ask("hang")])
    assert is_gone(pid)


def test_stopped_process_does_not_block_a_large_question(opened: Opener) -> None:
    """The limit holds while the question is still being sent, to a process that takes nothing."""
    engine = opened("Obedient", time_limit_s=1)
    engine.answer([ask("pid")])
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    with pytest.raises(EngineDied, match="was silent for 1 s"):
        engine.answer([ask("x" * 1_000_000)])


def test_progress_is_a_sign_of_life(opened: Opener) -> None:
    """Work that is longer than the limit is not a hang while it reports."""
    engine = opened("Obedient", time_limit_s=1)
    engine.start()
    engine.answer([ask("pid")])
    assert isinstance(engine.answer([ask("work slowly")])[0], Answer)


def test_interrupt_ends_the_process(opened: Opener) -> None:
    """Ctrl-C within a call ends the child, so that its late answer is never taken for another's."""

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    engine = opened("Echo", report=interrupt)
    engine.start()
    pid = engine.pid
    assert pid is not None
    with pytest.raises(KeyboardInterrupt):
        engine.answer([ask("a")])
    assert (engine.pid, is_gone(pid)) == (None, True)


def test_close_ends_the_process(opened: Opener) -> None:
    """Closing, twice too, leaves no process behind."""
    engine = opened("Obedient")
    pid = int(str(engine.answer([ask("pid")])[0]))
    engine.close()
    engine.close()
    assert is_gone(pid)


@pytest.mark.parametrize("order", ["pid", "hang"])
def test_process_ends_with_its_parent(tmp_path: Path, order: str) -> None:
    """When the parent is killed, the child leaves, idle or deep in work."""
    script = textwrap.dedent(
        f"""
        import sys
        from pytest_ftcheck.models.process import EngineProcess
        from pytest_ftcheck.models.protocol import EngineOptions
        from tests.support.requests import ask

        engine = EngineProcess("tests.support.engines:Obedient", {{}}, EngineOptions(), lambda line: None, None)
        engine.answer([ask("pid")])
        print(engine.pid, flush=True)
        engine.answer([ask({order!r})])
        sys.stdin.read()
        """
    )
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)  # the order is on its way
        parent.kill()
    assert is_gone(pid)


def test_child_sees_the_parents_import_path(opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine in a folder that pytest put on sys.path is found by the child."""
    (tmp_path / "own_engine.py").write_text("from tests.support.engines import Echo as Own\n")
    monkeypatch.syspath_prepend(tmp_path)
    engine = EngineProcess("own_engine:Own", {}, EngineOptions(), lambda line: None, 30)
    try:
        assert list(engine.answer([ask("a")])) == ["ft: a"]
    finally:
        engine.close()


@pytest.mark.slow
def test_transformers_engine_answers_in_its_process(models: Path, spec_of) -> None:
    """The default engine says in its process what the naive loop says here."""
    engine = EngineProcess(TRANSFORMERS, {"ft": spec_of(models / "base")}, EngineOptions(), lambda line: None, 120)
    request = ask("Where is my order?", max_new_tokens=8)
    try:
        assert list(engine.answer([request])) == [NaiveModel(models / "base").answer(request).text]
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("nonsense", "engine is 'nonsense'; allowed: package.module:Class"),
        ("no_such_module:Engine", "cannot import 'no_such_module'"),
        ("os:no_such_class", "module 'os' has no 'no_such_class'"),
        ("os:sep", "engine 'os:sep' is '/'; allowed: a class"),
    ],
)
def test_engine_names_are_checked(engine: str, message: str) -> None:
    """A name that leads to no engine is refused with what is missing."""
    with pytest.raises(ConfigError, match=message):
        load_factory(engine)
