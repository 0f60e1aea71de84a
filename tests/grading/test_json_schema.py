"""JSON schema: as jsonschema has it, with nothing fetched and nothing that runs away."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.grading.json_schema import json_schema
from pytest_ftcheck.grading.json_text import MAX_DEPTH
from pytest_ftcheck.records import Answer, Case, Grade
from tests.support.hostile_texts import texts

DRAFT4 = "http://json-schema.org/draft-04/schema#"
DRAFT7 = "http://json-schema.org/draft-07/schema#"
ORDER = {
    "type": "object",
    "required": ["order"],
    "properties": {"order": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "uniqueItems": True}},
    "additionalProperties": False,
}
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0]) | st.sampled_from(["a", "xb", ""])
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(["a", "xb", "order"]), v), max_leaves=6
)
SCHEMAS: list[dict[str, Any]] = [
    ORDER,
    {"uniqueItems": True},
    {"pattern": "^x"},
    {"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^x": True}, "properties": {"a": True}, "additionalProperties": False},
    {
        "anyOf": [{"type": "array", "items": {"pattern": "b$"}}, {"$ref": "#/$defs/number"}],
        "$defs": {"number": {"type": "number"}},
    },
    {
        "$schema": DRAFT7,
        "type": ["object", "string"],
        "additionalProperties": {"$ref": "#"},
    },
    {"$schema": "http://json-schema.org/draft-04/schema#", "type": "number", "minimum": 0, "exclusiveMinimum": True},
    {"not": {"uniqueItems": True, "type": "array"}},
]


def grade(schema: Any, answer: str, **arguments: Any) -> Grade:
    """The grade of an answer."""
    return json_schema(schema, **arguments)(Case(id="a", input=""), Answer(answer))


@given(st.sampled_from(SCHEMAS), VALUES)
def test_as_jsonschema(schema: dict[str, Any], value: Any) -> None:
    """The schema holds exactly where jsonschema says that it does."""
    expected = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)(schema).is_valid(
        value
    )
    assert grade(schema, json.dumps(value)).score == float(expected)


def test_hostile_answers_are_judged_as_by_hand() -> None:
    """Of 1,000 answers, JSON and hostile text, each has jsonschema's verdict on what json reads, or its parse error."""
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": 60}}}
    grader, validator = json_schema(schema), jsonschema.Draft202012Validator(schema)
    right = 0
    for seed in range(1000):
        references, hostile = texts(seed)
        answer = [hostile, json.dumps({"a": hostile}), json.dumps({"a": references}), json.dumps({"b": 1})][seed % 4]
        found = grader(Case(id="a", input=""), Answer(answer))
        error = ""
        try:
            expected = validator.is_valid(json.loads(answer))
        except ValueError as broken:
            expected, error = False, str(broken).partition(":")[0]
        assert found.score == float(expected), answer
        assert error in found.reason
        right += expected
    assert 100 < right < 300


def test_first_error() -> None:
    """The first error's path and message are the reason."""
    found = grade(ORDER, '{"order": 0}')
    assert found.reason == "$.order: 0 is less than the minimum of 1"
    assert found.detail == {"path": "$.order", "error": "0 is less than the minimum of 1"}


def test_malformed() -> None:
    """Malformed JSON is 0 with its parse error."""
    assert "Expecting ',' delimiter" in grade(ORDER, '{"order": 7').detail["error"]


def test_fenced() -> None:
    """`fenced` says what may stand round the JSON."""
    chatty = 'Sure!\n```json\n{"order": 7}\n```'
    assert (grade(ORDER, chatty).score, grade(ORDER, chatty, fenced="extract").score) == (0.0, 1.0)


def test_from_file(tmp_path: Path) -> None:
    """A schema from a file grades as the same schema given, under the same fingerprint wherever the file is."""
    path = tmp_path / "order.json"
    path.write_text("\ufeff" + json.dumps(ORDER, indent=2), encoding="utf-8")
    assert json_schema(path).fingerprint == json_schema(str(path)).fingerprint == json_schema(ORDER).fingerprint
    assert json_schema(path)(Case(id="a", input=""), Answer('{"order": 7}')).score == 1.0


def test_schema_is_copied() -> None:
    """Changing the dict afterwards changes nothing."""
    schema: dict[str, Any] = {"type": "object"}
    grader = json_schema(schema)
    schema["type"] = "string"
    assert grader(Case(id="a", input=""), Answer("{}")).score == 1.0


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objekt"}, r"schema is no schema: \$\.type: 'objekt' is not valid"),
        ({"pattern": "("}, r"schema is no schema: \$\.pattern"),
        ({"minimum": "1"}, "schema is no schema"),
        ({"type": {1, 2}}, "no JSON"),
        ({"const": float("nan")}, "no JSON"),
        ({"$schema": "https://example.com/draft"}, r"\$schema 'https://example.com/draft'; allowed: a draft"),
        ({"$schema": 7}, r"\$schema 7; allowed: a draft"),
        ([], "allowed: an object, true or false"),
        (7, "allowed: an object, true or false"),
        ("no/such/schema.json", "schema no/such/schema.json cannot be read"),
    ],
)
def test_bad_schema(schema: Any, message: str) -> None:
    """A schema that is none is refused where the grader is made."""
    with pytest.raises(ConfigError, match=message):
        json_schema(schema)


