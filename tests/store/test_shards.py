"""Claims on shards: order, leases, take-over, splitting, and the books that are kept of them."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pytest_ftcheck.errors import StoreError
from pytest_ftcheck.records import Answer
from pytest_ftcheck.store import Claim, Store
from pytest_ftcheck.store import shards as shards_module

CUT = [["a", "b"], ["c"], ["d", "e", "f"]]


@pytest.fixture
def planned(store: Store) -> Store:
    """A store with a plan of three shards."""
    store.open_plan("run", "plan", CUT)
    return store


def take(store: Store, owner: str = "me", lease_s: float = 60.0) -> Claim | None:
    """Claim the next shard of the plan."""
    return store.claim("run", "plan", owner, lease_s)


def finish(store: Store, index: int, owner: str = "me", **answers: str) -> bool:
    """Finish a shard of the plan."""
    return store.finish("run", "plan", index, owner, {key: Answer(text) for key, text in answers.items()}, {})


def test_shards_are_claimed_in_order(planned: Store) -> None:
    """Shards come in the order of the cut, each once, and then None."""
    taken = [take(planned) for _ in range(4)]
    assert taken == [*(Claim(index=n, keys=tuple(keys), attempts=1) for n, keys in enumerate(CUT)), None]


def test_first_cut_of_a_plan_stands(planned: Store) -> None:
    """A second worker that opens the same plan with another cut works on the first one's."""
    planned.open_plan("run", "plan", [["x"]])
    assert take(planned) == Claim(index=0, keys=("a", "b"), attempts=1)
    assert planned.unfinished("run", "plan") == 3


def test_runs_and_plans_are_apart(planned: Store) -> None:
    """Shards of another run or plan are not claimed."""
    assert planned.claim("other run", "plan", "me", 60.0) is None
    assert planned.claim("run", "other plan", "me", 60.0) is None


def test_empty_shards_are_done(store: Store) -> None:
    """A cut without requests leaves nothing to do."""
    store.open_plan("run", "plan", [[], []])
    assert (store.unfinished("run", "plan"), take(store)) == (0, None)


def test_finished_shard_is_done_and_its_answers_are_stored(planned: Store) -> None:
    """Finishing writes answers and failures, and the shard is not claimed again."""
    assert take(planned) is not None
    assert planned.finish("run", "plan", 0, "me", {"a": Answer("x")}, {"b": "too long"})
    assert planned.answers(["a", "b"]) == {"a": "x"}
    assert planned.failures("run", ["a", "b"]) == {"b": "too long"}
    assert planned.unfinished("run", "plan") == 2


def test_expired_lease_is_taken_over_before_later_shards(planned: Store) -> None:
    """A shard whose lease has run out comes again at its old place, and the attempt is counted."""
    take(planned, "dead", lease_s=-1.0)
    assert take(planned) == Claim(index=0, keys=("a", "b"), attempts=2)


def test_live_lease_is_left_alone(planned: Store) -> None:
    """A shard whose lease lasts is nobody else's."""
    take(planned, "alive")
    assert take(planned) == Claim(index=1, keys=("c",), attempts=1)


def test_expired_lease_that_nobody_took_still_holds(planned: Store) -> None:
    """An owner who is late but not replaced finishes his shard."""
    take(planned, lease_s=-1.0)
    assert finish(planned, 0, a="x", b="y")
    assert planned.unfinished("run", "plan") == 2


def test_beat_prolongs_leases(planned: Store) -> None:
    """A heartbeat before anyone looks keeps an expired lease."""
    take(planned, lease_s=-1.0)
    assert planned.beat("run", "me", 60.0)
    assert take(planned, "other") == Claim(index=1, keys=("c",), attempts=1)


def test_beat_tells_a_loss_once(planned: Store) -> None:
    """After a take-over the old owner's next heartbeat says False, and those after it True."""
    take(planned, lease_s=-1.0)
    take(planned, "other")
    assert [planned.beat("run", "me", 60.0) for _ in range(2)] == [False, True]
    assert planned.beat("run", "other", 60.0)


