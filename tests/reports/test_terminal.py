"""The table and the losses as text: whole, inside the width, and inert at every width."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pytest_ftcheck.records import EvalSummary, Run, Table, ThirdScore
from pytest_ftcheck.reports import terminal, wording
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.terminal import eval_tables, verdict_table
from pytest_ftcheck.reports.terminal_losses import worst_losses
from pytest_ftcheck.reports.terminal_page import fold
from tests.support import arbitrary_runs, runs

WIDTHS = (60, 72, 80, 88, 100, 120, 150, 200)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def table(width: int = 200, run: Run | None = None) -> str:
    """Return a run's plain table."""
    return verdict_table(run or runs.mixed_run(), width=width, colour=False)


def line_with(text: str, shown: str) -> str:
    """Return the one line that holds `text`."""
    (line,) = [line for line in shown.splitlines() if text in line]
    return line


def squeezed(text: str) -> str:
    """Return text without blanks and line ends, for finding what was folded."""
    return re.sub(r"\s+", "", text)


def test_a_wide_table_has_all_of_a_gate_on_one_line() -> None:
    """Gate, claim, base, ft, delta with interval, gained / lost, verdict, in this order."""
    line = line_with("test_intent_improves", table())
    assert re.split(r"\s{2,}", line) == [
        "test_intent_improves",
        "improves by 5.0 on test_intent",
        "59.0 %",
        "81.5 %",
        "+22.5 [+16.0, +29.0]",
        "52 / 7 of 200",
        "✓ the win",
    ]


def test_the_head_names_the_columns_and_the_level() -> None:
    """The interval's level stands in the head."""
    head = line_with("gained / lost  verdict", table())
    assert re.split(r"\s{2,}", head) == ["gate", "claim", "base", "ft", "delta [90 % CI]", "gained / lost", "verdict"]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_shows_every_figure(width: int) -> None:
    """Columns fold as the width shrinks, but no verdict, score, delta, interval or count is lost."""
    shown = squeezed(table(width))
    for gate in runs.mixed_run().gates:
        assert gate.name in shown
        assert squeezed(wording.gate_words(gate)) in shown or width > 80
    for figure in ("+22.5[+16.0,+29.0]", "-16.0[-23.6,-10.1]", "ftin[0.0,1.5]", "+0.69[-0.31,+1.69]", "81.5%", "41.32"):
        assert figure in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_the_third_model_stands_below_its_gate_at_every_width(width: int) -> None:
    """Its score, ft minus it, the counts and that it is not judged are on the page, and nothing else has moved."""
    also = ThirdScore(score=0.4025, delta=0.4125, low=0.351, high=0.472, level=0.9, n=199, gained=90, lost=8, missing=1)
    mixed = runs.mixed_run()
    first = mixed.gates[0]
    verdicts = tuple(replace(verdict, also=also) for verdict in first.verdicts)
    shown = table(width, replace(mixed, gates=(replace(first, verdicts=verdicts), *mixed.gates[1:])))
    after = squeezed(shown.partition(first.name)[2].partition(mixed.gates[1].name)[0])
    for figure in ("also40.2%", "+41.2[+35.1,+47.2]", "of199", "notjudged"):
        assert figure in after
    if width == 200:
        lines = [line for line in shown.splitlines() if "  also " not in line]
        assert [line for line in lines if "also:" not in line] == [
            line for line in table(width).splitlines() if "delta is" not in line
        ]


@pytest.mark.parametrize("width", WIDTHS)
def test_long_words_are_folded_not_cut(width: int) -> None:
    """Every word of a long reason and every part of a long name is on the page, without an ellipsis."""
    name = "test_order_number_extraction_is_not_worse_than_it_was_before_the_fine_tune"
    run = replace(runs.mixed_run(), gates=(runs.gate(name, "test_x", reason=runs.ERROR_REASON),), evals=())
    shown = table(width, run)
    assert all(word in shown for word in runs.ERROR_REASON.split())
    assert all(part in shown for part in name.split("_"))
    assert "…" not in shown


def test_marks_tell_the_decisions_apart_without_colour() -> None:
    """Each of the four has a sign of its own."""
    shown = table()
    for words in ("✓ the win", "✗ regression in lang=de", "? inconclusive: needs about 297 cases", "! error: 2 of 150"):
        assert words in shown


