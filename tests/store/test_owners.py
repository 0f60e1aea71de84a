"""Owners of leases: who is dead is told at once, who is slow or stopped is left alone, and other runs are respected."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from pytest_ftcheck.store import Claim, Store

Program = Callable[..., "subprocess.Popen[str]"]

HOLDER = """
store = Store(folder)
store.enter(sys.argv[2])
claim = store.claim("run", "plan", sys.argv[2], 3600.0)
say(claim.index)
sys.stdin.readline()
"""


def holding(program: Program, store: Store) -> subprocess.Popen[str]:
    """Start a process that holds the first of two shards for an hour."""
    store.open_plan("run", "plan", [["a"], ["b"]])
    process = program(HOLDER, "holder")
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    return process


def test_a_killed_owners_lease_ends_at_once(program: Program, store: Store) -> None:
    """An hour's lease of a process that was killed is free when somebody looks."""
    process = holding(program, store)
    process.kill()
    process.wait()
    assert store.release_gone() == ["holder"]
    assert store.claim("run", "plan", "me", 60.0) == Claim(index=0, keys=("a",), attempts=2)
    assert store.release_gone() == []


def test_a_dead_process_that_nobody_waits_for(program: Program, store: Store) -> None:
    """A zombie is dead too: a worker's parent may be busy."""
    process = holding(program, store)
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    assert process.stdout.read() == ""
    assert store.release_gone() == ["holder"]


def test_a_stopped_owner_is_not_gone(program: Program, store: Store) -> None:
    """A process that stands still keeps its lease until that runs out."""
    process = holding(program, store)
    process.send_signal(signal.SIGSTOP)
    assert store.release_gone() == []
    assert store.claim("run", "plan", "me", 60.0) == Claim(index=1, keys=("b",), attempts=1)
    process.send_signal(signal.SIGCONT)
    process.communicate("go on\n")


def test_this_process_is_not_gone(store: Store, folder: Path) -> None:
    """Neither by its own account nor by another's, until it leaves."""
    store.enter("me")
    with Store(folder) as other:
        assert (store.release_gone(), other.release_gone()) == ([], [])
        store.leave("me")
        assert other.release_gone() == ["me"]


def test_who_enters_frees_what_the_dead_held(program: Program, store: Store) -> None:
    """A run that is started again waits for no lease of the one that was killed."""
    process = holding(program, store)
    process.kill()
    process.wait()
    store.enter("me")
    assert store.claim("run", "plan", "me", 60.0) == Claim(index=0, keys=("a",), attempts=2)


def test_no_owner_leaves_files_for_ever(store: Store, folder: Path) -> None:
    """The files of owners that are gone are removed by the next."""
    for name in ("first", "second"):
        store.enter(name)
        store.leave(name)
    store.release_gone()
    assert list(folder.glob("*.alive")) == []


def test_what_another_run_is_answering_is_left_to_it(store: Store) -> None:
    """Two runs of the same plan take different shards, and come back for those that the other had."""
    for run in ("left", "right"):
        store.open_plan(run, "plan", [["a"], ["b"], ["c"]])
    left = store.claim("left", "plan", "l", 60.0)
    right = store.claim("right", "plan", "r", 60.0)
    assert left is not None
    assert right is not None
    assert (left.keys, right.keys) == (("a",), ("b",))
    store.finish("left", "plan", left.index, "l", {}, {})
    back = store.claim("right", "plan", "r", 60.0)
    assert back is not None
    assert back.keys == ("a",)


def test_nothing_is_left_to_a_run_whose_lease_ran_out(store: Store) -> None:
    """What an expired lease of another run covers can be taken."""
    for run in ("left", "right"):
        store.open_plan(run, "plan", [["a"]])
    store.claim("left", "plan", "l", -1.0)
    assert store.claim("right", "plan", "r", 60.0) == Claim(index=0, keys=("a",), attempts=1)


def test_shards_that_overlap_wait(store: Store) -> None:
    """A shard with a single request that another run is answering is not taken, and nothing else is."""
    store.open_plan("left", "plan", [["a", "b"]])
    store.open_plan("right", "other plan", [["b", "c"]])
    assert store.claim("left", "plan", "l", 60.0) is not None
    assert store.claim("right", "other plan", "r", 60.0) is None
    assert not store.is_finished("right", "other plan")
