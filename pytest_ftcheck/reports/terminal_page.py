"""A page of text of one width, for a terminal or a log: lines folded to fit, styles where colour is allowed.

Importing it imports rich, so that a run does so only when it has something to draw.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from pytest_ftcheck.reports.inert import ascii_text, disarm_lines

NARROWEST = 20

_WORDS = re.compile(r"\S*\s|\S+")
_PARTS = re.compile(r"[^_/\-\[,]*[_/\-\[,]+|[^_/\-\[,]+")


def fold(text: str, room: int) -> list[str]:
    """Break `text` into lines of at most `room` terminal cells: at blanks, a longer word where parts of a name end.

    A `::` that comes to stand at a line's start gets a backslash, as `inert` gives it, within the room.

    >>> fold("no worse than 5.0 for test_extraction_kept", 16)
    ['no worse than', '5.0 for test_', 'extraction_kept']
    """
    room = max(room, 4)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph, room - ("::" in paragraph)):
            if cell_len(line + piece.rstrip()) > room:
                lines += [line.rstrip()] if line.strip() else []
                line = ""
            line += piece if line or not piece.startswith("::") else f"\\{piece}"
        lines.append(line.rstrip())
    return lines


def _pieces(paragraph: str, room: int) -> Iterator[str]:
    """Yield what may not be broken, in order, each of at most `room` cells but for a blank at its end."""
    for word in _WORDS.findall(paragraph):
        if cell_len(word.rstrip()) <= room:
            yield word
            continue
        for part in _PARTS.findall(word):
            yield from chop_cells(part, room) if cell_len(part) > room else [part]


class Page:
    """Text of one width under construction. No markup is interpreted on it."""

    def __init__(self, *, width: int, colour: bool, ascii_only: bool) -> None:
        self.width = max(width, NARROWEST)
        self.ascii_only = ascii_only
        self._file = io.StringIO()
        self._console = Console(
            file=self._file,
            width=self.width,
            # Both sizes are given, for else rich takes 80 cells where TERM is "dumb".
            height=25,
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def spell(self, text: str) -> str:
        """Write `text` in the characters that the page may hold."""
        return ascii_text(text) if self.ascii_only else text

    def line(self, text: str, style: str = "", *, first: str = "", further: str = "") -> None:
        """Add a paragraph whose first line begins with `first`, and each other one with `further`."""
        room = self.width - max(cell_len(first), cell_len(further))
        for number, each in enumerate(fold(self.spell(text), room)):
            self.draw(Text.assemble(further if number else first, (each, style)))

    def blank(self) -> None:
        """Add an empty line."""
        self.draw(Text())

    def draw(self, line: Text) -> None:
        """Add one line."""
        self._console.print(line, overflow="ellipsis", no_wrap=True)

    def text(self) -> str:
        """Return the page without blanks at the ends of lines and around the whole."""
        lines = (line.rstrip() for line in self._file.getvalue().split("\n"))
        return disarm_lines("\n".join(lines).strip("\n") + "\n")
