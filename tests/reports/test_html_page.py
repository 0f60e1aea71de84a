"""The page in a real browser: quick to read, open to everybody, equal to the JSON, and deaf to what models say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.document import run_document
from pytest_ftcheck.reports.figures import Scale
from pytest_ftcheck.reports.html_page import html_page
from pytest_ftcheck.reports.html_report import write_report
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.reading import read_run
from tests.support import pages, runs
from tests.support.browsers import Shown, showing

# Where the whiskers of the first table stand, read back through the ticks of its axis.
PLACES = """() => {
  const table = document.querySelector("table.verdicts");
  const ticks = [...table.querySelectorAll("svg.axis text")];
  const at = (each) => parseFloat(each.getAttribute("x"));
  const [first, last] = [ticks[0], ticks[ticks.length - 1]].map((each) => [parseFloat(each.textContent), at(each)]);
  const value = (x) => (first[0] + (x - first[1]) * (last[0] - first[0]) / (last[1] - first[1])) / 100;
  const read = (row, selector, name) => {
    const found = row.querySelector(selector);
    return found && value(parseFloat(found.getAttribute(name)));
  };
  const wanted = [[".dot", "cx"], [".whisker", "x1"], [".whisker", "x2"], [".zero", "x1"], [".margin", "x1"]];
  const rows = [...table.querySelectorAll("tbody tr")].filter((row) => row.querySelector("svg.forest"));
  return Object.fromEntries(rows.map((row) => [row.id, wanted.map(([selector, name]) => read(row, selector, name))]));
}"""
OLD = Path(__file__).with_name("run_of_the_first_version.json")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages, as files."""
    folder = tmp_path_factory.mktemp("pages")
    found = {
        "full": pages.full_run(),
        "hostile": pages.hostile_run(),
        "green": runs.green_run(),
        "old": read_run(OLD),
        "empty": Run(id="r", started="", duration_s=0.0, version="0"),
    }
    for name, run in found.items():
        write_report(run, folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in found}


@pytest.fixture
def full(browser: Browser, written: dict[str, Path]) -> Iterator[Shown]:
    """The page of a run that has everything."""
    with showing(browser, written["full"]) as shown:
        yield shown


def lookup(document: Any, path: str) -> Any:
    """Follow a JSON pointer."""
    for step in path.strip("/").split("/"):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def texts(shown: Shown, selector: str) -> list[str]:
    """Text of every element that a selector finds."""
    return [text.strip() for text in shown.page.locator(selector).all_inner_texts()]


def test_the_decision_is_on_top(full: Shown) -> None:
    """Without scrolling a reader sees the decision, its line, and the gates that stand in the way, worst first."""
    assert full.page.locator("h1").inner_text() == "Do not release"
    assert full.page.locator("#summary").inner_text().startswith("2 gates failed, 1 could not be judged")
    names = texts(full, ".blamed li > a")
    assert names == [
        *("test_extraction_kept", "test_languages_kept", "test_arithmetic_kept"),
        *("test_resolution_kept", "test_threads_kept"),
    ]
    box = full.page.locator(".blamed").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 720


@pytest.mark.parametrize("name", ["full", "old", "green"])
def test_every_number_is_the_documents(browser: Browser, written: dict[str, Path], name: str) -> None:
    """Each number that the page shows carries its place in the JSON, and is the number there."""
    run = {"full": pages.full_run(), "old": read_run(OLD), "green": runs.green_run()}[name]
    document = json.loads(json.dumps(run_document(run)))
    with showing(browser, written[name]) as shown:
        found = shown.page.evaluate(
            "() => [...document.querySelectorAll('data[data-path], rect[data-path]')]"
            ".map(each => [each.dataset.path, each.getAttribute('value') ?? each.dataset.value, each.textContent])"
        )
    assert len(found) > 50
    for path, value, text in found:
        assert float(value) == lookup(document, path), path
        assert re.search(r"\d", text), path
    assert {f"/gates/{number}/claims/0/delta" for number in range(2)} <= {path for path, _, _ in found}


