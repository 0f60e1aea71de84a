"""What the page is made of, without a browser: axes, flows, data that closes no script, texts cut to fit."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.document import write_json
from pytest_ftcheck.reports.html_cases import LIMITS, MOST_BYTES, cases_data, script_json, text_limit
from pytest_ftcheck.reports.html_figures import FLOW_HEIGHT, Axis, flow, whisker
from pytest_ftcheck.reports.html_page import html_page
from pytest_ftcheck.reports.html_report import write_report
from pytest_ftcheck.reports.reading import read_run
from tests.support import arbitrary_runs, pages, runs

reals = st.floats(-1e6, 1e6)


@settings(deadline=None, max_examples=12)
@given(arbitrary_runs.runs)
def test_any_run_has_a_page(run: Run) -> None:
    """However bare or hostile a run is, its page is text that UTF-8 can hold, with the page's two scripts alone."""
    page = html_page(run)
    assert page.encode("utf-8").count(b"<script") == 2
    assert page.count("</script>") == 2
    assert not any(ord(sign) < 32 and sign != "\n" for sign in page)


@given(st.text(st.characters(exclude_categories=())))
def test_data_ends_no_script(text: str) -> None:
    """JSON in the page reads back as it was, though it holds nothing that HTML would take for markup."""
    written = script_json({"text": text})
    assert not set("<>&") & set(written)
    assert written.encode("utf-8")
    assert json.loads(written) == {"text": text}


@example([0.01])  # whose first tick is rounded past the end
@given(st.lists(reals, min_size=1, max_size=9))
def test_an_axis_holds_its_values(values: list[float]) -> None:
    """Every value stands on the axis, in order, and ticks are evenly spaced, few and between the ends."""
    axis = Axis.over(values)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= 100
    assert 2 <= len(axis.ticks) <= 10
    steps = [after - before for before, after in zip(axis.ticks, axis.ticks[1:], strict=False)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-3)
    assert axis.low <= axis.ticks[0] <= axis.ticks[-1] <= axis.high


def test_what_has_no_end_runs_to_the_axis() -> None:
    """A floor's zone reaches to the right end, a limit's to the left, an interval without a bound as far."""
    axis = Axis.over([0.0, 1.0])
    floor = whisker(axis, 0.5, 0.25, None, zone=(0.25, None), zero=False)
    assert (floor.zone, floor.high, floor.zero) == ((axis.at(0.25), 100.0), 100.0, None)
    limit = whisker(axis, 0.5, None, 0.75, zone=(None, 0.25), zero=True)
    assert (limit.zone, limit.low, limit.zero) == ((0.0, axis.at(0.25)), 0.0, axis.at(0.0))
    assert whisker(axis, 0.5, 0.2, 0.7, zone=(None, None), zero=True).zone is None


@given(*[st.integers(0, 1000)] * 4)
def test_a_flow_fills_both_sides(right: int, gained: int, lost: int, wrong: int) -> None:
    """On either side the ribbons lie end to end over the whole height, each as thick as its share of the cases."""
    total = right + gained + lost + wrong
    ribbons = flow(right, gained, lost, wrong)
    assert len(ribbons) == sum(number > 0 for number in (right, gained, lost, wrong))
    for side in (0, 1):
        spans = sorted(_span(ribbon.path, side) for ribbon in ribbons)
        ends = [0.0, *(high for _, high in spans)]
        assert [low for low, _ in spans] == pytest.approx(ends[:-1], abs=0.02)
        assert not total or ends[-1] == pytest.approx(FLOW_HEIGHT, abs=0.02)
    thick = {ribbon.kind: _span(ribbon.path, 0)[1] - _span(ribbon.path, 0)[0] for ribbon in ribbons}
    if gained:
        assert thick["gained"] == pytest.approx(FLOW_HEIGHT * gained / total, abs=0.02)


def _span(path: str, side: int) -> tuple[float, float]:
    """Where a ribbon begins and ends on the left (0) or right (1) side, from its outline's own coordinates."""
    numbers = [float(word) for word in path.replace("M", " ").replace("C", " ").replace("V", " ").strip("Z ").split()]
    # M x y0, C .. .. x y1, V y1', C .. .. x y0'
    return (numbers[1], numbers[-1]) if side == 0 else (numbers[7], numbers[8])