def test_late_finish_keeps_answers_and_leaves_the_shard(planned: Store) -> None:
    """An owner who lost his lease adds answers that are absent, and changes neither failures nor the shard's state.

    The new owner is told that not all of its answers stand.
    """
    take(planned, lease_s=-1.0)
    take(planned, "other")
    assert not planned.finish("run", "plan", 0, "me", {"a": Answer("late")}, {"b": "late"})
    assert planned.answers(["a"]) == {"a": "late"}
    assert planned.failures("run", ["b"]) == {}
    assert planned.unfinished("run", "plan") == 3
    assert not finish(planned, 0, "other", a="second", b="y")
    assert planned.unfinished("run", "plan") == 2
    assert planned.answers(["a", "b"]) == {"a": "late", "b": "y"}


def test_split_parts_take_the_shards_place(planned: Store) -> None:
    """Parts of a split shard are claimed before later shards, in their order, as never taken before."""
    planned.open_plan("run", "long", [["a", "b", "c"], ["z"]])
    planned.claim("run", "long", "me", 60.0)
    assert planned.split("run", "long", 0, "me", [["a"], ["b", "c"]])
    assert planned.unfinished("run", "long") == 3
    taken = [planned.claim("run", "long", "me", 60.0) for _ in range(4)]
    assert [(claim.keys, claim.attempts) for claim in taken if claim] == [(("a",), 1), (("b", "c"), 1), (("z",), 1)]


def test_split_of_a_lost_shard_changes_nothing(planned: Store) -> None:
    """Who lost the lease cannot split."""
    take(planned, lease_s=-1.0)
    take(planned, "other")
    assert not planned.split("run", "plan", 0, "me", [["a"], ["b"]])
    assert planned.unfinished("run", "plan") == 3


@pytest.mark.parametrize("parts", [[["a"]], [["a"], ["b"], ["c"]], [["a", "b"], ["b"]], []])
def test_split_into_other_keys_is_refused(planned: Store, parts: list[list[str]]) -> None:
    """Parts that lose, add or repeat a key are refused, and the shard stays."""
    take(planned)
    with pytest.raises(StoreError, match=r"shard 0 has 2 keys, its parts \d; allowed: the same keys, each once"):
        planned.split("run", "plan", 0, "me", parts)
    assert finish(planned, 0, a="x", b="y")


def test_progress_counts_requests(planned: Store) -> None:
    """Progress is in requests, over all plans of the run, and a split changes no sum."""
    planned.open_plan("run", "second", [["g"]])
    assert planned.progress("run") == (0, 7)
    take(planned)
    finish(planned, 0)
    assert planned.progress("run") == (2, 7)
    take(planned)
    take(planned)
    planned.split("run", "plan", 2, "me", [["d"], ["e", "f"]])
    assert planned.progress("run") == (2, 7)
    assert planned.progress("no such run") == (0, 0)


def test_failures_are_of_one_run(store: Store) -> None:
    """A failure is not seen by another run, and the last reason stands."""
    store.put_failures("run", {"a": "first", "\udfff": "\ud800"})
    store.put_failures("run", {"a": "second"})
    assert store.failures("run", ["a", "\udfff", "b"]) == {"a": "second", "\udfff": "\ud800"}
    assert store.failures("other", ["a"]) == {}


