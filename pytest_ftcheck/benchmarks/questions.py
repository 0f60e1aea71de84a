"""A benchmark's question: what is asked, among what is chosen, and what is right; and the eval that questions make."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_ftcheck.benchmarks.sources import rows_of
from pytest_ftcheck.data.rows import Row
from pytest_ftcheck.data.values import named, shown
from pytest_ftcheck.errors import CaseError, ConfigError
from pytest_ftcheck.evals import ATTRIBUTE, EvalSpec, eval_cases
from pytest_ftcheck.grading.likelihood import GOLD, OPTIONS
from pytest_ftcheck.grading.protocol import Grader
from pytest_ftcheck.records import Case, digest

Body = Callable[..., Any]
PAIRS = "pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `options` are the choices' texts, `gold` the places of the right ones; a free one has `target`."""

    prompt: str
    options: tuple[str, ...] = ()
    gold: tuple[int, ...] = ()
    target: str = ""
    id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> str:
        """The text of the first right choice, or the target."""
        return self.options[self.gold[0]] if self.options else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a benchmark's rows become questions, and how these are asked. `question(row, chat)` may raise CaseError."""

    name: str
    question: Callable[[Row, bool], Question]
    graders: Sequence[Grader]
    split: str
    config: str | None = None
    shots_split: str = "train"
    stop: tuple[str, ...] = ()
    max_new_tokens: int = 256


def benchmark(
    layout: Layout,
    source: str | Path,
    *,
    split: str | None,
    config: str | None,
    limit: int | None,
    chat: bool,
    shots: int = 0,
    shots_from: str | Path | None = None,
) -> Callable[[Body], Body]:
    """Return the decorator that makes an eval of a benchmark. Raises ConfigError for what cannot be meant."""
    if (limit is not None and limit < 1) or shots < 0:
        raise ConfigError(f"benchmarks.{layout.name}: limit={limit}, shots={shots}; allowed: 1 or more, 0 or more")
    if chat and shots:
        raise ConfigError(f"benchmarks.{layout.name}: shots={shots} with chat=True; allowed: shots in a profile")

    def declare(body: Body) -> Body:
        base_dir = Path(inspect.getfile(body)).parent

        def cases() -> list[Case]:
            where: dict[str, Any] = {"base_dir": base_dir, "config": config or layout.config}
            before = ""
            if shots:
                shown_rows = rows_of(shots_from or source, split=layout.shots_split, **where)
                before = _shown(layout, [row for row, _ in zip(shown_rows, range(shots), strict=False)])
            rows = rows_of(source, split=split or layout.split, **where)
            found = [_case(layout.question(row, chat), row, before, chat) for row in rows]
            return _distinct(_chosen(found, limit))

        options: dict[str, Any] = {"stop": layout.stop, "max_new_tokens": layout.max_new_tokens, "raw": not chat}
        eval_cases(cases, grader=list(layout.graders), **options)(body)
        spec: EvalSpec = getattr(body, ATTRIBUTE)
        setattr(body, ATTRIBUTE, replace(spec, pairs=PAIRS))
        return body

    return declare


def text_of(row: Row, name: str) -> str:
    """Return a field that is text. Raises CaseError naming the row and its fields."""
    value = field_of(row, name)
    if not isinstance(value, str):
        raise CaseError(f"{row.place}: field {name!r} is {shown(value)}; allowed: text")
    return value


def texts_of(row: Row, name: str) -> tuple[str, ...]:
    """Return a field that is a list of texts; "choices.text" names a field within. Raises CaseError."""
    value = field_of(row, name)
    if not isinstance(value, list | tuple) or len(value) < 2 or not all(isinstance(one, str) and one for one in value):
        raise CaseError(f"{row.place}: field {name!r} is {shown(value)}; allowed: a list of two texts or more")
    return tuple(value)


def field_of(row: Row, name: str) -> Any:
    """Return a field, by a dotted path. Raises CaseError where the row lacks it."""
    value: Any = row.values
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise CaseError(f"{row.place}: no field {name!r}; the row has {named(row.values)}")
        value = value[part]
    return value


def _case(question: Question, row: Row, before: str, chat: bool) -> Case:
    prompt = before + question.prompt
    more: dict[str, Any] = dict(question.fields)
    expected: str | None = question.right or None
    if question.options:
        # Behind plain text a choice begins with its blank; behind a chat template it begins the answer.
        offered = [option if chat else f" {option}" for option in question.options]
        more |= {OPTIONS: list(question.options), GOLD: list(question.gold)}
        more[PAIRS] = [[None if chat else prompt, option] for option in offered]
        expected = offered[question.gold[0]]
    return Case(
        id=question.id or digest([prompt, expected, more])[:10],
        input=prompt,
        expected=expected,
        tags=question.tags,
        fields=more,
        source=row.place,
    )


def _shown(layout: Layout, rows: Iterable[Row]) -> str:
    """Write questions with their answers, to stand before each prompt."""
    questions = [layout.question(row, False) for row in rows]
    return "".join(f"{question.prompt} {question.right}\n\n" for question in questions)


def _chosen(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """Choose `limit` cases by their content, so that every process and every run chooses the same."""
    if limit is None or limit >= len(cases):
        return list(cases)
    kept = {id(case) for case in sorted(cases, key=lambda case: digest([case.id, case.digest]))[:limit]}
    return [case for case in cases if id(case) in kept]


def _distinct(cases: Sequence[Case]) -> list[Case]:
    """Leave out rows that are there twice, as published files have some; equal ids of others are told by the loader."""
    found: dict[tuple[str, str], Case] = {}
    for case in cases:
        found.setdefault((case.id, case.digest), case)
    return list(found.values())
