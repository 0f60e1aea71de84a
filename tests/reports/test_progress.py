"""Progress: one live line on a terminal, few lines elsewhere, and never a reason to fail."""

from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.reports.progress import ERASE, Progress


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(stream: io.StringIO) -> list[str]:
    """Return what stands on a log."""
    return stream.getvalue().splitlines()


def test_a_passing_phase_is_for_terminals_alone() -> None:
    """Grading, most often done in a moment, is a line on a terminal and none in a log."""
    log, terminal = io.StringIO(), io.StringIO()
    for stream, interactive in ((log, False), (terminal, True)):
        Progress(stream, interactive, width=80).phase("grading test_intent, 12 cases", passing=True)
    assert log.getvalue() == ""
    assert terminal.getvalue().endswith("grading test_intent, 12 cases")


def test_a_phase_is_a_line_in_a_log() -> None:
    """Without a terminal each phase is announced, inert, with no escape in it."""
    stream = io.StringIO()
    Progress(stream, False).phase("loading ft ./ckpt\x1b[2J")
    assert stream.getvalue() == "ftcheck: loading ft ./ckpt\\x1b[2J\n"


def test_a_log_gets_a_line_every_tenth_and_not_within_ten_seconds() -> None:
    """1,000 answers in 200 s, reported one by one: a line at each tenth, ten at most."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, False, clock=clock)
    progress.phase("answering")
    for done in range(1, 1001):
        clock.now = done * 0.2
        progress.answered({"ft": (done, 1000)})
    assert len(lines(stream)) - 1 == 10
    assert lines(stream)[1].startswith("ftcheck: ft 100 of 1,000, 5.0 per second, about 3 min 00 s left")


def test_a_quick_phase_is_one_line() -> None:
    """What is done within ten seconds adds nothing to its phase's line."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, False, clock=clock)
    progress.phase("answering")
    for done in range(1, 101):
        clock.now = done * 0.09
        progress.answered({"base": (done, 100)})
    assert len(lines(stream)) == 1


def test_slow_work_shows_that_it_lives() -> None:
    """Where a tenth takes long a line a minute is printed, so that no runner takes it for hanging."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, False, clock=clock)
    progress.phase("answering")
    for second in range(601):
        clock.now = float(second)
        progress.answered({"base": (second // 60, 1000)})
    assert len(lines(stream)) - 1 == 10


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=60))
def test_log_lines_are_ten_seconds_apart(steps: list[tuple[float, int]]) -> None:
    """However unevenly answers come, no two lines of one phase are closer than ten seconds."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, False, clock=clock)
    progress.phase("answering")
    times, done = [0.0], 0
    for seconds, more in steps:
        clock.now += seconds
        done = min(done + more, 1000)
        before = len(lines(stream))
        progress.answered({"ft": (done, 1000)})
        if len(lines(stream)) > before:
            times.append(clock.now)
    assert all(later - earlier >= 10 - 1e-9 for earlier, later in itertools.pairwise(times))


def test_a_terminal_has_one_live_line_that_is_erased() -> None:
    """Each drawing erases the last, no newline is written, and closing leaves nothing, however often."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, True, width=80, clock=clock)
    progress.phase("answering")
    progress.answered({"ft": (0, 100)})
    clock.now = 10.0
    progress.answered({"ft": (25, 100)})
    progress.close()
    progress.close()
    drawn = stream.getvalue().split(ERASE)
    assert drawn[-2] == "answering: ft 25 of 100, 2.5 per second, about 30 s left"
    assert drawn[-1] == ""
    assert "\n" not in stream.getvalue()


def test_a_terminal_is_redrawn_ten_times_a_second_at_most() -> None:
    """A thousand answers in a second cost ten drawings and the last."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, True, width=80, clock=clock)
    progress.phase("answering")
    for done in range(1, 1001):
        clock.now = done / 1000
        progress.answered({"ft": (done, 1000)})
    assert stream.getvalue().count(ERASE) <= 12
    assert "ft 1,000 of 1,000" in stream.getvalue()


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=200), st.integers(20, 200))
def test_a_live_line_is_narrower_than_the_terminal(text: str, width: int) -> None:
    """A line that reached the last column would wrap, and half of it would stay."""
    stream = io.StringIO()
    Progress(stream, True, width=width).phase(text)
    assert len(stream.getvalue().removeprefix(ERASE)) < width
    assert "\n" not in stream.getvalue()


def test_answers_from_before_do_not_count_as_speed() -> None:
    """What the store held at the first call is progress, not pace."""
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, False, clock=clock)
    progress.phase("answering")
    progress.answered({"ft": (900, 1000)})
    clock.now = 20.0
    progress.answered({"ft": (920, 1000)})
    assert lines(stream)[-1] == "ftcheck: ft 920 of 1,000, 1.0 per second, about 1 min 20 s left"


def test_nothing_to_answer_is_no_error() -> None:
    """A total of 0 divides nothing."""
    stream = io.StringIO()
    Progress(stream, True, width=80).answered({"base": (0, 0)})
    assert stream.getvalue() == f"{ERASE}base 0 of 0"


@pytest.mark.parametrize("interactive", [True, False])
def test_a_closed_stream_stops_nothing(interactive: bool) -> None:
    """The stream was closed under way: progress falls silent and the work goes on."""
    stream = io.StringIO()
    progress = Progress(stream, interactive, width=80)
    stream.close()
    progress.phase("answering")
    progress.answered({"ft": (1, 2)})
    progress.close()
    assert stream.closed


def test_a_stream_of_another_encoding_gets_ascii() -> None:
    """A path with letters that the stream cannot write is shown with escapes."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    Progress(stream, False).phase("loading ft ./größe")
    assert raw.getvalue() == b"ftcheck: loading ft ./gr\\xf6\\xdfe\n"