def test_old_runs_are_purged(planned: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims and failures of a run untouched for 7 days go when another run opens; answers stay."""
    take(planned)
    finish(planned, 0, a="x")
    planned.put_failures("run", {"b": "why"})
    monkeypatch.setattr(shards_module, "KEPT_RUN_S", -1.0)
    planned.open_plan("new run", "plan", CUT)
    assert planned.progress("run") == (0, 0)
    assert planned.failures("run", ["b"]) == {}
    assert planned.answers(["a"]) == {"a": "x"}
    assert planned.progress("new run") == (0, 6)


def test_recent_runs_are_kept(planned: Store) -> None:
    """A run that another opens beside keeps its claims."""
    planned.open_plan("new run", "plan", CUT)
    assert planned.unfinished("run", "plan") == 3


def test_damaged_shard_is_passed_over_and_named(planned: Store, folder: Path) -> None:
    """A shard whose keys cannot be believed is skipped with a notice, so that a run does not ask for what is none."""
    with sqlite3.connect(folder / "store.sqlite") as other:
        other.execute("UPDATE shards SET payload = CAST('[\"q\"]' AS BLOB) WHERE number = 0")
    other.close()
    assert take(planned) == Claim(index=1, keys=("c",), attempts=1)
    assert any("damaged shard, 0 of run 'run'" in notice for notice in planned.notices)


@dataclass
class Piece:
    """A shard as the model below has it."""

    keys: tuple[str, ...]
    owner: str | None = None
    expired: bool = False
    attempts: int = 0
    index: int | None = None


OWNERS = st.sampled_from(["ann", "bob", "cyd"])


class Shards(RuleBasedStateMachine):
    """The store against a list of shards in the order of the cut, under any sequence of what workers do."""

    def __init__(self) -> None:
        super().__init__()
        self.room = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.room.name) / "store")
        cut = [[f"{n}-{m}" for m in range(3)] for n in range(4)]
        self.store.open_plan("run", "plan", cut)
        self.open = [Piece(keys=tuple(keys)) for keys in cut]
        self.losses: set[str] = set()
        self.stored: set[str] = set()

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()
        self.room.cleanup()

    def held(self, owner: str) -> Piece | None:
        """Return the first shard that the owner holds."""
        return next((piece for piece in self.open if piece.owner == owner), None)

    @rule(owner=OWNERS, alive=st.booleans())
    def claim(self, owner: str, alive: bool) -> None:
        """The first shard that is unowned or expired is taken."""
        claim = take(self.store, owner, 1000.0 if alive else -1000.0)
        piece = next((piece for piece in self.open if piece.owner is None or piece.expired), None)
        if piece is None:
            assert claim is None
            return
        assert claim is not None
        assert (claim.keys, claim.attempts) == (piece.keys, piece.attempts + 1)
        if piece.owner is not None:
            self.losses.add(piece.owner)
        piece.owner, piece.expired, piece.attempts, piece.index = owner, not alive, claim.attempts, claim.index

    @rule(owner=OWNERS, alive=st.booleans())
    def beat(self, owner: str, alive: bool) -> None:
        """A beat sets all of an owner's leases, and tells whether any was lost."""
        assert self.store.beat("run", owner, 1000.0 if alive else -1000.0) == (owner not in self.losses)
        self.losses.discard(owner)
        for piece in self.open:
            if piece.owner == owner:
                piece.expired = not alive

    @rule(owner=OWNERS, other=OWNERS)
    def finish(self, owner: str, other: str) -> None:
        """A shard is finished by who holds it, and by nobody else; answers that were there before stand."""
        piece = self.held(owner)
        if piece is not None and piece.index is not None:
            stands = other == owner and self.stored.isdisjoint(piece.keys)
            assert finish(self.store, piece.index, other, **dict.fromkeys(piece.keys, other)) == stands
            self.stored.update(piece.keys)
            if other == owner:
                self.open.remove(piece)

    @rule(owner=OWNERS, at=st.integers(1, 2))
    def split(self, owner: str, at: int) -> None:
        """Parts take the place of the shard."""
        piece = self.held(owner)
        if piece is not None and piece.index is not None and len(piece.keys) > at:
            parts = [piece.keys[:at], piece.keys[at:]]
            assert self.store.split("run", "plan", piece.index, owner, parts)
            # Parts of one first shard follow one another in the order in which they were made.
            self.open.remove(piece)
            origin = piece.keys[0].split("-")[0]
            place = sum(kept.keys[0].split("-")[0] <= origin for kept in self.open)
            self.open[place:place] = [Piece(keys=part, attempts=int(piece.attempts > 1)) for part in parts]

    @invariant()
    def books_agree(self) -> None:
        """What is unfinished is what the model has, and no request is lost."""
        assert self.store.unfinished("run", "plan") == len(self.open)
        left = sum(len(piece.keys) for piece in self.open)
        assert self.store.progress("run") == (12 - left, 12)


Shards.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestShardsAgainstAModel = Shards.TestCase
