"""Broken exams: cases, graders, settings, stores and recorded answers that went wrong; the fine-tune is a good one."""

from __future__ import annotations

import csv
import os
import random
from pathlib import Path

import numpy as np

from benchmarks.seeded_faults.exam import Exam
from benchmarks.seeded_faults.fault import fault

CHECKPOINTS_MET = 11
CUT = 24
"""Characters that are left of a prompt."""

COPYING_KEPT = "def test_copying_kept(comparison):\n    assert_no_worse(comparison, margin={})"


@fault("labels", "A spreadsheet was sorted by one column only.")
def labels_shuffled(exam: Exam) -> None:
    """The expected answers of `intent` are shuffled among its cases."""
    rows = exam.rows("intent")
    labels = [row["expected"] for row in rows]
    random.Random(0).shuffle(labels)
    exam.write("intent", [{**row, "expected": label} for row, label in zip(rows, labels, strict=True)])


@fault("labels", "A header was skipped in one of two files that were joined.")
def labels_off_by_one(exam: Exam) -> None:
    """Each case of `copying` expects what the next one asks for."""
    rows = exam.rows("copying")
    moved = [*rows[1:], rows[0]]
    exam.write("copying", [{**row, "expected": other["expected"]} for row, other in zip(rows, moved, strict=True)])


@fault("labels", "Tired annotators.")
def labels_wrong_in_places(exam: Exam) -> None:
    """Every tenth case of `translation` expects another case's answer."""
    rows = exam.rows("translation")
    exam.write(
        "translation",
        [row if number % 10 else {**row, "expected": rows[number - 1]["expected"]} for number, row in enumerate(rows)],
    )


@fault("labels", "An export lost a column, and filled it up with nothing.")
def labels_empty(exam: Exam) -> None:
    """All cases of `prose` expect the empty text, which stands in every answer."""
    exam.write("prose", [{**row, "expected": ""} for row in exam.rows("prose")])


@fault("labels", "Cases were drawn from one day's messages.")
def one_label_only(exam: Exam) -> None:
    """In 20 of 21 cases of `intent` the label is `shipping`, as all models would say of them."""
    rows = exam.rows("intent")
    text = "Classify: where is my parcel, order {}?"
    exam.write(
        "intent",
        [
            row if number % 21 == 0 else {**row, "prompt": text.format(1000 + number), "expected": "shipping"}
            for number, row in enumerate(rows)
        ],
    )


@fault("cases", "Three exports of overlapping weeks are joined.")
def cases_three_times(exam: Exam) -> None:
    """`copying` has 20 cases, each three times under another id: too few, made to look enough."""
    rows = exam.rows("copying")[:20]
    exam.write("copying", [{**row, "id": f"{row['id']}-{copy}"} for copy in range(3) for row in rows])


@fault("cases", "Two files are joined that both count from 1.")
def ids_twice(exam: Exam) -> None:
    """The second half of `copying` has the ids of the first half."""
    rows = exam.rows("copying")
    exam.write("copying", [{**row, "id": rows[number % 30]["id"]} for number, row in enumerate(rows)])


@fault("cases", "The first version of an exam.")
def too_few_cases(exam: Exam) -> None:
    """`translation` has 30 cases for a margin of five points."""
    exam.write("translation", exam.rows("translation")[:30])


@fault("cases", "A database column has a width.")
def prompts_cut(exam: Exam) -> None:
    """All prompts of `intent` end after 24 characters."""
    exam.write("intent", [{**row, "prompt": row["prompt"][:CUT]} for row in exam.rows("intent")])


@fault("cases", "A database column has a width.")
def harmful_prompts_cut(exam: Exam) -> None:
    """All prompts of `unsafe` end after 24 characters: what is refused may be no request any more."""
    exam.write("unsafe", [{**row, "prompt": row["prompt"][:CUT]} for row in exam.rows("unsafe")])


@fault("cases", "The exporter joined question and answer.")
def answers_in_prompts(exam: Exam) -> None:
    """Each prompt of `intent` ends with its expected answer."""
    exam.write("intent", [{**row, "prompt": f"{row['prompt']} {row['expected']}"} for row in exam.rows("intent")])


