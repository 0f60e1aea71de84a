"""The worst losses of an eval as text for a terminal or a log. It chooses none: `losses` does."""

from __future__ import annotations

import itertools

from rich.cells import set_cell_size
from rich.text import Text

from pytest_ftcheck.records import EvalSummary
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.losses import Loss, Side, losses
from pytest_ftcheck.reports.terminal_page import Page, fold

SIDE_BY_SIDE = 80


def worst_losses(summary: EvalSummary, *, width: int, colour: bool, limit: int = 5, ascii_only: bool = False) -> str:
    """Return the worst `limit` losses of an eval: prompt, expected, and base's and ft's answers with their grades.

    The answers stand side by side, or one below the other where `width` is under 80. Empty without losses.
    """
    shown = losses(summary, limit=limit)
    if not shown:
        return ""
    page = Page(width=width, colour=colour, ascii_only=ascii_only)
    total = max(summary.lost, len(summary.worst))
    part = f"{len(shown)} of {total:,}" if len(shown) < total else f"{total:,}"
    page.line(f"worst losses of {wording.short_name(summary.name)} ({part})", "bold")
    for number, loss in enumerate(shown, 1):
        page.blank()
        _draw_loss(page, number, loss)
    return page.text()


def _draw_loss(page: Page, number: int, loss: Loss) -> None:
    margin = f"{number}  ".ljust(4)
    title = f"{loss.case}  {loss.source}" if loss.source else loss.case
    page.line(title, "bold", first=margin, further=" " * 4)
    for label, text in (("prompt", loss.prompt), ("expected", loss.expected)):
        if text:
            page.line(text, first=f"    {label:<10}", further=" " * 14)
    if page.width >= SIDE_BY_SIDE:
        _draw_beside(page, loss)
    else:
        for side in (loss.base, loss.ft):
            for margin, (text, style) in zip(("    ", page.spell("    │ "), "    "), _side_parts(side), strict=True):
                page.line(text, style, first=margin, further=margin)


def _draw_beside(page: Page, loss: Loss) -> None:
    room = (page.width - 4 - 3) // 2
    bar = page.spell(" │ ")
    for left, right in zip(_side_parts(loss.base), _side_parts(loss.ft), strict=True):
        halves = [fold(page.spell(text), room) for text in (left[0], right[0])]
        for at_left, at_right in itertools.zip_longest(*halves, fillvalue=""):
            line = Text.assemble("    ", (set_cell_size(at_left, room), left[1]), (bar, "dim"), (at_right, right[1]))
            page.draw(line)


def _side_parts(side: Side) -> tuple[tuple[str, str], ...]:
    """Return head, answer and grade of one role, each with its style."""
    head = f"{side.role} ({side.sample})" if side.sample else side.role
    return (head, "bold"), (side.answer, ""), (side.grade, "green" if side.role == "base" else "red")
