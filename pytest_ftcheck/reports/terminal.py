"""The verdict table as text for a terminal or a log. It chooses no facts: `rows` does.

Importing it imports rich, so that a run does so only when it has something to draw. As the width shrinks, the table
folds in this order, at the first step whose columns fit:

1. gate, claim, base, ft, delta with interval, gained / lost, verdict, each in a column of its own;
2. the claim moves below the gate's name;
3. gained / lost moves below the delta;
4. every row becomes a block: mark, name and verdict, below them the claim and the figures.

Long names and words are folded onto further lines; what is cut ends in an ellipsis; no line is wider than asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from pytest_ftcheck.records import Decision, EvalSummary, Run, Table
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.capabilities import capability_table
from pytest_ftcheck.reports.figures import count, proportion
from pytest_ftcheck.reports.findings import SHORT, TITLE, advices
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.rows import Row, cell, common_level, legend, table_rows
from pytest_ftcheck.reports.terminal_page import Page, fold
from pytest_ftcheck.reports.wording import verdict_line

__all__ = ["eval_tables", "verdict_line", "verdict_table"]

MARKS = {Decision.PASS: "✓", Decision.FAIL: "✗", Decision.INCONCLUSIVE: "?", Decision.ERROR: "!"}
STYLES = {Decision.PASS: "green", Decision.FAIL: "red", Decision.INCONCLUSIVE: "yellow", Decision.ERROR: "magenta"}
INDENTS = {"gate": 0, "eval": 0, "claim": 2, "slice": 4, "also": 2}
UNGATED = "evals without a gate"
GAP = 2
MOST_ROWS = 30
LEAST_NAME, LEAST_CLAIM, LEAST_WORDS = 20, 24, 22
WIDEST_NAME, WIDEST_CLAIM, WIDEST_WORDS = 60, 60, 60


def verdict_table(run: Run, *, width: int, colour: bool, ascii_only: bool = False) -> str:
    """Return the table of a run with its models above, and its notices, diagnosis and the line that decides below.

    `width` is in terminal cells; `colour` allows ANSI styles (no other escapes); `ascii_only` is for streams whose
    encoding takes no other characters. The text ends in a newline.
    """
    page = Page(width=width, colour=colour, ascii_only=ascii_only)
    _draw_models(page, run)
    page.blank()
    rows = [_spelled(row, page) for row in table_rows(run)]
    if rows:
        layout = next((each for each in _layouts(rows, common_level(run)) if each.fits(page.width)), None)
        if layout is None:
            _draw_blocks(page, rows)
        else:
            layout.draw(page, rows)
        page.blank()
    matrix = capability_table(run)
    if matrix is not None:
        _draw_table(page, matrix, "the probes")
        page.blank()
    _draw_footer(page, run)
    return page.text()


def eval_tables(summary: EvalSummary, *, width: int, colour: bool, ascii_only: bool = False) -> str:
    """Return the tables of an eval, such as its confusion tables; empty where it has none.

    Columns and rows beyond what `width` and MOST_ROWS leave room for are counted in a last line.
    """
    if not summary.tables:
        return ""
    page = Page(width=width, colour=colour, ascii_only=ascii_only)
    for number, table in enumerate(summary.tables):
        if number:
            page.blank()
        _draw_table(page, table, wording.short_name(summary.name))
    return page.text()


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its head, what a row puts there in so many cells, its widest cell, and the least it may shrink to."""

    head: str
    cell: Callable[[Row, int], Text]
    widest: int
    least: int
    justify: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class _Layout:
    """One way to lay the columns out."""

    columns: Sequence[_Column]

    def fits(self, width: int) -> bool:
        """Whether all columns find room in `width` cells."""
        return sum(column.least + GAP for column in self.columns) - GAP <= width

    def draw(self, page: Page, rows: Sequence[Row]) -> None:
        """Draw the head, a rule and the rows into columns that together take at most the page's width."""
        widths = self._widths(page.width)
        self._line(page, widths, [Text(column.head, "dim") for column in self.columns])
        page.draw(Text(page.spell("─") * (sum(widths) + GAP * (len(widths) - 1)), "dim"))
        for row, opens in _with_openings(rows):
            if opens:
                page.blank()
                page.line(UNGATED, "dim")
            self._line(page, widths, [each.cell(row, width) for each, width in zip(self.columns, widths, strict=True)])

    def _line(self, page: Page, widths: Sequence[int], cells: Sequence[Text]) -> None:
        columns = [cell.split("\n", allow_blank=True) for cell in cells]
        for parts in itertools.zip_longest(*columns):
            line = Text()
            for column, width, part in zip(self.columns, widths, parts, strict=True):
                cell = part.copy() if part is not None else Text()
                cell.align(column.justify, width)
                line = Text.assemble(line, " " * GAP if line else "", cell)
            line.rstrip()
            page.draw(line)

    def _widths(self, width: int) -> list[int]:
        """Take cells from the widest column that may still shrink, until all fit."""
        widths = [column.widest for column in self.columns]
        for _ in range(sum(widths) + GAP * (len(widths) - 1) - width):
            slack = [at for at, column in enumerate(self.columns) if widths[at] > column.least]
            widths[max(slack, key=lambda at: widths[at])] -= 1
        return widths


