"""The prompts of probes: templates with slots, and whatever a test lists, as cases. It knows no models."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from pytest_ftcheck.data.inputs import to_input
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Case, Message, digest

Prompt = str | Sequence[Message]


def template(
    text: str, /, *, expected: Any = None, limit: int | None = None, seed: int = 0, **slots: Iterable[Any]
) -> tuple[Case, ...]:
    """Return one case for each way to fill the slots of `text`, at most `limit`, drawn by `seed`.

    `expected` is that of all cases, or a function of the slots' values, which stand in `case.fields` too. Raises
    ConfigError for slots without values and values without a slot.

    >>> [case.input for case in template("My {item} is {state}", item=["mug", "lamp"], state=["late"])]
    ['My mug is late', 'My lamp is late']
    """
    values = {name: list(given) for name, given in slots.items()}
    check_slots(text, values)
    empty = [name for name, given in values.items() if not given]
    if empty or (limit is not None and limit < 1):
        raise ConfigError(f"template {text!r}: slots without values: {empty}, limit={limit}; allowed: one or more")
    ways = list(itertools.product(*values.values()))
    if limit is not None and limit < len(ways):
        ways = [ways[at] for at in sorted(Random(seed).sample(range(len(ways)), limit))]
    return tuple(_filled(text, dict(zip(values, way, strict=True)), expected) for way in ways)


def check_slots(text: str, slots: Mapping[str, Any]) -> None:
    """Refuse slots that a text lacks, and values for none. Raises ConfigError."""
    if not isinstance(text, str):
        raise ConfigError(f"a template is {text!r}; allowed: text with slots, such as 'My {{item}} is late'")
    try:
        wanted = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise ConfigError(f"template {text!r}: {error}; a brace that is no slot is written twice") from None
    if wanted != set(slots):
        raise ConfigError(f"template {text!r} has the slots {sorted(wanted)}; given are {sorted(slots)}")


def listed(cases: Iterable[Case | Prompt]) -> tuple[Case, ...]:
    """Return cases, prompts and conversations as cases. Raises ConfigError where there is none, or no such thing."""
    if isinstance(cases, str | Mapping):
        raise ConfigError(f"cases are {cases!r}; allowed: a list of prompts, of conversations or of Case")
    found = tuple(_as_case(one) for one in cases)
    if not found:
        raise ConfigError("cases are empty; allowed: at least one prompt")
    return found


def last_text(case: Case) -> str:
    """Return what a perturbation changes: the prompt, or the last message."""
    return case.input if isinstance(case.input, str) else case.input[-1]["content"]


def with_text(case: Case, text: str) -> Prompt:
    """Return a case's input with another last text."""
    if isinstance(case.input, str):
        return text
    return (*case.input[:-1], {**case.input[-1], "content": text})


def _as_case(value: Case | Prompt) -> Case:
    if isinstance(value, Case):
        return value
    try:
        given = to_input(value)
    except ValueError as error:
        raise ConfigError(f"a case {error}") from None
    return Case(id=digest(given)[:10], input=given)


def _filled(text: str, slots: Mapping[str, Any], expected: Any) -> Case:
    prompt = text.format(**slots)
    right = expected(**slots) if callable(expected) else expected
    return Case(id=digest([text, slots])[:10], input=prompt, expected=right, fields=dict(slots))
