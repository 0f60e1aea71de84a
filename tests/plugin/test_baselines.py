"""The strongest baseline: base without its best prompt, base with it, and ft, in one run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.projects import Project, questions

PROMPTED = '''

class Prompted(Engine):
    """Base is as right as its prompt makes it: a table of its own for requests that begin with a system message."""

    def say(self, request, prompt):
        table = dict(self.tables[request.role])
        if request.role == "base" and request.messages[0]["role"] == "system":
            table |= table.get("prompted", {})
        return Answer(table.get(prompt, table.get("*", "")))
'''
BEST = "--ft-best-base-profile=best.toml"


@pytest.fixture
def three(project: Project) -> Project:
    """40 cases: base alone has none right, ft all of them."""
    project.write(questions(40), base={"*": "no"}, ft={"*": "yes"})
    engine = project.path / "own_engine.py"
    engine.write_text(engine.read_text() + PROMPTED)
    (project.path / "best.toml").write_text('system = "Say yes."\n')
    return project


def base_with_prompt(project: Project, right: int) -> None:
    """Let base with a system prompt be right in so many cases."""
    project.model("base", {"*": "no", "prompted": {f"question {n}": "yes" for n in range(right)}})  # type: ignore[dict-item]


def gate_of(project: Project) -> dict[str, Any]:
    """The gate of the last run."""
    (gate,) = project.document()["gates"]
    return dict(gate)


@pytest.mark.parametrize(("right", "verdict"), [(0, "pass"), (20, "pass"), (39, "inconclusive"), (40, "inconclusive")])
def test_ft_must_beat_the_stronger_baseline(three: Project, right: int, verdict: str) -> None:
    """assert_improves passes where ft beats base both without and with its best prompt."""
    base_with_prompt(three, right)
    three.run(BEST, engine="Prompted")
    assert three.verdict() == verdict
    scores = {claim["words"].partition("(")[2].rstrip(")"): claim["base"] for claim in gate_of(three)["claims"]}
    assert scores == {"bare base": 0.0, "base at its best prompt": right / 40}


def test_the_verdict_is_that_against_the_stronger(three: Project) -> None:
    """The gate's own row is the comparison that was harder to win."""
    base_with_prompt(three, 20)
    three.run(BEST, engine="Prompted")
    assert gate_of(three)["base"] == 0.5
    assert "base at its best prompt" in gate_of(three)["words"]


def test_a_worse_ft_fails_against_the_stronger(three: Project) -> None:
    """A fine-tune that beats bare base and is proven worse than prompted base by the bound is a fail."""
    three.model("ft", {"*": "no", **{f"question {n}": "yes" for n in range(12)}})
    base_with_prompt(three, 40)
    three.run(BEST, engine="Prompted")
    assert three.verdict() == "fail"


def test_over_base_leaves_the_best_prompt_out(three: Project) -> None:
    """With over='base' the claim is about base as the run has it, and says that it is bare."""
    base_with_prompt(three, 40)
    three.test(body="assert_improves(comparison, over='base')")
    three.run(BEST, engine="Prompted")
    assert three.verdict() == "pass"
    assert len(gate_of(three)["claims"]) == 1
    assert gate_of(three)["words"].endswith("(bare base)")


def test_other_claims_may_be_about_the_best_prompt(three: Project) -> None:
    """comparison.best is a comparison for every assertion, and its verdict is the gate's."""
    base_with_prompt(three, 40)
    three.test(body="assert_no_worse(comparison.best, margin=0.1)")
    three.run(BEST, engine="Prompted")
    assert (three.verdict(), gate_of(three)["base"]) == ("pass", 1.0)


def test_each_is_asked_once(three: Project) -> None:
    """Three answers a case: ft's serves both comparisons."""
    base_with_prompt(three, 0)
    three.run(BEST, engine="Prompted")
    asked = three.asked()
    assert len(asked) == 3 * 40
    assert sum(note["role"] == "ft" for note in asked) == 40
    assert sum(note["messages"][0]["content"] == "Say yes." for note in asked) == 40


def test_evals_without_gates_are_not_asked_twice(three: Project) -> None:
    """The best prompt is asked for gates; cases alone need none."""
    three.run(BEST, "-k", "test_intent", engine="Prompted")
    assert {tuple(message["content"] for message in note["messages"][:-1]) for note in three.asked()} == {()}


def test_raw_evals_have_no_best_prompt(three: Project) -> None:
    """An eval that leaves profiles out has one baseline."""
    three.test(arguments="grader=exact_match(), raw=True")
    three.run(BEST, engine="Prompted")
    assert len(three.asked()) == 2 * 40
    assert len(gate_of(three)["claims"]) == 1


@pytest.mark.parametrize(
    ("options", "arguments", "told"),
    [
        (["--ft-system=Be brief."], "", True),
        ([], "", False),
        (["--ft-system=Be brief.", "--ft-base-system=Be brief."], "", False),
        (["--ft-system=Be brief."], ", system='Both.'", False),
        (["--ft-system=Be brief."], ", raw=True", False),
    ],
    ids=["ft alone is prompted", "nobody is", "both are", "the eval prompts both", "profiles are left out"],
)
def test_a_bare_base_is_told(three: Project, options: list[str], arguments: str, told: bool) -> None:
    """A verdict over a base without prompt says so where ft has one of its own."""
    three.test(arguments=f"grader=exact_match(){arguments}", body="assert_no_worse(comparison, margin=0.5)")
    result = three.run(*options)
    words = gate_of(three)["words"]
    assert ("bare base, while ft has a prompt of its own: see --ft-base-profile" in words) is told
    assert ("bare base" in re.sub(r"\s+", " ", result.stdout.str())) is told


def test_a_faulty_profile_is_a_usage_error(three: Project) -> None:
    """A best prompt that cannot be read is one error that names file and key."""
    (three.path / "best.toml").write_text("sistem = 'a'")
    result = three.run(BEST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*best.toml*sistem*did you mean 'system'*"])


def test_an_unknown_baseline_is_refused(three: Project) -> None:
    """over= names what is allowed."""
    three.test(body="assert_improves(comparison, over='best')")
    three.run()
    assert gate_of(three)["reason"] == "assert_improves: over is 'best'; allowed: 'strongest' or 'base'"


def test_the_guide_runs(three: Project) -> None:
    """The code and the profile of docs/baselines.md give the two verdicts that it shows."""
    guide = (Path(__file__).parents[2] / "docs" / "baselines.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    (profile,) = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    (three.path / "best.toml").write_text(profile)
    (three.path / "data").mkdir()
    (three.path / "cases.jsonl").rename(three.path / "data" / "intent.jsonl")
    (three.path / "test_suite.py").write_text(code)
    base_with_prompt(three, 20)
    three.run(BEST, engine="Prompted")
    gates = {gate["name"]: gate for gate in three.document()["gates"]}
    assert {name: (gate["verdict"], len(gate["claims"])) for name, gate in gates.items()} == {
        "test_worth_tuning": ("pass", 2),
        "test_better_than_before": ("pass", 1),
    }