def _with_openings(rows: Sequence[Row]) -> Iterator[tuple[Row, bool]]:
    """Yield each row, and whether it opens the evals that no gate reads."""
    before = ""
    for row in rows:
        yield row, row.kind == "eval" and before != "eval"
        before = before if row.kind == "also" else row.kind


def _layouts(rows: Sequence[Row], level: float | None) -> list[_Layout]:
    """Return the layouts with columns, the widest first."""
    shift = max(cell_len(row.delta) for row in rows) + 1
    delta_head = f"delta [{proportion(level)} CI]" if level is not None else "delta"
    pairs_head = "gained / lost"

    def change(row: Row, level: str = "") -> str:
        return f"{row.delta.rjust(shift - 1)} {row.interval}{level}".rstrip()

    def change_with_level(row: Row) -> str:
        return change(row, f" ({row.level})" if row.level else "")

    def change_and_pairs(row: Row) -> str:
        below = f"{row.pairs} ({row.level})" if row.level else row.pairs
        return change(row) + (f"\n{' ' * shift}{below}" if below else "")

    name = _shrinking("gate", rows, _name_cell, _name_of, LEAST_NAME)
    named = _shrinking("gate", rows, _name_and_claim_cell, _name_and_claim_of, LEAST_NAME)
    claim = _shrinking("claim", rows, _claim_cell, lambda row: row.about, LEAST_CLAIM, WIDEST_CLAIM)
    base = _fixed("base", rows, lambda row: row.base, "right")
    ft = _fixed("ft", rows, lambda row: row.ft, "right")
    delta = _fixed(delta_head, rows, change_with_level)
    pairs = _fixed(pairs_head, rows, lambda row: row.pairs, "right")
    both = _fixed(f"{delta_head}\n{' ' * shift}{pairs_head}", rows, change_and_pairs)
    words = _shrinking("verdict", rows, _words_cell, lambda row: row.words, LEAST_WORDS, WIDEST_WORDS)
    return [
        _Layout((name, claim, base, ft, delta, pairs, words)),
        _Layout((named, base, ft, delta, pairs, words)),
        _Layout((named, base, ft, both, words)),
    ]


def _fixed(
    head: str, rows: Sequence[Row], text: Callable[[Row], str], justify: Literal["left", "right"] = "left"
) -> _Column:
    width = _widest(head, rows, text)
    return _Column(head, lambda row, _: Text(text(row)), width, width, justify)


def _shrinking(
    head: str,
    rows: Sequence[Row],
    cell: Callable[[Row, int], Text],
    text: Callable[[Row], str],
    least: int,
    most: int = WIDEST_NAME,
) -> _Column:
    width = min(_widest(head, rows, text), most)
    return _Column(head, cell, width, min(least, width))


def _widest(head: str, rows: Sequence[Row], text: Callable[[Row], str]) -> int:
    return max(cell_len(line) for each in (head, *map(text, rows)) for line in each.split("\n"))


def _text(lines: Sequence[str], style: str = "", indent: int = 0) -> Text:
    return Text("\n".join(" " * indent + line for line in lines), style)


def _name_of(row: Row) -> str:
    return " " * INDENTS[row.kind] + row.name


def _name_and_claim_of(row: Row) -> str:
    return f"{_name_of(row)}\n  {row.about}"


def _name_cell(row: Row, room: int) -> Text:
    indent = INDENTS[row.kind]
    style = {"gate": "bold", "also": "dim"}.get(row.kind, "")
    return _text(fold(row.name, room - indent), style, indent)


def _claim_cell(row: Row, room: int) -> Text:
    return _text(fold(row.about, room), "dim") if row.about else Text()


def _name_and_claim_cell(row: Row, room: int) -> Text:
    name = _name_cell(row, room)
    return Text("\n").join([name, _text(fold(row.about, room - 2), "dim", 2)]) if row.about else name


def _words_cell(row: Row, room: int) -> Text:
    mark, said = row.words[:2], row.words[2:]
    return Text(mark + "\n  ".join(fold(said, room - 2)), _style(row))


def _style(row: Row) -> str:
    return STYLES[row.decision] if row.decision is not None else "dim"


def _spelled(row: Row, page: Page) -> Row:
    """Spell a row in the page's characters, with the mark of its decision and a blank before its words."""
    mark = MARKS[row.decision] if row.decision is not None else " "
    texts: dict[str, Any] = {
        each.name: page.spell(getattr(row, each.name)) for each in fields(row) if each.name not in ("kind", "decision")
    }
    return replace(row, **{**texts, "words": page.spell(f"{mark} {row.words}")})


def _draw_blocks(page: Page, rows: Sequence[Row]) -> None:
    for row, opens in _with_openings(rows):
        if opens:
            page.blank()
            page.line(UNGATED, "dim")
        _draw_block(page, row)


