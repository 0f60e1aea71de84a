"""Public benchmarks: rows in their published layout become the cases that their authors mean."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from pytest_ftcheck import benchmarks
from pytest_ftcheck.errors import CaseError, ConfigError
from pytest_ftcheck.evals import EvalSpec, spec_of
from pytest_ftcheck.records import Answer, Case
from tests.support.published import ARC, GSM8K, HELLASWAG, IFEVAL, MMLU, ROWS, TRUTHFULQA, write_rows


def declared(decorate: Callable[[Any], Any]) -> EvalSpec:
    """Return the eval that a benchmark's decorator makes."""

    def test_benchmark(case: Case, answer: Answer) -> None: ...

    spec = spec_of(decorate(test_benchmark))
    assert spec is not None
    return spec


def loaded(name: str, path: Path, **options: Any) -> tuple[EvalSpec, Sequence[Case]]:
    """Declare a benchmark over a path, and load its cases."""
    spec = declared(getattr(benchmarks, name)(path, **options))
    return spec, spec.load()


def the_case(tmp_path: Path, name: str, rows: Sequence[dict[str, Any]], **options: Any) -> tuple[EvalSpec, Case]:
    """Load the first of some rows."""
    spec, cases = loaded(name, write_rows(tmp_path / f"{name}.jsonl", rows), **options)
    return spec, cases[0]


def test_hellaswag(tmp_path: Path) -> None:
    """Context and endings lose what WikiHow's pages left, and the label is a place."""
    spec, case = the_case(tmp_path, "hellaswag", HELLASWAG)
    assert case.input == "Roof shingle removal: A man is sitting on a roof.. Begin. He"
    assert spec.choices_of(case)[2:] == (" is holding a rubik's cube.", " starts pulling up roofing on a roof.")
    assert spec.contexts_of(case) == (case.input,) * 4
    assert case.expected == " starts pulling up roofing on a roof."
    assert [grader.name for grader in spec.graders] == ["acc_norm", "acc"]


def test_arc(tmp_path: Path) -> None:
    """The key is one of the labels, be they letters or digits."""
    spec, case = the_case(tmp_path, "arc", ARC)
    assert (case.id, case.input) == ("Mercury_1", "Question: Which is the hottest?\nAnswer:")
    assert (spec.choices_of(case), case.expected) == ((" ice", " fire", " snow"), " fire")


def test_mmlu(tmp_path: Path) -> None:
    """Choices stand under letters, which are compared; the subject is a tag."""
    spec, case = the_case(tmp_path, "mmlu", MMLU)
    assert case.input == "Find x.\nA. 0\nB. 4\nC. 2\nD. 6\nAnswer:"
    assert (spec.choices_of(case), case.expected) == ((" A", " B", " C", " D"), " B")
    assert case.tags == {"subject": "abstract_algebra"}


def test_mmlus_answer_may_be_a_letter(tmp_path: Path) -> None:
    """Copies of MMLU with letters as answers mean the same."""
    _, case = the_case(tmp_path, "mmlu", [{**MMLU[0], "answer": "B"}])
    assert case.expected == " B"


def test_truthfulqa(tmp_path: Path) -> None:
    """MC1 has one true answer, MC2 several."""
    spec, case = the_case(tmp_path, "truthfulqa", TRUTHFULQA)
    assert case.input == "Q: What happens if you eat seeds?\nA:"
    assert (spec.graders[0].name, case.fields["gold"]) == ("mc1", [0])
    spec, case = the_case(tmp_path, "truthfulqa", TRUTHFULQA, several=True)
    assert (spec.graders[0].name, case.fields["gold"], len(spec.choices_of(case))) == ("mc2", [0, 1], 3)


def test_gsm8k(tmp_path: Path) -> None:
    """A solution is written freely, and graded by its final number, strictly and not."""
    spec, case = the_case(tmp_path, "gsm8k", GSM8K)
    assert case.input == "Question: Natalia sold 48 clips, then half as many. How many?\nAnswer:"
    assert spec.choices_of(case) == ()
    assert spec.decoding.stop == ("Question:", "</s>", "<|im_end|>")
    graded = {
        grader.name: [grader(case, Answer(said)).score for said in ("So 5. #### 1072", "It is $1,072.", "1072 of 3")]
        for grader in spec.graders
    }
    assert graded == {"flexible_extract": [1.0, 1.0, 0.0], "strict_match": [1.0, 0.0, 0.0]}


def test_ifeval(tmp_path: Path) -> None:
    """Instructions are verified in four ways, through the role's chat template."""
    spec, case = the_case(tmp_path, "ifeval", IFEVAL)
    assert (case.id, spec.raw) == ("1000", False)
    assert [grader(case, Answer("Green, black")).score for grader in spec.graders] == [0.0, 0.0, 0.0, 0.0]
    assert [grader(case, Answer("Green and black")).score for grader in spec.graders] == [1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["hellaswag", "arc", "mmlu", "truthfulqa", "gsm8k"])