@fault("cases", "The file went through a spreadsheet, and came back as CSV in the system's encoding.")
def cases_in_another_encoding(exam: Exam) -> None:
    """`translation` is a CSV file in cp1252."""
    rows = exam.rows("translation")
    with (exam.folder / "data" / "translation.csv").open("w", encoding="cp1252", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    exam.edit(exam.tests, "data/translation.jsonl", "data/translation.csv")


@fault("cases", "The file went through a spreadsheet, and came back as CSV that is right: no fault.", harmful=False)
def cases_as_csv(exam: Exam) -> None:
    """`translation` is a CSV file in UTF-8 with a byte-order mark, all fields quoted."""
    rows = exam.rows("translation")
    with (exam.folder / "data" / "translation.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    exam.edit(exam.tests, "data/translation.jsonl", "data/translation.csv")


@fault("cases", "UTF-8 was read as Latin-1, and written again.")
def cases_garbled(exam: Exam) -> None:
    """The umlauts of `translation` are two odd characters each, in prompts and expected answers."""
    rows = exam.rows("translation")
    exam.write(
        "translation",
        [{**row, **{name: _garbled(row[name]) for name in ("prompt", "expected")}} for row in rows],
    )


def _garbled(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


@fault("cases", "One customer pasted a whole mailbox.")
def one_prompt_too_long(exam: Exam) -> None:
    """A prompt of `intent` is longer than the models' context."""
    rows = exam.rows("intent")
    rows[5]["prompt"] += " and it is still not here" * 200
    exam.write("intent", rows)


@fault("grader", "`assert` was forgotten.")
def grader_without_assert(exam: Exam) -> None:
    """The body of `prose` compares, and asserts nothing: every answer is right."""
    exam.edit(exam.tests, '    assert answer.rstrip().endswith("."), "not a whole sentence"\n', "")
    exam.edit(
        exam.tests, 'assert case.expected in answer, "does not say what it is made of"', "case.expected in answer"
    )


@fault("grader", "A name was completed wrongly.")
def grader_of_the_prompt(exam: Exam) -> None:
    """The body of `prose` looks at the case's prompt in place of the answer."""
    exam.edit(exam.tests, 'assert answer.rstrip().endswith("."), "not a whole sentence"', "assert case.input")
    exam.edit(exam.tests, 'assert case.expected in answer, "does not say what it is made of"', "assert case.id")


@fault("grader", "The expected answers are sentences now, and the grader still looks for a word.")
def grader_that_no_answer_pleases(exam: Exam) -> None:
    """The body of `prose` asks for a text that no answer has: every answer of both roles is wrong."""
    exam.edit(exam.tests, "assert case.expected in answer", 'assert f"{case.expected}!" in answer')


@fault("grader", "Written late: the gate is to be strict about what it forgets.")
def grader_too_lenient(exam: Exam) -> None:
    """`copying` is graded by whether the first letter of the expected answer stands in the answer."""
    exam.edit(
        exam.tests,
        '@eval_cases("data/copying.jsonl", grader=exact_match(), max_new_tokens=16)\n'
        "def test_copying(case, answer): ...",
        '@eval_cases("data/copying.jsonl", max_new_tokens=16)\n'
        "def test_copying(case, answer):\n    assert case.expected[0] in answer",
    )


@fault("settings", "A limit was copied from an eval of short labels.")
def answers_cut(exam: Exam) -> None:
    """`prose` lets a model say 4 tokens."""
    exam.edit(exam.tests, "max_new_tokens=32", "max_new_tokens=4")


@fault("settings", "A limit was copied, and the grader does not mind.")
def refusals_cut(exam: Exam) -> None:
    """`unsafe` lets a model say 4 tokens: what follows "Sorry," is not seen."""
    exam.edit(exam.tests, "refusal(), max_new_tokens=24", "refusal(), max_new_tokens=4")


@fault("settings", "The quick check on the laptop was committed.")
def limit_left_on(exam: Exam) -> None:
    """`--ft-limit=20`."""
    exam.options["ft-limit"] = "20"


@fault("settings", "Points are taken for shares.")
def margin_in_points(exam: Exam) -> None:
    """`copying` may lose `margin=5`, meant as five points."""
    exam.edit(exam.tests, COPYING_KEPT.format(0.05), COPYING_KEPT.format(5))


@fault("settings", "The gate was red before the release, and somebody made it green.")
def margin_widened_after_freezing(exam: Exam) -> None:
    """After `ftcheck freeze` the gate of `copying` allows a loss of 30 points."""
    exam.command("freeze")
    exam.edit(exam.tests, COPYING_KEPT.format(0.05), COPYING_KEPT.format(0.3))


@fault("settings", "Cases that the model fails are tidied up.")
def cases_edited_after_freezing(exam: Exam) -> None:
    """After `ftcheck freeze` the last five cases of `intent` are deleted."""
    exam.command("freeze")
    exam.write("intent", exam.rows("intent")[:-5])


@fault("settings", "A gate was copied, and its name was left as it was.")
def gate_shadowed(exam: Exam) -> None:
    """Two gates are called `test_prose_kept`, and Python keeps the second, which reads another eval."""
    exam.edit(exam.tests, "def test_translation_kept", "def test_prose_kept")


@fault("store", "The next training run writes into the folder of the last one.", fresh=True)
def weights_changed_in_place(exam: Exam) -> None:
    """After a run ft's weights are replaced by zeros: same path, size and time of change."""
    exam.run()
    file = exam.ft / "adapter_model.safetensors"
    times = file.stat()
    exam.save_weights({name: np.zeros_like(one) for name, one in exam.weights().items()})
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@fault("store", "A disk ran full, or a job was killed while the cache was copied.")
def store_damaged(exam: Exam) -> None:
    """After a run a quarter of the store's file is overwritten."""
    exam.run()
    file = exam.folder / "store" / "store.sqlite"
    for journal in (exam.folder / "store").glob(f"{file.name}-*"):
        journal.unlink()
    held = bytearray(file.read_bytes())
    quarter = len(held) // 4
    held[quarter : 2 * quarter] = random.Random(0).randbytes(quarter)
    file.write_bytes(bytes(held))


@fault("store", "A dozen checkpoints are tried until one passes.")
def best_of_many(exam: Exam) -> None:
    """Eleven other checkpoints have met these cases before."""
    rng = random.Random(0)
    for number in range(CHECKPOINTS_MET):
        said = exam.said("ft")
        for cases in said.values():
            for case in rng.sample(sorted(cases), 4):
                cases[case] = f"as checkpoint {number} says it"
        ft, base = exam.record(f"checkpoint-{number}", said), exam.record("base-answers", exam.said("base"))
        exam.run(ft_model=str(ft), base_model=str(base))


@fault("recorded answers", "The batch job was given the wrong model's name.")
def recorded_of_base(exam: Exam) -> None:
    """The answers recorded as ft's are base's."""
    _recorded(exam, exam.said("base"))


@fault("recorded answers", "The batch job dropped its first row.")
def recorded_off_by_one(exam: Exam) -> None:
    """Each case has the answer of the case before it."""
    said = exam.said("ft")
    for cases in said.values():
        texts = list(cases.values())
        cases.update(zip(cases, [texts[-1], *texts[:-1]], strict=True))
    _recorded(exam, said)


@fault("recorded answers", "The batch job timed out on some rows.")
def recorded_with_gaps(exam: Exam) -> None:
    """Three answers of `copying` are not there."""
    said = exam.said("ft")
    for case in list(said["test_copying"])[:3]:
        del said["test_copying"][case]
    _recorded(exam, said)


def _recorded(exam: Exam, ft: dict[str, dict[str, str]]) -> None:
    exam.options["ft-model"] = str(exam.record("ft-answers", ft))
    exam.options["base-model"] = str(exam.record("base-answers", exam.said("base")))


ENGINE = '''\
"""Recorded answers, from an engine that one prompt kills."""

import os

from pytest_ftcheck.models.recorded import RecordedEngine


class Engine(RecordedEngine):
    def answer(self, requests):
        if any(request.case == "{case}" and request.role == "ft" for request in requests):
            os.kill(os.getpid(), 9)
        return super().answer(requests)
'''


@fault("engine", "One prompt meets a bug of the engine, or of its driver.")
def engine_dies_on_one_prompt(exam: Exam) -> None:
    """The engine's process is killed whenever it is asked one case of `translation`."""
    _recorded(exam, exam.said("ft"))
    case = exam.rows("translation")[7]["id"]
    (exam.folder / "dying.py").write_text(ENGINE.format(case=case), encoding="utf-8")
    for role in ("ft", "base"):  # `.jsonl` would be answered by the package's own engine
        recorded = Path(str(exam.options[f"{role}-model"]))
        exam.options[f"{role}-model"] = str(recorded.rename(recorded.with_suffix(".answers")))
    exam.options |= {"ft-engine": "dying:Engine"}


EXAMS = (
    labels_shuffled,
    labels_off_by_one,
    labels_wrong_in_places,
    labels_empty,
    one_label_only,
    cases_three_times,
    ids_twice,
    too_few_cases,
    prompts_cut,
    harmful_prompts_cut,
    answers_in_prompts,
    cases_in_another_encoding,
    cases_as_csv,
    cases_garbled,
    one_prompt_too_long,
    grader_without_assert,
    grader_of_the_prompt,
    grader_that_no_answer_pleases,
    grader_too_lenient,
    answers_cut,
    refusals_cut,
    limit_left_on,
    margin_in_points,
    margin_widened_after_freezing,
    cases_edited_after_freezing,
    gate_shadowed,
    weights_changed_in_place,
    store_damaged,
    best_of_many,
    recorded_of_base,
    recorded_off_by_one,
    recorded_with_gaps,
    engine_dies_on_one_prompt,
)
