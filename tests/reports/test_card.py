"""The model card: what the Hub reads of it, what people read, and that nothing else in it changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.card import BEGIN, END, card_text, write_card
from pytest_ftcheck.reports.model_index import results_of, with_results
from tests.reports.test_markdown import MARKUP, OURS, Page
from tests.support.arbitrary_runs import hostile, runs
from tests.support.runs import green_run, mixed_run

FOREIGN = """\
---
license: apache-2.0   # mine
base_model: '../base'
model-index:
  - name: bert
    # what the trainer measured
    results:
      - task: {type: text-generation}
        dataset: {type: d, name: "D: d"}
        metrics: [{type: acc, value: 1.0}]
      - task:
          type: text-generation
        dataset:
          type: e
          name: E
        metrics:
          - type: acc
            value: .nan # lost
tags: [a, b]
---
# Mine

Text.
"""
EMPTY = "---\nmodel-index:\n- name: bert\n  results: []   # none yet\ntags: [a]\n---\nText"
CARDS = {
    "none": "",
    "no front matter": "# Mine\n",
    "hollow front matter": "---\n---\n# Mine\n",
    "no index": "---\nlicense: mit\n---\nText\n",
    "nothing in the index": EMPTY,
    "others' results": FOREIGN,
    "lines of Windows": FOREIGN.replace("\n", "\r\n"),
}
KEPT = ("no index", "nothing in the index", "others' results", "lines of Windows")


def mine(text: str) -> set[str]:
    """Names of the evals whose results in a card are ours, by the Hub's own reader."""
    return {one.dataset_name for one in ModelCard(text).data.eval_results or () if one.source_name == "pytest-ftcheck"}


def left_over(text: str) -> list[str]:
    """Lines of a card that are not of a result or a section of ours."""
    outside = re.sub(rf"{re.escape(BEGIN)}.*{re.escape(END)}\s*", "", text, flags=re.DOTALL)
    ours = re.compile(r"( *)- task:\n(?:\1  .*\n)*?\1  source:\n\1    name: pytest-ftcheck\n\1    url: .*\n")
    return [line for line in ours.sub("", outside.replace("\r\n", "\n")).splitlines() if line.strip()]


@pytest.mark.parametrize("before", CARDS.values(), ids=CARDS)
def test_the_hub_reads_the_results(before: str) -> None:
    """Whatever stood in the card, each eval with a score is a result of the model, beside those of others."""
    text = card_text(before, mixed_run(), name="desk")
    assert mine(text) == {one.name for one in mixed_run().evals}
    others = [one.dataset_name for one in ModelCard(text).data.eval_results if one.source_name is None]
    assert others == (["D: d", "E"] if "bert" in before and "D: d" in before else [])
    assert ModelCard(text).data.model_name == ("bert" if "bert" in before else "desk")


def test_a_result_says_what_the_eval_found() -> None:
    """Ft's score is the value; base, delta, interval and verdict are its arguments."""
    found = {one.dataset_name: one for one in ModelCard(card_text("", mixed_run(), name="desk")).data.eval_results}
    intent = found["test_intent"]
    assert (intent.task_type, intent.metric_type, intent.metric_value) == ("text-generation", "exact_match", 0.815)
    numbers = {"base": 0.59, "delta": 0.225, "low": 0.16, "high": 0.29, "level": 0.9, "gained": 52, "lost": 7, "n": 200}
    assert intent.metric_args == {**numbers, "verdicts": {"test_intent_improves": "pass"}}
    assert "base" not in found["test_refusals"].metric_args


@pytest.mark.parametrize(
    "before", [one for name, one in CARDS.items() if "front" not in name], ids=lambda text: text[:9]
)
def test_all_else_stays(before: str) -> None:
    """Every line of the card is there, in its order, with its comments and its end of line."""
    text = card_text(before, mixed_run(), name="desk")
    kept = [line for line in before.replace("results: []", "results:").splitlines() if line.strip()]
    rest = iter(left_over(text))
    assert [line for line in kept if line.rstrip() not in (each.rstrip() for each in rest)] == []
    assert ("\r\n" in before) == ("\r\n" in text)
    assert not re.search(r"(?<!\r)\n", text) or "\r\n" not in before


