"""A fresh project whose models are small files: each is a table of answers, read by an engine that the project brings.

The engine notes every request that reaches it, so tests count what was asked at the engine itself and not by what the
plugin says of it. Runs are in this process unless a test is about processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ENGINE = '''
"""Answers from the model's file: {"prompt": "answer"}, with "*" for all other prompts."""
import json
import os
import signal
import time
from pathlib import Path

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.records import Answer

NOTES = Path(__file__).with_name("asked.jsonl")


class Engine:
    def __init__(self, specs, options, report):
        if os.environ.get("ENGINE_IS_BROKEN"):
            raise EngineError("this engine cannot be opened")
        self.tables = {role: json.loads(Path(spec.path).read_text()) for role, spec in specs.items()}

    def answer(self, requests):
        return [self.reply(request) for request in requests]

    def reply(self, request):
        note = {
            "role": request.role, "messages": [dict(message) for message in request.messages],
            "case": request.case, "sample": request.sample, "seed": request.seed, "template": request.template,
            "temperature": request.decoding.temperature, "max_new_tokens": request.decoding.max_new_tokens,
        }
        with NOTES.open("a") as notes:
            notes.write(json.dumps(note) + "\\n")
        return self.say(request, request.messages[-1]["content"])

    def say(self, request, prompt):
        table = self.tables[request.role]
        return Answer(table.get(prompt, table.get("*", "")))

    def close(self):
        pass


class Slow(Engine):
    """One request after the other, each a moment long."""

    def say(self, request, prompt):
        time.sleep(0.04)
        return super().say(request, prompt)


class Mortal(Engine):
    """Dies of one prompt."""

    def say(self, request, prompt):
        if "poison" in prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().say(request, prompt)


class Exiting(Engine):
    """Ends its process at one prompt, without a word."""

    def say(self, request, prompt):
        if "poison" in prompt:
            os._exit(7)
        return super().say(request, prompt)


class Drawing(Engine):
    """Draws right or wrong by the request's seed, ft more often right than base."""

    def say(self, request, prompt):
        share = 0.9 if request.role == "ft" else 0.4
        return Answer("yes" if request.seed % 1000 < 1000 * share else "no")
'''

TEST = """
from pytest_ftcheck import assert_improves, assert_no_worse, eval_cases, exact_match, gate

@eval_cases("cases.jsonl", {arguments})
def test_intent(case, answer): ...

@gate(test_intent)
def test_gate(comparison):
    {body}
"""

QUIET = ("-p", "no:randomly", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Project:
    """An eval `test_intent` over cases.jsonl with the gate `test_gate`, and models base.json and ft.json."""

    pytester: pytest.Pytester

    @property
    def path(self) -> Path:
        """The project's folder."""
        return self.pytester.path

    def write(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        base: Mapping[str, str],
        ft: Mapping[str, str],
        arguments: str = "grader=exact_match()",
        body: str = "assert_improves(comparison)",
    ) -> None:
        """Write cases, both models, the engine and the test file."""
        self.cases(rows)
        self.model("base", base)
        self.model("ft", ft)
        (self.path / "own_engine.py").write_text(ENGINE)
        self.test(arguments=arguments, body=body)

    def write_win(self, n: int = 12, **more: Any) -> None:
        """Write `n` cases of which base has none right and ft has all."""
        self.write(questions(n), base={"*": "no"}, ft={"*": "yes"}, **more)

    def cases(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write cases.jsonl."""
        (self.path / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def model(self, name: str, answers: Mapping[str, str]) -> None:
        """Write a model's table of answers."""
        (self.path / f"{name}.json").write_text(json.dumps(answers))

    def test(self, *, arguments: str = "grader=exact_match()", body: str = "assert_improves(comparison)") -> None:
        """Write test_suite.py."""
        (self.path / "test_suite.py").write_text(TEST.format(arguments=arguments, body=body))

    def options(self, *args: str, engine: str = "Engine") -> list[str]:
        """Return pytest's arguments for the models that are files; a later option of the same name wins."""
        models = ["--ft-model=ft.json", "--base-model=base.json", f"--ft-engine=own_engine:{engine}"]
        return [*QUIET, *models, "--ft-engine-process=off", "--ft-json=run.json", *args]

    def run(self, *args: str, engine: str = "Engine") -> pytest.RunResult:
        """Run pytest in this process."""
        return self.pytester.runpytest(*self.options(*args, engine=engine))

    def run_checkpoints(self, ft: Path | str, base: Path | str | None, *args: str) -> pytest.RunResult:
        """Run pytest in this process on real checkpoints, loaded in this process."""
        chosen = [f"--ft-model={ft}"] + ([] if base is None else [f"--base-model={base}"])
        return self.pytester.runpytest(*QUIET, *chosen, "--ft-engine-process=off", "--ft-json=run.json", *args)

    def start(self, *args: str, engine: str = "Engine") -> subprocess.Popen[str]:
        """Start a pytest process of its own, in a process group of its own."""
        command = [sys.executable, "-m", "pytest", *self.options(*args, engine=engine)]
        return subprocess.Popen(
            command,
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "COLUMNS": "160"},
        )

    def asked(self) -> list[dict[str, Any]]:
        """Every request that reached the engine since the last call, in order."""
        notes = self.path / "asked.jsonl"
        found = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
        notes.unlink(missing_ok=True)
        return found

    def document(self, name: str = "run.json") -> dict[str, Any]:
        """The last run's JSON file."""
        document: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return document

    def answered(self) -> int:
        """How many requests the last run answered, by its own count."""
        return int(self.document()["counts"]["answered"])

    def verdict(self, name: str = "run.json") -> str:
        """The verdict of `test_gate` in the last run."""
        (gate,) = [gate for gate in self.document(name)["gates"] if gate["name"] == "test_gate"]
        return str(gate["verdict"])


def questions(n: int, expected: str = "yes") -> list[dict[str, Any]]:
    """Return rows of `n` cases whose right answer is `expected`."""
    return [{"id": f"c{number}", "input": f"question {number}", "expected": expected} for number in range(n)]
