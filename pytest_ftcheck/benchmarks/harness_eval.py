"""Any task of lm-evaluation-harness as an eval: built and scored by the harness, answered by our engine."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ftcheck.benchmarks.harness import DOC, FORM, TASK, Harness, interpreter
from pytest_ftcheck.benchmarks.harness_graders import metrics_of
from pytest_ftcheck.benchmarks.questions import PAIRS
from pytest_ftcheck.errors import CaseError, ConfigError, GraderError
from pytest_ftcheck.evals import ATTRIBUTE, EvalSpec, eval_cases
from pytest_ftcheck.records import Case, Decoding

Body = Callable[..., Any]
BINARY = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match"})
"""Metrics of the harness that are 0 or 1 for each document, where the task scores by the harness's own rules."""
FORMS = ("multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until")
MAX_NEW_TOKENS = 256
"""The harness's own where a task names none (models/huggingface.py)."""
NOTHING_ASKED = "(nothing)"


def lm_eval_cases(
    task: str,
    *,
    limit: int | None = None,
    num_fewshot: int | None = None,
    include_path: str | Path | Sequence[str | Path] = (),
    score_range: tuple[float, float] = (0.0, 1.0),
    python: str | None = None,
    time_limit_s: float = 600.0,
) -> Callable[[Body], Body]:
    """Declare an eval of a task, or of all tasks of a group, of lm-evaluation-harness (0.4.13).

    `task` is a registered name, one of a YAML file below `include_path`, or a YAML file; paths are relative to the
    test file. Documents, few-shot examples, filters and metrics are the harness's own, with its seeds; `limit` takes
    the first documents of each task, as it does. Prompts are asked as plain text, whatever the roles' profiles are.
    Graders are the task's metrics that are means (`score_range` is theirs) or perplexities; the first decides, and
    `metric=` of a gate names another. `python` is the interpreter of another environment that has lm_eval. A prompt
    that does not fit the context is an error of its case; the harness would cut it. Raises ConfigError for what cannot
    be meant, and CaseError with what the harness said.
    """
    if not isinstance(task, str) or not task or (limit is not None and limit < 1):
        raise ConfigError(f"lm_eval_cases: task={task!r}, limit={limit}; allowed: a task's name, and 1 or more")

    def declare(body: Body) -> Body:
        base_dir = Path(inspect.getfile(body)).parent
        folders = [include_path] if isinstance(include_path, str | Path) else list(include_path)
        file = base_dir / task
        harness = Harness(
            python=interpreter(python),
            task=str(file) if file.suffix in (".yaml", ".yml") and file.is_file() else task,
            include_path=tuple(str(base_dir / folder) for folder in folders),
            limit=limit,
            num_fewshot=num_fewshot,
            time_limit_s=time_limit_s,
        )
        tasks = harness.built()["tasks"]
        form, request = _form(task, tasks)
        own_rules = not any(each["custom"] for each in tasks)
        try:
            graders = metrics_of(harness, score_range, lambda metric: own_rules and metric in BINARY)
        except GraderError as error:
            raise CaseError(f"lm_eval_cases({task!r}): {error}") from None
        eval_cases(lambda: _cases(tasks, form), grader=list(graders), raw=True)(body)
        spec: EvalSpec = getattr(body, ATTRIBUTE)
        pairs = PAIRS if form in ("multiple_choice", "loglikelihood") else None
        setattr(body, ATTRIBUTE, replace(spec, pairs=pairs, decoding=_decoding(task, form, request)))
        return body

    return declare


def _form(name: str, tasks: Sequence[Mapping[str, Any]]) -> tuple[str, Sequence[Any]]:
    """Return the one output type of all tasks, and a request of it. Raises CaseError for what cannot be run here."""
    forms = {task["output_type"] for task in tasks}
    docs = [doc for task in tasks for doc in task["docs"]]
    if len(forms) != 1 or not forms <= set(FORMS):
        raise _unfit(name, f"its output types are {', '.join(sorted(forms))}; allowed: one of {', '.join(FORMS)}")
    if any(task["multimodal"] or task["unsafe_code"] for task in tasks):
        raise _unfit(name, "it shows pictures, or runs code that models write; allowed: neither")
    if any(doc["repeats"] > 1 for doc in docs):
        raise _unfit(name, "it asks each request several times; allowed: repeats: 1")
    (form,) = forms
    if form == "generate_until" and any(doc["requests"][0][1] != docs[0]["requests"][0][1] for doc in docs):
        raise _unfit(name, "its tasks differ in generation_kwargs; allowed: the same")
    return form, docs[0]["requests"][0]


def _unfit(name: str, why: str) -> CaseError:
    return CaseError(f"lm_eval_cases({name!r}): {why}")


def _decoding(name: str, form: str, request: Sequence[Any]) -> Decoding:
    if form == "loglikelihood_rolling":
        return Decoding(reads=True, keeps_begin=True)
    if form != "generate_until":
        return Decoding(greedy=True)
    given = dict(request[1])
    until = given.pop("until", None) or []
    drawn = given.pop("do_sample", False)
    heat = float(given.pop("temperature", 1.0 if drawn else 0.0))
    tokens = [given.pop(key) for key in ("max_gen_toks", "max_new_tokens", "max_tokens") if key in given]
    top_p = float(given.pop("top_p", 1.0))
    if given:
        allowed = "until, do_sample, temperature, top_p and max_gen_toks"
        raise _unfit(name, f"its generation_kwargs have {', '.join(given)}; allowed: {allowed}")
    return Decoding(
        max_new_tokens=int(tokens[0]) if tokens else MAX_NEW_TOKENS,
        temperature=heat if drawn else 0.0,
        top_p=top_p,
        stop=tuple(text for text in ([until] if isinstance(until, str) else until) if text),
    )


def _cases(tasks: Sequence[Mapping[str, Any]], form: str) -> list[Case]:
    return [_case(task["task"], doc, form, several=len(tasks) > 1) for task in tasks for doc in task["docs"]]


def _case(task: str, doc: Mapping[str, Any], form: str, *, several: bool) -> Case:
    requests: list[list[Any]] = doc["requests"]
    number = doc["doc_id"]
    fields = {TASK: task, DOC: number, FORM: form}
    if form in ("multiple_choice", "loglikelihood"):
        fields[PAIRS] = requests
    text = requests[0][0]
    return Case(
        id=f"{task}-{number}" if several else str(number),
        # A task may ask for a text behind nothing at all; its pairs say so.
        input=text if text.strip() else NOTHING_ASKED,
        tags={"task": task},
        fields=fields,
        source=f"lm_eval {task}, document {number}",
    )
