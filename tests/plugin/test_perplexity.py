"""Perplexity and bits per byte as evals: documents in, paired figures out, less is better."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.plugin.conftest import write_jsonl
from tests.support.checkpoints import LINES, POSITIONS, copy_checkpoint
from tests.support.naive import NaiveModel
from tests.support.projects import ENGINE, QUIET, Project

SUITE = """
from pytest_ftcheck import *

@eval_cases({source!r}, grader={grader})
def test_reads(case, answer): ...

@gate(test_reads)
def test_gate(comparison):
    {body}
"""
READER = (
    ENGINE
    + """

class Reader(Engine):
    \"\"\"Finds each token of a document as likely as its model's table says; a token is two bytes.\"\"\"

    def say(self, request, prompt):
        tokens = len(prompt.encode()) // 2 * self.tables[request.role].get("tokens", 1)
        nats = self.tables[request.role]["nats"] * (1 + len(prompt) % 5 / 10)
        return Answer("", finish_reason="read", logprob=-nats * tokens, completion_tokens=tokens)
"""
)
DOCUMENTS = [" ".join(LINES[at % 5 :] + LINES[: at % 3]) + f" No. {at}" for at in range(40)]


def write(project: Project, *, source: str = "texts.jsonl", grader: str = "perplexity()", body: str = "...") -> None:
    """Write the eval and its gate."""
    (project.path / "test_suite.py").write_text(SUITE.format(source=source, grader=grader, body=body))


def read(project: Project, *, base: float, ft: float, **suite: Any) -> pytest.RunResult:
    """Run an eval whose engine finds base's and ft's tokens so many nats unlikely, with small differences by case."""
    write_jsonl(project.path / "texts.jsonl", [{"text": text} for text in DOCUMENTS])
    for role, nats in (("base", base), ("ft", ft)):
        (project.path / f"{role}.json").write_text(json.dumps({"nats": nats}))
    (project.path / "own_engine.py").write_text(READER)
    write(project, **suite)
    return project.run(engine="Reader")


def gate(project: Project) -> dict[str, Any]:
    """The gate of the last run."""
    (found,) = project.document()["gates"]
    return dict(found)


def nats_and_tokens(folder: Path, texts: list[str]) -> list[tuple[float, int]]:
    """Ask transformers itself: the loss of each text behind the begin token, and its tokens."""
    naive = NaiveModel(folder)
    found = []
    for text in texts:
        tokens = naive.tokenizer(text, return_tensors="pt")["input_ids"]
        assert tokens[0, 0] == naive.tokenizer.bos_token_id
        with torch.inference_mode():
            loss = float(naive.model(tokens, labels=tokens).loss)
        found.append((loss * (tokens.shape[1] - 1), tokens.shape[1] - 1))
    return found


def test_figures_are_those_of_transformers_own_loss(project: Project, tiny: Path) -> None:
    """Both roles' perplexity is exp of the mean loss over all tokens, and bits per byte the sum over all bytes."""
    texts = DOCUMENTS[:6]
    write_jsonl(project.path / "texts.jsonl", [{"text": text} for text in texts])
    graders = "[perplexity(), bits_per_byte(), perplexity(per='word')]"
    figures = "[comparison.on('bits_per_byte').base, comparison.on('word_perplexity').base]"
    write(project, grader=graders, body=f"open('said.json', 'w').write(str({figures}))")
    project.run_checkpoints(tiny / "other", tiny / "base")
    (summary,) = project.document()["evals"]
    oracle = {role: nats_and_tokens(tiny / name, texts) for role, name in (("base", "base"), ("ft", "other"))}
    for role, rows in oracle.items():
        nats, tokens = (sum(column) for column in zip(*rows, strict=True))
        assert summary[role] == pytest.approx(math.exp(nats / tokens), rel=1e-4)
    nats = sum(nats for nats, _ in oracle["base"])
    bits, by_word = json.loads((project.path / "said.json").read_text())
    assert bits == pytest.approx(nats / math.log(2) / sum(len(text.encode()) for text in texts), rel=1e-4)
    assert by_word == pytest.approx(math.exp(nats / sum(len(text.split()) for text in texts)), rel=1e-4)


def test_a_document_longer_than_the_context_is_read(project: Project, tiny: Path) -> None:
    """Nothing is cut and nothing fails: the text is read in windows, and counts all of its tokens."""
    text = " ".join(LINES) * 8
    write_jsonl(project.path / "texts.jsonl", [{"text": text}, {"text": "Short."}])
    tokens = "[case.ft_grades['perplexity'][0].detail['tokens'] for case in comparison.cases]"
    write(project, body=f"open('said.json', 'w').write(str({tokens}))")
    project.run_checkpoints(tiny / "other", tiny / "base")
    tokenizer = NaiveModel(tiny / "base").tokenizer
    expected = [len(tokenizer(each, add_special_tokens=False)["input_ids"]) for each in (text, "Short.")]
    assert expected[0] > 2 * POSITIONS
    assert json.loads((project.path / "said.json").read_text()) == expected