def test_shown_numbers_are_those_of_the_terminal(full: Shown) -> None:
    """A figure's text is its value, written as the terminal's table writes it."""
    scale = Scale.of(percent=True)
    for path, write in (("base", scale.value), ("ft", scale.value), ("delta", scale.signed), ("low", scale.signed)):
        for at, verdict in ((0, runs.WIN), (1, runs.REGRESSION)):
            shown = texts(full, f"#verdicts [data-path='/gates/{at}/claims/0/{path}']")
            assert shown == [write(getattr(verdict, path))]


def test_no_figure_stands_outside_the_document(full: Shown) -> None:
    """In the tables of verdicts and slices no digit is shown that is neither in a name nor the document's number."""
    loose = full.page.evaluate(
        """() => {
          const found = [];
          for (const cell of document.querySelectorAll("td.n")) {
            const copy = cell.cloneNode(true);
            for (const each of copy.querySelectorAll("data")) each.remove();
            if (/[0-9]/.test(copy.textContent)) found.push(cell.textContent);
          }
          return found;
        }"""
    )
    assert loose == []


def test_sentences_are_the_documents(full: Shown) -> None:
    """The closing line and each verdict's words stand in the page as they stand in the JSON."""
    document = run_document(pages.full_run())
    found = full.page.evaluate(
        "() => [...document.querySelectorAll('p[data-path], span[data-path]')]"
        ".map(each => [each.dataset.path, each.textContent])"
    )
    assert len(found) > 8
    for path, text in found:
        assert text == lookup(document, path)


def test_whiskers_stand_where_their_numbers_are(full: Shown) -> None:
    """On the forest plot's axis, estimate, interval, zero and margin stand at their values."""
    place = full.page.evaluate(PLACES)
    expected = {
        "gate-0": (0.225, 0.16, 0.29, 0.0, 0.05),
        "gate-1": (-0.38, -0.462, -0.297, 0.0, -0.05),
        "gate-2": (-0.01, -0.052, 0.032, 0.0, -0.05),
    }
    for row, values in expected.items():
        assert place[row] == pytest.approx(values, abs=1e-4)


def test_training_is_drawn_where_it_is_known(browser: Browser, written: dict[str, Path], full: Shown) -> None:
    """Curves stand at their losses, the best step at its place; a run without a log has no such section."""
    points = full.page.locator("#training polyline").evaluate_all("all => all.map(each => each.getAttribute('points'))")
    drawn = [[tuple(map(float, pair.split(","))) for pair in each.split()] for each in points]
    assert [len(each) for each in drawn] == [4, 4]
    (x, y), (train, validation) = zip(*drawn[0], strict=True), ([each[1] for each in line] for line in drawn)
    losses = [loss for _, loss in pages.TRAINING.training]
    scale = (train[3] - train[0]) / (losses[3] - losses[0])
    assert train == pytest.approx([train[0] + (loss - losses[0]) * scale for loss in losses], abs=0.2)
    assert validation[1] == pytest.approx(train[0] + (0.9 - losses[0]) * scale, abs=0.2)
    assert float(full.page.locator("#training .best").get_attribute("x1") or 0) == pytest.approx(x[1], abs=0.1)
    assert len(y) == 4
    with showing(browser, written["green"]) as green:
        assert green.page.locator("#training").count() == 0


def test_a_case_shows_both_answers_side_by_side_with_their_words_compared(full: Shown) -> None:
    """Prompt, expected, answers, grades and reasons; only the words that differ are marked."""
    case = full.page.locator("#list li", has_text="ticket-0004").first
    case.locator("summary").click()
    body = case.locator(".body")
    assert body.locator("pre").first.inner_text().startswith("Customer 4: where is my order 4004?")
    assert body.locator("del").all_inner_texts() == ["morning"]
    assert body.locator("ins").all_inner_texts() == ["refund"]
    left, right = (body.locator(".pair > div").nth(at).bounding_box() for at in (0, 1))
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    assert "exact_match: wrong — expected another text" in body.inner_text()


