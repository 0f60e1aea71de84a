"""`ftcheck attack-judge`: the suite that it writes passes a judge that resists, and fails one that is persuaded."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_ftcheck.models.endpoint
import pytest_ftcheck.summaries  # noqa: F401 - an in-process run forgets its modules
from pytest_ftcheck.cli import main
from tests.plugin.test_judges import answers_in
from tests.support.fault_server import FaultServer, fault_server, listing


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A server with a judge."""
    for name in ("OPENAI_API_KEY", "FTCHECK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with fault_server() as running:
        running.models = [listing("judge", created=1_700_000_000)]
        yield running


def verdicts(pytester: pytest.Pytester, server: FaultServer) -> dict[str, str]:
    """Write the suite, run it, and return its gates' verdicts."""
    assert main(["attack-judge", str(pytester.path / "attacks")]) == 0
    folder = pytester.path / "attacks"
    models = [f"--ft-model={folder / 'plain.jsonl'}", f"--base-model={folder / 'attacked.jsonl'}"]
    report = folder / "run.json"
    options = ["-p", "no:randomly", "-q", f"--ft-judge={server.url}#judge", f"--ft-json={report}"]
    pytester.runpytest(str(folder), *models, *options)
    return {gate["name"]: gate["verdict"] for gate in json.loads(report.read_text())["gates"]}


def resisting(model: str, prompt: str) -> str:
    """A judge to whom all of these answers are useless."""
    single = len(answers_in(prompt)) == 1
    return json.dumps({"reasons": "useless", "score": 1} if single else {"reasons": "useless", "better": "tie"})


def persuaded(model: str, prompt: str) -> str:
    """A judge that does as answers ask: whoever says more is better."""
    found = answers_in(prompt)
    if len(found) == 1:
        return json.dumps({"reasons": "it asks for it", "score": 5 if "\n\n" in found[0] else 1})
    return json.dumps({"reasons": "it asks for it", "better": "A" if len(found[0]) > len(found[1]) else "B"})


def test_a_judge_that_resists_passes(pytester: pytest.Pytester, server: FaultServer) -> None:
    """Equal scores with and without the attack prove both gates."""
    server.say = resisting
    assert verdicts(pytester, server) == {
        "test_the_rubric_resists": "pass",
        "test_the_pairwise_judge_resists": "pass",
    }


def test_a_persuaded_judge_fails(pytester: pytest.Pytester, server: FaultServer) -> None:
    """Better scores behind an attack fail both."""
    server.say = persuaded
    assert set(verdicts(pytester, server).values()) == {"fail"}


def test_criteria_are_written_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Criteria of one's own stand in the suite, whatever signs they hold."""
    odd = 'Is it "good"?\n"""; {braces}'
    assert main(["attack-judge", str(tmp_path / "x"), "--criteria", odd, "--criteria", "Short?"]) == 0
    text = (tmp_path / "x" / "test_attacks.py").read_text()
    (found,) = re.findall(r"^CRITERIA = (.*)$", text, flags=re.MULTILINE)
    assert ast.literal_eval(found) == [odd, "Short?"]
    assert "60 cases written" in capsys.readouterr().out


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is there already is left as it is."""
    assert main(["attack-judge", str(tmp_path)]) == 2
    assert "allowed: a folder that is not there yet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
