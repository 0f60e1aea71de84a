"""The history as one HTML page that needs nothing else: verdicts and deltas over the checkpoints of a ledger.

It is made as the report's page is, and every figure of it carries its place in what `ftcheck history --json` prints of
all runs: a JSON pointer as a URI's fragment (RFC 6901).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.figures import Scale, count
from pytest_ftcheck.reports.history import WORST, Checkpoint, Point, RecordedRun, checkpoints, judged, line, names
from pytest_ftcheck.reports.html_facts import Figure
from pytest_ftcheck.reports.html_history_plot import Plot, plot
from pytest_ftcheck.reports.html_shell import MARKS, asset, environment, policy
from pytest_ftcheck.reports.inert import inert

MOST_CHECKPOINTS = 200
"""Columns of a page: more can be told apart by nobody."""
WORDS = {"fail": "failed", "error": "could not be judged", "inconclusive": "inconclusive", "pass": "passed"}
MOST_NAMED = 3
MANY = 10
"""Checkpoints from which a fresh set is advised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A gate at one checkpoint: its decision, and what it says, inert."""

    decision: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """A gate over all checkpoints; None where one did not meet it."""

    id: str
    name: str
    about: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRow:
    """An eval at one checkpoint, its figures as they are shown."""

    number: int
    decision: str
    figures: Mapping[str, Figure | None]
    breaks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalCard:
    """An eval over all checkpoints, the newest row first; `about` says what it measures, on what, against whom."""

    id: str
    name: str
    where: str
    about: tuple[tuple[str, str], ...]
    plot: Plot
    rows: tuple[EvalRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """A checkpoint as the list at the end shows it; texts are inert."""

    number: int
    when: str
    ft: tuple[str, str]
    base: tuple[str, str]
    decisions: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def html_history(runs: Sequence[RecordedRun], *, limit: int | None = None, wanted: str = "") -> str:
    """Return the page of a ledger's runs, the oldest first, with the checkpoints of the newest `limit` of them.

    With `wanted` only evals whose name holds it are drawn. At most MOST_CHECKPOINTS are shown; the page says how many
    are left out.
    """
    every = checkpoints(runs)
    least = len(runs) - (len(runs) if limit is None else limit)
    shown = [each for each in every if each.last.place >= least][-MOST_CHECKPOINTS:]
    style, script = asset("page.css", "history.css"), asset("theme.js", "history.js")
    used = judged(runs)
    evals = [nodeid for nodeid in names(shown, "evals") if wanted in nodeid]
    cards = [card for at, nodeid in enumerate(evals) if (card := _card(at, nodeid, shown, used)) is not None]
    newest = shown[-1] if shown else None
    decisions = Counter() if newest is None else _decisions(newest)
    decision = next((each for each in WORST if decisions[each]), "")
    page = environment().get_template("history.html.j2")
    return page.render(
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        decision=decision,
        mark=MARKS[decision],
        marks=MARKS,
        headline=count(len(every), "checkpoint") if every else "No run yet",
        summary="" if newest is None else _summary(newest, decisions),
        shown=shown,
        left_out=len(every) - len(shown),
        gates=_gates(shown),
        cards=cards,
        rows=[_checkpoint(each, shown[-1]) for each in reversed(shown)],
        notices=_notices(shown, evals, used),
        runs=len(runs),
        count=count,
    )


def _summary(newest: Checkpoint, decisions: Counter[str]) -> str:
    name, fingerprint = _model(newest.last, "ft")
    told = ", ".join(f"{number} {WORDS[word]}" for word in WORST if (number := decisions[word])) or "no gate"
    return f"The newest, {' '.join(filter(None, [name, fingerprint]))}, {wording.when(newest.last.started)}: {told}"


def _decisions(column: Checkpoint) -> Counter[str]:
    found = (column.found("gates", gate) for gate in column.names("gates"))
    return Counter(_decision(facts[1].get("verdict")) for facts in found if facts is not None)


def _decision(value: object) -> str:
    return str(value) if value in WORST else ""


def _notices(shown: Sequence[Checkpoint], evals: Sequence[str], used: Mapping[str, int]) -> list[str]:
    """Say of held-out sets that have judged many checkpoints that what they chose is to be confirmed."""
    many: dict[str, int] = {}
    for nodeid in evals:
        sets = [str(run.part("case_sets").get(nodeid, "")) for column in shown for run in column.runs]
        uses = used.get(next((each for each in reversed(sets) if each), ""), 0)
        if uses >= MANY:
            many[wording.short_name(nodeid)] = uses
    if not many:
        return []
    more = f" and {len(many) - MOST_NAMED} more" if len(many) > MOST_NAMED else ""
    least, most = min(many.values()), max(many.values())
    times = count(least, "checkpoint") if least == most else f"{least:,} to {most:,} checkpoints"
    return [
        f"{', '.join([*many][:MOST_NAMED])}{more}: this held-out set has judged {times}; what was chosen"
        " by it is to be confirmed on a fresh set"
    ]


def _gates(shown: Sequence[Checkpoint]) -> list[GateRow]:
    nodeids = names(shown, "gates")
    labels = wording.labels(nodeids)
    rows = []
    for at, nodeid in enumerate(nodeids):
        found = [column.found("gates", nodeid) for column in shown]
        claims = [str(each[1].get("claim", "")) for each in found if each is not None]
        cells = tuple(None if each is None else _cell(each[1]) for each in found)
        about = _text(next((claim for claim in reversed(claims) if claim), ""))
        changed = len({claim for claim in claims if claim}) > 1
        rows.append(
            GateRow(
                id=f"gate-{at}",
                name=labels[nodeid],
                about=f"{about} (its claim has changed)" if changed else about,
                cells=cells,
            )
        )
    return rows


def _cell(facts: Mapping[str, object]) -> Cell:
    decision = _decision(facts.get("verdict"))
    words = _text(facts.get("words") or "")
    claim = _text(facts.get("claim") or "")
    return Cell(decision=decision, words=": ".join(filter(None, [claim, words or decision])))


def _card(at: int, nodeid: str, shown: Sequence[Checkpoint], used: Mapping[str, int]) -> EvalCard | None:
    points = line(shown, nodeid)
    if not points:
        return None
    last = points[-1]
    scales = _scales(points)
    cases = [count(int(last.number("n") or 0), "case"), f"set {last.case_set[:12]}" if last.case_set else ""]
    uses = used.get(last.case_set, 0)
    about = (
        ("metric", _text(last.facts.get("metric") or "unknown")),
        ("base", " ".join(_model(last.run, "base")).strip()),
        ("cases", inert(", ".join(filter(None, cases)), limit=80, one_line=True)),
        ("they have judged", count(uses, "checkpoint")),
    )
    rows = [_row(nodeid, point, scale) for point, scale in zip(points, scales, strict=True)]
    return EvalCard(
        id=f"eval-{at}",
        name=wording.short_name(nodeid),
        where=_text(nodeid.rpartition("::")[0]),
        about=tuple((name, value) for name, value in about if value),
        plot=plot(points, shown, scales[-1]),
        rows=tuple(reversed(rows)),
    )


def _scales(points: Sequence[Point]) -> list[Scale]:
    """Return the scale of each point: one of all points under a metric, in percent where any run says so."""
    scales: dict[object, Scale] = {}
    for metric in {str(point.facts.get("metric")) for point in points}:
        alike = [point for point in points if str(point.facts.get("metric")) == metric]
        values = [point.number(name) for point in alike for name in ("base", "ft", "delta", "low", "high")]
        scales[metric] = Scale.of(*values, percent=any(point.facts.get("percent") is True for point in alike))
    return [scales[str(point.facts.get("metric"))] for point in points]


def _row(nodeid: str, point: Point, scale: Scale) -> EvalRow:
    step = quote(nodeid.replace("~", "~0").replace("/", "~1"), safe="", errors="surrogatepass")
    path = f"#/runs/{point.run.place}/evals/{step}"
    writers: dict[str, Callable[[float], str]] = {
        "base": scale.value,
        "ft": scale.value,
        "delta": scale.signed,
        "low": scale.signed,
        "high": scale.signed,
        "n": lambda value: f"{value:,.0f}",
    }
    figures = {
        name: None
        if (value := point.number(name)) is None
        else Figure(text=write(value), value=value, path=f"{path}/{name}")
        for name, write in writers.items()
    }
    return EvalRow(
        number=point.checkpoint.number,
        decision=point.decision,
        figures=figures,
        breaks=", ".join(point.breaks),
    )


def _checkpoint(column: Checkpoint, newest: Checkpoint) -> CheckpointRow:
    decisions = _decisions(column)
    last = column.last
    limit, version = last.facts.get("limit"), last.facts.get("version")
    notes = [
        count(len(column.runs), "run") if len(column.runs) > 1 else "",
        f"partial: --ft-limit={limit}" if limit is not None else "",
        "pre-registered" if last.facts.get("registration") is True else "",
        "not as pinned" if last.facts.get("registration") is False else "",
        f"pytest-ftcheck {version}" if version and version != newest.last.facts.get("version") else "",
    ]
    return CheckpointRow(
        number=column.number,
        when=wording.when(last.started),
        ft=_model(last, "ft"),
        base=_model(last, "base"),
        decisions=tuple((word, decisions[word]) for word in WORST if decisions[word]),
        notes=tuple(_text(note) for note in notes if note),
    )


def _model(run: RecordedRun, role: str) -> tuple[str, str]:
    """Return the end of a model's source, and the first digits of its hash."""
    source = inert(str(run.part("sources").get(role, "")), limit=300, one_line=True)
    short = source if len(source) <= 44 else "…" + source[-43:]
    return short, inert(run.model(role).rpartition(":")[2][:12], one_line=True)


def _text(value: object) -> str:
    return inert(str(value), limit=wording.NAME_LIMIT, one_line=True)