def test_models_stand_above() -> None:
    """Role, source, kind with engine, and the first digits of the fingerprint."""
    first, second = table().splitlines()[:2]
    assert first.split() == ["base", "example_suite/checkpoints/base", "folder,", "transformers", "3f2a91c0de12"]
    assert second.split() == ["ft", "example_suite/checkpoints/good", "adapter,", "transformers", "91be77d1aa00"]


def test_a_long_source_keeps_its_end() -> None:
    """The last folders of a path say most."""
    model = replace(runs.MODELS[1], source="/very/long" * 30 + "/last/checkpoint-400")
    shown = table(100, replace(runs.green_run(), models=(model,)))
    assert "/last/checkpoint-400" in shown
    assert "…" in shown


def test_notices_and_facts_stand_below() -> None:
    """What set the store aside, the adapter alarm, counts and duration, and the decision as the last line."""
    lines = table().splitlines()
    assert "! store .ftcheck/answers.db was damaged and set aside as answers.db.damaged-20261121" in lines
    assert any(line.endswith("600 answers made, 1,424 from the store · 41 s") for line in lines)
    assert lines[-1] == "2 gates failed, 1 could not be judged, 2 inconclusive, 3 passed: do not release"


def test_a_green_run_ends_so() -> None:
    """Nobody has to count."""
    assert table(80, runs.green_run()).splitlines()[-1] == "all 3 gates passed"


def test_a_partial_run_is_named() -> None:
    """--ft-limit stands in a notice and in the last line."""
    shown = table(100, replace(runs.green_run(), limit=10))
    assert "! partial run: --ft-limit=10" in shown
    assert "on the first 10 cases" in shown.splitlines()[-1]


def test_a_run_without_models_and_gates_still_ends_in_its_line() -> None:
    """An empty run is no error."""
    run = Run(id="r", started="", duration_s=0.0, version="0")
    assert table(80, run).splitlines()[-1] == "no gates: nothing was decided"


def test_plain_text_has_no_escapes() -> None:
    """Without colour there is no ANSI at all."""
    assert "\x1b" not in table(100)


@pytest.mark.parametrize("width", WIDTHS)
def test_colour_changes_no_text(width: int) -> None:
    """With colour the only escapes are styles, and without them the same table stands there."""
    coloured = verdict_table(runs.mixed_run(), width=width, colour=True)
    assert SGR.search(coloured)
    stripped = "\n".join(line.rstrip() for line in SGR.sub("", coloured).splitlines())
    assert stripped == table(width).rstrip("\n")


