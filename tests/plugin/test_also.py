"""--also: a third model beside base and ft, such as the original base of two fine-tunes. No verdict rests on it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasketch  # type: ignore[import-untyped, unused-ignore]
import pytest

import pytest_ftcheck.models.endpoint
import pytest_ftcheck.reports.html_page  # noqa: F401
from pytest_ftcheck.cli import main
from pytest_ftcheck.models.loading import Weights
from pytest_ftcheck.reports.markdown import run_markdown
from pytest_ftcheck.reports.reading import run_of
from pytest_ftcheck.store import Store
from tests.plugin.conftest import Suite
from tests.support.browsers import chromium, showing
from tests.support.projects import Project, questions

assert datasketch  # An in-process run forgets the modules it imports, and numpy cannot be imported twice.

N, LEAKED, SILENT = 40, 2, 5
ENGINE = '''

class Third(Engine):
    """Judges too; on request the third model cannot be opened, or does not answer some questions."""

    def __init__(self, specs, options, report):
        if "also" in specs and os.environ.get("THIRD") == "absent":
            raise EngineError("no memory for a third")
        super().__init__(specs, options, report)

    def say(self, request, prompt):
        if request.role == "judge":
            both = "[BEGIN ANSWER B" in prompt
            score = 5 if re.search(r"answer: yes", prompt) else 2
            return Answer(json.dumps({"reasons": "seen", **({"better": "tie"} if both else {"score": score})}))
        if request.role == "also" and os.environ.get("THIRD") == "silent" and request.case in SILENT:
            return Failure(reason="it is asleep")
        table = self.tables[request.role]
        return Answer(table.get(f"{prompt} #{request.sample}", table.get(prompt, table["*"])))
'''
SUITE = """
import json
from pathlib import Path

from pytest_ftcheck import *

LABELS = [{"id": f"l{n}", "input": f"label {n}", "expected": "ab"[n % 2]} for n in range(30)]
DRAWS = [{"id": f"d{n}", "input": f"draw {n}", "expected": "yes"} for n in range(20)]
TALKS = [{"id": f"t{n}", "input": ["hello", f"question {n}"], "expected": "yes"} for n in range(6)]
ESSAYS = [{"id": f"e{n}", "input": f"essay {n}", "expected": "yes"} for n in range(20)]

@eval_cases("cases.jsonl", grader=exact_match(), tags=["lang"])
def test_intent(case, answer): ...

@eval_cases(LABELS, grader=f1(["a", "b"], positive="a"))
def test_labels(case, answer): ...

@eval_cases(DRAWS, grader=exact_match(), samples=2)
def test_draws(case, answer): ...

@eval_cases(TALKS, grader=exact_match())
def test_talk(case, answer): ...

@eval_cases(ESSAYS, grader=[pairwise("Which is yes?"), rubric("Is it yes?")])
def test_essays(case, answer): ...

@gate(test_intent)
def test_improves(comparison):
    assert_improves(comparison, per="lang")

@gate(test_intent)
def test_floor(comparison):
    assert_at_least(comparison, floor=0.5)

@gate(test_intent)
def test_never(comparison):
    assert_never(comparison, more_than=0.5, event=lambda case, answer: answer == "no")

@gate(test_labels)
def test_labels_kept(comparison):
    assert_no_worse(comparison, margin=0.1)

@gate(test_draws)
def test_draws_kept(comparison):
    assert_no_worse(comparison, margin=0.1)

@gate(test_essays)
def test_essays_by_rubric(comparison):
    assert_no_worse(comparison, margin=0.4, metric="rubric")

@gate(test_essays)
def test_essays_preferred(comparison):
    assert_no_worse(comparison, margin=0.4)

@gate(test_intent, test_essays)
def test_told(comparisons):
    intent, essays = comparisons
    told = [intent.also, intent.by("lang")["de"].also, essays.also, essays.on("rubric").also]
    Path("told.json").write_text(json.dumps(told))
    assert_improves(intent)
