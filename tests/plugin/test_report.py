"""--ft-report: the page of a whole run, equal to the JSON's, and never the reason for another exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

# An in-process run forgets the modules that it imported.
import pytest_ftcheck.reports.html_page  # noqa: F401
from pytest_ftcheck.cli import main
from pytest_ftcheck.reports.document import SCHEMA_FILE
from tests.plugin.test_hostile_answers import HOSTILE
from tests.plugin.test_json import valid
from tests.support.projects import Project, questions


def page_of(project: Project, name: str = "report.html") -> str:
    """A report's text."""
    return (project.path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("args", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["plain", "xdist"])
def test_the_page_is_that_of_the_json(
    project: Project, args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """`ftcheck report run.json` makes the very page that the run made, with every case, also under xdist."""
    rows = [{**row, "lang": "ab"[number % 2]} for number, row in enumerate(questions(40))]
    project.write(rows, base={"*": "no"}, ft={"*": "yes"}, arguments="grader=exact_match(), tags=('lang',)")
    result = project.run("--ft-report=report.html", *args)
    assert result.ret == 0
    document = project.document()
    valid(document)
    (one,) = document["evals"]
    assert ([case["id"] for case in one["cases"]], one["cases_left_out"]) == ([row["id"] for row in rows], 0)
    assert {case["outcome"] for case in one["cases"]} == {"win"}
    assert [(part["value"], part["n"], part["delta"]) for part in one["slices"]] == [("a", 20, 1.0), ("b", 20, 1.0)]
    assert main(["report", str(project.path / "run.json"), "-o", str(project.path / "again.html")]) == 0
    assert page_of(project, "again.html") == page_of(project)
    assert capsys.readouterr().out.strip().endswith("again.html")


def test_a_graded_eval_has_its_distributions(project: Project) -> None:
    """Scores between right and wrong, and lengths of answers, are counted over all cases for each role."""
    project.write(questions(12), base={"*": "no"}, ft={"*": "yes and more"}, arguments="grader=exact_match()")
    project.run()
    (lengths,) = project.document()["evals"][0]["histograms"]
    assert (lengths["name"], lengths["edges"]) == ("length", [2.0, 5.0, 10.0, 20.0])
    assert (lengths["base"], lengths["ft"]) == ([12, 0, 0], [0, 0, 12])


@pytest.mark.parametrize(
    "place", ["taken", "taken/report.html", "/dev/full"], ids=["a folder", "below a file", "full disk"]
)
def test_a_page_that_cannot_be_written_is_one_warning(project: Project, place: str) -> None:
    """Verdict and exit status stand where the page cannot be written, and one line says why."""
    project.write_win(12)
    if place == "taken":
        (project.path / "taken").mkdir()
        (project.path / "taken" / "file").write_text("mine")
    elif place != "/dev/full":
        (project.path / "taken").write_text("mine")
    result = project.run(f"--ft-report={place}")
    assert result.ret == 0
    (warning,) = [line for line in result.outlines if line.startswith("warning:")]
    assert "HTML report" in warning
    assert "cannot be written" in warning
    assert any("the win" in line for line in result.outlines)
    valid(project.document())


def test_a_failed_gate_stays_failed_without_its_page(project: Project) -> None:
    """An unwritable page hides no red gate."""
    project.write(questions(12), base={"*": "yes"}, ft={"*": "no"})
    (project.path / "taken").write_text("mine")
    assert project.run("--ft-report=taken/report.html").ret == 1


def test_a_run_whose_engine_fell_has_a_page(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be judged is said on top."""
    project.write_win(12)
    monkeypatch.setenv("ENGINE_IS_BROKEN", "1")
    assert project.run("--ft-report=report.html").ret == 1
    assert "<h1>Could not be judged</h1>" in page_of(project)


def test_hostile_answers_are_data(project: Project) -> None:
    """What models said stands nowhere in the page's markup: only in its data, escaped."""
    project.write(questions(20), base={"*": "yes"}, ft={"*": "yes", **HOSTILE, "question 9": "</script><b>owned</b>"})
    project.run("--ft-report=report.html")
    page = page_of(project)
    markup = re.sub(r'<script type="application/json" id="data">[^<]*</script>', "", page)
    assert page.count("<script") == 2
    assert "owned" not in markup
    assert "\\u003c/script\\u003e\\u003cb\\u003eowned" in page


def test_a_file_that_is_no_run_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 2 and names the file."""
    assert main(["report", str(SCHEMA_FILE), "-o", str(tmp_path / "x.html")]) == 2
    assert "run.schema.json: schema_version is None" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_an_output_the_page_stands_beside_its_file(project: Project) -> None:
    """run.json becomes run.html."""
    project.write_win(12)
    project.run()
    assert main(["report", str(project.path / "run.json")]) == 0
    assert "<h1>Every gate passed</h1>" in page_of(project, "run.html")


def test_the_log_of_the_training_stands_in_page_and_json(project: Project) -> None:
    """A trainer_state.json in the fine-tune's folder is shown with its pattern, without being asked for."""
    project.write_win(12)
    folder = project.path / "ckpt"
    folder.mkdir()
    state = {"log_history": [{"step": 10 * n, "loss": 2.0 / n} for n in range(1, 8)]}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    engine = project.path / "own_engine.py"
    engine.write_text(engine.read_text().replace("Path(spec.path).read_text()", "Path('ft.json').read_text()"))
    project.run("--ft-model=ckpt", "--ft-report=report.html")
    found = project.document()["training"]
    assert [step for step, _ in found["training"]] == [10 * n for n in range(1, 8)]
    assert re.search(r'id="h-training">[^<]*training</h2>', page_of(project), re.IGNORECASE)
    assert "<polyline" in page_of(project)
