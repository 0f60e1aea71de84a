"""Figures are lm-evaluation-harness's where it has the metric; tests.support.lm_eval_reference recorded them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_ftcheck.grading.classification import accuracy, f1
from pytest_ftcheck.grading.exact import exact_match
from pytest_ftcheck.grading.perplexity import Perplexity, bits_per_byte, perplexity
from pytest_ftcheck.grading.translation import Translation, bleu, chrf, ter
from pytest_ftcheck.models.checkpoints import resolve
from pytest_ftcheck.models.protocol import EngineOptions
from pytest_ftcheck.models.transformers_engine import TransformersEngine
from pytest_ftcheck.records import Answer, Case, Decoding, Normalize, Reply, Request
from tests.support import lm_eval_reference as recorded
from tests.support.digests import MemoryDigests

FIGURES: dict[str, Any] = json.loads(Path(__file__).with_name("lm_eval_figures.json").read_text(encoding="ascii"))


def summed(grader: Any, cases: Sequence[tuple[Any, str]]) -> float:
    """Return a corpus metric of pairs of what is expected and what is said."""
    rows = [
        grader(Case(id=str(at), input="", expected=expected), Answer(said)).detail["statistics"]
        for at, (expected, said) in enumerate(cases)
    ]
    return float(grader.value(np.sum(rows, axis=0)))


@pytest.mark.parametrize(
    ("name", "grader", "count"),
    [
        ("bleu", bleu(), recorded.ANSWERS),
        ("chrf", chrf(), recorded.ANSWERS),
        ("chrf++", chrf(word_order=2), recorded.ANSWERS),
        pytest.param("ter", ter(), recorded.TER_ANSWERS, marks=pytest.mark.slow),
    ],
)
def test_translations_have_its_corpus_score(name: str, grader: Translation, count: int) -> None:
    """BLEU, chrF and TER of hostile texts are its figures."""
    assert summed(grader, recorded.answered(count)) == pytest.approx(FIGURES["answers"][name], abs=1e-9)


def test_f1_and_accuracy_are_its() -> None:
    """F1 of the positive label and the share of right labels are its figures."""
    said = [(recorded.LABELS[gold], recorded.LABELS[pred]) for gold, pred in recorded.labelled(recorded.ANSWERS)]
    assert FIGURES["answers"]["f1"] != FIGURES["answers"]["acc"]
    assert summed(f1(recorded.LABELS, positive="yes"), said) == pytest.approx(FIGURES["answers"]["f1"])
    right = [
        accuracy(recorded.LABELS)(Case(id="a", input="", expected=gold), Answer(pred)).score for gold, pred in said
    ]
    assert np.mean([score or 0.0 for score in right]) == pytest.approx(FIGURES["answers"]["acc"])


@pytest.mark.parametrize("name", recorded.MATCHES)
def test_exact_matches_are_its(name: str) -> None:
    """Which of 1,000 hostile answers match is the same; case is folded here and lowered there, apart for ß and İ."""
    grader = exact_match(strip=False, ignore_case=name == "ignore_case")
    matched = [
        at
        for at, (expected, said) in enumerate(recorded.answered(recorded.ANSWERS))
        if grader(Case(id=str(at), input="", expected=expected), Answer(said)).score
    ]
    pairs = recorded.answered(recorded.ANSWERS)
    folded = {at for at, pair in enumerate(pairs) if any(text.casefold() != text.lower() for text in pair)}
    assert set(matched) - folded == set(FIGURES["answers"]["matched"][name]) - folded
    assert len(set(matched) - folded) > 100


@pytest.fixture(scope="module")
def base() -> TransformersEngine:
    """The example suite's base, loaded in this process."""
    spec = resolve("ft", str(recorded.BASE), rootdir=Path(), options=EngineOptions(), digests=MemoryDigests())
    return TransformersEngine({"ft": spec}, EngineOptions(), lambda line: None)


@pytest.fixture(scope="module")
def read(base: TransformersEngine) -> list[tuple[Case, Answer]]:
    """The documents with what base found of each."""
    documents = recorded.documents()
    replies = base.answer([asked(text, Decoding(reads=True)) for text in documents])
    return [(Case(id="a", input=text), answered(reply)) for text, reply in zip(documents, replies, strict=True)]


def asked(text: str, decoding: Decoding) -> Request:
    """Return a request for a plain text."""
    return Request(role="ft", messages=({"role": "user", "content": text},), decoding=decoding, template="none")


def answered(reply: Reply) -> Answer:
    """Return a reply that must be an answer."""
    assert isinstance(reply, Answer), reply
    return reply


def test_every_document_has_its_log_probability(read: list[tuple[Case, Answer]]) -> None:
    """Each text, some longer than the context, has the sum of its rolling windows."""
    found = [answer.logprob for _, answer in read]
    assert found == pytest.approx(FIGURES["loglikelihoods"], rel=2e-6, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "grader"),
    [
        ("word_perplexity", perplexity(per="word")),
        ("byte_perplexity", perplexity(per="byte")),
        ("bits_per_byte", bits_per_byte()),
    ],
)
def test_perplexities_are_its(read: list[tuple[Case, Answer]], name: str, grader: Perplexity) -> None:
    """Its three metrics of texts are ours by the same names."""
    sums = np.sum([grader(*pair).detail["statistics"] for pair in read], axis=0)
    assert grader.name == name
    assert math.log(grader.value(sums)) == pytest.approx(math.log(FIGURES["read"][name]), rel=1e-6)


@pytest.mark.parametrize(("name", "normalize"), [("acc", "none"), ("acc_bytes", "bytes")])
def test_accuracy_of_choices_is_its(base: TransformersEngine, name: str, normalize: Normalize) -> None:
    """The share of questions whose right choice is the likeliest, raw and by bytes, is its figure."""
    questions = recorded.questions()
    replies = base.answer(
        [asked(one["question"], Decoding(choices=tuple(one["choices"]), normalize=normalize)) for one in questions]
    )
    right = [answered(reply) == one["choices"][one["gold"]] for one, reply in zip(questions, replies, strict=True)]
    assert np.mean(right) == pytest.approx(FIGURES["chosen"][name])
