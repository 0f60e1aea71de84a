"""The layouts of public benchmarks, as their authors publish them, and how each is asked and scored.

Prompts are those of lm-evaluation-harness 0.4.13 without shots (TruthfulQA's without its six opening questions);
`lm_eval_cases` runs its tasks themselves. With `chat=True` a question goes through the role's template and profile, and
choices begin the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ftcheck.benchmarks.questions import Layout, Question, benchmark, field_of, text_of, texts_of
from pytest_ftcheck.data.rows import Row
from pytest_ftcheck.data.values import shown
from pytest_ftcheck.errors import CaseError
from pytest_ftcheck.grading.constraints import constraints
from pytest_ftcheck.grading.final_answer import final_answer
from pytest_ftcheck.grading.likelihood import acc, acc_norm, mc1, mc2

Body = Callable[..., Any]
Decorator = Callable[[Body], Body]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def mmlu(
    source: str | Path = "cais/mmlu",
    *,
    config: str | None = None,
    split: str | None = None,
    limit: int | None = None,
    chat: bool = False,
    shots: int = 0,
    shots_from: str | Path | None = None,
) -> Decorator:
    """Declare an eval of MMLU (Hendrycks et al. 2021, arXiv 2009.03300).

    Rows: `question`, `choices` (four texts), `answer` (0 to 3, or A to D), `subject` (a tag). The choices are listed
    under their letters, and the letters' log-probabilities are compared (`acc`). Shots come from the split dev.
    """
    layout = Layout(
        name="mmlu", question=_mmlu, graders=(acc(),), split="test", config="all", shots_split="dev", max_new_tokens=1
    )
    return benchmark(
        layout, source, split=split, config=config, limit=limit, chat=chat, shots=shots, shots_from=shots_from
    )


def hellaswag(
    source: str | Path = "Rowan/hellaswag",
    *,
    split: str | None = None,
    limit: int | None = None,
    chat: bool = False,
    shots: int = 0,
    shots_from: str | Path | None = None,
) -> Decorator:
    """Declare an eval of HellaSwag (Zellers et al. 2019, arXiv 1905.07830): `acc` and `acc_norm`.

    Rows: `activity_label`, `ctx_a`, `ctx_b`, `endings` (four texts), `label` (0 to 3, as text or number), `ind`.
    """
    layout = Layout(name="hellaswag", question=_hellaswag, graders=(acc_norm(), acc()), split="validation")
    return benchmark(
        layout, source, split=split, config=None, limit=limit, chat=chat, shots=shots, shots_from=shots_from
    )


def arc(
    source: str | Path = "allenai/ai2_arc",
    *,
    config: str = "ARC-Challenge",
    split: str | None = None,
    limit: int | None = None,
    chat: bool = False,
    shots: int = 0,
    shots_from: str | Path | None = None,
) -> Decorator:
    """Declare an eval of ARC (Clark et al. 2018, arXiv 1803.05457): `acc_norm` and `acc`.

    Rows: `id`, `question`, `choices` (an object of the lists `text` and `label`), `answerKey` (one of the labels).
    `config` is ARC-Challenge or ARC-Easy.
    """
    layout = Layout(name="arc", question=_arc, graders=(acc_norm(), acc()), split="test")
    return benchmark(
        layout, source, split=split, config=config, limit=limit, chat=chat, shots=shots, shots_from=shots_from
    )


def truthfulqa(
    source: str | Path = "truthfulqa/truthful_qa",
    *,
    split: str | None = None,
    limit: int | None = None,
    chat: bool = False,
    several: bool = False,
) -> Decorator:
    """Declare an eval of TruthfulQA's multiple choice (Lin et al. 2022, arXiv 2109.07958).

    Rows: `question`, `mc1_targets` and `mc2_targets` (objects of the lists `choices` and `labels`, 1 where true). The
    metric is `mc1`, whether the one true answer is the likeliest; with `several` `mc2`, the share of probability on
    true ones.
    """
    layout = Layout(
        name="truthfulqa",
        question=_truthfulqa_mc2 if several else _truthfulqa_mc1,
        graders=(mc2() if several else mc1(),),
        split="validation",
        config="multiple_choice",
    )
    return benchmark(layout, source, split=split, config=None, limit=limit, chat=chat)


def gsm8k(
    source: str | Path = "openai/gsm8k",
    *,
    split: str | None = None,
    limit: int | None = None,
    chat: bool = False,
    shots: int = 0,
    shots_from: str | Path | None = None,
    max_new_tokens: int = 256,
) -> Decorator:
    """Declare an eval of GSM8K (Cobbe et al. 2021, arXiv 2110.14168), written freely: see `final_answer`.

    Rows: `question`, `answer` (a solution that ends in `#### NUMBER`). The metrics are `flexible_extract` and
    `strict_match`; a model that was shown no `shots` seldom writes `####`.
    """
    layout = Layout(
        name="gsm8k",
        question=_gsm8k,
        graders=(final_answer(strict=False), final_answer()),
        split="test",
        config="main",
        stop=("Question:", "</s>", "<|im_end|>"),
        max_new_tokens=max_new_tokens,
    )
    return benchmark(
        layout, source, split=split, config=None, limit=limit, chat=chat, shots=shots, shots_from=shots_from
    )


def ifeval(
    source: str | Path = "google/IFEval",
    *,
    split: str | None = None,
    limit: int | None = None,
    chat: bool = True,
    max_new_tokens: int = 1280,
) -> Decorator:
    """Declare an eval of IFEval (Zhou et al. 2023, arXiv 2311.07911): its four accuracies, see `constraints`.

    Rows: `key`, `prompt`, `instruction_id_list`, `kwargs`.
    """
    graders = (
        constraints(),
        constraints(mode="loose"),
        constraints(level="instruction"),
        constraints(mode="loose", level="instruction"),
    )
    layout = Layout(name="ifeval", question=_ifeval, graders=graders, split="train", max_new_tokens=max_new_tokens)
    return benchmark(layout, source, split=split, config=None, limit=limit, chat=chat)


def _mmlu(row: Row, chat: bool) -> Question:
    choices = texts_of(row, "choices")
    letters = tuple(LETTERS[: len(choices)])
    listed = "".join(f"{letter}. {choice}\n" for letter, choice in zip(letters, choices, strict=True))
    answer = field_of(row, "answer")
    gold = letters.index(answer) if answer in letters else answer
    subject = row.values.get("subject")
    return Question(
        prompt=f"{text_of(row, 'question').strip()}\n{listed}Answer:",
        options=letters,
        gold=(_place(row, "answer", gold, len(choices)),),
        tags={"subject": subject} if isinstance(subject, str) else {},
    )


def _hellaswag(row: Row, chat: bool) -> Question:
    context = f"{text_of(row, 'ctx_a')} {text_of(row, 'ctx_b').capitalize()}"
    endings = texts_of(row, "endings")
    label = field_of(row, "label")
    gold = int(label) if isinstance(label, str) and label.isdecimal() else label
    return Question(
        prompt=_without_titles(f"{text_of(row, 'activity_label')}: {context}"),
        options=tuple(map(_without_titles, endings)),
        gold=(_place(row, "label", gold, len(endings)),),
    )


def _without_titles(text: str) -> str:
    """Take out what WikiHow's pages left in the texts, as the harness does."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _arc(row: Row, chat: bool) -> Question:
    labels, key = texts_of(row, "choices.label"), text_of(row, "answerKey")
    texts = texts_of(row, "choices.text")
    if key not in labels or len(labels) != len(texts):
        raise CaseError(f"{row.place}: field 'answerKey' is {shown(key)}; allowed: one of {', '.join(labels)}")
    name = row.values.get("id")
    return Question(
        prompt=f"Question: {text_of(row, 'question')}\nAnswer:",
        options=texts,
        gold=(labels.index(key),),
        id=name if isinstance(name, str) else "",
    )


