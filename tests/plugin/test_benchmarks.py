"""Public benchmarks and raw evals in whole runs: what reaches the engine, and both metrics of one answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.projects import ENGINE, Project
from tests.support.published import GSM8K, HELLASWAG, MMLU, write_rows

SCORING = '''

class Scoring(Engine):
    """Finds short choices likelier; ft finds the first one likeliest of all."""

    def reply(self, request):
        decoding = request.decoding
        with NOTES.open("a") as notes:
            messages = [message["content"] for message in request.messages]
            kept = {"choices": decoding.choices, "contexts": decoding.contexts, "template": request.template}
            notes.write(json.dumps({"role": request.role, "messages": messages, **kept}) + "\\n")
        if not decoding.choices:
            return Answer(self.tables[request.role]["*"])
        logprobs = [-float(len(choice)) for choice in decoding.choices]
        if request.role == "ft":
            logprobs[0] = -1.0
        best = max(range(len(logprobs)), key=lambda at: logprobs[at])
        return Answer(decoding.choices[best], logprob=logprobs[best], choice_logprobs=logprobs)
'''


@pytest.fixture
def scored(project: Project) -> Project:
    """A project whose engine scores choices."""
    project.write([], base={"*": "The answer is 5."}, ft={"*": "So it is 1,072. #### 1,072"})
    (project.path / "own_engine.py").write_text(ENGINE + SCORING)
    (project.path / "test_suite.py").unlink()
    write_rows(project.path / "data" / "hellaswag.jsonl", HELLASWAG)
    write_rows(project.path / "data" / "mmlu.jsonl", MMLU)
    write_rows(project.path / "data" / "gsm8k.jsonl", GSM8K)
    return project


def test_benchmarks_run(scored: Project) -> None:
    """One line declares an eval; choices are scored behind the plain prompt whatever the profile says."""
    (scored.path / "test_public.py").write_text(
        "from pytest_ftcheck import benchmarks\n"
        "@benchmarks.hellaswag('data/hellaswag.jsonl')\n"
        "def test_hellaswag(case, answer): ...\n"
        "@benchmarks.gsm8k('data/gsm8k.jsonl')\n"
        "def test_gsm8k(case, answer): ...\n"
    )
    result = scored.run("--ft-system=Be brief.", engine="Scoring")
    result.assert_outcomes(passed=2)
    asked = {(note["role"], bool(note["choices"])): note for note in scored.asked()}
    hellaswag, gsm8k = asked["ft", True], asked["ft", False]
    assert {note["template"] for note in asked.values()} == {"none"}
    assert hellaswag["contexts"] == hellaswag["messages"] * 4
    assert gsm8k["messages"] == [f"Question: {GSM8K[0]['question']}\nAnswer:"]
    evals = {one["name"]: one for one in scored.document()["evals"]}
    assert [(one["metric"], one["base"], one["ft"]) for one in evals.values()] == [
        ("flexible_extract", 0.0, 1.0),
        ("acc_norm", 0.0, 0.0),
    ]


def test_chat_goes_through_the_profile(scored: Project) -> None:
    """With chat=True the question is a message behind the system prompt, and choices begin the answer."""
    (scored.path / "test_public.py").write_text(
        "from pytest_ftcheck import benchmarks\n"
        "@benchmarks.mmlu('data/mmlu.jsonl', limit=1, chat=True)\n"
        "def test_mmlu(case, answer): ...\n"
    )
    scored.run("--ft-system=Be brief.", engine="Scoring").assert_outcomes(passed=1)
    asked = {note["role"]: note for note in scored.asked()}
    assert (asked["ft"]["messages"][0], asked["ft"]["contexts"]) == ("Be brief.", [])
    assert (asked["ft"]["choices"], asked["ft"]["template"]) == (["A", "B", "C", "D"], "chat")


def test_a_raw_eval_leaves_profiles_out(scored: Project) -> None:
    """Under raw=True template, system prompt and shots of both roles are left out."""
    (scored.path / "test_raw.py").write_text(
        "from pytest_ftcheck import eval_cases\n"
        "@eval_cases([{'id': 'a', 'input': 'Once upon a'}], raw=True)\n"
        "def test_raw(case, answer): assert answer\n"
    )
    scored.run("--ft-system=Be brief.", "--ft-base-system=Be long.", engine="Scoring").assert_outcomes(passed=1)
    assert [(note["messages"], note["template"]) for note in scored.asked()] == [(["Once upon a"], "none")] * 2


def test_the_guide_runs(scored: Project) -> None:
    """The code of docs/benchmarks.md declares evals whose gates are judged."""
    guide = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)[0]
    write_rows(scored.path / "data" / "hellaswag.jsonl", [{**HELLASWAG[0], "activity_label": f"{n}"} for n in range(9)])
    scored.pytester.makepyfile(test_guide=code)
    scored.run(engine="Scoring").assert_outcomes(passed=9 + 2 + 1, failed=1)
    assert [gate["verdict"] for gate in scored.document()["gates"]] == ["inconclusive"]
