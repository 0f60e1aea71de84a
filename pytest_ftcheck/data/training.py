"""Training rows as texts: what was asked and what was answered, out of the layouts that trainers read.

It knows the names of fields and the marks of chat templates; it knows nothing of cases and of leaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytest_ftcheck.data.sources import rows_of_path
from pytest_ftcheck.data.values import named
from pytest_ftcheck.errors import CaseError

PROMPTS = ("prompt", "question", "query", "input", "inputs", "source")
ANSWERS = ("completion", "response", "answer", "output", "target", "targets", "label", "expected", "chosen", "rejected")
CHATS = ("messages", "conversations", "conversation")
TEXTS = ("text", "content")

_ASKING = frozenset({"user", "human", "prompter"})
_ANSWERING = frozenset({"assistant", "gpt", "model", "bot"})
# What chat templates and prompt formats put between the turns of a `text` row.
_TURNS = re.compile(
    r"<\|[^|>\n]{1,40}\|>(?:\s*(?:system|user|assistant)\b)?|<(?:start_of_turn|end_of_turn)>(?:\s*(?:user|model)\b)?"
    r"|\[/?INST\]|<<?/?SYS>>?|</?s>"
    r"|^[ \t]*(?:#{1,4}[ \t]*)?(?:system|user|human|assistant|instruction|input|question|prompt|response|output|answer"
    r"|q|a)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_LINE = re.compile(r"(\d+)\Z")


class TrainingRow(NamedTuple):
    """One row: the line (or row) it stands on, its prompts, its answers, and texts that are both in one."""

    line: int
    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    texts: tuple[str, ...]


def training_rows(path: Path) -> Iterator[TrainingRow]:
    """Give the rows of a training file, of which JSONL and Parquet are never held whole.

    Layouts: `messages` or `conversations` (role and content, or from and value), `prompt` and `completion`,
    `instruction`, `input` and `output`, `question` and `answer`, `prompt`, `chosen` and `rejected`, `text`; a row of
    other fields gives all of its texts. Raises CaseError naming file and line, and where no row holds any text.
    """
    found = seen = False
    for place, values in rows_of_path(path):
        seen = True
        number = _LINE.search(place)
        row = texts_of(values)
        found = found or any(row)
        yield TrainingRow(int(number[1]) if number else 0, *row)
    if not found:
        raise CaseError(
            f"{path} {'has no row with a text' if seen else 'holds no row'}; allowed: training rows with"
            f" {named([*CHATS[:1], *PROMPTS[:1], 'instruction', *TEXTS[:1]])} and the like"
        )


def texts_of(values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    r"""Return the prompts, answers and undivided texts of a row's values.

    >>> texts_of({"instruction": "Translate.", "input": "Hallo", "output": "Hello"})
    (('Translate.\nHallo', 'Hallo'), ('Hello',), ())
    >>> texts_of({"text": "### Question: Who?\n### Answer: Ann"})
    (('Who?', 'Ann'), ('Who?', 'Ann'), ('### Question: Who?\n### Answer: Ann',))
    """
    prompts: list[str] = []
    answers: list[str] = []
    texts: list[str] = []
    for name in CHATS:
        if name in values:
            _take_chat(_decoded(values[name]), prompts, answers)
    if isinstance(instruction := values.get("instruction"), str):
        _take_instruction(instruction, values.get("input"), prompts)
    else:
        for name in PROMPTS:
            _take(values.get(name), prompts, prompts, answers)
    for name in ANSWERS:
        _take(values.get(name), answers, prompts, answers)
    for name in TEXTS:
        if isinstance(text := values.get(name), str) and text:
            texts.append(text)
            parts = turns(text)
            prompts += parts
            answers += parts
    if not (prompts or answers or texts):
        texts = [text for text in values.values() if isinstance(text, str) and text]
        prompts, answers = texts, texts
    return tuple(dict.fromkeys(prompts)), tuple(dict.fromkeys(answers)), tuple(texts)


def turns(text: str) -> list[str]:
    """Split a text at the marks of chat templates and prompt formats; the text itself where there are none."""
    return [part for part in (part.strip() for part in _TURNS.split(text)) if part]


def _take(value: Any, into: list[str], prompts: list[str], answers: list[str]) -> None:
    if isinstance(value, str):
        if value:
            into.append(value)
    elif isinstance(value, list):
        if value and isinstance(value[0], Mapping):
            _take_chat(value, prompts, answers)
        else:
            into += [entry for entry in value if isinstance(entry, str) and entry]
    elif isinstance(value, Mapping):
        into.append(json.dumps(value, ensure_ascii=False))
    elif value is not None and not isinstance(value, bool):
        into.append(str(value))


def _take_instruction(instruction: str, given: Any, prompts: list[str]) -> None:
    if isinstance(given, str) and given.strip():
        prompts += [f"{instruction}\n{given}", given]
    elif instruction:
        prompts.append(instruction)


def _take_chat(chat: Any, prompts: list[str], answers: list[str]) -> None:
    """Take every message of user and assistant, and all questions as one."""
    asked: list[str] = []
    for message in chat if isinstance(chat, list) else ():
        if not isinstance(message, Mapping):
            continue
        role, content = message.get("role", message.get("from")), _content(message)
        if not content:
            continue
        if role in _ASKING:
            asked.append(content)
        elif role in _ANSWERING:
            answers.append(content)
    prompts += asked
    if len(asked) > 1:
        prompts.append("\n".join(asked))


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content", message.get("value"))
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _decoded(value: Any) -> Any:
    """Return a chat that a CSV cell holds as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return [{"role": "user", "content": value}]
