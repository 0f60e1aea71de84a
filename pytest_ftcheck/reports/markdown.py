r"""A run as GitHub-flavoured Markdown, for job summaries and comments: the decision on top, the table, the losses.

All text that comes from models, files and tests stands in code spans or code blocks that it cannot close, so that it
names nobody, links nowhere and draws no picture. It knows no forge.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from pytest_ftcheck.records import Decision, EvalSummary, Run
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.findings import TITLE, Advice, advices
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.losses import Loss, Side, losses
from pytest_ftcheck.reports.rows import Row, legend, table_rows

SIGNS = {Decision.PASS: "✅", Decision.FAIL: "❌", Decision.INCONCLUSIVE: "🟡", Decision.ERROR: "⚠️"}
_HEAD = ("gate", "base", "ft", "delta", "interval", "gained / lost", "verdict")


def run_markdown(run: Run, *, title: str = "Fine-tune gate", limit: int | None = None, losses_shown: int = 5) -> str:
    """Return a run's report, at most `limit` bytes of UTF-8: what does not fit is left out from the end, and said.

    The decision and as many table rows as fit always stand. Raises ValueError for a limit below 1,000.
    """
    if limit is not None and limit < 1000:
        raise ValueError(f"limit == {limit}, must be >= 1000")
    rows = list(table_rows(run))
    head = [f"## {_sign(run)} {code(title)}", "", f"**{wording.closing_line(run)}**", ""]
    for model in run.models:
        source, kind, fingerprint = wording.model_facts(model)
        head.append(f"- {model.role}: {code(source)} {code(kind)} {code(fingerprint)}")
    blocks = [
        "\n".join(head),
        _table(rows, legend(run)),
        *_diagnosis(run),
        *_notices(run),
        *_losses(run.evals, losses_shown),
    ]
    blocks.append(code(wording.facts_line(run)))
    return _fitted(blocks, rows, legend(run), limit)


def code(text: str, *, cell: bool = False) -> str:
    r"""Return text as a code span on one line, whatever backticks it holds; in a table's `cell` bars are escaped.

    >>> code("a`b|c"), code("a|b", cell=True)
    ('`` a`b|c ``', '`a\\|b`')
    """
    shown = inert(text, one_line=True)
    shown = shown.replace("|", "\\|") if cell else shown
    if not shown.strip():
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    # A blank on either side is taken away again; without it a text could lengthen the fence.
    pad = " " if len(fence) > 1 or shown[0] in " `" or shown[-1] in " `" else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(text: str, *, limit: int = 600) -> str:
    """Return text as a fenced code block that it cannot close."""
    shown = inert(text, limit=limit)
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _sign(run: Run) -> str:
    decision = wording.overall(run)
    return SIGNS[decision] if decision is not None else "▫️"


def _table(rows: Sequence[Row], note: str) -> str:
    if not rows:
        return ""
    lines = [_line(_HEAD), "|---|--:|--:|--:|:--|:--|:--|", *(_line(_cells(row)) for row in rows)]
    return "\n".join([*lines, "", note] if note else lines)


def _cells(row: Row) -> tuple[str, ...]:
    name = code(row.name, cell=True)
    indent = "" if row.kind in ("gate", "eval") else "↳ "
    about = f"<br>{code(row.about, cell=True)}" if row.about else ""
    sign = SIGNS[row.decision] if row.decision is not None else ""
    interval = f"{row.interval} ({row.level})" if row.level else row.interval
    return (
        indent + name + about,
        row.base,
        row.ft,
        row.delta,
        interval,
        row.pairs,
        f"{sign} {code(row.words, cell=True)}".strip(),
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notices(run: Run) -> list[str]:
    said = wording.notices(run)
    return ["\n".join(["### Before you trust it", "", *(f"- {code(notice)}" for notice in said)])] if said else []


def _diagnosis(run: Run) -> list[str]:
    found = [_advice(advice) for advice in advices(run)]
    return ["\n\n".join([f"### {TITLE}", *found])] if found else []


def _advice(advice: Advice) -> str:
    lines = [f"**{code(advice.title)}**: {code(advice.what)}", ""]
    lines += [f"- {code(text)}" for text in advice.evidence]
    return "\n".join([*lines, *(f"- try: {code(text)}" for text in advice.remedies)])


def _losses(evals: Sequence[EvalSummary], shown: int) -> list[str]:
    found = []
    for one in evals:
        worst = losses(one, limit=shown)
        if worst:
            of = f"{len(worst)} of {one.lost:,}" if one.lost > len(worst) else f"{len(worst)}"
            cases = "\n\n".join(_loss(each) for each in worst)
            name = html.escape(wording.short_name(one.nodeid))
            found.append(
                f"<details><summary><code>{name}</code>: {of} cases that ft lost</summary>\n\n{cases}\n\n</details>"
            )
    return found


def _loss(loss: Loss) -> str:
    source = f" {code(loss.source)}" if loss.source else ""
    parts = [f"case {code(loss.case)}{source}", "prompt", block(loss.prompt)]
    if loss.expected:
        parts += ["expected", block(loss.expected)]
    return "\n\n".join([*parts, *_side(loss.base), *_side(loss.ft)])


def _side(side: Side) -> list[str]:
    grade = f" {code(side.grade)}" if side.grade else ""
    return [f"{side.role}{grade}", block(side.answer)]


def _fitted(blocks: list[str], rows: list[Row], note: str, limit: int | None) -> str:
    written = [text for text in blocks if text]
    text = "\n\n".join(written) + "\n"
    if limit is None or len(text.encode()) <= limit:
        return text
    said = "\n\n*The rest is left out, for there was no room: it stands in the JSON file and the report.*\n"
    while len(written) > 2:
        written.pop()
        text = "\n\n".join(written) + said
        if len(text.encode()) <= limit:
            return text
    kept = len(rows)
    while kept:
        kept //= 2
        text = "\n\n".join([written[0], _table(rows[:kept], note)]) + said
        if len(text.encode()) <= limit:
            return text
    return (written[0].encode()[: limit - len(said.encode())]).decode("utf-8", "ignore") + said