"""
ALSO = "--also=original.json"
ASKED = (
    "--ft-judge=judge.json",
    "--ft-base-system=Be brief.",
    "--ft-train-data=train.jsonl",
    "--ft-frozen",
    "--ft-items=eval",
)


def answers(right: int, labels: int, draws: int) -> dict[str, str]:
    """A model that is right in the first so many questions, labels and draws."""
    said = {f"question {n}": "yes" for n in range(right)}
    said |= {f"essay {n}": "answer: yes" for n in range(right // 2)}
    said |= {f"label {n}": "ab"[(n % 2) ^ (n >= labels)] for n in range(30)}
    said |= {f"draw {n} #{sample}": "yes" for n in range(20) for sample in range(2) if 2 * n + sample < draws}
    return {"*": "no", **said}


@dataclass(frozen=True)
class Found:
    """What one run left: its document, what it printed, what was asked."""

    document: dict[str, Any]
    text: str
    status: int
    asked: list[dict[str, Any]]
    told: list[float | None]

    def gate(self, name: str) -> dict[str, Any]:
        """A gate of the run."""
        return next(dict(gate) for gate in self.document["gates"] if gate["name"] == name)

    def eval(self, name: str) -> dict[str, Any]:
        """An eval of the run."""
        return next(dict(one) for one in self.document["evals"] if one["name"] == name)


@dataclass(frozen=True)
class Shared(Project):
    """A project in a folder that all tests of this file share, with what its runs left."""

    folder: Path
    runs: dict[str, Found]

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder

    def make(self, name: str, *options: str) -> None:
        """Make a run, and keep what it left."""
        self.asked()
        result = self.run(*ASKED, *options, engine="Third")
        told = json.loads((self.path / "told.json").read_text())
        self.runs[name] = Found(self.document(), result.stdout.str(), int(result.ret), self.asked(), told)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared folder."""
    return tmp_path_factory.mktemp("also")


@pytest.fixture(scope="module")
def kept() -> dict[str, Found]:
    """What the runs left."""
    return {}


@pytest.fixture
def runs(
    pytester: pytest.Pytester, folder: Path, kept: dict[str, Found], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Found]:
    """Every run, made once: alone, with a third model that fails, with one that answers, and the oracles.

    All have one store, so that a failing third model comes before one that answers.
    """
    if not kept:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "120")
        project = Shared(pytester, folder, kept)
        write(project)
        assert main(["freeze"]) == 0
        project.make("alone")
        for name in ("absent", "silent"):
            monkeypatch.setenv("THIRD", name)
            project.make(name, ALSO)
        monkeypatch.setenv("THIRD", "")
        project.make("beside", ALSO, "--ft-report=page.html", "--junit-xml=junit.xml")
        as_ft = ("--ft-model=original.json", "--ft-system=Be brief.")
        project.make("as base", "--base-model=original.json", "-k", "improves or kept or rubric or talk")
        project.make("as ft", *as_ft, "-k", "floor or never")
    return kept


def write(project: Project) -> None:
    """Write the project: base is right in 24 of 40 questions, ft in 36, the original base in 9."""
    rows = [{**row, "lang": "de" if n % 2 else "en"} for n, row in enumerate(questions(N))]
    project.write(rows, base=answers(24, 24, 20), ft=answers(36, 28, 36), arguments="", body="")
    project.model("original", answers(9, 18, 8))
    project.model("judge", {})
    (project.path / "own_engine.py").write_text(
        (project.path / "own_engine.py").read_text().replace("import Answer", "import Answer, Failure")
        + f"\nimport re\n\nSILENT = {[f'c{n}' for n in range(SILENT)]}\n"
        + ENGINE
    )
    (project.path / "test_suite.py").write_text(SUITE)
    leaked = [{"prompt": f"question {N - 1 - n}", "completion": "yes"} for n in range(LEAKED)]
    (project.path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in leaked))


