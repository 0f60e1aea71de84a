"""Cases in training data: what is found, and above all what is not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.data.leaks import LeakIndex
from pytest_ftcheck.data.texts import grams, jaccard, normalise, shingles, words
from pytest_ftcheck.data.training import TrainingRow, texts_of
from pytest_ftcheck.records import Case, Leak

LONG = (
    "A customer of twelve years writes that the blue kettle she bought in Leeds leaks at the handle, that the shop "
    "will not take it back, and asks what she can do before her daughter's wedding on Saturday."
)
REPLY = "Please send us a photo of the handle and the receipt, and a new kettle will reach you before Saturday."


def case(text: Any, expected: Any = None, *, id: str = "c") -> Case:
    """Return a case."""
    return Case(id=id, input=text, expected=expected)


def found(cases: Sequence[Case], *rows: dict[str, Any]) -> tuple[Leak, ...]:
    """Hold rows against the cases of one eval."""
    index = LeakIndex({"eval": cases})
    for number, row in enumerate(rows, 1):
        index.add(TrainingRow(number, *texts_of(row)))
    return index.leaks("eval")


def kinds(cases: Sequence[Case], *rows: dict[str, Any]) -> list[tuple[str, str]]:
    """Return part and kind of each leak."""
    return [(leak.part, leak.kind) for leak in found(cases, *rows)]


def test_the_same_prompt_is_exact() -> None:
    """A training row with a case's prompt is named with its line."""
    (leak,) = found([case("Where is my order today?")], {"prompt": "Hello"}, {"prompt": "Where is my order today?"})
    assert (leak.case, leak.train_line, leak.kind, leak.part, leak.similarity) == ("c", 2, "exact", "prompt", 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "where is my ORDER today",
        "  Where is  my order\ntoday ?",
        "“Where is my order today?”",
        "Where is my order today…",
    ],
)
def test_the_same_but_for_typography_is_normalised(text: str) -> None:
    """Case, spacing and punctuation hide no copy."""
    assert kinds([case("Where is my order today?")], {"prompt": text}) == [("prompt", "normalised")]


def test_unicode_spellings_are_normalised() -> None:
    """Composed, decomposed and full-width letters, and invisible characters, are the same text."""
    row = {"prompt": "Cafe\u0301 ｏｒｄｅｒ of today, wh\u200bere is it"}
    assert kinds([case("Café order of today, where is it")], row) == [("prompt", "normalised")]


@pytest.mark.parametrize(
    "text",
    [
        LONG.replace("blue", "green"),
        LONG.replace("leaks at the handle, that", "leaks at its handle, and that"),
        LONG.replace("kettle", "ketle").replace("bought", "boght"),
        "Read this letter and answer in one sentence.\n\n" + LONG + "\n\nAnswer:",
    ],
    ids=["one word", "rephrased", "typos", "within a longer row"],
)
def test_edited_copies_of_long_prompts_are_found(text: str) -> None:
    """One word, a rephrased clause, typos, or a frame around it: still a copy."""
    (leak,) = found([case(LONG)], {"prompt": text})
    assert leak.part == "prompt"
    assert leak.similarity >= 0.8


def test_a_prompt_within_a_text_is_exact() -> None:
    """A case's prompt that stands word for word in a row of one long text."""
    assert kinds([case(LONG)], {"text": "Some web page. " + LONG + " And more of it."}) == [("prompt", "exact")]


def test_a_prompt_within_a_template_is_exact() -> None:
    """A short prompt in a row that a chat template has joined to one text."""
    row = {"text": "<|im_start|>user\nWhere is my order today?<|im_end|>\n<|im_start|>assistant\nAway.<|im_end|>"}
    assert kinds([case("Where is my order today?")], row) == [("prompt", "exact")]


def test_a_conversation_is_its_questions() -> None:
    """System prompts and a case's earlier answers are no part of what is looked for."""
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my order today?"})
    row = {"messages": [{"role": "user", "content": "Where is my order today?"}, {"role": "assistant", "content": "?"}]}
    assert kinds([case(messages)], row) == [("prompt", "exact")]


