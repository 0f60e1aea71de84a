"""Hypothesis strategies for the values that a JSON schema allows: a documented subset of JSON Schema.

hypothesis-jsonschema covers more, but its last release (0.23.1) fails under Hypothesis 6.170 on every object.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from pytest_ftcheck.errors import ConfigError

ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"})
KEYWORDS: Mapping[str, frozenset[str]] = {
    "null": frozenset(),
    "boolean": frozenset(),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset({"properties", "required", "additionalProperties"}),
}
"""The types, each with the keywords that are known for it; `enum`, `const` and `anyOf` stand in place of a type."""
LONGEST = 5
"""How many items an array without `maxItems` has at most beyond its least."""


def from_schema(schema: Mapping[str, Any], *, path: str = "the schema") -> st.SearchStrategy[Any]:
    """Return a strategy of the values that a schema allows; objects have no properties but those it names.

    Raises ConfigError naming a keyword that is not known, and where it stands: it is never passed over.
    """
    if not isinstance(schema, Mapping):
        raise ConfigError(f"JSON schema: {path} is {schema!r}; allowed: an object")
    given = {name: value for name, value in schema.items() if name not in ANNOTATIONS}
    for name, make in (("const", _const), ("enum", _enum), ("anyOf", _any_of)):
        if name in given:
            _refuse_unknown(given, frozenset({name, "type"} if name != "anyOf" else {name}), path)
            return make(given[name], path)
    kinds = given.pop("type", None)
    listed = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if not listed or not set(listed) <= set(KEYWORDS):
        raise ConfigError(
            f"JSON schema: type of {path} is {kinds!r}; allowed: {', '.join(KEYWORDS)}, or a list of these"
        )
    _refuse_unknown(given, frozenset().union(*(KEYWORDS[kind] for kind in listed)), path)
    return st.one_of([_MAKERS[kind](given, path) for kind in listed])


def _refuse_unknown(given: Mapping[str, Any], known: frozenset[str], path: str) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        allowed = ", ".join(sorted(known)) or "none but annotations"
        raise ConfigError(f"JSON schema: {path} has {', '.join(unknown)}, which is not known; allowed: {allowed}")


def _const(value: Any, path: str) -> st.SearchStrategy[Any]:
    return st.just(value)


def _enum(values: Any, path: str) -> st.SearchStrategy[Any]:
    if not isinstance(values, list | tuple) or not values:
        raise ConfigError(f"JSON schema: enum of {path} is {values!r}; allowed: a list of values")
    return st.sampled_from(list(values))


def _any_of(schemas: Any, path: str) -> st.SearchStrategy[Any]:
    if not isinstance(schemas, list | tuple) or not schemas:
        raise ConfigError(f"JSON schema: anyOf of {path} is {schemas!r}; allowed: a list of schemas")
    return st.one_of([from_schema(one, path=f"{path}.anyOf[{at}]") for at, one in enumerate(schemas)])


def _integer(given: Mapping[str, Any], path: str) -> st.SearchStrategy[Any]:
    lows = [math.ceil(given["minimum"])] if "minimum" in given else []
    lows += [math.floor(given["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in given else []
    highs = [math.floor(given["maximum"])] if "maximum" in given else []
    highs += [math.ceil(given["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in given else []
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        raise ConfigError(f"JSON schema: {path} is an integer from {low} to {high}; allowed: bounds with one between")
    return st.integers(low, high)


def _number(given: Mapping[str, Any], path: str) -> st.SearchStrategy[Any]:
    low, high = given.get("minimum"), given.get("maximum")
    above, below = given.get("exclusiveMinimum"), given.get("exclusiveMaximum")
    drawn = st.floats(low, high, allow_nan=False, allow_infinity=False)
    return drawn.filter(lambda x: (above is None or x > above) and (below is None or x < below))


def _string(given: Mapping[str, Any], path: str) -> st.SearchStrategy[Any]:
    least, most = given.get("minLength", 0), given.get("maxLength")
    if "pattern" not in given:
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most)
    drawn = st.from_regex(given["pattern"])
    return drawn.filter(lambda text: least <= len(text) and (most is None or len(text) <= most))


def _array(given: Mapping[str, Any], path: str) -> st.SearchStrategy[Any]:
    least = given.get("minItems", 0)
    items = from_schema(given.get("items", {"type": "integer"}), path=f"{path}.items")
    by: Callable[[Any], str] | None = repr if given.get("uniqueItems") else None
    return st.lists(items, min_size=least, max_size=given.get("maxItems", least + LONGEST), unique_by=by)


def _object(given: Mapping[str, Any], path: str) -> st.SearchStrategy[Any]:
    named = {name: from_schema(one, path=f"{path}.{name}") for name, one in given.get("properties", {}).items()}
    required = set(given.get("required", ()))
    if not required <= set(named):
        raise ConfigError(f"JSON schema: {path} requires {sorted(required - set(named))}; allowed: its properties")
    must = {name: one for name, one in named.items() if name in required}
    return st.fixed_dictionaries(must, optional={name: one for name, one in named.items() if name not in required})


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], str], st.SearchStrategy[Any]]] = {
    "null": lambda given, path: st.none(),
    "boolean": lambda given, path: st.booleans(),
    "integer": _integer,
    "number": _number,
    "string": _string,
    "array": _array,
    "object": _object,
}