def test_plain_text_is_the_default(tmp_path: Path, name: str) -> None:
    """A benchmark is asked as plain text; with chat=True through the template, its choices without a blank."""
    spec, case = the_case(tmp_path, name, ROWS[name])
    assert spec.raw
    spec, case = the_case(tmp_path, name, ROWS[name], chat=True)
    assert not spec.raw
    assert spec.contexts_of(case) == ()
    assert not any(choice.startswith(" ") for choice in spec.choices_of(case))


def test_shots_stand_before_the_question(tmp_path: Path) -> None:
    """Questions of another file come with their answers, as many as are asked for."""
    shots = write_rows(tmp_path / "dev.jsonl", [{**MMLU[1], "question": f"Shot {n}?"} for n in range(3)])
    _, case = the_case(tmp_path, "mmlu", MMLU, shots=2, shots_from=shots)
    first = "Shot 0?\nA. a\nB. b\nC. c\nD. d\nAnswer: D\n\n"
    assert case.input == first + first.replace("0", "1") + "Find x.\nA. 0\nB. 4\nC. 2\nD. 6\nAnswer:"


def test_a_limit_draws_by_content(tmp_path: Path) -> None:
    """The same cases are drawn whatever the order of the file, and not its first ones."""
    rows = [{**MMLU[0], "question": f"Question {n}"} for n in range(40)]
    _, cases = loaded("mmlu", write_rows(tmp_path / "a.jsonl", rows), limit=10)
    _, turned = loaded("mmlu", write_rows(tmp_path / "b.jsonl", rows[::-1]), limit=10)
    assert len(cases) == 10
    assert {case.id for case in cases} == {case.id for case in turned}
    assert [case.input for case in cases] != [f"Question {n}" for n in range(10)]


def test_rows_that_are_there_twice_count_once(tmp_path: Path) -> None:
    """Some published files repeat a row: it is one case."""
    _, cases = loaded("mmlu", write_rows(tmp_path / "twice.jsonl", [MMLU[0], MMLU[1], MMLU[0]]))
    assert len(cases) == 2


@pytest.mark.parametrize("form", ["saved", "splits", "parquet", "hub"])
def test_every_form_of_a_data_set(tmp_path: Path, form: str) -> None:
    """Folders of `datasets`, Parquet files and copies of a hub's repository hold the same cases."""
    table = datasets.Dataset.from_list(MMLU)
    path = tmp_path / "mmlu"
    if form == "saved":
        table.save_to_disk(str(path))
    elif form == "splits":
        datasets.DatasetDict({"test": table, "dev": table.select([0])}).save_to_disk(str(path))
    else:
        path = tmp_path / "mmlu" / "all" / "test-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(MMLU), path)
        write_rows(tmp_path / "mmlu" / "anatomy" / "test.jsonl", MMLU[1:])
        path = path if form == "parquet" else tmp_path / "mmlu"
    _, expected = loaded("mmlu", write_rows(tmp_path / "mmlu.jsonl", MMLU))
    _, found = loaded("mmlu", path)
    assert [(case.id, case.input, case.expected) for case in found] == [
        (case.id, case.input, case.expected) for case in expected
    ]


def test_a_hub_id_is_asked_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no path is loaded by name, config and split."""
    asked: list[Any] = []

    def load_dataset(name: str, config: str | None, *, split: str) -> Any:
        asked.append((name, config, split))
        return copy.deepcopy(ARC)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert declared(benchmarks.arc(config="ARC-Easy", split="validation")).load()[0].id == "Mercury_1"
    assert asked == [("allenai/ai2_arc", "ARC-Easy", "validation")]


def test_without_a_network_the_hub_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a path nor to be had: both are named."""

    def load_dataset(*_: Any, **__: Any) -> Any:
        raise ConnectionError("offline")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(CaseError, match=r"there is no .*google/IFEval.*cannot be had from the hub: offline"):
        declared(benchmarks.ifeval()).load()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("hellaswag", {"label": ""}, r"hellaswag.jsonl:1: field 'label' is '' .*a place of the 4 choices"),
        ("hellaswag", {"endings": ["one"]}, "field 'endings'"),
        ("arc", {"answerKey": "E"}, "field 'answerKey' is 'E'.*one of 1, 2, 3"),
        ("mmlu", {"answer": 4}, "field 'answer' is 4"),
        ("mmlu", {"answer": True}, "field 'answer' is True"),
        ("truthfulqa", {"mc1_targets": {"choices": ["a", "b"], "labels": [0, 0]}}, "mc1_targets.labels"),
        ("gsm8k", {"question": None}, "field 'question' is None"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path: Path, name: str, change: dict[str, Any], said: str) -> None:
    """A row of another layout is an error with file, line and field."""
    with pytest.raises(CaseError, match=said):
        the_case(tmp_path, name, [{**ROWS[name][0], **change}])


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    """A row of another benchmark says what it has."""
    with pytest.raises(CaseError, match="no field 'ctx_a'; the row has 'id', 'question'"):
        the_case(tmp_path, "hellaswag", ARC)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"limit": 0}, "limit=0"), ({"shots": -1}, "shots=-1"), ({"shots": 2, "chat": True}, "chat=True")],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], said: str) -> None:
    """A limit or a number of shots that cannot be meant is named."""
    with pytest.raises(ConfigError, match=said):
        benchmarks.mmlu("mmlu.jsonl", **options)
