"""The pictures of the site, each drawn from what the statistics of the package compute, when the site is built."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from pytest_ftcheck.stats import PairedTable, exact_margin_test, sample_size, smallest_passing_n, tango_interval

COLOURS = {"pass": "#0b7a55", "fail": "#b3261e", "inconclusive": "#8a6d00"}


def draw_all() -> dict[str, bytes]:
    """Return every picture as SVG, by its path on the site."""
    return {f"pictures/{name}.svg": svg(draw) for name, draw in PICTURES.items()}


def svg(draw: Callable[[], Figure]) -> bytes:
    """Return a figure as SVG without a date or random ids, so that equal figures are equal files."""
    with mpl.rc_context({"svg.hashsalt": "ftcheck", "font.size": 11, "svg.fonttype": "none"}):
        written = io.BytesIO()
        draw().savefig(written, format="svg", bbox_inches="tight", metadata={"Date": None})
    return written.getvalue()


def three_verdicts() -> Figure:
    """Intervals of four fine-tunes against a margin of five points, 200 cases each, with their verdicts."""
    margin = -0.05
    tables = [(170, 12, 8, 10), (160, 11, 13, 16), (150, 8, 25, 17), (120, 4, 46, 30)]
    figure = Figure(figsize=(7.5, 2.9))
    axes = figure.subplots()
    for row, (both, gained, lost, neither) in enumerate(tables):
        table = PairedTable(both=both, gained=gained, lost=lost, neither=neither)
        found = tango_interval(table, level=0.90)
        no_worse = exact_margin_test(table, margin=margin, alternative="greater").p_value
        worse = exact_margin_test(table, margin=margin, alternative="less").p_value
        verdict = "pass" if no_worse <= 0.05 else "fail" if worse <= 0.05 else "inconclusive"
        axes.plot([100 * found.low, 100 * found.high], [-row, -row], lw=3, color=COLOURS[verdict])
        axes.plot([100 * found.estimate], [-row], "o", ms=8, color=COLOURS[verdict])
        said = f"{gained} gained, {lost} lost: {verdict}"
        axes.text(100 * found.high + 0.8, -row, said, va="center", color=COLOURS[verdict])
    axes.axvline(100 * margin, color="black", ls="--", lw=1)
    axes.text(100 * margin, 0.6, " margin", ha="left")
    axes.axvline(0, color="gray", lw=0.8)
    axes.set(xlabel="delta (ft minus base) in points, 90 % interval, 200 cases", yticks=[], xlim=(-30, 26))
    axes.set_ylim(-3.6, 1)
    return figure


def cases_needed() -> Figure:
    """Cases that "no worse than" takes, by margin, for three shares of cases on which the two models differ."""
    margins = np.linspace(0.01, 0.10, 40)
    figure = Figure(figsize=(7.5, 3.6))
    axes = figure.subplots()
    for psi in (0.05, 0.10, 0.20):
        needed = [sample_size(discordance=psi, margin=-margin).n for margin in margins]
        axes.plot(100 * margins, needed, label=f"they differ on {psi:.0%} of the cases, and ft is as good as base")
    least = [smallest_passing_n(margin, alpha=0.05) for margin in margins]
    axes.plot(100 * margins, least, color="black", ls=":", label="not one answer changed")
    axes.set(xlabel="margin in points", ylabel="cases (80 % power)", yscale="log")
    axes.legend(frameon=False, fontsize=9)
    axes.grid(alpha=0.3, which="both")
    return figure


def false_passes() -> Figure:
    """How often a gate passes with the truth exactly on its margin: point estimate against the exact test."""
    sizes, margin, psi, repeats = (20, 50, 100, 200), -0.05, 0.15, 4000
    rng = np.random.default_rng(0)
    point, exact = [], []
    for n in sizes:
        draws = rng.multinomial(n, [(psi + margin) / 2, (psi - margin) / 2, 1 - psi], size=repeats)
        point.append(np.mean((draws[:, 0] - draws[:, 1]) / n > margin))
        kinds, counts = np.unique(draws[:, :2], axis=0, return_counts=True)
        passed = [
            exact_margin_test(
                PairedTable(both=n - int(gained + lost), gained=int(gained), lost=int(lost), neither=0),
                margin=margin,
                alternative="greater",
            ).p_value
            <= 0.05
            for gained, lost in kinds
        ]
        exact.append(float(np.dot(passed, counts) / repeats))
    figure = Figure(figsize=(7.5, 3.2))
    axes = figure.subplots()
    places = np.arange(len(sizes))
    axes.bar(places - 0.2, [100 * share for share in point], 0.4, label='"delta above the margin"', color="#b3261e")
    axes.bar(places + 0.2, [100 * share for share in exact], 0.4, label="exact test", color="#0b7a55")
    axes.axhline(5, color="black", ls="--", lw=1)
    axes.set_xticks(places, [f"{n} cases" for n in sizes])
    axes.set(ylabel="passes, %")
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "three_verdicts": three_verdicts,
    "cases_needed": cases_needed,
    "false_passes": false_passes,
}