def test_bad_file(tmp_path: Path) -> None:
    """A file that is not JSON is named, with the place in it."""
    path = tmp_path / "schema.json"
    path.write_text('{"type": ', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"schema\.json is not JSON: Expecting value at line 1 column 10"):
        json_schema(path)


REMOTE = [
    {"$ref": "https://example.com/order.json"},
    {"properties": {"a": {"items": {"$ref": "http://localhost:1/x"}}}},
    {"$ref": "file:///etc/passwd"},
    {"$ref": "other.json"},
    {"$ref": "#/$defs/missing"},
    {"$ref": "#nowhere"},
    {"$dynamicRef": "https://example.com/x"},
    {"$ref": "#/components/a", "components": {"a": {"$ref": "https://example.com/x"}}},
    {"$id": "https://example.com/a", "$ref": "b"},
    {"$schema": DRAFT7, "definitions": {"a": {"$ref": "https://example.com/x"}}},
]


@pytest.mark.parametrize("schema", REMOTE)
def test_remote_reference(schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference out of the schema is refused by name, and nothing is fetched to find out."""

    def refuse(*arguments: Any, **more: Any) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(ConfigError, match=r"has \$ref '.*', which is not in it"):
        json_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}},
        {"$ref": "#here", "$defs": {"a": {"$anchor": "here", "type": "integer"}}},
        {"$id": "https://example.com/a", "$ref": "b", "$defs": {"b": {"$id": "b", "type": "integer"}}},
        {"const": 7, "default": {"$ref": "https://example.com/x"}},
        {"properties": {"$ref": {"type": "string"}}, "type": "integer"},
        {"$ref": "#/components/a", "components": {"a": {"type": "integer"}}},
    ],
)
def test_inner_reference(schema: dict[str, Any]) -> None:
    """References within the schema are followed, and data that only look like one are left alone."""
    assert (grade(schema, "7").score, grade(schema, '"x"').score) == (1.0, 0.0)


def test_draft_as_reference() -> None:
    """A draft's own schema may be referred to: it is at hand."""
    schema = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    assert (grade(schema, '{"type": "object"}').score, grade(schema, '{"type": 5}').score) == (1.0, 0.0)


RUNAWAY = r"^(a|aa)+$"


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"pattern": RUNAWAY}},
        {"items": {"patternProperties": {RUNAWAY: True}}},
        {"items": {"patternProperties": {RUNAWAY: True}, "additionalProperties": False}},
        {
            "$schema": DRAFT7,
            "items": {"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"pattern": RUNAWAY}]},
        },
    ],
)
def test_runaway_pattern(schema: dict[str, Any]) -> None:
    """A schema's pattern that runs away is stopped, and the answer ungraded."""
    long = "a" * 100 + "!"
    begun = time.process_time()
    found = grade(schema, json.dumps([[long], long, {long: 1}]), time_limit_s=0.1)
    assert found.reason == f"schema's pattern {RUNAWAY!r} took longer than 0.1 s"
    assert time.process_time() - begun < 3


def test_many_unique_items() -> None:
    """UniqueItems on items of mixed kinds takes no quadratic time."""
    items = [item for n in range(20_000) for item in ({"n": n}, n)]
    begun = time.process_time()
    assert grade({"uniqueItems": True}, json.dumps(items)).score == 1.0
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"$ref": "#"}},
        {"allOf": [{"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]}]},
        {"if": {"type": "array"}, "then": {"items": {"$ref": "#"}}},
    ],
)
def test_deepest_answer(schema: dict[str, Any]) -> None:
    """The deepest JSON that is read can be checked by a schema that refers to itself at every level."""
    assert grade(schema, "[" * MAX_DEPTH + "]" * MAX_DEPTH).score == 1.0


def test_endless_schema() -> None:
    """A schema that refers to itself without end leaves the answer ungraded, with the reason."""
    assert "nested too deeply" in grade({"$ref": "#"}, "7").reason


@pytest.mark.parametrize("argument", [{"fenced": "no"}, {"time_limit_s": 0}])
def test_bad_argument(argument: dict[str, Any]) -> None:
    """An argument that cannot be meant is named with its value."""
    (name, value), *_ = argument.items()
    with pytest.raises(ConfigError, match=f"json_schema: {name} is {value!r}; allowed: "):
        json_schema({}, **argument)