@pytest.mark.parametrize("before", CARDS.values(), ids=CARDS)
def test_a_later_run_replaces_only_the_earlier_one(before: str) -> None:
    """After a run of fewer evals no result of the first is left; the first run again gives the very same card."""
    first = card_text(before, mixed_run(), name="desk")
    second = card_text(first, green_run(), name="desk")
    assert mine(second) == {one.name for one in green_run().evals}
    assert left_over(second) == left_over(first)
    assert second.count(BEGIN) == 1
    assert card_text(second, mixed_run(), name="desk") == first


def test_results_are_known_again_after_the_hubs_tools() -> None:
    """The Hub's library, which writes front matter anew, leaves them what they are."""
    rewritten = str(ModelCard(card_text(FOREIGN, mixed_run(), name="desk")))
    again = ModelCard(card_text(rewritten, green_run(), name="desk"))
    assert mine(str(again)) == {one.name for one in green_run().evals}
    assert len(again.data.eval_results) == len(green_run().evals) + 2


@settings(max_examples=25, deadline=None)
@given(runs, st.one_of(hostile, st.lists(st.sampled_from(MARKUP)).map("".join)))
def test_no_text_of_a_run_is_more_than_text(run: Run, name: str) -> None:
    """Of any run, however hostile, the front matter is what was meant, and the section has no markup but ours."""
    results = results_of(run)
    if not results:
        return
    text = card_text("", run, name=name)
    _, front, body = text.split("---\n", 2)
    (model,) = yaml.safe_load(front)["model-index"]
    assert model["results"] == results
    assert Page(body).tags <= OURS | {"h1"}
    assert not re.search(r"@\w|://|www\.", Page(body).plain)
    assert card_text(text, run, name=name) == text


REFUSED = {
    "no YAML": ("---\na: [\n---\n", "is no YAML"),
    "no mapping": ("---\n- a\n---\n", "no list of `key: value` lines"),
    "one line": ("---\nmodel-index: [{name: a, results: [{task: {type: t}}]}]\n---\n", "has its results on one line"),
    "no list": ("---\nmodel-index: none\n---\n", "is no list"),
    "no results": ("---\nmodel-index:\n- name: a\n---\n", "has no results"),
    "aliases": ("---\na: &a [x]\nb: *a\n---\n", "has YAML aliases"),
    "a mark": ("\ufeff---\na: b\n---\n", "byte order mark"),
    "half a section": (f"Text\n{BEGIN}\n", "1 of our marks"),
    "two sections": (f"{BEGIN}\n{END}\n" * 2, "4 of our marks"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_edited_is_left_alone(name: str, tmp_path: Path) -> None:
    """The error names the card and why, and the card is as it was."""
    before, why = REFUSED[name]
    (tmp_path / "README.md").write_text(before, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"model card {tmp_path}/README.md: .*{re.escape(why)}"):
        write_card(mixed_run(), tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == before


def test_a_run_without_a_score_writes_nothing(tmp_path: Path) -> None:
    """There is nothing that a reader could take from it."""
    with pytest.raises(ConfigError, match="no eval of this run has a score"):
        write_card(Run(id="a", started="", duration_s=0.0, version="0"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """In the Hub's cache a snapshot's card is a link to a file that others share: that one stays."""
    (tmp_path / "blob").write_text("# Shared\n")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "README.md").symlink_to("../blob")
    path = write_card(mixed_run(), tmp_path / "snapshot")
    assert (tmp_path / "blob").read_text() == "# Shared\n"
    assert not path.is_symlink()
    assert "# Shared\n" in path.read_text()


def test_a_card_that_is_not_text_is_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are an error, and stay."""
    (tmp_path / "README.md").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"README\.md: is not UTF-8"):
        write_card(mixed_run(), tmp_path)
    assert (tmp_path / "README.md").read_bytes() == b"\xff"


def test_a_result_between_others_is_replaced_in_place() -> None:
    """Ours, moved among others' by hand, is replaced where it stands."""
    results = results_of(green_run())
    front = with_results(FOREIGN.split("---\n")[1], results[:1], name="desk")
    start = front.index("      - task: {type: text-generation}")
    ours = front[front.index("      - task:\n") : start]
    moved = front.replace(ours, "", 1).replace("      - task:\n", f"{ours}      - task:\n", 1)
    assert moved != front
    names = [one["dataset"]["name"] for one in yaml.safe_load(moved)["model-index"][0]["results"]]
    again = yaml.safe_load(with_results(moved, results[:1], name="desk"))["model-index"][0]["results"]
    assert [one["dataset"]["name"] for one in again] == names == ["D: d", "test_intent", "E"]
