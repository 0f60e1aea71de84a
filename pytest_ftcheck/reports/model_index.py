"""The Hub's `model-index`: a run's results in it, and a card's front matter with them put in, all else left as it is.

Results of earlier runs are known by their source, `pytest-ftcheck`, which the Hub's own tools keep; they are taken out
for those of this run. The YAML is edited as text, at the places where its parser saw it, so that comments, order and
quotes stay; what would have to be written anew to be edited is refused. The one module that imports yaml.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Answer, EvalSummary, Run
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.trackers.facts import key, verdicts_of

KEY = "model-index"
SOURCE = "pytest-ftcheck"
URL = "https://pypi.org/project/pytest-ftcheck/"
_TEXT_LIMIT = 200
_NUMBERS = ("base", "delta", "low", "high", "level", "gained", "lost", "n")


def results_of(run: Run) -> list[dict[str, Any]]:
    """Return one result for each eval of a run that has a score of ft; base, delta and verdicts are its `args`."""
    return [_result(one, run) for one in run.evals if one.ft is not None and math.isfinite(one.ft)]


def with_results(front: str, results: Sequence[dict[str, Any]], *, name: str, newline: str = "\n") -> str:
    """Return YAML front matter with `results` in its model index, in place of those of an earlier run.

    Where there is no model index yet, one is added at the end, for the model `name`. Raises ConfigError for what is no
    mapping, or is written so that it cannot be edited in place.
    """
    entries = _entries(front)
    mine = [(sequence, span) for sequence in _lists(entries) for span in _own(front, sequence)]
    empty = next((one for _, one in _results(entries) if not one.value), None)
    first = next((one for one in _lists(entries) if one.value), None)
    if mine:
        edited, at = "", 0
        for number, (sequence, (start, end)) in enumerate(mine):
            new = "" if number else _written(results, sequence.start_mark.column, newline)
            edited, at = edited + front[at:start] + new, end
        edited += front[at:]
    elif first is not None:
        at = _line_start(front, first.value[0].start_mark.index)
        edited = front[:at] + _written(results, first.start_mark.column, newline) + front[at:]
    elif empty is not None:
        edited = _filled(front, entries, empty, results, newline)
    elif entries is None:
        begun = f"{front}{newline}" if front and not front.endswith(("\n", "\r")) else front
        model = _written([{"name": _text(name)}], 0, newline)
        edited = f"{begun}{KEY}:{newline}{model}  results:{newline}{_written(results, 2, newline)}"
    else:
        raise _refusal("has no results that could be added to")
    _check(front, edited, results)
    return edited


def _result(one: EvalSummary, run: Run) -> dict[str, Any]:
    numbers = {name: getattr(one, name) for name in _NUMBERS}
    args: dict[str, Any] = {
        name: value for name, value in numbers.items() if value is not None and math.isfinite(value)
    }
    verdicts = verdicts_of(one, run)
    if verdicts:
        args["verdicts"] = verdicts
    label = any(isinstance(said, Answer) and said.finish_reason == "label" for said in _answers(one))
    return {
        "task": {"type": "text-classification" if label else "text-generation"},
        "dataset": {
            "type": key(one.name),
            "name": _text(one.name),
            **({"revision": one.case_set[:40]} if one.case_set else {}),
        },
        "metrics": [{"type": key(one.metric), "value": one.ft, "name": _text(one.metric), "args": args}],
        "source": {"name": SOURCE, "url": URL},
    }


def _answers(one: EvalSummary) -> Sequence[object]:
    shown = one.cases or one.worst
    return shown[0].ft_answers if shown else ()


def _text(text: str) -> str:
    return inert(text, one_line=True, limit=_TEXT_LIMIT)


def _entries(front: str) -> yaml.SequenceNode | None:
    """Return the node of the model index, None where there is none."""
    try:
        # A few of them can stand for more than memory holds.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(front, Loader=yaml.SafeLoader)):
            raise ConfigError("its front matter has YAML aliases (*name); allowed: what they stand for")
        whole = yaml.compose(front, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = str(error).splitlines()[0]
        raise ConfigError(f"its front matter is no YAML ({inert(said, one_line=True, limit=200)})") from None
    if whole is None:
        return None
    if not isinstance(whole, yaml.MappingNode) or whole.flow_style:
        raise ConfigError("its front matter is no list of `key: value` lines")
    found = [value for named, value in whole.value if getattr(named, "value", None) == KEY]
    if len(found) > 1 or (found and not isinstance(found[0], yaml.SequenceNode)):
        raise _refusal("is no list, or stands there twice")
    return found[0] if found else None


def _results(entries: yaml.SequenceNode | None) -> Iterator[tuple[yaml.Node, yaml.SequenceNode]]:
    """Yield the `results` of each model, with their key."""
    for entry in () if entries is None else entries.value:
        for named, value in entry.value if isinstance(entry, yaml.MappingNode) else ():
            if named.value == "results" and isinstance(value, yaml.SequenceNode):
                yield named, value


def _lists(entries: yaml.SequenceNode | None) -> Iterator[yaml.SequenceNode]:
    """Yield the lists of results that have lines of their own."""
    for _, value in _results(entries):
        if value.value and value.flow_style:
            raise _refusal("has its results on one line")
        yield value


def _own(front: str, sequence: yaml.SequenceNode) -> Iterator[tuple[int, int]]:
    """Yield the places of our results in a list, from the start of their first line to the end of their last."""
    for item in sequence.value:
        if _source(item) == SOURCE:
            last = max(node.end_mark.index for node in _leaves(item))
            last = len(front[:last].rstrip())
            end = re.compile(r"\r\n|\r|\n|\Z").search(front, last)
            yield _line_start(front, item.start_mark.index), end.end() if end is not None else len(front)


def _source(item: yaml.Node) -> str:
    held = dict(_scalars(item))
    return str(held.get("source.name", ""))


def _scalars(item: yaml.Node) -> Iterator[tuple[str, str]]:
    for named, value in item.value if isinstance(item, yaml.MappingNode) else ():
        for inner, scalar in value.value if isinstance(value, yaml.MappingNode) else ():
            yield f"{named.value}.{inner.value}", scalar.value


def _leaves(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _leaves(item)
    else:
        for pair in node.value:
            for part in pair:
                yield from _leaves(part)


def _line_start(front: str, at: int) -> int:
    """Return where the line of a list's item starts."""
    start = max(front.rfind("\n", 0, at), front.rfind("\r", 0, at)) + 1
    if not re.fullmatch(r" *- +", front[start:at]):
        raise _refusal("has a result that shares its line")
    return start