def test_long_texts_are_cut_until_all_fit() -> None:
    """One megabyte is cut where it can be read; where every case is long, all are cut shorter; the rest is counted."""
    long = [pages.hostile_case(0, "megabyte")]
    assert text_limit(long) == LIMITS[0]
    several = long * 200
    limit = text_limit(several)
    assert 200 * 3 * limit <= MOST_BYTES < 200 * 3 * LIMITS[LIMITS.index(limit) - 1]
    run = replace(runs.green_run(), evals=(replace(runs.INTENT, cases=tuple(several)),))
    data = cases_data(run)
    (answer, *_) = data["cases"][0]["f"]["a"]
    assert answer[0].endswith(f"… ({1_000_000 - data['limit']:,} more characters)")


def test_numbers_that_are_none_are_left_out() -> None:
    """A run whose estimates are no numbers has a page, and draws nothing for them."""
    verdict = replace(runs.WIN, base=math.nan, ft=math.inf, delta=math.nan, low=math.nan, high=math.nan)
    page = html_page(replace(runs.green_run(), gates=(runs.gate("g", "test_intent", verdict),)))
    assert not re.search(r"\b(nan|inf)\b", page, re.IGNORECASE)
    assert "forest" in page


def many(cases: int) -> Run:
    """Return a run of so many small cases."""
    results = tuple(pages.case_result(number, pages.OUTCOMES[number % 7], length=4) for number in range(cases))
    return replace(runs.green_run(), evals=(replace(runs.INTENT, cases=results, n=cases),))


@pytest.mark.slow
def test_a_page_that_leaves_cases_out_says_so_and_leads_to_all(tmp_path: Path) -> None:
    """Of more than 10,000 cases the page holds the telling ones, counts the rest, and links to Parquet beside it.

    So does the page that is made of the run's JSON later, and that of another run does not.
    """
    run = many(10_500)
    write_report(run, tmp_path / "deep" / "report.html")
    page = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    assert "This page holds 10,000 cases of 10,500, losses first; 500 cases are left out." in " ".join(page.split())
    assert '<a href="report.cases.parquet" download>' in page
    table = pyarrow.parquet.read_table(tmp_path / "deep" / "report.cases.parquet").to_pylist()
    assert [row["case"] for row in table] == [result.case.id for result in run.evals[0].cases]
    assert [row["ft_score"] for row in table] == [result.ft_score for result in run.evals[0].cases]
    assert json.loads(table[4]["ft_answers"]) == list(run.evals[0].cases[4].ft_answers)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["report.cases.parquet", "report.html"]
    write_json(run, tmp_path / "deep" / "run.json")
    later = read_run(tmp_path / "deep" / "run.json")
    for number, (again, linked) in enumerate([(later, True), (replace(later, id="another"), False)]):
        write_report(again, tmp_path / "deep" / f"later-{number}.html")
        page = (tmp_path / "deep" / f"later-{number}.html").read_text(encoding="utf-8")
        assert "500 cases are left out" in page
        assert ('<a href="report.cases.parquet" download>' in page) == linked


def test_a_page_that_holds_all_stands_alone(tmp_path: Path) -> None:
    """Without need no second file is written."""
    write_report(many(20), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_hostile_cases_go_into_parquet_as_they_are(tmp_path: Path) -> None:
    """Text stays what it was, lone surrogates too, which Parquet cannot hold but JSON's escapes can."""
    from pytest_ftcheck.reports.parquet import write_parquet

    write_parquet(pages.hostile_run(), tmp_path / "cases.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "cases.parquet").to_pylist()
    assert len(rows) == len(pages.HOSTILE)
    said = {row["case"].split(" ")[0]: json.loads(row["ft_answers"])[0] for row in rows}
    assert said["nul"] == pages.HOSTILE["nul"]
    assert said["lone"] == pages.HOSTILE["lone"]


@pytest.mark.parametrize("path", ["/dev/full", "/proc/nowhere/report.html"])
def test_a_page_that_cannot_be_written_is_one_clear_error(path: str) -> None:
    """The message names the page and the reason."""
    with pytest.raises(ConfigError, match=f"HTML report {path}: cannot be written"):
        write_report(runs.green_run(), Path(path))