def _truthfulqa_mc1(row: Row, chat: bool) -> Question:
    return _truthfulqa(row, "mc1_targets")


def _truthfulqa_mc2(row: Row, chat: bool) -> Question:
    return _truthfulqa(row, "mc2_targets")


def _truthfulqa(row: Row, targets: str) -> Question:
    choices, labels = texts_of(row, f"{targets}.choices"), field_of(row, f"{targets}.labels")
    gold = tuple(place for place, label in enumerate(labels) if label == 1)
    if len(labels) != len(choices) or not gold or set(labels) - {0, 1}:
        raise CaseError(f"{row.place}: field '{targets}.labels' is {shown(labels)}; allowed: 1 or 0 for each choice")
    return Question(prompt=f"Q: {text_of(row, 'question')}\nA:", options=choices, gold=gold)


def _gsm8k(row: Row, chat: bool) -> Question:
    question = text_of(row, "question")
    return Question(prompt=question if chat else f"Question: {question}\nAnswer:", target=text_of(row, "answer"))


def _ifeval(row: Row, chat: bool) -> Question:
    key = row.values.get("key")
    more = {name: field_of(row, name) for name in ("instruction_id_list", "kwargs")}
    return Question(prompt=text_of(row, "prompt"), id="" if key is None else str(key), fields=more)


def _place(row: Row, name: str, value: Any, choices: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < choices:
        raise CaseError(
            f"{row.place}: field {name!r} is {shown(value)}; allowed: a place of the {choices} choices, from 0"
        )
    return value
