"""Talking to lm-evaluation-harness in a process of its own, which builds a task's requests and scores replies.

The harness brings pandas, tasks bring code of their own, and both print: none of that enters pytest's process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import CaseError, GraderError
from pytest_ftcheck.grading.scores import scrubbed
from pytest_ftcheck.records import Answer, Case, digest

SCRIPT = Path(__file__).with_name("lm_eval_script.py")
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
TOLD_CHARACTERS, TOLD_LINES = 400, 3
CODE = (".yaml", ".yml", ".py", ".json", ".jsonl", ".csv", ".txt")
TASK, DOC, FORM = "lm_eval_task", "lm_eval_doc", "lm_eval_output_type"
"""Fields of a case: the task's name, the number of the document, and the task's output type."""


@dataclass(slots=True, kw_only=True, eq=False)
class Harness:
    """One task of the harness, as it was asked for; all of its graders share what was scored."""

    python: str
    task: str
    include_path: tuple[str, ...] = ()
    limit: int | None = None
    num_fewshot: int | None = None
    time_limit_s: float = 600.0
    _built: dict[str, Any] = field(default_factory=dict)
    _scores: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def built(self) -> Mapping[str, Any]:
        """Build the task's requests, once. Raises CaseError with what the harness said."""
        if not self._built:
            try:
                self._built.update(self._run({"do": "build"}))
            except RuntimeError as error:
                raise CaseError(f"lm_eval_cases({self.task!r}): {error}") from None
        return self._built

    @property
    def fingerprint(self) -> str:
        """Content hash of what decides scores: the harness's version, and the files of tasks that are not its own."""
        folders = [Path(folder) for folder in self.include_path]
        if Path(self.task).is_file():
            folders.append(Path(self.task).parent)
        files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix in CODE]
        own = [digest(file.read_bytes().hex()) for file in files if file.is_file()]
        version = self.built()["version"]
        return digest(["lm_eval", version, self.task, self.num_fewshot, SCRIPT.read_text(encoding="utf-8"), own])

    def score(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Mapping[str, Any]]:
        """Score answers, each once, all that are new in one process. Raises GraderError."""
        replies = [_reply(case, answer) for case, answer in pairs]
        keys = [digest(reply) for reply in replies]
        with self._lock:
            new = {key: reply for key, reply in zip(keys, replies, strict=True) if key not in self._scores}
            if new:
                try:
                    said = self._run({"do": "score", "replies": list(new.values())})
                except RuntimeError as error:
                    raise GraderError(f"lm_eval_cases({self.task!r}): {error}") from None
                self._scores.update(zip(new, said["scores"], strict=True))
        return [self._scores[key] for key in keys]

    def _run(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Run the script. Raises RuntimeError with what went wrong."""
        how = {"task": self.task, "include_path": list(self.include_path), "num_fewshot": self.num_fewshot}
        surroundings = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        try:
            done = subprocess.run(
                [self.python, str(SCRIPT)],
                input=json.dumps({**asked, **how, "limit": self.limit}, ensure_ascii=True),
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**surroundings, "TOKENIZERS_PARALLELISM": "false"},
                timeout=self.time_limit_s,
                check=False,
            )
        except (OSError, ValueError) as error:
            raise RuntimeError(f"{self.python} cannot be started: {error}") from None
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the harness took longer than {self.time_limit_s:g} s (time_limit_s)") from None
        if done.returncode:
            raise RuntimeError(_told(done.stderr))
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def interpreter(python: str | None) -> str:
    """Return the interpreter that runs the harness: this one, unless another is named."""
    return python or sys.executable


def _reply(case: Case, answer: Answer) -> dict[str, Any]:
    """Return an answer as the harness's models give it: texts, log-probabilities with greediness, or one of a text."""
    form = case.fields[FORM]
    responses: list[Any]
    if form == "generate_until":
        responses = [str(answer)]
    elif form == "loglikelihood_rolling":
        responses = [answer.logprob]
    else:
        pairs = zip(answer.choice_logprobs or (), answer.choice_greedy or (), strict=True)
        responses = [[logprob, greedy] for logprob, greedy in pairs]
    if not responses or responses[0] is None:
        raise GraderError(f"case {case.id}: the engine gave no log-probability; allowed: a local checkpoint")
    return {"task": case.fields[TASK], "doc_id": case.fields[DOC], "responses": responses}


def _told(said: str) -> str:
    if "No module named 'lm_eval'" in said:
        return "the interpreter has no lm_eval: pip install 'pytest-ftcheck[lm-eval]', or python= of one that has it"
    last = "\n".join(said.strip().splitlines()[-TOLD_LINES:])
    return f"the harness ended with an error: {scrubbed(last[-TOLD_CHARACTERS:]) or 'it said nothing'}"
