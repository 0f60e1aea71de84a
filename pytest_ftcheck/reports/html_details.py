"""What the page shows of each eval (flow, slices, tables, distributions) and of where the run came from."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.html_facts import Facts, Figure
from pytest_ftcheck.reports.html_figures import Ribbon, columns, flow
from pytest_ftcheck.reports.html_view import eval_names
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.rows import cell

BARS_HEIGHT = 90.0
MOST_TABLE_ROWS = 60
MOST_TABLE_COLUMNS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A histogram as bars, in percent of its width: what it counts, and per bin its range and both roles' bars."""

    title: str
    bins: tuple[Bin, ...]
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bin: where it begins, what it holds in words, and both roles' counts and heights."""

    left: float
    width: float
    label: str
    range: str
    base: Figure
    ft: Figure
    base_height: float
    ft_height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table that a grader made: its title, heads, and rows of texts or figures."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str | Figure, ...], ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One eval of the page."""

    number: int
    name: str
    metric: str
    facts: Facts
    ribbons: tuple[Ribbon, ...]
    shares: tuple[tuple[str, float, float], ...]
    flows: tuple[tuple[str, str, Figure], ...]
    slices: tuple[Facts, ...]
    bars: tuple[Bars, ...]
    grids: tuple[Grid, ...]
    missing: int


def details(run: Run, document: Facts) -> list[Detail]:
    """Return the evals of a run, in its order."""
    names = eval_names(run)
    return [
        Detail(
            number=number,
            name=names[number],
            metric=_text(facts.found["metric"]),
            facts=facts,
            ribbons=_ribbons(facts.found),
            shares=_shares(facts.found),
            flows=tuple(_flows(facts)),
            slices=tuple(_scaled(part, facts) for part in facts.parts("slices")),
            bars=tuple(_bars(part, facts) for part in facts.parts("histograms")),
            grids=tuple(map(_grid, facts.parts("tables"))),
            missing=len(facts.found["missing"]),
        )
        for number, facts in enumerate(document.parts("evals"))
    ]


def provenance(run: Run, document: Facts) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what the run rests on, in parts: models, case sets, the run itself, versions."""
    parts = [
        (
            f"model {_text(model.role)}",
            _given(
                source=model.source,
                kind=model.kind,
                content=model.fingerprint,
                engine=model.engine,
                prompting=model.prompting,
                profile=model.profile,
            ),
        )
        for model in run.models
    ]
    for name, one in zip(eval_names(run), run.evals, strict=True):
        decoding = json.dumps(dict(one.decoding), ensure_ascii=False, default=str) if one.decoding else ""
        parts.append((f"eval {name}", _given(case_set=one.case_set, asked=decoding, node_id=one.nodeid)))
    parts.append(
        (
            "run",
            _given(
                id=run.id,
                started=run.started,
                seeds="each request's is the hash of its own content: messages, decoding, sample",
                preregistered=_registered(document.found.get("registration")),
            ),
        )
    )
    if run.versions:
        parts.append(("versions", _given(**run.versions)))
    return parts


def _registered(found: Mapping[str, Any] | None) -> str:
    """Say whether cases, graders and claims were fixed before the run."""
    if found is None:
        return "no: no lock file pins this exam"
    lock = f"{found['lock']} of {found['frozen']}"
    changes = "; ".join(found["changes"])
    return f"yes, by {lock}" if found["state"] == "pre-registered" else f"no longer: since {lock} changed: {changes}"


def _given(**texts: str) -> list[tuple[str, str]]:
    return [
        (_text(name.replace("_", " ")), inert(text, limit=4_000, one_line=True)) for name, text in texts.items() if text
    ]


def _ribbons(found: Mapping[str, Any]) -> tuple[Ribbon, ...]:
    """Draw the flow of an eval of right and wrong; other scores have none."""
    if not found["binary"]:
        return ()
    return flow(found["both_right"], found["gained"], found["lost"], found["both_wrong"])


def _shares(found: Mapping[str, Any]) -> tuple[tuple[str, float, float], ...]:
    """Return where the shares of gains, ties and losses begin in a bar, and how wide they are, in percent."""
    counts = {"win": found["gained"], "tie": found["ties"], "loss": found["lost"]}
    total = sum(counts.values())
    begins = itertools.accumulate(counts.values(), initial=0)
    return tuple(
        (kind, round(100 * begin / total, 3), round(100 * number / total, 3))
        for (kind, number), begin in zip(counts.items(), begins, strict=False)
        if number
    )


def _flows(facts: Facts) -> list[tuple[str, str, Figure]]:
    """Return kinds of pairs with their words and counts, those that do not occur left out but for gained and lost."""
    kinds = [("win", "gained", "gained"), ("loss", "lost", "lost")]
    if facts.found["binary"]:
        kinds += [("both right", "both right", "both_right"), ("both wrong", "both wrong", "both_wrong")]
    else:
        kinds += [("tie", "as before", "ties")]
    return [(kind, words, figure) for kind, words, name in kinds if (figure := facts.count(name)) is not None]


def _scaled(part: Facts, whole: Facts) -> Facts:
    """Write a slice's scores in its eval's scale."""
    found = {**part.found, "percent": whole.scale.percent}
    return Facts(found, part.path)


def _bars(part: Facts, whole: Facts) -> Bars:
    found = part.found
    edges = found["edges"]
    most = max([*found["base"], *found["ft"]], default=0)
    heights = [columns(found[role], most, height=BARS_HEIGHT) for role in ("base", "ft")]
    labels = [_edge(edge, found["name"], whole) for edge in edges]
    width = 100 / max(len(edges) - 1, 1)
    unit = "" if found["name"] == "score" else " characters"
    return Bars(
        title="score of a case" if found["name"] == "score" else "length of an answer, in characters",
        bins=tuple(
            Bin(
                left=round(number * width, 3),
                width=round(width, 3),
                label=labels[number],
                range=f"{labels[number]} to {labels[number + 1]}{unit}",
                base=_counted(part, "base", number),
                ft=_counted(part, "ft", number),
                base_height=heights[0][number],
                ft_height=heights[1][number],
            )
            for number in range(len(edges) - 1)
        ),
        end=labels[-1] if labels else "",
    )


def _counted(part: Facts, role: str, number: int) -> Figure:
    value = part.found[role][number]
    return Figure(text=f"{value:,}", value=value, path=f"{part.path}/{role}/{number}")


def _edge(edge: float | None, name: str, whole: Facts) -> str:
    if edge is None:
        return "?"
    if name == "length":
        return f"{edge:,.0f}" if edge < 10_000 else f"{edge / 1000:,.0f}k"
    return f"{round(edge * 100 if whole.scale.percent else edge, 6):g}"


def _grid(part: Facts) -> Grid:
    found = part.found
    whose = f" ({found['role']})" if found["role"] else ""
    rows = found["rows"][:MOST_TABLE_ROWS]
    return Grid(
        title=f"{_text(found['name'])}{whose}",
        heads=tuple(_text(head) for head in found["columns"][:MOST_TABLE_COLUMNS]),
        rows=tuple(
            tuple(_cell(value, f"{part.path}/rows/{y}/{x}") for x, value in enumerate(row[:MOST_TABLE_COLUMNS]))
            for y, row in enumerate(rows)
        ),
        more=len(found["rows"]) - len(rows),
    )


def _cell(value: Any, path: str) -> str | Figure:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Figure(text=cell(value), value=value, path=path)
    return cell(value)


def _text(text: str) -> str:
    return inert(text, limit=120, one_line=True)
