"""Shards: every request in one of them, what belongs together in the same, and the same cut in every process."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck.answering import (
    FAMILY_CHARACTERS,
    MOST_ENDS,
    SHARD_CHARACTERS,
    SHARD_REQUESTS,
    Answering,
    cut,
)
from pytest_ftcheck.models.protocol import EngineDied
from pytest_ftcheck.records import Answer, Decoding, Failure, Reply, Request, Role, digest
from pytest_ftcheck.reports.progress import Progress
from pytest_ftcheck.store import Store

DECODINGS = st.sampled_from(
    [
        Decoding(),
        Decoding(max_new_tokens=8),
        Decoding(choices=("a", "b")),
        Decoding(reads=True),
        Decoding(temperature=1.0),
    ]
)
ROLE_NAMES: st.SearchStrategy[Role] = st.sampled_from(["base", "ft"])


def request(text: str, *, role: Role = "ft", shared: str = "", **more: Any) -> Request:
    """Return a request of one user message, behind a system message where one is given."""
    head = ({"role": "system", "content": shared},) if shared else ()
    return Request(role=role, messages=(*head, {"role": "user", "content": text}), **more)


def keyed(requests: list[Request]) -> dict[str, Request]:
    """Give each request a key by its content, as a plan does."""
    return {digest([each.role, each.content()]): each for each in requests}


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Request]:
    """Plans of up to 200 requests, some behind shared text."""
    made = [
        request(draw(st.text("ab ", max_size=9)), role=draw(ROLE_NAMES), shared=draw(st.sampled_from(["", "s" * 300])))
        for _ in range(draw(st.integers(0, 40)))
    ]
    return keyed(
        [request(each.messages[-1]["content"], role=each.role, decoding=draw(DECODINGS)) for each in made] + made
    )


@given(plans(), st.randoms())
def test_the_cut_depends_on_the_plan_alone(plan: dict[str, Request], rng: random.Random) -> None:
    """Whatever the order in which requests were planned, each is in one shard, and the shards are the same."""
    shards = cut(plan)
    order = list(plan)
    rng.shuffle(order)
    assert cut({key: plan[key] for key in order}) == shards
    assert sorted(key for shard in shards for key in shard) == sorted(plan)


@given(plans())
def test_a_shard_has_one_role_and_base_comes_first(plan: dict[str, Request]) -> None:
    """Weights are changed once at the most."""
    roles = [{plan[key].role for key in shard} for shard in cut(plan)]
    assert all(len(each) == 1 for each in roles)
    assert [min(each) for each in roles] == sorted(min(each) for each in roles)


def test_what_is_shared_weighs_once() -> None:
    """64 prompts behind long shots are one shard, though each by itself repeats them."""
    shots = "x" * (SHARD_CHARACTERS // 2)
    plan = keyed([request(f"question {number}", shared=shots) for number in range(SHARD_REQUESTS)])
    assert [len(shard) for shard in cut(plan)] == [SHARD_REQUESTS]


def test_long_prompts_are_split() -> None:
    """Prompts that share nothing fill shards by their characters."""
    plan = keyed([request(f"{number:02d}" + "y" * (SHARD_CHARACTERS // 4)) for number in range(8)])
    assert [len(shard) for shard in cut(plan)] == [3, 3, 2]


def test_questions_about_one_document_stay_together() -> None:
    """Prompts that begin with the same document are neighbours, whatever their lengths."""
    rng = random.Random(0)
    documents = [f"{number}" + "z" * FAMILY_CHARACTERS for number in range(30)]
    asked = [request(document + "?" * rng.randint(1, 400)) for document in documents for _ in range(6)]
    plan = keyed(asked)
    order = [plan[key].messages[-1]["content"].split("z")[0] for shard in cut(plan) for key in shard]
    changes = sum(a != b for a, b in itertools.pairwise(order))
    assert changes == len(documents) - 1


def test_choices_do_not_mix_with_answers() -> None:
    """What is scored and what is written stand apart in the order, so that at most one shard holds both."""
    plan = keyed(
        [request(f"a {number}", decoding=Decoding(choices=("x", "y"))) for number in range(100)]
        + [request(f"a {number}", decoding=Decoding()) for number in range(100)]
    )
    mixed = [shard for shard in cut(plan) if len({plan[key].decoding.scores for key in shard}) == 2]
    assert len(mixed) <= 1


def test_scoring_leaves_other_keys_as_they_were() -> None:
    """The content of a request to write is what it was before there were choices: its keys still find its answers."""
    assert request("a").content() == {
        "messages": [{"role": "user", "content": "a"}],
        "decoding": {"max_new_tokens": 256, "temperature": 0.0, "top_p": 1.0, "stop": []},
        "sample": 0,
        "template": "chat",
    }


class Mortal:
    """An engine that ends over every request whose text holds a word, and counts how often."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.ends = 0

    def answer(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """Answer, or end."""
        if any(self.word in each.messages[-1]["content"] for each in requests):
            self.ends += 1
            raise EngineDied("ended by signal 9")
        return [Answer("yes") for _ in requests]

    def close(self) -> None:
        """End."""


def answered(folder: Path, engine: Mortal, role: Role) -> list[Reply]:
    """Ask an engine 200 questions as a role."""
    with Store(folder) as store:
        answering = Answering(
            store=store,
            run="r",
            owner="o",
            key_of=lambda each: digest(each.content()),
            open_engine=lambda: engine,
            watcher=Progress(None, False),  # type: ignore[arg-type]
        )
        return answering.answer([request(f"question {number}.", role=role) for number in range(200)])


def test_the_third_model_is_given_up_after_so_many_ends(tmp_path: Path) -> None:
    """A third model that no memory holds is not loaded for each request: it is given up, and each has the reason."""
    engine = Mortal("question")
    replies = answered(tmp_path, engine, "also")
    assert engine.ends == MOST_ENDS
    assert {reply.reason for reply in replies if isinstance(reply, Failure)} == {"ended by signal 9"}


def test_one_request_to_blame_is_still_named(tmp_path: Path) -> None:
    """One prompt that ends the third model's engine costs the others nothing."""
    replies = answered(tmp_path, Mortal("question 77."), "also")
    assert [number for number, reply in enumerate(replies) if isinstance(reply, Failure)] == [77]
