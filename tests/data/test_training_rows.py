"""Training rows in the layouts that trainers read: what was asked, what was answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.data.training import texts_of, training_rows
from pytest_ftcheck.errors import CaseError

ASKED, SAID = "Where is my parcel?", "It is on its way."


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": ASKED, "completion": SAID},
        {"question": ASKED, "answer": SAID},
        {"query": ASKED, "response": SAID},
        {"instruction": ASKED, "output": SAID},
        {"instruction": ASKED, "input": "", "output": SAID},
        {"inputs": ASKED, "targets": SAID},
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}]},
        {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]},
        {
            "prompt": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": ASKED}],
            "completion": [{"role": "assistant", "content": SAID}],
        },
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": ASKED}]},
                {"role": "model", "content": SAID},
            ]
        },
        {"prompt": ASKED, "chosen": SAID},
        {"messages": json.dumps([{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}])},
    ],
    ids=lambda row: "-".join(row),
)
def test_every_layout_gives_prompt_and_answer(row: dict[str, Any]) -> None:
    """What was asked and what was answered is found under whatever names a trainer has for them."""
    assert texts_of(row) == ((ASKED,), (SAID,), ())


@pytest.mark.parametrize(
    "text",
    [
        f"### Instruction:\n{ASKED}\n\n### Response:\n{SAID}",
        f"<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n{SAID}<|im_end|>\n",
        f"<s>[INST] {ASKED} [/INST] {SAID} </s>",
        f"User: {ASKED}\nAssistant: {SAID}",
        f"<start_of_turn>user\n{ASKED}<end_of_turn>\n<start_of_turn>model\n{SAID}<end_of_turn>",
    ],
    ids=["alpaca", "chatml", "llama", "plain", "gemma"],
)
def test_a_text_is_split_into_turns(text: str) -> None:
    """A row of one text is read as whole, and as the turns between its template's marks."""
    assert texts_of({"text": text}) == ((ASKED, SAID), (ASKED, SAID), (text,))


def test_an_instruction_comes_with_its_input() -> None:
    """The input of an instruction is a prompt on its own, and behind the instruction."""
    prompts, answers, _ = texts_of({"instruction": "Sort this.", "input": ASKED, "output": "shipping"})
    assert (prompts, answers) == ((f"Sort this.\n{ASKED}", ASKED), ("shipping",))


def test_other_fields_are_searched_all() -> None:
    """A layout that nobody knows gives every text, as prompt and as answer."""
    assert texts_of({"utterance": ASKED, "n": 3}) == ((ASKED,), (ASKED,), (ASKED,))


def test_preferences_give_both_answers() -> None:
    """Chosen and rejected answers were both trained on."""
    assert texts_of({"prompt": ASKED, "chosen": SAID, "rejected": "No."})[1] == (SAID, "No.")


def test_rows_know_their_lines(tmp_path: Path) -> None:
    """Lines count from 1, with a byte order mark and blank lines."""
    path = tmp_path / "train.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\n\n{"text": "two"}\n')
    assert [row.line for row in training_rows(path)] == [1, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "holds no row"), ('{"n": 1}\n', "has no row with a text"), ("{broken\n", "train.jsonl:1: broken JSON")],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    """An empty file, rows without a text and broken rows are errors that name the file."""
    path = tmp_path / "train.jsonl"
    path.write_text(text)
    with pytest.raises(CaseError, match=said):
        list(training_rows(path))
