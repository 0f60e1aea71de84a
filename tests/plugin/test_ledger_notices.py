"""The ledger: how many checkpoints a held-out set has judged, and what the best of many is worth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import pytest_ftcheck.hygiene.reuse  # noqa: F401 - an in-process run forgets its modules, and numpy imports once
from pytest_ftcheck.cli import main
from pytest_ftcheck.hygiene.reuse import facts_of, with_reuse
from pytest_ftcheck.records import Decision, EvalSummary, GateResult, ModelRecord, Run, Verdict
from pytest_ftcheck.store import LedgerEntry, Store
from tests.support import histories
from tests.support.projects import Project


def run(checkpoint: str, p_value: float, *, case_set: str = "s", decision: Decision = Decision.PASS) -> Run:
    """Return a run of one gate over one eval."""
    verdict = Verdict(claim="improves by 0.0", decision=decision, words="", p_value=p_value, alpha=0.05)
    return Run(
        id=checkpoint,
        started="2026-11-21T10:00:00+00:00",
        duration_s=1.0,
        version="0",
        models=(ModelRecord(role="ft", source=checkpoint, kind="folder", fingerprint=checkpoint, engine=""),),
        evals=(
            EvalSummary(
                nodeid="t.py::e", name="e", metric="m", score_range=(0, 1), binary=True, n=9, case_set=case_set
            ),
        ),
        gates=(GateResult(nodeid="t.py::g", name="g", decision=decision, verdicts=(verdict,), evals=("e",)),),
    )


def entries(*runs: Run) -> list[LedgerEntry]:
    """Return the ledger of earlier runs, newest first."""
    return [LedgerEntry(id=one.id, started=one.started, facts=json.loads(json.dumps(facts_of(one)))) for one in runs][
        ::-1
    ]


def test_checkpoints_are_counted_by_content() -> None:
    """A checkpoint that was judged twice counts once, and another case set not at all."""
    earlier = entries(run("a", 0.5), run("b", 0.5), run("a", 0.5), run("c", 0.5, case_set="other"), run("me", 0.5))
    assert with_reuse(run("me", 1e-9), earlier).evals[0].checkpoints == 3


def test_the_best_of_many_is_corrected_by_holm() -> None:
    """One p of .03 among four is .12: the pass does not stand, and the notice says so."""
    earlier = entries(run("a", 0.6), run("b", 0.7), run("c", 0.9))
    (notice,) = with_reuse(run("me", 0.03), earlier).notices
    assert notice.startswith("g: this held-out set has judged 4 checkpoints; as one of them the pass has p 0.12 (Holm;")
    assert notice.endswith("confirm it on a fresh set")


def test_a_strong_pass_stands_among_many() -> None:
    """One p of .001 among four is .004, which needs no notice."""
    assert with_reuse(run("me", 0.001), entries(run("a", 0.6), run("b", 0.7), run("c", 0.9))).notices == ()


@pytest.mark.parametrize("checkpoints", [9, 10, 14])
def test_a_much_used_set_is_to_be_renewed(checkpoints: int) -> None:
    """From ten checkpoints on a fresh set is advised."""
    earlier = entries(*(run(f"c{n}", 1e-12) for n in range(checkpoints - 1)))
    notices = with_reuse(run("me", 1e-12), earlier).notices
    assert any(f"has judged {checkpoints} checkpoints" in text for text in notices) == (checkpoints >= 10)


def test_other_claims_are_other_tests() -> None:
    """A gate whose claim changed is not corrected for the runs before."""
    earlier = run("a", 0.9)
    facts = json.loads(json.dumps(facts_of(earlier)).replace("improves by 0.0", "improves by 9.0"))
    assert with_reuse(run("me", 0.03), [LedgerEntry(id="a", started="", facts=facts)]).notices == ()


def test_entries_of_older_versions_are_read() -> None:
    """A ledger entry without the newer facts counts its checkpoint and nothing else."""
    old = LedgerEntry(id="x", started="", facts={"models": {"ft": "x"}, "case_sets": {"t.py::e": "s"}})
    broken = LedgerEntry(id="y", started="", facts={"models": None, "case_sets": [], "gates": {"t.py::g": 3}})
    found = with_reuse(run("me", 0.03), [old, broken])
    assert (found.evals[0].checkpoints, found.notices) == (2, ())


def test_runs_are_counted_listed_and_drawn(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two fine-tunes on one set: the second run knows of the first, and `ftcheck history` shows both."""
    project.write_win(12)
    project.run()
    assert project.document()["evals"][0]["checkpoints"] == 1
    project.model("ft", {"*": "yes", "question 1": "no"})
    project.run()
    assert project.document()["evals"][0]["checkpoints"] == 2
    monkeypatch.chdir(project.path)
    capsys.readouterr()
    assert main(["history", "--draw", "runs.svg"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sum("ft.json" in line and "✓ test_gate" in line for line in said) == 2
    assert said[-1].split() == ["test_intent", "█▁", "+0.917", "to", "+1.000,", "last", "+0.917"]
    assert "<svg" in (project.path / "runs.svg").read_text()
    assert main(["history", "--html", "history.html", "--limit", "1"]) == 0
    page = (project.path / "history.html").read_text()
    assert "<h1>2 checkpoints</h1>" in page
    assert "1 older checkpoint is left out" in page
    assert "they have judged</dt><dd>2 checkpoints" in page
    assert page.count('class="margin"') == 2  # the key's, and that of the newest checkpoint
    assert main(["history", "--html", "."]) == 2
    assert "--html .: cannot be written" in capsys.readouterr().err
    assert main(["history", "--json", "--limit", "1"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["runs"]
    assert (one["verdicts"], one["evals"]["test_suite.py::test_intent"]["n"]) == (
        {"test_suite.py::test_gate": "pass"},
        12,
    )


def test_no_store_is_named(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    """A folder without a store is an error, and none is made."""
    assert main(["history", "--store", f"{tmp_path}/none"]) == 2
    assert "no store in" in capsys.readouterr().err


def test_hostile_names_are_listed_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a ledger holds commands neither the terminal nor a CI system, and old or odd entries are listed too."""
    with Store(tmp_path) as store:
        for one in (*histories.hostile_history(), *histories.old_history()):
            store.record_run(f"{one.id} {one.place} {one.started[:9]}", one.started, one.facts)
    assert main(["history", "--store", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]", said)
    assert not [line for line in said.splitlines() if line.lstrip().startswith(("::", "##["))]
    assert "<script>" in said