def test_less_is_better(project: Project) -> None:
    """A lower perplexity is a delta below 0, gained cases, and passes "improves"."""
    assert read(project, base=2.0, ft=1.5, body="assert_improves(comparison, by=1.0)").ret == 0
    found = gate(project)
    assert (found["verdict"], found["words"], found["gained"], found["lost"]) == ("pass", "the win", 40, 0)
    assert found["claim"] == "improves by 1 (less is better)"
    assert found["low"] <= found["delta"] < found["high"] < -1.0
    assert found["delta"] == pytest.approx(found["ft"] - found["base"])


def test_more_is_a_regression(project: Project) -> None:
    """A higher one fails "no worse": the margin says by how much ft's may lie above base's."""
    assert read(project, base=1.5, ft=2.0, body="assert_no_worse(comparison, margin=0.5)").ret == 1
    found = gate(project)
    assert (found["verdict"], found["words"], found["gained"], found["lost"]) == ("fail", "regression", 0, 40)
    assert found["delta"] > 0.5


def test_a_margin_lets_a_little_more_pass(project: Project) -> None:
    """A rise that is proven to be smaller than the margin is no worse."""
    assert read(project, base=1.5, ft=1.51, body="assert_no_worse(comparison, margin=0.5)").ret == 0
    found = gate(project)
    assert 0 < found["delta"] < found["high"] < 0.5


def test_the_interval_is_the_jackknifes(project: Project) -> None:
    """The interval is delta plus and minus t times the error of a jackknife over documents, by hand."""
    import numpy as np
    from scipy.stats import t

    read(project, base=1.5, ft=2.0, body="assert_no_worse(comparison, margin=0.5)")
    found = gate(project)
    tokens = np.array([len(text.encode()) // 2 for text in DOCUMENTS], dtype=float)
    factor = np.array([1 + len(text) % 5 / 10 for text in DOCUMENTS])

    def delta(kept: Any) -> float:
        means = [nats * (factor * tokens)[kept].sum() / tokens[kept].sum() for nats in (1.5, 2.0)]
        return float(np.exp(means[1]) - np.exp(means[0]))

    n = len(tokens)
    left_out = np.array([delta(np.arange(n) != at) for at in range(n)])
    error = math.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    assert found["method"] == "jackknife t"
    assert found["delta"] == pytest.approx(delta(np.arange(n) >= 0))
    assert (found["high"] - found["low"]) / 2 == pytest.approx(t.ppf(0.95, n - 1) * error)


def test_an_eval_without_gate_says_that_less_is_better(project: Project) -> None:
    """The table and the JSON file tell the direction, and no length of answers that were not asked for."""
    done = read(project, base=2.0, ft=1.5)
    (summary,) = project.document()["evals"]
    assert (summary["lower_is_better"], summary["base_length"], summary["ft_length"]) == (True, None, None)
    assert not any("adapter active" in notice for notice in project.document()["notices"])
    assert done.ret == 1  # the gate judged nothing


def test_the_worst_losses_tell_what_was_read(project: Project) -> None:
    """A document's loss shows its beginning, its tokens and both perplexities."""
    write_jsonl(project.path / "texts.jsonl", [{"text": text} for text in DOCUMENTS])
    read(project, base=1.5, ft=2.0, body="assert_no_worse(comparison, margin=0.5)")
    shown = project.run("-v", engine="Reader").stdout.str()
    assert "(read, " in shown
    assert LINES[0] in shown


def test_equal_log_probabilities_raise_the_alarm(project: Project) -> None:
    """Where ft finds every document as likely as base to the last digit, the adapter may not be active."""
    read(project, base=1.5, ft=1.5, body="assert_equivalent(comparison, within=0.5)")
    (project.path / "ft.json").write_text(json.dumps({"nats": 1.5, "other": "bytes"}))
    project.run(engine="Reader")
    assert any("is the adapter active?" in notice for notice in project.document()["notices"])


def test_other_tokens_do_not_compare(project: Project) -> None:
    """By token the gate decides nothing where base and ft read other tokens; bits per byte do compare."""
    body = "assert_no_worse(comparison, margin=0.5)"
    read(project, base=1.5, ft=1.5, body=body)
    (project.path / "ft.json").write_text(json.dumps({"nats": 0.74, "tokens": 2}))
    project.run(engine="Reader")
    found = gate(project)
    assert found["verdict"] == "inconclusive"
    assert "so that figures by token do not compare; allowed: bits_per_byte()" in found["reason"]
    assert any("do not compare" in notice for notice in project.document()["notices"])
    write(project, grader="bits_per_byte()", body="assert_no_worse(comparison, margin=0.05)")
    project.run(engine="Reader")
    assert gate(project)["verdict"] == "pass"


def test_a_second_run_reads_nothing_again(project: Project) -> None:
    """Log-probabilities are in the store, and another metric of texts is computed from them."""
    read(project, base=1.5, ft=2.0)
    assert len(project.asked()) == 2 * len(DOCUMENTS)
    write(project, grader="[bits_per_byte(), perplexity(per='byte')]")
    project.run(engine="Reader")
    assert project.asked() == []


def test_profiles_and_prompts_are_not_read(project: Project) -> None:
    """A role's system prompt stands before no document: with it, the same answers are in the store."""
    read(project, base=1.5, ft=2.0)
    project.asked()
    project.run("--ft-system=You are kind.", engine="Reader")
    assert project.asked() == []


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("a.txt", "First one.\nStill it.\n\n\nThe second.\n", ["L1", "L5"]),
        ("b.txt", "One.\n\nTwo of it.\n<|endoftext|>\nAnother.\n", ["L1", "L5"]),
        ("c.txt", "\ufeffWindows\r\n\r\nlines\r\n", ["L1", "L3"]),
    ],
)
def test_a_text_file_is_cut_into_documents(project: Project, name: str, text: str, ids: list[str]) -> None:
    """At lines of the separator where there is one, else at blank lines; each is called by its first line."""
    read(project, base=1.5, ft=2.0)
    (project.path / name).write_bytes(text.encode())
    write(project, source=name)
    project.run(engine="Reader")
    asked = {note["case"]: note["messages"][-1]["content"] for note in project.asked()}
    assert sorted(one for one in asked if one.startswith("L")) == ids
    assert asked[ids[0]] == {"a": "First one.\nStill it.", "b": "One.\n\nTwo of it.", "c": "Windows"}[name[0]]


