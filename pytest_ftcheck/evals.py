"""What an eval is: a function under `@eval_cases`, its cases and its graders.

It loads cases when pytest collects; it knows nothing of pytest, of models that answer, or of verdicts.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pytest_ftcheck.data.cases import load_cases
from pytest_ftcheck.errors import CaseError, ConfigError
from pytest_ftcheck.grading.functions import BodyGrader
from pytest_ftcheck.grading.protocol import Grader, as_grader
from pytest_ftcheck.records import Case, Decoding, Normalize, digest

ATTRIBUTE = "__ftcheck_eval__"
NORMALIZE: tuple[Normalize, ...] = ("none", "length", "bytes")
Source = str | Path | Iterable[Any] | Callable[[], Iterable[Any]]
FieldName = str | Callable[[Mapping[str, Any]], Any]


@cache
def _file(body: Callable[..., Any]) -> Path:
    """Return the file of a function; it is asked for at each item of an eval."""
    return Path(inspect.getfile(body))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvalSpec:
    """How an eval was declared. `base_dir` is the folder of the test file, to which paths are relative.

    `offered` is a file of shots that are asked only where a run asks for them (--ft-suite-shots). `raw` leaves profiles
    out. `pairs` names a case's field of [context, choice] pairs; a context that is None is the prompt.
    """

    name: str
    body: Callable[..., Any]
    source: Source
    base_dir: Path
    graders: tuple[Grader, ...]
    mapping: Mapping[str, Any]
    decoding: Decoding
    samples: int = 1
    system: str | None = None
    shots: Any = None
    choices: str | tuple[str, ...] | None = None
    raw: bool = False
    pairs: str | None = None
    offered: str | None = None

    @property
    def path(self) -> Path:
        """The test file."""
        return _file(self.body)

    @property
    def line(self) -> int:
        """First line of the function, counted from 1."""
        return self.body.__code__.co_firstlineno

    def load(self) -> tuple[Case, ...]:
        """Load the cases. Raises CaseError."""
        cases = load_cases(self.source, base_dir=self.base_dir, name=self.name, **self.mapping)
        if self.decoding.reads:
            for case in cases:
                _check_text(case, self.graders[0].name)
        if isinstance(self.choices, str):
            for case in cases:
                _check_field(case, self.choices)
        return cases

    def choices_of(self, case: Case) -> tuple[str, ...]:
        """Return what a case's answer is chosen from; nothing where it is written freely."""
        if self.pairs is not None:
            return tuple(continuation for _, continuation in case.fields.get(self.pairs, ()))
        return tuple(case.fields[self.choices]) if isinstance(self.choices, str) else self.choices or ()

    def contexts_of(self, case: Case) -> tuple[str, ...]:
        """Return what stands before each choice in place of the prompt; nothing where that is the prompt."""
        found = () if self.pairs is None else tuple(context for context, _ in case.fields.get(self.pairs, ()))
        return () if None in found else found

    def sample(self, cases: tuple[Case, ...], limit: int | None) -> tuple[Case, ...]:
        """Choose `limit` cases, by their ids alone, so that every process and every run chooses the same."""
        if limit is None or limit >= len(cases):
            return cases
        chosen = {case.id for case in sorted(cases, key=lambda case: digest(case.id))[:limit]}
        return tuple(case for case in cases if case.id in chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eval:
    """An eval with its cases, as one run has it. `total` counts the cases before `--ft-limit`.

    `baseline` is "best" where base is asked with its best prompt (--ft-best-base-profile).
    """

    nodeid: str
    spec: EvalSpec
    cases: tuple[Case, ...]
    total: int
    baseline: Literal["given", "best"] = "given"

    @property
    def name(self) -> str:
        """The function's name, by which recorded answers know it."""
        return self.spec.name


def eval_cases(
    source: Source,
    *,
    grader: Any = None,
    input: FieldName | None = None,
    expected: FieldName | None = None,
    id: FieldName | None = None,
    cluster: FieldName | None = None,
    tags: Sequence[str] = (),
    samples: int = 1,
    max_new_tokens: int = 256,
    temperature: float | None = None,
    top_p: float = 1.0,
    stop: Sequence[str] = (),
    system: str | None = None,
    shots: Any = None,
    choices: str | Sequence[str] | None = None,
    normalize: Normalize = "none",
    raw: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an eval: one pytest item for each case of `source`, answered by base and by ft.

    `source` is a JSONL, JSON, CSV or Parquet file, a folder saved by `datasets`, a text file or a folder of them
    (relative to the test file), or a Python iterable of mappings or cases. `input`, `expected`, `id`, `cluster` and
    `tags` name its fields. `grader` is one grader or several (the first is the primary); without it the function's
    body is the grader. `samples` answers each case that many times (temperature 1.0 unless given); `max_new_tokens`
    counts tokens; `temperature` 0 is greedy. `system` and `shots` are the task's prompt, which a role's profile may
    replace. With `choices`, a field's name or the choices of all cases, nothing is written: the answer is the choice
    that the model finds likeliest behind the prompt, by its log-probability, or by that divided as `normalize` says by
    its tokens ("length") or its UTF-8 bytes ("bytes"). Under `perplexity()` and its like nothing is asked: cases
    are read. A `raw` eval's prompts are completed as they stand, whatever template and profiles the roles have.
    Raises ConfigError naming the function, the argument, its value and what is allowed.
    """

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        where = _check_body(body, has_grader=grader is not None)
        if samples < 1 or max_new_tokens < 1:
            raise ConfigError(f"{where}: samples={samples}, max_new_tokens={max_new_tokens}; allowed: 1 or more")
        heat = (1.0 if samples > 1 else 0.0) if temperature is None else temperature
        if not 0 <= heat <= 10 or not 0 < top_p <= 1:
            raise ConfigError(f"{where}: temperature={heat}, top_p={top_p}; allowed: 0 to 10, and above 0 up to 1")
        if samples > 1 and heat == 0:
            raise ConfigError(f"{where}: samples={samples} at temperature 0 draws the same answer; allowed: above 0")
        graders = _graders(grader, body, where, samples)
        if normalize not in NORMALIZE or (samples > 1 and choices is not None):
            raise ConfigError(
                f"{where}: choices= with normalize={normalize!r} and samples={samples}; "
                f"allowed: normalize {', '.join(NORMALIZE)}, and one sample"
            )
        reads = _reads(graders, where, samples=samples, choices=choices, system=system, shots=shots)
        fixed = choices is not None and not isinstance(choices, str)
        spec = EvalSpec(
            name=body.__name__,
            body=body,
            source=source,
            base_dir=Path(inspect.getfile(body)).parent,
            graders=graders,
            mapping={"input": input, "expected": expected, "id": id, "cluster": cluster, "tags": tuple(tags)},
            decoding=Decoding(
                max_new_tokens=max_new_tokens,
                temperature=heat,
                top_p=top_p,
                stop=tuple(stop),
                normalize=normalize,
                reads=reads,
            ),
            samples=samples,
            system=system,
            shots=shots,
            choices=checked_choices(choices, where) if fixed else choices,  # type: ignore[arg-type]
            raw=raw,
        )
        setattr(body, ATTRIBUTE, spec)
        return body

    return declare


def spec_of(function: object) -> EvalSpec | None:
    """Return the eval that a function declares, or None."""
    spec = getattr(function, ATTRIBUTE, None)
    return spec if isinstance(spec, EvalSpec) else None


def checked_choices(choices: Any, where: str) -> tuple[str, ...]:
    """Return choices as they go into a request. Raises ConfigError unless they are two texts or more, all different."""
    listed = list(choices) if isinstance(choices, Sequence) and not isinstance(choices, str) else []
    texts = [choice for choice in listed if isinstance(choice, str) and choice]
    if len(texts) < 2 or len(texts) < len(listed) or len(set(texts)) < len(texts):
        raise ConfigError(f"{where}: choices are {choices!r}; allowed: a list of two texts or more, all different")
    return tuple(texts)


def _check_field(case: Case, field: str) -> None:
    """Refuse a case whose choices are none. Raises CaseError."""
    if field not in case.fields:
        raise CaseError(
            f"{case.source}: no field {field!r}, which choices= names; the row has {', '.join(map(repr, case.fields))}"
        )
    try:
        checked_choices(case.fields[field], f"{case.source}: field {field!r}")
    except ConfigError as error:
        raise CaseError(str(error)) from None


def _graders(grader: Any, body: Callable[..., Any], where: str, samples: int) -> tuple[Grader, ...]:
    if grader is None:
        return (BodyGrader(function=body),)
    several = grader if isinstance(grader, list | tuple) else [grader]
    graders = tuple(as_grader(one) for one in several)
    names = [one.name for one in graders]
    twice = {name for name in names if names.count(name) > 1}
    if twice or not names:
        raise ConfigError(f"{where}: graders are named {names}; allowed: at least one, each name once")
    for one in graders:
        if samples < (least := getattr(one, "least_samples", 1)):
            raise ConfigError(f"{where}: samples={samples}; allowed: {least} or more, which {one.name} takes")
    return graders


def _reads(graders: Sequence[Grader], where: str, *, samples: int, **prompt: Any) -> bool:
    """Say whether the eval's texts are read instead of answered. Raises ConfigError for what cannot go with that."""
    names = [one.name for one in graders if getattr(one, "reads", False)]
    if not names:
        return False
    if len(names) < len(graders):
        others = [one.name for one in graders if one.name not in names]
        raise ConfigError(
            f"{where}: {', '.join(names)} reads texts and {', '.join(others)} grades answers; allowed: one kind an eval"
        )
    given = [f"{name}=" for name, value in prompt.items() if value is not None] + ["samples="] * (samples > 1)
    if given:
        raise ConfigError(f"{where}: {', '.join(given)} with {names[0]}; allowed: none: texts are read by themselves")
    return True


def _check_text(case: Case, grader: str) -> None:
    """Refuse a case that is no text. Raises CaseError."""
    if not isinstance(case.input, str):
        raise CaseError(
            f"{case.source}: case {case.id!r} is a conversation; allowed: text, which {grader} reads by itself"
        )


def _check_body(body: Callable[..., Any], *, has_grader: bool) -> str:
    """Refuse what is no pure function of case and answer; return where it stands."""
    if not inspect.isfunction(body):
        raise ConfigError(f"@eval_cases over {body!r}; allowed: a function of case and answer")
    where = f"{inspect.getfile(body)}:{body.__code__.co_firstlineno}: eval {body.__name__}"
    asked = list(inspect.signature(body).parameters)
    if not set(asked) <= {"case", "answer"}:
        raise ConfigError(
            f"{where} asks for ({', '.join(asked)}); allowed: case and answer and nothing else, because a grader is a"
            " pure function that runs once on base's answer and once on ft's"
        )
    if has_grader and not _is_empty(body):
        raise ConfigError(f"{where} has a grader= and a body; allowed: one of them (write `...` as the body)")
    return where


def _is_empty(body: Callable[..., Any]) -> bool:
    plain = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS", "CACHE"}
    return all(step.opname in plain for step in dis.get_instructions(body))
