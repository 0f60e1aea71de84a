"""Public benchmarks in their published layout: `@benchmarks.hellaswag("data/hellaswag.jsonl", limit=200)`.

Each name is a decorator like `eval_cases`, over a test whose body is `...`. It knows the layouts and how each benchmark
is asked and scored; files are read by `data`, answers graded by `grading`.
"""

from pytest_ftcheck.benchmarks.layouts import arc, gsm8k, hellaswag, ifeval, mmlu, truthfulqa

__all__ = ["arc", "gsm8k", "hellaswag", "ifeval", "mmlu", "truthfulqa"]