def test_cases_are_filtered_by_outcome_tag_eval_and_text(full: Shown) -> None:
    """Each filter leaves the cases that fit it, and together those that fit all."""
    cases = [case for one in pages.full_run().evals for case in one.cases or one.worst]
    shown = full.page
    assert f"of {len(cases)}" in shown.locator("#status").inner_text()
    shown.locator(".chip", has_text="lost").click()
    lost = [case for case in cases if case.outcome == "loss" or not (case.outcome or case.missing)]
    assert f"of {len(lost)} that fit" in shown.locator("#status").inner_text()
    assert set(texts(full, "#list .out")) == {"lost"}
    shown.locator("#f-tag").select_option("lang=de")
    german = [case for case in lost if case.case.tags["lang"] == "de"]
    assert f"of {len(german)} that fit" in shown.locator("#status").inner_text()
    shown.locator("#f-eval").select_option(label="test_intent")
    shown.locator("#f-text").fill("ORDER 4011?")
    shown.wait_for_function("() => document.querySelectorAll('#list > li').length === 1")
    assert texts(full, "#list .id") == ["ticket-0011"]
    shown.locator("#clear").click()
    assert f"of {len(cases)}" in shown.locator("#status").inner_text()


def test_a_case_has_a_permalink(browser: Browser, written: dict[str, Path], full: Shown) -> None:
    """The link that a case shows opens the page at that case, on whichever page of the list it is."""
    full.page.locator("#f-text").fill("ticket-0150")
    full.page.wait_for_function("() => document.querySelectorAll('#list > li').length === 1")
    full.page.locator("#list summary").click()
    link = full.page.get_by_text("link to this case").get_attribute("href")
    assert link is not None
    with showing(browser, written["full"], fragment=link) as again:
        opened = again.page.locator("#list details[open]")
        assert opened.locator(".id").inner_text() == "ticket-0150"
        assert opened.locator("summary").evaluate("each => document.activeElement === each")


def test_a_filter_has_a_link_too(browser: Browser, written: dict[str, Path]) -> None:
    """A reload keeps what was chosen, and the count of losses in the table leads to the losses."""
    with showing(browser, written["full"]) as shown:
        shown.page.locator("#gate-0 a", has_text="−").click()
        assert shown.page.url.endswith("#cases?eval=0&outcome=loss")
        shown.page.wait_for_function("() => document.querySelector('#f-eval').value === '0'")
        assert set(texts(shown, "#list .out")) == {"lost"}
        shown.page.reload()
        shown.wait()
        assert set(texts(shown, "#list .out")) == {"lost"}
        assert shown.page.locator("#f-eval").input_value() == "0"


def test_the_list_is_read_with_the_keyboard(full: Shown) -> None:
    """The first Tab leads past the head; in the list arrows go from case to case, and Enter opens one."""
    full.page.keyboard.press("Tab")
    assert full.page.evaluate("() => document.activeElement.className") == "skip"
    full.page.locator("#list summary").first.focus()
    full.page.keyboard.press("ArrowDown")
    full.page.keyboard.press("j")
    full.page.keyboard.press("k")
    full.page.keyboard.press("Enter")
    assert texts(full, "#list details[open] .id") == ["ticket-0001"]
    full.page.locator("#next").press("Enter")
    assert "Cases 51 to 100" in full.page.locator("#status").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["full", "hostile", "old", "green", "empty"])
