"""Hypothesis strategies for prompts: templates with slots, values of a JSON schema, and noise that shrinks away.

A property that fails is shrunk by Hypothesis: numbers and texts get small, lists are taken from their front, noise goes
first. Importing this imports Hypothesis.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.probing.cases import check_slots
from pytest_ftcheck.probing.perturb import Perturbation, as_perturbation
from pytest_ftcheck.probing.schemas import from_schema

SEEDS = 999
"""How many variants of a noise there are to choose from, apart from none."""


def prompts(text: str, /, *, noise: Any = None, **slots: Any) -> st.SearchStrategy[str]:
    """Return a strategy of prompts: `text` with its slots filled.

    A slot takes a strategy, a list of values (simplest first: failures shrink towards the front), or a JSON schema.
    Values that are no text are written as JSON. `noise` is a perturbation, such as `typos | unicode_noise`, made or
    not made of each prompt; a failure that does not need it shrinks to a prompt without. Raises ConfigError for slots
    without values, values without a slot, and schemas that cannot be drawn from.
    """
    check_slots(text, slots)
    filled = st.fixed_dictionaries({name: _values(name, given) for name, given in slots.items()}).map(
        lambda values: text.format(**{name: _written(value) for name, value in values.items()})
    )
    return filled if noise is None else noisy(filled, noise)


def noisy(texts: st.SearchStrategy[str], noise: Any) -> st.SearchStrategy[str]:
    """Return a strategy of texts to each of which a perturbation is or is not applied."""
    change = as_perturbation(noise)
    return st.tuples(texts, st.integers(0, SEEDS)).map(lambda drawn: _changed(change, *drawn))


def _values(name: str, given: Any) -> st.SearchStrategy[Any]:
    if isinstance(given, st.SearchStrategy):
        return given
    if isinstance(given, Mapping):
        return from_schema(given)
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given):
        return st.sampled_from(given)
    raise ConfigError(f"slot {name!r} is {given!r}; allowed: a strategy, a list of values, or a JSON schema")


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _changed(change: Perturbation, text: str, number: int) -> str:
    return change.apply(text, seed=number) if number else text
