"""lm-evaluation-harness's part, run by an interpreter that has it: a task's requests, and the scores of replies.

Reads one JSON object from standard input and writes one to standard output; whatever else the harness and its tasks
print goes to standard error. Tasks are built, filtered and scored by the harness's own code; nothing is asked here.
It imports nothing of this package, because the interpreter may be another environment's.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

SEED = 1234
"""The harness's default for few-shot sampling and NumPy (evaluator.simple_evaluate); Python's own is 0."""


def main() -> None:
    """Do what standard input asks for."""
    with _clean_output() as answer:
        asked = json.load(sys.stdin)
        tasks = _tasks(asked)
        answer(_build(tasks) if asked["do"] == "build" else _score(tasks, asked["replies"]))


def _tasks(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Load the task, or all of a group's, with requests built as simple_evaluate builds them."""
    random.seed(0)
    manager = _manager(asked["task"], asked["include_path"])
    # Loaded by the harness; it draws from this generator too.
    sys.modules["numpy"].random.seed(SEED)
    tasks: dict[str, Any] = manager.load([asked["task"]])["tasks"]
    for task in tasks.values():
        default = task.get_config("num_fewshot")
        if asked["num_fewshot"] is not None and default != 0:
            task.set_config(key="num_fewshot", value=asked["num_fewshot"])
        elif default is None:
            task.set_config(key="num_fewshot", value=0)
        task.set_fewshot_seed(seed=SEED)
        task.build_all_requests(limit=asked["limit"])
    return tasks


def _manager(name: str, include: list[str]) -> Any:
    """Index no more folders than the name needs: all of the harness's take half a minute."""
    import lm_eval.tasks

    own = Path(lm_eval.tasks.__file__).parent
    kin = [each for each in own.iterdir() if each.is_dir() and f"{name}_".startswith(f"{each.name}_")]
    for folders in (include, [*map(str, kin), *include]):
        manager = lm_eval.tasks.TaskManager(include_path=folders, include_defaults=False)
        if name in manager.task_index or Path(name).is_file():
            return manager
    return lm_eval.tasks.TaskManager(include_path=include)


def _build(tasks: Mapping[str, Any]) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "version": version("lm_eval"),
        "tasks": [
            {
                "task": name,
                "output_type": task.OUTPUT_TYPE,
                "unsafe_code": bool(getattr(task, "UNSAFE_CODE", False)),
                "custom": callable(getattr(task.config, "process_results", None)),
                "multimodal": bool(getattr(task, "MULTIMODAL", False)),
                "metrics": _metrics(task),
                "docs": [_doc(doc_id, instances) for doc_id, instances in _by_doc(task).items()],
            }
            for name, task in tasks.items()
        ],
    }


def _metrics(task: Any) -> list[dict[str, Any]]:
    from lm_eval.api.registry import AGGREGATION_REGISTRY

    higher = task.higher_is_better()
    found = []
    for metric, aggregate in task.aggregation().items():
        named = next((name for name, known in AGGREGATION_REGISTRY.items() if known is aggregate), "")
        found.append({"metric": metric, "aggregation": named, "higher_is_better": bool(higher.get(metric, True))})
    filters = [each.name for each in task._filters]
    return [{**one, "filter": name} for one in found for name in filters]


def _by_doc(task: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for instance in task.instances:
        found.setdefault(instance.doc_id, []).append(instance)
    return {doc_id: sorted(instances, key=lambda one: one.idx) for doc_id, instances in found.items()}


def _doc(doc_id: int, instances: list[Any]) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "repeats": max(int(one.repeats or 1) for one in instances),
        "requests": [list(one.args) for one in instances],
        "target": str(instances[0].doc.get("answer", "")) if isinstance(instances[0].doc, dict) else "",
    }


def _score(tasks: Mapping[str, Any], replies: list[dict[str, Any]]) -> dict[str, Any]:
    """Score each reply: {"task", "doc_id", "responses"}, one response a request, as the harness's models give them."""
    docs = {name: (task, _by_doc(task)) for name, task in tasks.items()}
    asked = []
    for reply in replies:
        task, by_doc = docs[reply["task"]]
        instances = []
        for instance, response in zip(by_doc[reply["doc_id"]], reply["responses"], strict=True):
            one = copy.copy(instance)
            one.resps, one.filtered_resps = [tuple(response) if isinstance(response, list) else response], {}
            instances.append(one)
        asked.append((task, instances))
    for task, _ in docs.values():
        of_task = [one for each, instances in asked for one in instances if each is task]
        for each in task._filters if of_task else ():
            each.apply(of_task)
    return {"scores": [_scores(task, instances) for task, instances in asked]}


def _scores(task: Any, instances: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in task._filters:
        results = task.process_results(instances[0].doc, [one.filtered_resps[each.name] for one in instances])
        found |= {f"{metric},{each.name}": _plain(value) for metric, value in results.items()}
    return found


def _plain(value: Any) -> Any:
    """Return a score, or a pair of numbers, as JSON has it; None for what else a metric may give."""
    if isinstance(value, tuple | list):
        plain = [_plain(each) for each in value]
        return plain if all(isinstance(each, int | float) for each in plain) else None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


@contextlib.contextmanager
def _clean_output() -> Iterator[Callable[[Any], None]]:
    """Keep standard output for the answer alone: what else is written there, by C code too, goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)

    def answer(value: Any) -> None:
        with os.fdopen(kept, "w", encoding="utf-8") as out:
            json.dump(value, out, ensure_ascii=True)

    yield answer


if __name__ == "__main__":
    main()