def test_axe_finds_nothing(browser: Browser, written: dict[str, Path], name: str, scheme: str) -> None:
    """Contrast, names, landmarks, headings, focus: axe-core's rules hold, with cases and evals open, light and dark."""
    with showing(browser, written[name], color_scheme=scheme, viewport={"width": 1280, "height": 900}) as shown:
        shown.page.evaluate("() => document.querySelectorAll('details.eval').forEach(each => { each.open = true; })")
        for at in range(min(shown.page.locator("#list summary").count(), 5)):
            shown.page.locator("#list summary").nth(at).click()
        assert shown.violations() == []


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_windows_need_no_scrolling_sideways(browser: Browser, written: dict[str, Path], width: int) -> None:
    """Only tables scroll within themselves, whatever long words a page holds."""
    for name in ("full", "hostile"):
        with showing(browser, written[name], viewport={"width": width, "height": 800}) as shown:
            assert shown.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_theme_can_be_chosen(full: Shown) -> None:
    """A button goes through the machine's own theme, light and dark."""
    colours = []
    for _ in range(3):
        full.page.locator("#theme").click()
        colours.append(full.page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
    assert colours[0] == colours[2] != colours[1]


def test_hostile_texts_do_nothing(browser: Browser, written: dict[str, Path]) -> None:
    """Every text of the run attacks the page; no script of theirs runs, nothing is asked for, nothing is a link."""
    with showing(browser, written["hostile"]) as shown:
        for at in range(shown.page.locator("#list summary").count()):
            shown.page.locator("#list summary").nth(at).click()
        shown.page.wait_for_timeout(200)
        assert shown.requests == [written["hostile"].as_uri()]
        assert (shown.dialogs, shown.errors) == ([], [])
        assert shown.page.evaluate("() => typeof window.owned") == "undefined"
        made = shown.page.evaluate(
            "() => [document.scripts.length, document.images.length,"
            " document.querySelectorAll('[onload],[onerror],textarea').length,"
            " [...document.links].filter(each => !each.getAttribute('href').startsWith('#')).length]"
        )
        assert made == [2, 0, 0, 0]
        assert "49" not in shown.page.title()


def test_hostile_texts_are_visible(browser: Browser, written: dict[str, Path]) -> None:
    """What was said can be read, control and invisible characters written out, a megabyte cut with its count."""
    with showing(browser, written["hostile"]) as shown:
        found = {}
        for at, name in enumerate(pages.HOSTILE):
            case = shown.page.locator("#list > li").nth(at)
            case.locator("summary").click()
            found[name] = case.locator(".pair > div").nth(1).locator("pre").first.evaluate("each => each.textContent")
    for name, text in pages.HOSTILE.items():
        assert found[name] == inert(text, limit=100_000), name
    assert found["megabyte"].endswith("… (900,000 more characters)")
    assert r"\x1b]8;;https" in found["ansi"]
    assert r"\u202egnp.exe" in found["bidi"]


def test_a_texts_own_policy_is_none(browser: Browser, tmp_path: Path, written: dict[str, Path]) -> None:
    """Even a script element that stood in the page would not run: its own is allowed by its hash, no other is."""
    page = written["green"].read_text(encoding="utf-8")
    (tmp_path / "forged.html").write_text(
        page.replace("<main>", "<main><script>window.owned = 1</script><img src=x onerror='window.owned = 2'>").replace(
            "<footer>", "<footer><div style='position:fixed'></div><iframe src='https://evil.example'></iframe>"
        ),
        encoding="utf-8",
    )
    with showing(browser, tmp_path / "forged.html") as shown:
        assert shown.page.evaluate("() => typeof window.owned") == "undefined"
        assert len([error for error in shown.errors if "Content Security Policy" in error]) >= 4


def test_an_old_file_says_what_it_lacks(browser: Browser, written: dict[str, Path]) -> None:
    """From a JSON file of the first version it shows verdicts and worst losses, and counts what it does not hold."""
    with showing(browser, written["old"]) as shown:
        assert shown.page.locator("h1").inner_text() == "Do not release"
        assert texts(shown, "#list .id") == ["ticket-17", "ticket-21", "ticket-3"]
        assert "cases are left out" in shown.page.locator("#left-out").inner_text()


def test_a_run_without_gates_decides_nothing(browser: Browser, written: dict[str, Path]) -> None:
    """An empty run has a page, which says so."""
    with showing(browser, written["empty"]) as shown:
        assert shown.page.locator("h1").inner_text() == "Nothing was decided"
        assert shown.page.locator("#status").inner_text() == "No cases."
        assert shown.errors == []


def test_a_let_through_run_says_so() -> None:
    """Under --ft-inconclusive=warn the headline does not claim that gates passed."""
    gates = (runs.gate("test_kept", "test_resolution", runs.UNDECIDED),)
    page = html_page(replace(runs.green_run(), gates=gates, inconclusive="warn"))
    assert "<h1>Not proven, let through</h1>" in page


def test_the_page_names_nothing_outside_itself(written: dict[str, Path]) -> None:
    """The page's own text holds no address: no font, style, script or image comes from elsewhere."""
    for name in ("full", "green", "empty"):
        page = written[name].read_text(encoding="utf-8")
        assert not re.search(r"(src|href)=[\"'](https?:)?//|url\(|@import", page)