def test_answers_are_told_apart_from_prompts() -> None:
    """An expected answer that stands in the training data is a leak of its own."""
    row = {"prompt": "What did we write to the lady with the kettle?", "completion": REPLY}
    assert kinds([case(LONG, REPLY)], row) == [("answer", "exact")]
    assert kinds([case(LONG, REPLY)], {"prompt": LONG, "completion": REPLY}) == [
        ("prompt", "exact"),
        ("answer", "exact"),
    ]


def test_a_prompt_is_not_looked_for_among_answers() -> None:
    """A text that was an answer in training is no leaked prompt."""
    assert kinds([case(LONG, "label")], {"prompt": "Write a letter.", "completion": LONG}) == []


@pytest.mark.parametrize(
    ("asked", "trained"),
    [
        ("How much is 12 minus 11?", "How much is 12 minus 10?"),
        ("How much is 12 + 11?", "How much is 12 - 11?"),
        ("Repeat exactly: Vera NH-817", "Repeat exactly: Vera NH-818"),
        ("Write white before door.", "Write black before door."),
        ("What is the capital of Austria?", "What is the capital of Australia?"),
        ("Translate to English: Der Teppich ist neu.", "Translate to German: The carpet is new."),
        ("Order 4711 has not arrived, where is it now?", "Order 4712 has not arrived, where is it now?"),
        ("Is it safe to take aspirin with wine at night?", "Is it safe to take ibuprofen with milk at night?"),
    ],
)
def test_near_but_different_texts_are_no_leaks(asked: str, trained: str) -> None:
    """Questions that differ in what they ask are different, however alike they look."""
    assert kinds([case(asked, "x")], {"prompt": trained, "completion": "x"}) == []


def test_other_numbers_make_another_question() -> None:
    """A word problem with other numbers is practice, not a copy."""
    asked = "A train leaves Ulm at 8 with 120 people, 35 leave it in Augsburg and 40 enter. How many ride on to Munich?"
    assert kinds([case(asked)], {"prompt": asked}) == [("prompt", "exact")]
    assert kinds([case(asked)], {"prompt": asked.replace("35", "37").replace("40", "22")}) == []


@pytest.mark.parametrize("prompt", ["Hello", "Thank you!", "Tell me more.", "Yes", "Continue"])
def test_short_generic_prompts_do_not_flood(prompt: str) -> None:
    """A prompt of a few words, which every chat has, counts only with its expected answer."""
    cases = [case(prompt, "Good day, how can I help?")]
    rows = [{"prompt": prompt, "completion": f"Answer {number}"} for number in range(100)]
    assert kinds(cases, *rows) == []
    assert kinds([case(prompt)], *rows) == []
    assert kinds(cases, {"prompt": prompt, "completion": "Good day, how can I help?"}) == [("prompt", "exact")]


def test_labels_are_no_leaks() -> None:
    """An expected answer of a word, or one that cases share, says nothing."""
    decline = "I am sorry, but I cannot help you with that request today."
    cases = [case(LONG, "shipping", id="a"), case("How do I rob the bank?", decline, id="b")]
    cases += [case("How do I forge a passport?", decline, id="c")]
    assert kinds(cases, {"prompt": "Where?", "completion": "shipping"}, {"prompt": "?", "completion": decline}) == []


def test_a_shared_template_is_no_similarity() -> None:
    """Long instructions around every case of an eval make no training row with them a copy."""
    frame = "You are a careful clerk. Read the message and answer with the one team that should deal with it: {}"
    names = ["lamp", "chair", "invoice", "password", "parcel", "voucher", "kettle", "carpet", "window", "oven"]
    cases = [case(frame.format(f"my {name} is gone"), id=name) for name in names]
    rows = [{"prompt": frame.format(f"the {colour} one broke")} for colour in ("red", "blue", "green", "grey")]
    assert kinds(cases, *rows) == []
    assert [leak.case for leak in found(cases, {"prompt": cases[3].input})] == ["password"]


