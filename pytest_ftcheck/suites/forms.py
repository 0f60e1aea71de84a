"""Which form an answer has: prose, JSON with the keys asked for, or the same over and over."""

from __future__ import annotations

import re

from pytest_ftcheck.grading.functions import grader
from pytest_ftcheck.grading.json_text import NotJsonError, read_json
from pytest_ftcheck.grading.prose import word_count
from pytest_ftcheck.records import Answer, Case

LEAST_WORDS = 4
LONGEST_PHRASE = 12
MOST_TIMES = 3


@grader(range=(0, 1))
def is_prose(case: Case, answer: Answer) -> bool:
    """Whether an answer is sentences about the thing: four words or more that are no JSON, markup, code or table.

    About the thing is an answer with one of the case's beginnings of words; that a refusal, or a sentence for any
    occasion, is prose as well says nothing.
    """
    text = answer.strip()
    if not any(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in case.expected):
        return False
    machine = re.match(r"[{\[<|]|```", text) or "```" in text or re.search(r'["\']\w+["\']\s*:\s', text)
    return not machine and word_count(text) >= LEAST_WORDS


@grader(range=(0, 1))
def keeps_keys(case: Case, answer: Answer) -> bool:
    """Whether an answer is a JSON object, maybe in a Markdown fence, with the keys of the expected one and no other."""
    try:
        value = read_json(answer, fenced="fenced")
    except NotJsonError:
        return False
    return isinstance(value, dict) and set(value) == set(case.expected)


@grader(range=(0, 1))
def repeats_nothing(case: Case, answer: Answer) -> bool:
    """Whether no phrase of up to twelve words, and no sign, follows itself: thrice as a phrase, 20 times as a sign."""
    words = re.findall(r"\w+", answer.casefold())
    if re.search(r"(\S)\1{19}", answer):
        return False
    return not any(_follows_itself(words, length) for length in range(1, LONGEST_PHRASE + 1))


def _follows_itself(words: list[str], length: int) -> bool:
    run = 0
    for place in range(length, len(words)):
        run = run + 1 if words[place] == words[place - length] else 0
        if run >= length * MOST_TIMES:
            return True
    return False
