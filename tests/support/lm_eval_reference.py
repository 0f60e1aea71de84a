"""How tests/grading/lm_eval_figures.json was made: the same texts under lm-evaluation-harness's metrics and engine.

It runs where that package is (benchmarks.against_lm_eval makes the environment), and not in the tests:

    build/lm_eval/bin/python -m tests.support.lm_eval_reference > tests/grading/lm_eval_figures.json

Answers and documents are those of tests.support.hostile_texts, which are drawn from seeds. Texts are read, and choices
made, by the example suite's base through the harness's own tasks, one end to the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.hostile_texts import texts

BASE = Path(__file__).parents[2] / "example_suite" / "checkpoints" / "base"
ANSWERS = 1000
TER_ANSWERS = 150
"""TER searches for shifts: hostile texts in the hundreds take it minutes."""
DOCUMENTS = 16
MATCHES = {"plain": {}, "ignore_case": {"ignore_case": True}}
LABELS = ["no", "yes"]
QUESTIONS = 20
COLOURS = ["red", "green", "blue", "white", "black"]


def answered(count: int) -> list[tuple[str, str]]:
    """Return so many pairs of what is expected and what is said; none of the expected is blank."""
    pairs = []
    for seed in range(count):
        references, answer = texts(seed)
        pairs.append((references[0], [answer, references[0].upper(), references[0]][seed % 3 if seed % 5 == 0 else 0]))
    return pairs


def labelled(count: int) -> list[tuple[int, int]]:
    """Return places in LABELS: what is expected, and what is said, which agree two times in three."""
    return [(int(seed % 3 == 0), int(seed % 3 == 0 if seed % 7 else seed % 2)) for seed in range(count)]


def documents() -> list[str]:
    """Return texts to read, some longer than the context of any tiny model and one empty but for a letter."""
    drawn = [" ".join(texts(seed)[0]) for seed in range(DOCUMENTS - 2)]
    kept = [text if text.strip() else "white" for text in drawn]
    return [*kept, "Describe the nice white oven to Clara. " * 60, "a"]


def questions() -> list[dict[str, Any]]:
    """Return questions whose choices differ in length, so that raw and normalised log-probabilities disagree."""
    made = []
    for number in range(QUESTIONS):
        colour = COLOURS[number % len(COLOURS)]
        choices = [
            f" {colour} {'and nothing else at all ' * (number % 3)}".rstrip(),
            " oak",
            f" the {colour} naïve one",
        ]
        question = f"What is the {colour} door number {number} like?"
        made.append({"question": question, "choices": choices, "gold": number % 3})
    return made


def main() -> None:
    """Write the harness's figures for all of it as one JSON object."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        found = {"lm_eval": _version(), "answers": _of_answers(), **_of_the_model(Path(folder))}
    print("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found.items()) + "\n}")


def _version() -> str:
    from importlib.metadata import version

    return version("lm_eval")


def _of_answers() -> dict[str, Any]:
    from lm_eval.api import metrics  # type: ignore[import-not-found, unused-ignore]

    pairs, few, labels = answered(ANSWERS), answered(TER_ANSWERS), labelled(ANSWERS)
    matches = {
        name: [
            bool(metrics.exact_match_hf_evaluate(predictions=[answer], references=[text], **options)["exact_match"])
            for text, answer in pairs
        ]
        for name, options in MATCHES.items()
    }
    return {
        "bleu": metrics.bleu(pairs),
        "chrf": metrics.chrf(pairs),
        "chrf++": metrics.chrfpp(pairs),
        "ter": metrics.ter(few),
        "f1": float(metrics.f1_score(labels)),
        "acc": metrics.mean([float(gold == pred) for gold, pred in labels]),
        "matched": {name: [at for at, right in enumerate(each) if right] for name, each in matches.items()},
    }


def _of_the_model(folder: Path) -> dict[str, Any]:
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "datasets")}
    (folder / "documents.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in documents()))
    (folder / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions()))
    read = _run(
        folder,
        "documents",
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{text}}",
        metric_list=[{"metric": name} for name in ("word_perplexity", "byte_perplexity", "bits_per_byte")],
    )
    chosen = _run(
        folder,
        "questions",
        output_type="multiple_choice",
        doc_to_text="{{question}}",
        doc_to_choice="choices",
        doc_to_target="gold",
        target_delimiter="",
        metric_list=[{"metric": "acc"}, {"metric": "acc_bytes"}],
    )
    names = ("word_perplexity", "byte_perplexity", "bits_per_byte")
    return {
        "read": {name: read["figures"][f"{name},none"] for name in names},
        "loglikelihoods": [sample["resps"][0][0] for sample in read["samples"]],
        "chosen": {name: chosen["figures"][f"{name},none"] for name in ("acc", "acc_bytes")},
    }


def _run(folder: Path, name: str, **task: Any) -> dict[str, Any]:
    from lm_eval import simple_evaluate  # type: ignore[import-not-found, unused-ignore]

    data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}}}
    found = simple_evaluate(
        model="hf",
        model_args=f"pretrained={BASE},dtype=float32",
        tasks=[{"task": name, "test_split": "test", **data, **task}],
        device="cpu",
        batch_size=1,
        bootstrap_iters=0,
    )
    samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
    return {"figures": found["results"][name], "samples": samples}


if __name__ == "__main__":
    main()
