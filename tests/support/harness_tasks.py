"""Local tasks of lm-evaluation-harness, one of each output type and one of each special rule, and its own scores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEAD = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
"""
TASKS = {
    "local_choice": """
output_type: multiple_choice
description: "Answer the questions.\\n\\n"
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: options
doc_to_target: gold
fewshot_split: test
num_fewshot: 2
metric_list: [{metric: acc}, {metric: acc_norm}]
""",
    "local_inputs": """
output_type: multiple_choice
doc_to_text: gold
doc_to_choice: "{{[question + ' ' + options[0], question + ' ' + options[1]]}}"
doc_to_target: ending
metric_list: [{metric: acc}]
""",
    "local_likelihood": """
output_type: loglikelihood
doc_to_text: "{{question}}"
doc_to_target: " {{options[0]}}"
metric_list: [{metric: perplexity}, {metric: acc}]
""",
    "local_rolling": """
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{question}} {{ending}}"
metric_list: [{metric: word_perplexity}, {metric: byte_perplexity}, {metric: bits_per_byte}]
""",
    "local_written": """
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{options[1]}}"
generation_kwargs: {until: ["."], max_gen_toks: 6, do_sample: false}
metric_list: [{metric: exact_match, ignore_case: true}]
filter_list:
  - {name: first-word, filter: [{function: regex, regex_pattern: "([a-z]+)"}, {function: take_first}]}
  - {name: whole, filter: [{function: take_first}]}
""",
    "local_own": """
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: options
doc_to_target: gold
process_results: !function local_rules.mass
metric_list: [{metric: mass, aggregation: mean, higher_is_better: true}]
""",
}
RULES = '''
import math

def mass(doc, results):
    """The probability of the right choice, of that of all."""
    masses = [math.exp(logprob) for logprob, greedy in results]
    return {"mass": masses[doc["gold"]] / sum(masses)}
'''
WORDS = ("where is my order", "the lamp is late", "a blue mug", "cancel it", "tell me more", "who are you")
ROWS: list[dict[str, Any]] = [
    {
        "question": f"{first} and {second}",
        "options": [second, f"{third} please"],
        "gold": (at + len(third)) % 2,
        "ending": third,
    }
    for at, (first, second, third) in enumerate(
        (WORDS[at % 6], WORDS[(at * at + 1) % 6], WORDS[(at + 2) % 6] + f" {at}") for at in range(12)
    )
]
REFERENCE = """
import json, sys
import lm_eval
from lm_eval.tasks import TaskManager

folder, models, names, out = json.loads(sys.argv[1])
found = {
    role: lm_eval.simple_evaluate(
        model="hf", model_args=f"pretrained={model},dtype=float32", tasks=names, device="cpu", batch_size=4,
        task_manager=TaskManager(include_path=folder, include_defaults=False), bootstrap_iters=0,
    )["results"]
    for role, model in models.items()
}
json.dump(found, open(out, "w"), default=float)
"""


def write_tasks(folder: Path) -> Path:
    """Write the tasks, their data and their rules; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (folder / "local_rules.py").write_text(RULES)
    for name, body in TASKS.items():
        (folder / f"{name}.yaml").write_text(HEAD.format(name=name, data=json.dumps(str(data))) + body)
    return folder


def harness_scores(folder: Path, models: Mapping[str, Path], cache: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return what the harness's own hf model scores, by role, task and metric."""
    script, out = cache / "reference.py", cache / "scores.json"
    script.write_text(REFERENCE)
    asked = [str(folder), {role: str(model) for role, model in models.items()}, list(TASKS), str(out)]
    subprocess.run(
        [sys.executable, str(script), json.dumps(asked)],
        check=True,
        capture_output=True,
        env={**os.environ, "HF_DATASETS_CACHE": str(cache / "datasets"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    found: dict[str, dict[str, dict[str, float]]] = json.loads(out.read_text())
    return found
