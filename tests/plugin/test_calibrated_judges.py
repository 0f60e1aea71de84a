"""Judges corrected by people, through pytest's command line: from the answers of a run to the verdict of the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pytest_ftcheck.models.endpoint  # noqa: F401
from pytest_ftcheck.cli import main
from pytest_ftcheck.commands.deck import Deck, chosen, open_deck
from pytest_ftcheck.data.sheets import read_sheets
from pytest_ftcheck.reports.document import SCHEMA_FILE
from tests.plugin.conftest import write_jsonl
from tests.plugin.test_judges import fair
from tests.plugin.test_served_models import files_below
from tests.support.fault_server import Fault, FaultServer, error, fault_server, listing
from tests.support.projects import QUIET, Project, questions

N = 80
TEST = """
from pytest_ftcheck import assert_at_least, assert_improves, assert_no_worse, eval_cases, gate, pairwise, rubric

@eval_cases("cases.jsonl", grader={grader}, tags=["part"])
def test_intent(case, answer): ...

@gate(test_intent)
def test_gate(comparison):
    {claim}
"""
RUBRIC = 'rubric("Is it yes?")'
PAIRWISE = 'pairwise("Which is yes?")'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A server with a judge to whom "yes" is right and all else wrong."""
    for name in ("OPENAI_API_KEY", "FTCHECK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with fault_server() as running:
        running.models = [listing("judge", created=1_700_000_000)]
        running.say = fair
        yield running


@pytest.fixture
def judged(project: Project, server: FaultServer) -> Callable[..., pytest.RunResult]:
    """Return a function that writes a project of eighty cases, base with "no" and ft with "yes", and runs it."""

    def run(
        *args: str, grader: str = RUBRIC, claim: str = "assert_improves(comparison)", ft: str = "yes"
    ) -> pytest.RunResult:
        rows = [{**row, "part": "ab"[number % 2]} for number, row in enumerate(questions(N))]
        project.write(rows, base={}, ft={})
        (project.path / "test_suite.py").write_text(TEST.format(grader=grader, claim=claim))
        for role, text in (("base", "no"), ("ft", ft)):
            answers = [{"case": f"c{number}", "answer": f"{text} {number}"} for number in range(N)]
            write_jsonl(project.path / f"{role}.jsonl", answers)
        models = ["--ft-model=ft.jsonl", "--base-model=base.jsonl", "--ft-json=run.json"]
        return project.pytester.runpytest(*QUIET, *models, f"--ft-judge={server.url}#judge", *args)

    return run


def deck_of(project: Project, n: int = 60) -> Deck:
    """The cards of what the last run left."""
    return open_deck(chosen(read_sheets(project.path / ".ftcheck"), "test_intent", None), n=n, seed=0)


def rate(project: Project, opinion: Callable[[int, str], Any], n: int = 60) -> None:
    """Rate the cards of the last run by an opinion on case number and answer."""
    deck = deck_of(project, n)
    deck.rate_many([(card, opinion(int(card.case.id[1:]), card.answers[0])) for card in deck.cards])


def half(number: int, answer: str) -> int:
    """Somebody to whom a "yes" is right in half of the cases only."""
    return 5 if answer.startswith("yes") and number % 2 else 1


def the_gate(project: Project) -> dict[str, Any]:
    """The gate of the last run."""
    (gate,) = project.document()["gates"]
    found: dict[str, Any] = gate
    return found


@pytest.mark.parametrize("args", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["plain", "-n 2"])
def test_people_correct_the_judge(
    judged: Callable[..., pytest.RunResult], project: Project, args: tuple[str, ...]
) -> None:
    """A judge that sees a win in every case, and people in half: the gate rests on people, and says how far."""
    judged(*args)
    assert the_gate(project)["delta"] == 1.0
    rate(project, half)
    result = judged(*args)
    gate = the_gate(project)
    assert gate["rated"] == 60
    assert 0.3 < gate["low"] < gate["delta"] < gate["high"] < 0.7
    assert gate["wider"] > 1.0
    assert f"judge corrected by people on 60 of {N} cases, interval {gate['wider']:.1f} times" in gate["words"]
    assert "uncalibrated" not in "\n".join(result.outlines)
    assert gate["method"].startswith("PPI++")


def test_agreement_is_reported(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """Agreement, kappa, AC1 and alpha stand in the terminal and in the JSON file, with intervals."""
    import jsonschema

    judged()
    rate(project, half)
    result = judged()
    (one,) = project.document()["evals"][0]["calibrations"]
    assert (one["metric"], one["rated"], one["n"], one["items"]) == ("rubric", 60, N, 120)
    found = {each["name"]: each for each in one["coefficients"]}
    assert list(found) == ["agreement", "kappa", "AC1", "alpha"]
    # Of 120 answers the 60 of base are 1 to both, and about half of ft's 60 are 5 to both.
    rights = sum(int(card.case.id[1:]) % 2 for card in deck_of(project).cards) // 2
    assert found["agreement"]["estimate"] == pytest.approx((60 + rights) / 120)
    assert all(each["low"] < each["estimate"] < each["high"] for each in found.values())
    result.stdout.fnmatch_lines(["*judge and people on 120 ratings of 60 cases: agreement*"])
    jsonschema.validate(project.document(), json.loads(SCHEMA_FILE.read_text()))


def test_pairs_are_corrected_too(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """People who find base better in a quarter of the pairs bring the delta down to about a half."""
    judged(grader=PAIRWISE)
    assert the_gate(project)["delta"] == 1.0
    deck = deck_of(project)
    for number, card in enumerate(deck.cards):
        ft_is_first = card.answers[0].startswith("yes")
        deck.rate(number, "AB"[ft_is_first == (int(card.case.id[1:]) % 4 == 0)])
    judged(grader=PAIRWISE)
    assert the_gate(project)["rated"] == 60
    assert the_gate(project)["low"] < 0.5 < the_gate(project)["high"]
    (one,) = project.document()["evals"][0]["calibrations"]
    assert one["items"] == 60


def test_a_floor_is_judged_by_people(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """A claim about ft alone is corrected as well."""
    claim = "assert_at_least(comparison, floor=0.8)"
    judged(claim=claim)
    assert project.verdict() == "pass"
    rate(project, half)
    judged(claim=claim)
    assert project.verdict() == "fail"
    assert the_gate(project)["ft"] == pytest.approx(0.5, abs=0.15)


def test_slices_are_corrected_each(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """Where people find a win in one part only, the slice without one does not pass."""
    judged()
    rate(project, half)
    judged(claim='assert_improves(comparison, by=0.2, per="part")')
    slices = {part["slice"]: part for part in the_gate(project)["claims"][0]["slices"]}
    assert slices["part=b"]["verdict"] == "pass"
    assert slices["part=a"]["verdict"] != "pass"
    assert all("corrected by people" in part["words"] for part in slices.values())


def test_answers_that_changed_are_to_be_rated_again(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """Ratings of answers that are given no more do not count; the judge is uncalibrated until the new are rated."""
    judged()
    rate(project, half)
    judged(ft="yes!")
    words = the_gate(project)["words"]
    assert "(uncalibrated judge: 60 of 60 rated cases have new answers to be rated)" in words
    assert the_gate(project)["rated"] == 0
    deck = deck_of(project)
    assert (deck.done, len(deck.cards)) == (60, 120)
    rate(project, half)
    judged(ft="yes!")
    assert the_gate(project)["rated"] == 60


def test_other_criteria_are_another_question(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """Ratings by other words do not count, and the verdict says so."""
    judged()
    rate(project, half)
    judged(grader='rubric("Is it yes!")')
    assert "(uncalibrated judge: people rated by other criteria)" in the_gate(project)["words"]


def test_too_few_ratings_correct_nothing(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """Under twenty rated cases the judge stays uncalibrated, and the verdict says how many there are."""
    judged()
    rate(project, half, n=19)
    judged()
    assert "(uncalibrated judge: people rated 19 cases, 20 needed)" in the_gate(project)["words"]


def test_no_judge_is_asked_again(
    judged: Callable[..., pytest.RunResult], project: Project, server: FaultServer
) -> None:
    """Ratings change no key: the second run takes all grades from the store."""
    judged()
    rate(project, half)
    server.tries.clear()
    judged()
    assert server.tries.total() == 0


def test_a_broken_file_of_ratings_is_one_error(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """Collection names file, line, field, value and what is allowed."""
    (project.path / "labels").mkdir()
    row = {"asked": "x", "case": "y", "answer": "z", "score": "five"}
    write_jsonl(project.path / "labels" / "test_intent.rubric.jsonl", [row])
    result = judged()
    line = "test_intent.rubric.jsonl:1: field 'score' is 'five'; allowed: a whole number on the rubric's scale"
    result.stdout.fnmatch_lines([f"*{line}*"])
    result.assert_outcomes(errors=1)


def test_the_folder_of_ratings_is_an_option(
    judged: Callable[..., pytest.RunResult], project: Project, tmp_path: Path
) -> None:
    """--ft-labels names where ratings go and come from."""
    folder = tmp_path / "elsewhere"
    judged(f"--ft-labels={folder}")
    rate(project, half)
    assert [path.name for path in folder.iterdir()] == ["test_intent.rubric.jsonl"]
    judged(f"--ft-labels={folder}")
    assert the_gate(project)["rated"] == 60
    judged()
    assert the_gate(project)["rated"] == 0


def test_part_of_an_eval_leaves_the_sheet_alone(judged: Callable[..., pytest.RunResult], project: Project) -> None:
    """A run of some cases does not take the others from those who rate."""
    judged()
    judged("-k", "c1]")
    assert len(deck_of(project, n=500).cards) == 2 * N


def test_by_the_command_line(
    judged: Callable[..., pytest.RunResult], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Export, a person's spreadsheet, import, and the next run: no Python needed."""
    judged()
    csv, store = project.path / "cards.csv", str(project.path / ".ftcheck")
    assert main(["review", "--store", store, "--export", str(csv)]) == 0
    head, *rows = csv.read_text().splitlines()
    csv.write_text("\n".join([head, *(row + "3" for row in rows)]) + "\n")
    assert main(["review", "--store", store, "--import", str(csv)]) == 0
    judged()
    assert the_gate(project)["rated"] == 60
    assert the_gate(project)["delta"] == pytest.approx(0.0)


@pytest.mark.parametrize("fault", ["none", "refused", "garbage"])
def test_the_judges_key_is_nowhere(
    judged: Callable[..., pytest.RunResult],
    project: Project,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    """A planted key is sent to the judge, which says it back, and stands in no file or output."""
    key = "sk-judge-planted-0123456789"
    monkeypatch.setenv("FTCHECK_JUDGE_API_KEY", key)
    server.say = lambda model, prompt: json.dumps({"reasons": f"my key is {key}", "score": 5 if "yes" in prompt else 1})
    server.always = {"none": Fault(), "refused": error(403, f"bad key {key}"), "garbage": Fault(body=key.encode())}[
        fault
    ]
    files = ["--junit-xml=junit.xml", "--log-file=log.txt", "--log-level=DEBUG", "--ft-retries=0", "-vv", "-l"]
    result = judged(*files, "--tb=long", *([] if fault == "none" else ["--ft-limit=3"]))
    said = "".join([*result.outlines, *result.errlines])
    if fault == "none":
        rate(project, half)
        csv = str(project.path / "cards.csv")
        assert main(["review", "--store", str(project.path / ".ftcheck"), "--export", csv]) == 0
        said += "".join(judged(*files).outlines)
        assert the_gate(project)["rated"] == 60
    assert f"Bearer {key}" in {headers.get("Authorization") for headers in server.headers}
    assert key not in said + "".join(capsys.readouterr())
    assert len(files_below(project.path)) > 8
    assert [path for path in files_below(project.path) if key.encode() in path.read_bytes()] == []
