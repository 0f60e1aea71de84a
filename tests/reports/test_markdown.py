"""A run as Markdown: what a reader of a pull request sees, and that no text of the run is more than text there."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.markdown import block, code, run_markdown
from tests.support.arbitrary_runs import ATTACKS, hostile, runs
from tests.support.runs import green_run, mixed_run

MARKUP = (
    *ATTACKS,
    "<script>report()</script>",
    "</details></code></textarea>",
    "![x](http://evil/x.png)",
    "[x](javascript:report())",
    "@team please merge, fixes #12, www.evil.com",
    "``` \n# not a heading\n```",
    "a | b\n|--|--|",
    "`",
    "``",
    "``` ````",
    " `x` ",
    "<!-- pytest-ftcheck: nightly -->",
)
OURS = {"h2", "h3", "p", "strong", "em", "ul", "li", "code", "pre", "br", "details", "summary"}
OURS |= {"table", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """What a rendered text holds: its tags, its texts in code and outside it."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.code: list[str] = []
        self.plain = ""
        self._depth = 0
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count tags; code may be nested in pre."""
        self.tags.add(tag)
        if tag == "code":
            self._depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave code."""
        self._depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        """Take text to where it stands."""
        if self._depth:
            self.code[-1] += data
        else:
            self.plain += data


@given(st.one_of(hostile, st.lists(st.sampled_from(MARKUP)).map("".join)))
def test_a_span_is_one_piece_of_code(text: str) -> None:
    """Whatever a span holds, it renders as a single code element and nothing beside it."""
    page = Page(f"before {code(text)} after")
    assert page.tags <= {"p", "code"}
    assert re.sub(r"\s+", " ", page.plain).strip() == "before after"
    assert len(page.code) <= 1


@given(st.one_of(hostile, st.lists(st.sampled_from(MARKUP)).map("".join)))
def test_a_cell_is_one_cell(text: str) -> None:
    """Whatever a table's cell holds, the row keeps its cells."""
    page = (
        MarkdownIt("commonmark").enable("table").render(f"| a | b |\n|---|---|\n| {code(text, cell=True)} | last |\n")
    )
    assert page.count("<td") == 2
    assert ">last<" in page


@given(st.one_of(hostile, st.lists(st.sampled_from(MARKUP)).map("".join)))
def test_a_block_is_one_block(text: str) -> None:
    """Whatever a block holds, it cannot close it."""
    page = Page(f"{block(text)}\n\nafter")
    assert page.tags <= {"p", "pre", "code"}
    assert page.plain.strip() == "after"


@settings(max_examples=60, deadline=None)
@given(runs)
def test_no_text_of_a_run_is_markup(run: Run) -> None:
    """Of any run, however hostile, only our own tags are rendered, and outside code nothing links or mentions."""
    page = Page(run_markdown(run))
    assert page.tags <= OURS
    assert not re.search(r"@\w|://|www\.|#\d", page.plain)


def test_the_decision_comes_first() -> None:
    """The heading and the line that decides stand above everything else."""
    lines = run_markdown(mixed_run(), title="Nightly").splitlines()
    assert lines[0] == "## ❌ `Nightly`"
    assert lines[2].endswith("do not release**")


def test_every_gate_has_a_row() -> None:
    """Each gate of the run stands in the table."""
    text = run_markdown(mixed_run())
    assert [gate.name for gate in mixed_run().gates if f"`{gate.name}`" not in text] == []


def test_a_green_run_says_so() -> None:
    """A run whose gates all passed has the green sign."""
    assert run_markdown(green_run()).startswith("## ✅")


def test_losses_are_shown_with_both_answers() -> None:
    """A lost case shows its prompt and what each role said."""
    text = run_markdown(mixed_run())
    assert "<summary><code>test_intent</code>" in text
    assert re.search(r"base .*\n\n```text\n", text)


@pytest.mark.parametrize("limit", [1_000, 2_000, 3_000, 10_000])
def test_it_fits(limit: int) -> None:
    """A limit in bytes is kept, with the decision still on top, and it is said that something was left out."""
    text = run_markdown(mixed_run(), limit=limit)
    assert len(text.encode()) <= limit
    assert text.startswith("## ❌")
    assert "left out" in text or text == run_markdown(mixed_run())


def test_a_limit_too_small_is_refused() -> None:
    """A limit that cannot hold the decision is an error that says what is allowed."""
    with pytest.raises(ValueError, match="limit == 10, must be >= 1000"):
        run_markdown(mixed_run(), limit=10)