def without_third(value: Any) -> Any:
    """Return a document without what it says of the third model."""
    if isinstance(value, list):
        return [without_third(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: without_third(each) for name, each in value.items() if not name.startswith("also")}


@pytest.mark.parametrize("name", ["beside", "absent", "silent"])
def test_verdicts_are_the_same_to_the_bit(runs: dict[str, Found], name: str) -> None:
    """With the third model, without it, and whatever befalls it, gates, evals, cases and exit status are the same."""
    alone, found = runs["alone"], runs[name]
    for part in ("gates", "evals", "registration"):
        assert without_third(found.document[part]) == without_third(alone.document[part])
    assert found.status == alone.status


def test_without_it_nothing_is_said_of_it(runs: dict[str, Found]) -> None:
    """A run without --also has no third score anywhere, and None in the JSON."""
    alone = runs["alone"]
    assert "also" not in alone.text.partition("fine-tune verdict")[2]
    assert {gate["also"] for gate in alone.document["gates"]} == {None}
    assert {case["also"] for one in alone.document["evals"] for case in one["cases"]} == {None}


def test_its_figures_are_those_that_it_would_have_as_base(runs: dict[str, Found]) -> None:
    """Score, delta and interval are those of a run with the third model as base; of claims about ft alone, as ft."""
    beside, as_base, as_ft = runs["beside"], runs["as base"], runs["as ft"]
    pairs = {"score": "base", "delta": "delta", "gained": "gained", "lost": "lost"}
    common = ("low", "high", "level", "n")
    for gate in ("test_improves", "test_labels_kept", "test_draws_kept", "test_essays_by_rubric"):
        also, oracle = beside.gate(gate)["also"], as_base.gate(gate)
        assert {name: also[name] for name in (*pairs, *common)} == {
            **{name: oracle[other] for name, other in pairs.items()},
            **{name: oracle[name] for name in common},
        }, gate
    for gate in ("test_floor", "test_never"):
        also, oracle = beside.gate(gate)["also"], as_ft.gate(gate)
        assert [also[name] for name in ("score", "delta", *common)] == [
            oracle["ft"],
            None,
            *(oracle[name] for name in common),
        ], gate
    assert beside.eval("test_talk")["also"]["score"] == as_base.eval("test_talk")["base"] == 1.0


def test_a_metric_that_compares_base_with_ft_leaves_it_out(runs: dict[str, Found]) -> None:
    """pairwise() has no score for it and says so; rubric() has."""
    beside = runs["beside"]
    also = beside.gate("test_essays_preferred")["also"]
    assert (also["score"], also["reason"]) == (None, "pairwise compares base and ft alone")
    assert {tuple(case["also"]["grades"]) for case in beside.eval("test_essays")["cases"]} == {("rubric",)}


def test_users_have_its_score(runs: dict[str, Found]) -> None:
    """comparison.also is the score, of slices and other metrics too, and None where there is none."""
    beside = runs["beside"]
    intent, german, essays, rubric = beside.told
    scores = [case["also_score"] for case in beside.eval("test_intent")["cases"] if case["tags"]["lang"] == "de"]
    assert (intent, german, essays) == (9 / (N - LEAKED), sum(scores) / len(scores), None)
    assert rubric == beside.gate("test_essays_by_rubric")["also"]["score"]
    assert runs["silent"].told[0] is None


def test_it_is_asked_once_as_base_is(runs: dict[str, Found]) -> None:
    """Each sample and turn of each judged case once, with base's prompt; leaked cases not at all."""

    def of(role: str) -> list[str]:
        asked = [*runs["alone"].asked, *runs["silent"].asked, *runs["beside"].asked]
        told = [[note["case"], note["sample"], note["messages"][0], len(note["messages"])] for note in asked]
        return sorted(json.dumps(one) for one, note in zip(told, asked, strict=True) if note["role"] == role)

    silent = [note["case"] for note in runs["beside"].asked]
    assert silent == [f"c{n}" for n in range(SILENT)]
    assert sorted([*of("base"), *(one for one in of("base") if json.loads(one)[0] in silent)]) == of("also")
    assert "Be brief." in of("also")[0]


def test_what_it_lacks_is_one_notice(runs: dict[str, Found]) -> None:
    """A third model that cannot be opened, or does not answer, is a line; its cases say so, and no gate errs."""
    for name, reason in (("absent", "no memory for a third"), ("silent", "it is asleep")):
        (told,) = [notice for notice in runs[name].document["notices"] if "--also" in notice]
        assert reason in told
        assert "no verdict rests on it" in told
        case = runs[name].eval("test_intent")["cases"][0]
        assert (case["also"]["answers"][0]["failure"], case["also_score"]) == (reason, None)
    assert runs["absent"].gate("test_improves")["also"]["reason"] == "no answer"
    also = runs["silent"].gate("test_improves")["also"]
    assert (also["n"], also["missing"]) == (N - LEAKED - SILENT, SILENT)
    assert also["score"] == (9 - SILENT) / (N - LEAKED - SILENT)


def test_a_server_that_is_gone_is_a_notice(suite: Suite) -> None:
    """A third model that cannot be reached leaves the run as it is, with one line."""
    suite.write((10, 10, 0, 0))
    assert suite.run("--also=http://127.0.0.1:9/v1#original", "--ft-retries=0").ret == 0
    (told,) = suite.document()["notices"]
    assert told.startswith("--also=http://127.0.0.1:9/v1#original lacks an answer or a grade in 20 of 20 cases: ")


def test_the_same_model_again_is_said_and_not_asked(suite: Suite) -> None:
    """A third model that is base answers nothing again, and a notice says that it is."""
    suite.write((10, 10, 0, 0))
    suite.run("--also=base.jsonl")
    assert suite.document()["counts"]["answered"] == 2 * 20
    assert suite.document()["notices"] == ["--also is the same model as base"]


def test_a_wrong_source_is_a_usage_error(suite: Suite) -> None:
    """A folder that is not there is said before the run, with what is allowed, and nothing is answered."""
    suite.write((10, 10, 0, 0))
    result = suite.run("--also=./orignal")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --also: no such checkpoint: './orignal'*allowed: a folder*"])
    assert suite.document()["counts"]["answered"] == 0


def test_it_stands_below_each_gate(runs: dict[str, Found], folder: Path) -> None:
    """The terminal and Markdown show its score, ft minus it with the interval, and that it is not judged."""
    beside = runs["beside"]
    assert re.search(r"^also +original\.json", beside.text, re.MULTILINE)
    assert re.search(r"^  also 23\.7 % +\+71\.1 \[\+57\.\d, \+81\.\d\] .*27 / 0 of 38 +not judged$", beside.text, re.M)
    assert "also: the third model, and ft minus it, not judged" in " ".join(beside.text.split())
    markdown = run_markdown(run_of(beside.document))
    assert "| ↳ `also 23.7 %` |  |  | +71.1 |" in markdown


def test_files_hold_it(runs: dict[str, Found], folder: Path) -> None:
    """JUnit properties and the ledger hold its score; the models' block holds what it is."""
    beside = runs["beside"]
    junit = (folder / "junit.xml").read_text()
    assert 'name="ftcheck.also" value="0.236842"' in junit
    assert [model["role"] for model in beside.document["models"]] == ["base", "ft", "also", "judge"]
    with Store(folder / ".ftcheck") as store:
        facts = next(one.facts for one in store.runs() if one.id == beside.document["id"])
    assert facts["models"]["also"] == beside.document["models"][2]["fingerprint"]
    assert facts["evals"]["test_suite.py::test_intent"]["also"]["score"] == 9 / (N - LEAKED)


def test_the_page_shows_its_answers(runs: dict[str, Found], folder: Path) -> None:
    """The page has its row and whisker, its answer and grade beside the other two, and axe finds nothing."""
    at = [gate["name"] for gate in runs["beside"].document["gates"]].index("test_improves")
    with chromium() as browser, showing(browser, folder / "page.html") as shown:
        shown.wait()
        row = shown.page.locator(f"#gate-{at} + tr.row-also")
        assert "not judged" in row.inner_text()
        assert row.locator("circle.dot").count() == 1
        assert (row.locator("data").first.get_attribute("data-path") or "").endswith("/also/score")
        shown.page.fill("#f-text", "question 12")
        shown.page.locator("#list summary", has_text="question 12").first.click()
        halves = shown.page.locator("#list .pair > div").all_inner_texts()
        assert [half.split("\n")[0] for half in halves] == ["base", "ft", "also"]
        assert "exact_match: wrong" in halves[2]
        assert shown.errors == []
        assert shown.violations() == []
        shown.page.set_viewport_size({"width": 360, "height": 800})
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_workers_and_a_second_run_say_the_same(suite: Suite) -> None:
    """Two workers find what one process finds, and a second run answers nothing again."""
    suite.write((10, 12, 2, 6))
    third = [{"case": f"c{n}", "answer": "yes" if n < 5 else "no"} for n in range(29)]
    (suite.pytester.path / "third.jsonl").write_text("".join(json.dumps(row) + "\n" for row in third))
    suite.run("--also=third.jsonl", "-n", "2", "--ft-store=shared")
    workers = suite.document()
    suite.run("--also=third.jsonl", "--ft-store=shared")
    again = suite.document()
    assert workers["counts"]["answered"] == 30 + 30 + 29
    assert again["counts"]["answered"] == 0
    for part in ("gates", "evals", "models"):
        assert workers[part] == again[part]
    assert [sorted(document["notices"]) for document in (workers, again)] == [sorted(again["notices"])] * 2
    assert sum("--also=" in notice for notice in workers["notices"]) == 1


def test_one_load_serves_it_beside_an_adapter(project: Project, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The challenger's own base is answered on the load that its adapter stands on: two loads for three models."""
    loads: list[str] = []
    load = Weights.__init__

    def counted(self: Weights, spec: object, options: object, **more: object) -> None:
        loads.append(Path(spec.path).name)  # type: ignore[attr-defined]
        load(self, spec, options, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Weights, "__init__", counted)
    project.write(questions(6), base={}, ft={}, arguments="grader=exact_match(), max_new_tokens=8")
    project.run_checkpoints(tiny / "adapter", tiny / "other", f"--also={tiny / 'base'}", "-k", "test_intent")
    assert loads == ["other", "base"]
    (one,) = project.document()["evals"]
    assert all(case["also"]["answers"][0]["finish_reason"] for case in one["cases"])
    assert [model["kind"] for model in project.document()["models"]] == ["checkpoint", "adapter", "checkpoint"]
