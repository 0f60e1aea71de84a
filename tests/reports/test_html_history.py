"""The history's page in a real browser: readable, open to all, equal to the JSON, deaf to hostile texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser

from pytest_ftcheck.reports.history import RecordedRun, checkpoints, judged, line
from pytest_ftcheck.reports.html_history import html_history
from tests.support import histories
from tests.support.browsers import Shown, showing

LEDGERS = {
    "full": histories.full_history,
    "old": histories.old_history,
    "hostile": histories.hostile_history,
    "empty": list[RecordedRun],
    "long": lambda: histories.long_history(1000, 3),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages, as files."""
    folder = tmp_path_factory.mktemp("histories")
    for name, ledger in LEDGERS.items():
        (folder / f"{name}.html").write_text(html_history(ledger()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in LEDGERS}


@pytest.fixture(scope="module")
def full(browser: Browser, written: dict[str, Path]) -> Iterator[Shown]:
    """The page of a ledger that has everything."""
    with showing(browser, written["full"], viewport={"width": 1280, "height": 900}) as shown:
        yield shown


def lookup(document: Any, pointer: str) -> Any:
    """Follow a JSON pointer in a URI's fragment."""
    for step in pointer.removeprefix("#/").split("/"):
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def test_runs_of_one_checkpoint_are_one_column() -> None:
    """A checkpoint that was judged twice on one exam is one; other cases, another base or none known are others."""
    found = checkpoints(histories.full_history())
    assert [len(each.runs) for each in found] == [1, 1, 1, 2, *[1] * 10]
    assert [each.number for each in found] == list(range(1, 15))
    same = histories.run(1)
    other = histories.run(1, case_set="other")
    assert len(checkpoints(histories.recorded([same, other, same]))) == 3


def test_the_line_breaks_where_the_exam_changed() -> None:
    """New cases and a new base begin a new line, and each break says which it was."""
    points = line(checkpoints(histories.full_history()), "tests/test_desk.py::test_intent")
    assert {point.checkpoint.number: point.breaks for point in points if point.breaks} == {
        9: ("other cases",),
        13: ("another base",),
    }
    assert {point.margins for point in points} == {(0.05,)}
    assert points[-1].decision == "fail"


def test_uses_of_a_case_set_are_counted() -> None:
    """A set's checkpoints are counted by content: one that it judged twice is one."""
    assert judged(histories.full_history()) == {"5e7a" * 16: 8, "91be" * 16: 6}


def test_verdicts_stand_in_the_order_of_checkpoints(full: Shown) -> None:
    """A row a gate, a column a checkpoint, the newest at the right; a gate that could not be judged is an error."""
    rows = {
        row.locator("th .name").inner_text(): [text.strip() for text in row.locator("td .vh").all_text_contents()]
        for row in full.page.locator("tr.gate").all()
    }
    columns = checkpoints(histories.full_history())
    for name, shown in rows.items():
        gates = [column.found("gates", f"tests/test_desk.py::{name}") for column in columns]
        assert shown == [gate[1]["verdict"] for gate in gates if gate is not None]
    assert rows["test_tone_kept"][-1] == "error"
    assert full.page.locator(".matrix thead a").all_text_contents()[-1] == "checkpoint 14"


def test_every_figure_is_the_ledgers(full: Shown) -> None:
    """Each figure carries its place in what `ftcheck history --json` prints, and is the number there."""
    ledger = [{"id": run.id, "started": run.started, **run.facts} for run in histories.full_history()]
    document = json.loads(json.dumps({"runs": ledger}))
    found = full.page.locator("data[data-path]").evaluate_all("all => all.map(each => [each.dataset.path, each.value])")
    assert len(found) == 14 * 3 * 6
    for path, value in found:
        assert float(value) == lookup(document, path), path


def test_points_stand_where_their_deltas_are(full: Shown) -> None:
    """Zero, margin, estimates and both ends of their intervals stand at their values on the axis."""
    card = full.page.locator("article", has=full.page.get_by_role("heading", name="test_intent"))
    read = "all => all.map(each => [each.textContent, Number(each.getAttribute('y'))])"
    ticks = [(float(text), y - 4) for text, y in card.locator("svg.upright text").evaluate_all(read)]
    (first, top), (last, bottom) = ticks[0], ticks[-1]

    def value(y: str | None) -> float:
        return (first + (float(y or 0) - top) * (last - first) / (bottom - top)) / 100

    points = line(checkpoints(histories.full_history()), "tests/test_desk.py::test_intent")
    whiskers = card.locator(".whisker").all()
    assert [value(each.get_attribute("y1")) for each in whiskers] == pytest.approx(
        [point.number("low") for point in points], abs=1e-3
    )
    assert [value(each.get_attribute("y2")) for each in whiskers] == pytest.approx(
        [point.number("high") for point in points], abs=1e-3
    )
    drawn = [
        pair.split(",")[1]
        for each in card.locator(".through").all()
        for pair in (each.get_attribute("points") or "").split()
    ]
    assert [value(y) for y in drawn] == pytest.approx([point.number("delta") for point in points], abs=1e-3)
    assert value(card.locator(".zero").get_attribute("y1")) == pytest.approx(0, abs=1e-3)
    assert value(card.locator(".margin").first.get_attribute("y1")) == pytest.approx(0.05, abs=1e-3)
    assert card.locator(".through").count() == 3
    assert card.locator(".break title").all_text_contents() == ["other cases", "another base"]
    assert "other cases from checkpoint 9 on" in card.locator("table").inner_text()
    assert "6 checkpoints" in card.locator("dl").inner_text()


def test_the_text_filters_gates_and_evals(browser: Browser, written: dict[str, Path], full: Shown) -> None:
    """A text leaves what holds it, the address keeps it, and Clear shows all again."""
    page = full.page
    page.locator("#f-text").fill("INTENT")
    assert page.locator("#status").inner_text() == "1 of 3 gates, 1 of 3 evals that fit"
    assert page.locator("article:visible h3 a").all_text_contents() == ["test_intent"]
    with showing(browser, written["full"], fragment="#?text=INTENT") as again:
        assert again.page.locator("article:visible").count() == 1
    page.locator("#clear").click()
    assert page.locator("#status").inner_text() == "3 gates, 3 evals"


def test_links_lead_to_their_checkpoint(browser: Browser, written: dict[str, Path]) -> None:
    """By keyboard from a column to its checkpoint in the list; an eval's link shows it, whatever was filtered."""
    with showing(browser, written["full"]) as shown:
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("() => document.activeElement.className") == "skip"
        shown.page.locator(".matrix thead a").nth(3).press("Enter")
        assert shown.page.evaluate("() => document.activeElement.id") == "checkpoint-4"
        assert "2 runs" in shown.page.locator("#checkpoint-4").inner_text()
    with showing(browser, written["full"], fragment="#eval-2") as shown:
        assert shown.page.evaluate("() => document.activeElement.id") == "eval-2"


@pytest.mark.parametrize(
    ("name", "scheme"), [("full", "light"), ("full", "dark"), ("hostile", "dark"), ("old", "light"), ("empty", "dark")]
)
def test_axe_finds_nothing(browser: Browser, written: dict[str, Path], name: str, scheme: str) -> None:
    """Contrast, names, landmarks, headings, focus: axe-core's rules hold, light and dark, and nothing goes wrong."""
    with showing(browser, written[name], color_scheme=scheme, viewport={"width": 1280, "height": 900}) as shown:
        assert shown.violations() == []
        assert shown.errors == []


def test_hostile_texts_do_nothing(browser: Browser, written: dict[str, Path]) -> None:
    """No script of a name runs, nothing is asked for, nothing leads away, and narrow windows need no scrolling."""
    with showing(browser, written["hostile"], viewport={"width": 360, "height": 800}) as shown:
        assert shown.requests == [written["hostile"].as_uri()]
        assert (shown.dialogs, shown.errors) == ([], [])
        assert shown.page.evaluate("() => typeof window.owned") == "undefined"
        made = shown.page.evaluate(
            "() => [document.scripts.length, document.images.length,"
            " document.querySelectorAll('[onload],[onerror],textarea').length,"
            " [...document.links].filter(each => !each.getAttribute('href').startsWith('#')).length]"
        )
        assert made == [1, 0, 0, 0]
        assert shown.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    text = written["hostile"].read_text(encoding="utf-8")
    assert not set("\x00\x1b\u202e\u200b") & set(text)
    assert "&lt;script&gt;" in text


def test_a_long_history_says_what_it_leaves_out(browser: Browser, written: dict[str, Path]) -> None:
    """Of 1,000 checkpoints the newest 200 are shown, from the newest on, quickly; uses of a set count all of them."""
    assert written["long"].stat().st_size < 5_000_000
    with showing(browser, written["long"], viewport={"width": 1280, "height": 900}) as shown:
        assert shown.page.locator("h1").inner_text() == "1,000 checkpoints"
        assert "800 older checkpoints are left out" in shown.page.locator("#left-out").inner_text()
        assert "has judged 1,000 checkpoints" in shown.page.locator(".notices").inner_text()
        assert shown.page.locator(".matrix thead a").count() == 200
        newest = shown.page.locator(".matrix thead a").last.bounding_box()
        assert newest is not None
        assert newest["x"] < 1280


def test_old_and_odd_entries_are_shown(browser: Browser, written: dict[str, Path]) -> None:
    """What the first version kept has its verdicts and deltas, without margins; what is no entry breaks nothing."""
    with showing(browser, written["old"]) as shown:
        assert shown.page.locator("tr.gate").count() == 4
        card = shown.page.locator("article", has=shown.page.get_by_role("heading", name="test_intent"))
        assert card.locator(".at").count() == 3
        assert card.locator(".margin").count() == 0
        assert card.locator("tbody tr").count() == 3


def test_a_ledger_without_runs_says_so(browser: Browser, written: dict[str, Path]) -> None:
    """A store that has seen no run has a page."""
    with showing(browser, written["empty"]) as shown:
        assert shown.page.locator("h1").inner_text() == "No run yet"
