"""A run's diagnosis in every report: whole where there is room, inert, and absent where all is well."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from pytest_ftcheck.records import Finding
from pytest_ftcheck.reports.document import run_document
from pytest_ftcheck.reports.findings import TITLE
from pytest_ftcheck.reports.html_page import html_page
from pytest_ftcheck.reports.markdown import run_markdown
from pytest_ftcheck.reports.reading import run_of
from pytest_ftcheck.reports.terminal import verdict_table
from tests.support import runs

FOUND = Finding(
    name="over-refusal",
    sure="likely",
    what="It refuses harmless requests that base answered.",
    evidence=tuple(f"test_{number}: refusals in {number} of 200 answers" for number in range(5)),
    remedies=("training rows of harmless look-alikes with their answers", "fewer refusals among the training rows"),
    gates=("tests/test_desk.py::test_harmless_kept",),
)
ILL = replace(runs.mixed_run(), diagnosis=(FOUND,))
HOSTILE = "\x1b[31m::error::<img src=x>\u202e"


def squeezed(text: str) -> str:
    """Text without blanks and line ends."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_terminal_tells_it_at_every_width(width: int) -> None:
    """Name, sentence, the first evidence and the remedies stand between table and closing line, inside the width."""
    text = verdict_table(ILL, width=width, colour=False)
    shown = squeezed(text[text.index(TITLE.lower()) :])
    for part in (
        "over-refusal (likely)",
        FOUND.what,
        *FOUND.evidence[:2],
        *FOUND.remedies,
        "and 3 more, in the report",
    ):
        assert squeezed(part) in shown
    assert max(map(cell_len, text.splitlines())) <= width
    assert text.splitlines()[-1].endswith("do not release")


def test_the_summary_tells_all_of_it() -> None:
    """The Markdown summary has the sentence, every piece of evidence and every remedy."""
    text = run_markdown(ILL)
    assert all(part in text for part in (f"### {TITLE}", FOUND.what, *FOUND.evidence, *FOUND.remedies))


def test_the_page_tells_what_the_document_says() -> None:
    """Each finding of the JSON stands in the page's section, its evidence and remedies in lists."""
    page = html_page(ILL)
    (section,) = re.findall(r'<ul class="findings".*?</section>', page, re.DOTALL)
    (found,) = run_document(ILL)["diagnosis"]
    assert all(part in section for part in (found["what"], *found["evidence"], *found["remedies"]))


def test_the_file_is_read_back() -> None:
    """A diagnosis survives the JSON file; a file of a version that knew none has none."""
    document = json.loads(json.dumps(run_document(ILL)))
    assert run_of(document).diagnosis == (FOUND,)
    del document["diagnosis"]
    assert run_of(document).diagnosis == ()


def test_nothing_is_told_where_all_is_well() -> None:
    """Without findings no report has the heading."""
    run = runs.green_run()
    for text in (verdict_table(run, width=100, colour=False), run_markdown(run), html_page(run)):
        assert TITLE.lower() not in text.lower()


def test_hostile_names_are_inert() -> None:
    """Whatever a test or a tag is called, a finding about it starts no escape, no workflow command and no markup."""
    run = replace(ILL, diagnosis=(replace(FOUND, what=HOSTILE, evidence=(HOSTILE,), remedies=(HOSTILE,)),))
    assert "<img" not in html_page(run)
    for text in (verdict_table(run, width=100, colour=False), html_page(run)):
        assert not re.search("\x1b|\u202e", text)
        assert not re.search("^::error", text, re.MULTILINE)
