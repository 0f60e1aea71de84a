"""Progress while models load and answer: one live line on a terminal, few lines in a log. It knows no models and runs.

Whoever runs the work drives it; a stream that cannot be written to any more is left alone, and the work goes on.
"""

from __future__ import annotations

import re
import shutil
import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import Protocol

from pytest_ftcheck.records import Role
from pytest_ftcheck.reports.figures import duration
from pytest_ftcheck.reports.inert import ascii_text, inert

REDRAW_S = 0.1
LOG_EVERY_S = 10.0
LOG_EVERY_SHARE = 0.1
LOG_AT_LATEST_S = 60.0
ERASE = "\r\x1b[2K"
LEAST_WIDTH = 20
COUNT = re.compile(r"\s*\d+/\d+$")
"""How an engine says how far it is within a phase."""


class Stream(Protocol):
    """Where progress is written: any text stream."""

    def write(self, text: str, /) -> object:
        """Write text."""

    def flush(self) -> object:
        """Bring out what was written."""


class Progress:
    """Progress of one run on one stream.

    On a terminal (`interactive`) one line is redrawn in place, at most ten times a second, and erased by `close`, so
    that what pytest prints next begins on a clean line. Elsewhere each phase is one line, and answering adds a line at
    most every ten seconds, when a tenth more is done or a minute has passed since the last. `width` is that of the
    terminal in cells, by default what it has at the moment; `clock` returns seconds and may only rise.
    """

    def __init__(
        self,
        stream: Stream,
        interactive: bool,
        *,
        width: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream: Stream | None = stream
        self._interactive = interactive
        self._width = width
        self._clock = clock
        self._drawn = ""
        self._phase = ""
        self._begun: tuple[float, int] | None = None
        self._last_time = float("-inf")
        self._last_share = 0.0

    def phase(self, text: str, *, passing: bool = False) -> None:
        """Begin a phase, such as "loading ft ./ckpt"; with another count behind it ("answering ft 8/64") it goes on.

        One that is `passing` is shown on a terminal alone, where the next one takes its place.
        """
        if passing and not self._interactive:
            return
        before, self._phase = COUNT.sub("", self._phase), inert(text, limit=200, one_line=True)
        name = COUNT.sub("", self._phase)
        if self._interactive:
            self._draw(self._phase)
        if name == before:
            return
        if not self._interactive:
            self._write(f"ftcheck: {name}\n")
        self._begun = None
        self._last_time, self._last_share = self._clock(), 0.0

    def answered(self, counts: Mapping[Role, tuple[int, int]]) -> None:
        """Say how many answers of how many are there, role by role; those of a phase's first call were there before."""
        now = self._clock()
        done, total = (sum(column) for column in zip(*counts.values(), strict=True)) if counts else (0, 0)
        if self._begun is None:
            self._begun = now, done
        begun, before = self._begun
        parts = [f"{role} {done_of:,} of {total_of:,}" for role, (done_of, total_of) in counts.items()]
        text = f"{', '.join(parts)}{_pace(done - before, total - done, now - begun)}"
        share = done / total if total else 1.0
        if self._interactive:
            if now - self._last_time >= REDRAW_S or done >= total:
                self._draw(f"{self._phase}: {text}" if self._phase else text)
                self._last_time = now
        elif self._due(now, share):
            self._write(f"ftcheck: {text}\n")
            self._last_time, self._last_share = now, share

    def close(self) -> None:
        """End: leave the stream with nothing of a live line on it. May be called again."""
        if self._drawn:
            self._write(ERASE)
            self._drawn = ""

    def _due(self, now: float, share: float) -> bool:
        waited = now - self._last_time
        # What a plan of a later round adds makes the share smaller: that is news too.
        further = abs(share - self._last_share) > LOG_EVERY_SHARE - 1e-9
        return waited >= LOG_EVERY_S and (further or waited >= LOG_AT_LATEST_S)

    def _draw(self, text: str) -> None:
        # A line as wide as the terminal would wrap on some, and the erasing would leave its first half.
        room = max(self._width or shutil.get_terminal_size().columns, LEAST_WIDTH) - 1
        shown = _cut(text, room)
        if shown != self._drawn:
            self._write(ERASE + shown)
            self._drawn = shown

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:
            # ASCII goes through any encoding, and the erasing sequence is ASCII too.
            head = ERASE if text.startswith(ERASE) else ""
            self._write(head + ascii_text(text.removeprefix(ERASE)))
        except (OSError, ValueError):
            # A closed pipe or stream: progress is never worth a run.
            self._stream = None


def _pace(done: int, left: int, elapsed_s: float) -> str:
    """Say how fast it goes and how long it will take: `, 12.5 per second, about 3 min 20 s left`."""
    if done <= 0 or elapsed_s <= 0:
        return ""
    rate = done / elapsed_s
    pace = f"{rate:,.0f} per second" if rate >= 10 else f"{rate:.1f} per second" if rate >= 0.1 else ""
    ahead = f"about {duration(left / rate)} left" if left > 0 else ""
    return "".join(f", {part}" for part in (pace, ahead) if part)


def _cut(text: str, room: int) -> str:
    """Cut text to `room` terminal cells, with an ellipsis where something is left out."""
    if sum(map(_cells, text)) <= room:
        return text
    taken, used = "", 1
    for character in text:
        used += _cells(character)
        if used > room:
            break
        taken += character
    return taken + "…"


def _cells(character: str) -> int:
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