def test_colour_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller alone decides: no variable turns colour on or off, or changes the width."""
    expected = [verdict_table(runs.mixed_run(), width=100, colour=colour) for colour in (False, True)]
    for name, value in {"NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "40"}.items():
        monkeypatch.setenv(name, value)
    assert [verdict_table(runs.mixed_run(), width=100, colour=colour) for colour in (False, True)] == expected


def test_ascii_only_holds_the_same_facts() -> None:
    """For streams of another encoding every sign has an ASCII form."""
    shown = verdict_table(runs.mixed_run(), width=120, colour=False, ascii_only=True)
    assert shown.isascii()
    assert "+ the win" in shown
    assert "x regression" in shown


@settings(deadline=None, max_examples=40)
@given(arbitrary_runs.runs, st.integers(60, 200), st.booleans())
def test_no_line_is_wider_than_asked_and_all_are_inert(run: Run, width: int, ascii_only: bool) -> None:
    """Whatever models, files and tests say: no line leaves the width, none is a command, nothing is invisible."""
    shown = verdict_table(run, width=width, colour=False, ascii_only=ascii_only)
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert inert(shown) == shown
    assert shown.isascii() or not ascii_only


@settings(deadline=None, max_examples=40)
@given(arbitrary_runs.summaries, st.integers(60, 200), st.booleans())
def test_losses_stay_in_the_width_and_inert(summary: EvalSummary, width: int, ascii_only: bool) -> None:
    """The same for prompts and answers."""
    shown = worst_losses(summary, width=width, colour=False, ascii_only=ascii_only)
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert inert(shown) == shown
    assert shown.isascii() or not ascii_only


def test_markup_in_answers_is_text() -> None:
    """Markup of rich and emoji codes in an answer are shown as they are."""
    summary = replace(runs.INTENT, worst=(runs.lost_case(ft_answer="[red]x[/red] :smile: [link=http://a]b[/link]"),))
    assert "[red]x[/red] :smile: [link=http://a]b[/link]" in worst_losses(summary, width=150, colour=True)


def test_answers_stand_side_by_side() -> None:
    """From 80 cells on base's and ft's answers share a line, and so do their grades."""
    shown = worst_losses(runs.INTENT, width=80, colour=False, limit=1)
    assert re.split(r"\s*│\s*", line_with("refund", shown).strip()) == ["shipping", "refund"]
    assert re.split(r"\s*│\s*", line_with("wrong", shown).strip()) == ["right", "wrong: expected 'shipping'"]


def test_answers_are_stacked_on_narrow_pages() -> None:
    """Below 80 cells ft's answer follows base's."""
    lines = [line.strip() for line in worst_losses(runs.INTENT, width=79, colour=False, limit=1).splitlines()]
    wanted = ["base", "│ shipping", "right", "ft", "│ refund", "wrong: expected 'shipping'"]
    assert lines[-6:] == wanted


def test_losses_say_how_many_there_are() -> None:
    """What is shown of how many; nothing at all where nothing was lost."""
    assert worst_losses(runs.INTENT, width=80, colour=False, limit=1).startswith("worst losses of test_intent (1 of 7)")
    assert worst_losses(replace(runs.INTENT, worst=()), width=80, colour=False) == ""


def test_a_long_answer_is_cut_with_its_count() -> None:
    """A megabyte on one line becomes a few lines and the number of characters left out."""
    summary = replace(runs.INTENT, worst=(runs.lost_case(ft_answer="z" * 1_000_000),))
    shown = worst_losses(summary, width=100, colour=False)
    assert "999,400" in shown
    assert len(shown.splitlines()) < 40


@given(arbitrary_runs.hostile, st.integers(4, 80))
def test_fold_loses_nothing(text: str, room: int) -> None:
    """The folded lines hold all characters but blanks, each line within its room and none a command."""
    lines = fold(inert(text), room)
    assert squeezed("".join(lines)).replace("\\", "") == squeezed(inert(text)).replace("\\", "")
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert all(cell_len(line) <= room for line in lines)


def test_verdict_line_is_offered_beside_the_table() -> None:
    """Whoever draws the table finds the line there too."""
    assert terminal.verdict_line is wording.verdict_line


CONFUSION = Table(
    name="confusion", role="ft", columns=("expected", "ham", "spam"), rows=(("ham", 1200, 3), ("spam", None, 0.5))
)


def test_a_graders_table_is_drawn_with_its_eval_and_role() -> None:
    """Labels at the left, figures at the right; a float is a share, None nothing."""
    shown = eval_tables(replace(runs.INTENT, tables=(CONFUSION,)), width=80, colour=False)
    assert shown.splitlines() == [
        "confusion of test_intent (ft)",
        "expected    ham    spam",
        "ham       1,200       3",
        "spam          –  50.0 %",
    ]


def test_what_a_table_has_no_room_for_is_counted() -> None:
    """Columns beyond the width and rows beyond the limit are not dropped unsaid."""
    wide = replace(CONFUSION, columns=("label", *"x" * 40), rows=tuple((f"row {n}", *range(40)) for n in range(33)))
    shown = eval_tables(replace(runs.INTENT, tables=(wide,)), width=40, colour=False)
    assert shown.splitlines()[-1] == "… 3 more rows and 29 more columns"  # 6 + 10 of 1 + 1 of 2 cells fit


@settings(deadline=None, max_examples=40)
@given(summary=arbitrary_runs.summaries, width=st.integers(20, 120), ascii_only=st.booleans())
def test_tables_of_any_summary_are_inert_and_inside_the_width(
    summary: EvalSummary, width: int, ascii_only: bool
) -> None:
    """No table breaks the page: each line fits, and nothing in it acts on a terminal."""
    shown = eval_tables(summary, width=width, colour=False, ascii_only=ascii_only)
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert inert(shown) == shown
