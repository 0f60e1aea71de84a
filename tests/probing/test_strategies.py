"""Strategies of prompts: what they draw, and what failures shrink to."""

from __future__ import annotations

import string
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from pytest_ftcheck import noisy, perturb, prompts
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.probing.schemas import from_schema

ORDER = prompts("My {item} from order {n} is late", item=["mug", "lamp", "chair"], n=st.integers(1, 9999))

BOUNDS = st.tuples(st.integers(-20, 20), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
LENGTHS = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
LEAVES = st.one_of(
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"const": [1]}, {"enum": ["a", 2, None]}]),
    BOUNDS.map(lambda ends: {"type": "integer", "minimum": ends[0], "maximum": ends[1]}),
    BOUNDS.map(lambda ends: {"type": "integer", "exclusiveMinimum": ends[0] - 1, "exclusiveMaximum": ends[1] + 1}),
    BOUNDS.map(lambda ends: {"type": "number", "minimum": ends[0], "maximum": ends[1]}),
    LENGTHS.map(lambda ends: {"type": "string", "minLength": ends[0], "maxLength": ends[1]}),
    st.just({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}),
    st.just({"type": ["string", "null"], "title": "Nickname"}),
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    arrays = st.tuples(inner, LENGTHS).map(
        lambda drawn: {"type": "array", "items": drawn[0], "minItems": drawn[1][0], "maxItems": drawn[1][1]}
    )
    objects = st.dictionaries(st.sampled_from(string.ascii_lowercase), inner, min_size=1, max_size=3).map(
        lambda named: {"type": "object", "properties": named, "required": sorted(named)[:1]}
    )
    return st.one_of(arrays, objects, st.lists(inner, min_size=1, max_size=2).map(lambda some: {"anyOf": some}))


@given(prompt=ORDER)
def test_slots_are_filled(prompt: str) -> None:
    """Every prompt is the template with a value of each slot."""
    words = prompt.split()
    assert words[1] in ("mug", "lamp", "chair")
    assert prompt == f"My {words[1]} from order {int(words[4])} is late"


def test_failures_shrink_to_the_front() -> None:
    """The smallest failing prompt has the least number that fails and the first item of the list."""
    found = find(ORDER, lambda prompt: any(int(word) >= 1000 for word in prompt.split() if word.isdigit()))
    assert found == "My mug from order 1000 is late"


def test_noise_shrinks_away() -> None:
    """A failure that needs no noise is shown without it; one that needs it keeps it."""
    texts = prompts("Where is order {n}?", n=st.integers(1, 99), noise=perturb.typos | perturb.unicode_noise)
    assert find(texts, lambda prompt: True) == "Where is order 1?"
    noised = find(texts, lambda prompt: not prompt.startswith("Where is order"))
    assert noised != "Where is order 1?"


@given(data=st.data(), schema=st.recursive(LEAVES, _containers, max_leaves=5))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_values_of_a_schema_are_valid(data: st.DataObject, schema: dict[str, Any]) -> None:
    """Whatever is drawn from a schema, jsonschema finds valid."""
    jsonschema.validate(data.draw(from_schema(schema)), schema)


@given(
    prompt=prompts("Read {doc}", doc={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
)
def test_a_slot_may_be_a_schema(prompt: str) -> None:
    """A schema's values are written as JSON into the prompt."""
    assert prompt.startswith('Read {"n": ')


@given(text=noisy(st.just("Where is my order?"), perturb.whitespace))
def test_noise_may_stand_over_any_texts(text: str) -> None:
    """A strategy of one's own gets noise too."""
    assert text.split() == ["Where", "is", "my", "order?"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: prompts("My {item}"), r"has the slots \['item'\]; given are \[\]"),
        (lambda: prompts("My mug", item=["a"]), r"given are \['item'\]"),
        (lambda: prompts("My {item}", item=[]), "slot 'item' is"),
        (lambda: prompts("My {item}", item="mug"), "slot 'item' is 'mug'"),
        (lambda: prompts("My {", item=["a"]), "a brace that is no slot"),
        (lambda: from_schema({"type": "string", "format": "date"}), "the schema has format"),
        (lambda: from_schema({"type": "object", "properties": {"a": {"type": "text"}}}), "type of the schema.a"),
        (lambda: from_schema({"type": "object", "required": ["a"]}), r"requires \['a'\]"),
        (lambda: from_schema({"type": "integer", "minimum": 3, "maximum": 2}), "from 3 to 2"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Any, said: str) -> None:
    """A template or a schema that cannot be drawn from is named."""
    with pytest.raises(ConfigError, match=said):
        make()