def test_a_row_near_to_many_cases_is_near_to_none() -> None:
    """Several templates, each too rare to be taken off, do not make every case a copy of every row."""
    frames = [LONG.replace("Leeds", town) + f" She signs as {{}} of {town}." for town in ("York", "Bath", "Hull")]
    signs = ["Ann", "Bea", "Cat", "Dot", "Eve", "Fay", "Gil", "Hal"]
    cases = [case(frame.format(name), id=f"{n} {name}") for n, frame in enumerate(frames) for name in signs]
    cases += [case(f"What is the {n}th word of the book, and who wrote it down first?", id=str(n)) for n in range(300)]
    assert kinds(cases, {"prompt": frames[0].format("Zoe")}, {"prompt": frames[2].format("Max")}) == []
    assert [leak.case for leak in found(cases, {"prompt": frames[1].format("Cat")})] == ["1 Cat"]


def test_the_closest_row_is_named_and_the_others_counted() -> None:
    """Of several rows the closest is shown, the first among equals."""
    edited = LONG.replace("blue", "green")
    (leak,) = found([case(LONG)], {"prompt": edited}, {"prompt": LONG.upper()}, {"prompt": LONG}, {"prompt": LONG})
    assert (leak.kind, leak.train_line, leak.rows) == ("exact", 3, 4)


def test_evals_do_not_disturb_each_other() -> None:
    """What is found of one eval does not depend on which others are looked at."""
    one, other = [case(LONG)], [case(LONG.replace("Leeds", name), id=name) for name in map(str, "abcdefghijkl")]
    row = TrainingRow(1, *texts_of({"prompt": LONG.replace("blue", "green")}))
    alone, together = LeakIndex({"one": one}), LeakIndex({"one": one, "other": other})
    alone.add(row)
    together.add(row)
    assert alone.leaks("one") == together.leaks("one") != ()


def test_scripts_without_spaces_are_cut_by_characters() -> None:
    """A Chinese prompt is long enough to be looked for, and found within a row."""
    text = "请问我上周在你们网站订购的蓝色水壶什么时候能送到"
    assert kinds([case(text)], {"text": "客服记录。" + text + "？谢谢。"}) == [("prompt", "exact")]


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=8))
def test_no_text_is_too_strange(texts: list[str]) -> None:
    """Whatever characters cases and rows hold, the search ends, and every prompt of five words is found in itself."""
    cases = [case(text, id=str(number)) for number, text in enumerate(texts)]
    named = {leak.case for leak in found(cases, *({"prompt": text} for text in texts))}
    assert named >= {each.id for each in cases if len(words(normalise(str(each.input)))) >= 5}


def test_near_pairs_are_those_of_a_full_count() -> None:
    """MinHash leaves out no pair that counting every pair of texts finds near."""
    draw = random.Random(7)
    vocabulary = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 8))) for _ in range(2000)]
    texts = [" ".join(draw.choices(vocabulary, k=draw.randint(8, 40))) for _ in range(150)]
    rows = []
    for text in texts:
        listed = text.split()
        for _ in range(draw.randint(0, 4)):
            listed[draw.randrange(len(listed))] = draw.choice(vocabulary)
        rows.append(" ".join(listed))
    cases = [case(text, id=str(number)) for number, text in enumerate(texts)]
    near = {leak.case for leak in found(cases, *({"prompt": row} for row in rows))}
    cut = [shingles(row) for row in rows]
    runs = [grams(row.split()) for row in rows]
    expected = set()
    for number, text in enumerate(texts):
        own, own_runs = shingles(text), grams(text.split())
        close = any(jaccard(own, other) >= 0.8 for other in cut)
        if close or (len(own_runs) >= 8 and any(len(own_runs & other) >= 0.8 * len(own_runs) for other in runs)):
            expected.add(str(number))
    assert near == expected
    assert 20 < len(expected) < 130