def _filled(
    front: str, entries: yaml.SequenceNode | None, empty: yaml.SequenceNode, results: Sequence[Any], newline: str
) -> str:
    """Put results where `results: []` stands, as trainers write it."""
    column = next(named.start_mark.column for named, value in _results(entries) if value is empty)
    end = re.compile(r"\r\n|\r|\n|\Z").search(front, empty.end_mark.index)
    assert end is not None  # the pattern finds the end at the latest
    head = front[: empty.start_mark.index].rstrip(" ") + front[empty.end_mark.index : end.start()]
    return f"{head}{newline}{_written(results, column, newline)}{front[end.end() :]}"


def _written(results: Sequence[Any], column: int, newline: str) -> str:
    text = yaml.safe_dump(list(results), allow_unicode=True, sort_keys=False, width=math.inf, default_flow_style=False)
    return "".join(f"{' ' * column}{line}{newline}" for line in text.splitlines())


def _check(front: str, edited: str, results: Sequence[Any]) -> None:
    """Raise ConfigError where the edit changed anything but our results."""
    try:
        rest, others, _ = _parted(yaml.safe_load(front) or {})
        rest_after, others_after, mine = _parted(yaml.safe_load(edited))
        # By their spelling, in which a number that is none equals itself.
        same = repr((rest, list(results))) == repr((rest_after, mine))
        same = same and (not others or repr(others) == repr(others_after))
    except (yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError):
        same = False
    if not same:
        raise _refusal("is written in a way that cannot be edited in place")


def _parted(held: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Return front matter without its model index, that index without our results, and these."""
    others, mine = [], []
    for entry in held.get(KEY) or ():
        every = entry.get("results") or ()
        own = [one for one in every if (one.get("source") or {}).get("name") == SOURCE]
        others.append({**entry, "results": [one for one in every if one not in own]})
        mine += own
    return {name: value for name, value in held.items() if name != KEY}, others, mine


def _refusal(why: str) -> ConfigError:
    return ConfigError(
        f"its {KEY} {why}; allowed: a list of models, each with a list of results, in lines of their own"
    )