def test_a_folder_of_texts_has_a_document_a_file(project: Project) -> None:
    """Files below it too, by their paths, as they stand."""
    read(project, base=1.5, ft=2.0)
    project.asked()
    (project.path / "texts" / "deep").mkdir(parents=True)
    (project.path / "texts" / "b.txt").write_text("One.\n\nTwo.\n")
    (project.path / "texts" / "deep" / "a.txt").write_text("Three")
    write(project, source="texts")
    project.run(engine="Reader")
    asked = {note["case"]: note["messages"][-1]["content"] for note in project.asked()}
    assert asked == {"b.txt": "One.\n\nTwo.\n", "deep/a.txt": "Three"}


def test_an_answering_model_is_told(project: Project) -> None:
    """Recorded answers have no log-probability: the gate is an error that says what is needed."""
    write_jsonl(project.path / "texts.jsonl", [{"id": "a", "text": "Hello there."}])
    write_jsonl(project.path / "said.jsonl", [{"case": "a", "answer": "Hi."}])
    write(project, body="assert_no_worse(comparison, margin=0.5)")
    project.pytester.runpytest(*QUIET, "--ft-model=said.jsonl", "--base-model=said.jsonl", "--ft-json=run.json")
    assert gate(project)["verdict"] == "error"
    assert "without the log-probability of its text" in gate(project)["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("[perplexity(), exact_match()]", "perplexity reads texts and exact_match grades answers"),
        ("perplexity(), samples=2", "samples= with perplexity"),
        ("perplexity(), system='Be kind.', choices=['a', 'b']", "choices=, system= with perplexity"),
        ("perplexity(per='line')", "perplexity: per is 'line'; allowed: 'token', 'word', 'byte'"),
    ],
)
def test_what_cannot_go_with_it_is_refused(project: Project, arguments: str, message: str) -> None:
    """Collection ends with one line that says what is allowed."""
    done = read(project, base=1.5, ft=2.0, grader=arguments)
    assert done.ret == 2
    done.stdout.fnmatch_lines([f"*{message}*"])


def test_a_conversation_is_no_text(project: Project) -> None:
    """A case of messages is refused where it is loaded."""
    done = read(project, base=1.5, ft=2.0)
    write_jsonl(project.path / "texts.jsonl", [{"input": [{"role": "user", "content": "Hi"}]}])
    done = project.run(engine="Reader")
    assert done.ret != 0
    assert "is a conversation; allowed: text, which perplexity reads by itself" in done.stdout.str()


def test_a_copy_of_base_ties(project: Project, tiny: Path, tmp_path: Path) -> None:
    """The same weights under another name have the same perplexity to the last digit shown."""
    copy_checkpoint(tiny / "base", tmp_path / "copy")
    write_jsonl(project.path / "texts.jsonl", [{"text": text} for text in DOCUMENTS[:4]])
    write(project, body="assert_equivalent(comparison, within=1)")
    project.run_checkpoints(tmp_path / "copy", tiny / "base")
    assert gate(project)["delta"] == pytest.approx(0.0, abs=1e-3)