def _draw_block(page: Page, row: Row) -> None:
    indent = " " * INDENTS[row.kind]
    style, mark, said = _style(row), row.words[:1], row.words[2:]
    names = fold(row.name, page.width - len(indent) - 2)
    for number, part in enumerate(names):
        line = Text.assemble(
            indent, (" " if number else mark, style), " ", (part, "bold" if row.kind == "gate" else "")
        )
        if number + 1 == len(names) and line.cell_len + GAP + cell_len(said) <= page.width:
            line.append(" " * GAP + said, style)
            page.draw(line)
            break
        page.draw(line)
    else:
        page.line(said, style, first=f"{indent}  ", further=f"{indent}  ")
    if row.about:
        page.line(row.about, "dim", first=f"{indent}  ", further=f"{indent}    ")
    change = f"{row.delta} {row.interval}".strip() + (f" ({row.level})" if row.level else "")
    roles = [f"{role} {score}" for role, score in (("base", row.base), ("ft", row.ft)) if score]
    for figures in _packed([*roles, change, row.counts], page.width - len(indent) - 2):
        page.line(figures, first=f"{indent}  ", further=f"{indent}  ")


def _packed(parts: Sequence[str], room: int) -> list[str]:
    """Join the parts that say something into as few lines of `room` cells as hold them, none broken."""
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and cell_len(lines[-1]) + GAP + cell_len(part) <= room:
            lines[-1] += " " * GAP + part
        else:
            lines.append(part)
    return lines


def _draw_models(page: Page, run: Run) -> None:
    """Draw one line for each model, or two where its source leaves no room for the rest."""
    facts = [(model.role, *map(page.spell, wording.model_facts(model))) for model in run.models]
    if not facts:
        return
    sources, kinds, prints = (max(cell_len(each[column]) for each in facts) for column in (1, 2, 3))
    beside = 6 + sources + GAP + kinds + GAP + prints <= page.width
    for role, source, kind, fingerprint in facts:
        head = Text.assemble((f"{role:<6}", "dim"), _tail(source, page.width - 6, page.spell("…")))
        if beside:
            head.pad_right(6 + sources + GAP - head.cell_len)
            page.draw(Text.assemble(head, (f"{set_cell_size(kind, kinds)}{' ' * GAP}{fingerprint}", "dim")))
        else:
            page.draw(head)
            page.line(f"{kind}{' ' * GAP}{fingerprint}".strip(), "dim", first=" " * 6, further=" " * 6)


def _tail(text: str, room: int, ellipsis: str) -> str:
    """Cut `text` at its start to `room` cells: the end of a path says most."""
    if cell_len(text) <= room:
        return text
    while text and cell_len(ellipsis + text) > room:
        text = text[1:]
    return ellipsis + text


def _draw_footer(page: Page, run: Run) -> None:
    if legend(run):
        page.line(legend(run), "dim")
    for line in wording.signature_lines(run):
        page.line(line, "dim")
    page.line(f"ftcheck {wording.facts_line(run)}", "dim")
    for notice in wording.notices(run):
        page.line(notice, "yellow", first="! ", further="  ")
    page.blank()
    _draw_diagnosis(page, run)
    decision = wording.overall(run)
    page.line(wording.closing_line(run), f"bold {STYLES[decision]}" if decision is not None else "bold")


def _draw_diagnosis(page: Page, run: Run) -> None:
    """Draw each finding: its name, what happened, the evidence, what to try; nothing where all is well."""
    found = advices(run, most=SHORT)
    if found:
        page.line(TITLE.lower(), "dim")
    for advice in found:
        page.line(advice.title, "bold")
        page.line(advice.what, first="  ", further="  ")
        for text in advice.evidence:
            page.line(text, "dim", first="  - ", further="    ")
        for number, text in enumerate(advice.remedies):
            page.line(text, first="       " if number else "  try: ", further="       ")
    if found:
        page.blank()


def _draw_table(page: Page, table: Table, eval_name: str) -> None:
    whose = f" ({table.role})" if table.role else ""
    page.line(f"{inert(table.name, limit=wording.NAME_LIMIT, one_line=True)} of {eval_name}{whose}", "bold")
    grid = [[page.spell(cell(each)) for each in row] for row in (table.columns, *table.rows[:MOST_ROWS])]
    columns = [[row[at] if at < len(row) else "" for row in grid] for at in range(len(table.columns))]
    widths = [max(map(cell_len, column)) for column in columns]
    ends = itertools.accumulate(width + GAP for width in widths)
    fitting = sum(end - GAP <= page.width for end in ends)
    for number, row in enumerate(zip(*columns[:fitting], strict=True)):
        blanks = [" " * (width - cell_len(text)) for text, width in zip(row, widths, strict=False)]
        # Labels stand at the left, figures at the right.
        parts = [row[0] + blanks[0], *(blank + text for text, blank in zip(row[1:], blanks[1:], strict=True))]
        page.draw(Text((" " * GAP).join(parts), "" if number else "dim"))
    hidden = ((len(table.rows) - MOST_ROWS, "row"), (len(table.columns) - fitting, "column"))
    left = [count(number, f"more {noun}") for number, noun in hidden if number > 0]
    if left:
        page.line(f"… {' and '.join(left)}", "dim")
