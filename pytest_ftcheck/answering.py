"""Answering: a plan of requests in, every answer in the store out, shared by all processes of the run.

Answers are facts under content keys. Whatever the store holds is not asked again; the rest is cut into shards that
the processes of a run claim one by one. It knows requests, engines and the store, but no evals, grades or tests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_ftcheck.errors import EngineError, StoreError
from pytest_ftcheck.models.protocol import EngineDied
from pytest_ftcheck.records import ANSWERING, Answer, Failure, Reply, Request, Role, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ftcheck.models.protocol import Engine
    from pytest_ftcheck.store import Claim, Store

SHARD_REQUESTS = 64
SHARD_CHARACTERS = 100_000
FAMILY_CHARACTERS = 256
"""Prompts that begin with as many equal characters are answered together, so that these are computed once."""
LEASE_S = 30.0
WAIT_S = 0.05
TELL_S = 0.5
"""How often the watcher is told at the most: counting what is done takes the longer, the more there is."""
DEATHS = 2
"""How many workers a shard may cost until it is split, and a request until it is named."""
MOST_ENDS = 10
"""How often an engine may end over the third model: enough to name one request of a shard that is to blame, for whoever
decides nothing is not loaded again and again."""


class Watcher(Protocol):
    """Who is told how far the run is."""

    def phase(self, text: str, *, passing: bool = False) -> None:
        """Hear what is being done now; what is most often `passing` is nothing for a log."""
        ...

    def answered(self, counts: Mapping[Role, tuple[int, int]]) -> None:
        """Hear how many of each role's requests have answers, and how many there are."""
        ...


class Unannounced(LookupError):
    """A shard holds a key whose request this process cannot name."""


class Herald(Protocol):
    """Who tells the other processes what a plan asks."""

    def __call__(self, plans: Sequence[str], keys: Sequence[str], missing: Mapping[str, Request]) -> None:
        """Hear the names of plans, the keys of all that was to be answered, in order, and what has no answer yet."""
        ...


@dataclass(slots=True, kw_only=True)
class Answering:
    """Answers requests for one process of a run. `key_of` gives a request's content key.

    While this process leads others, its `herald` tells them of every plan.
    """

    store: Store
    run: str
    owner: str
    key_of: Callable[[Request], str]
    open_engine: Callable[[], Engine]
    watcher: Watcher
    herald: Herald | None = None
    answered: int = 0
    from_store: int = 0
    _engine: Engine | None = None
    _known: dict[str, Reply] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)
    _dead: dict[Role, str] = field(default_factory=dict)
    _ends: int = 0
    _entered: bool = False
    _told: float = float("-inf")

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """Return every request's reply, in order; a request that could not be answered has a Failure."""
        keys = [self.key_of(request) for request in requests]
        wanted = dict(zip(keys, requests, strict=True))
        self._recall(wanted)
        if any(key not in self._known for key in wanted):
            self._share(keys, wanted)
        return [self._known[key] for key in keys]

    def answer_now(self, request: Request) -> Reply:
        """Answer one request that no plan foresaw."""
        key = self.key_of(request)
        self._recall({key: request})
        if key not in self._known:
            self._keep([key], self._ask([request]))
        return self._known[key]

    def recalled(self, key: str) -> tuple[Reply | None, bool]:
        """Return the reply under a key, None where nobody asked, and if the store had it before the run."""
        reply = self._known.get(key)
        stored = isinstance(reply, Answer) and key not in self._kept and key not in self.store.planned(self.run)
        return reply, stored

    def help(self, plans: Sequence[str], wanted: Mapping[str, Request]) -> bool:
        """Answer one shard of another process's plans; return whether there was one to take.

        Raises Unannounced where `wanted` cannot name one of its requests: the shard is then open again.
        """
        taken = self._claim(plans)
        if taken is None:
            return False
        plan, claim = taken
        try:
            with self.heartbeat():
                self._work(plan, claim, wanted)
        except Unannounced:
            self.store.split(self.run, plan, claim.index, self.owner, [claim.keys])
            raise
        self._tell()
        return True

    def wait(self, seconds: float = WAIT_S) -> None:
        """Wait a moment for the other processes; what those that are gone had taken is open at once."""
        if not self.store.release_gone():
            time.sleep(seconds)
        self._tell()

    def enter(self) -> None:
        """Show the other processes that this one lives, as long as it does."""
        if not self._entered:
            self.store.enter(self.owner)
            self._entered = True

    def notices(self) -> list[str]:
        """What the engine has to say about how its answers came to be."""
        said: list[str] = getattr(self._engine, "notices", list)()
        return said

    def close(self) -> None:
        """Give the engine back."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self.store.leave(self.owner)
        self._entered = False

    def _recall(self, wanted: Iterable[str]) -> None:
        unknown = [key for key in wanted if key not in self._known]
        stored = self.store.answers(unknown)
        self.from_store += len(stored)
        self._known.update(stored)

    def _share(self, keys: Sequence[str], wanted: Mapping[str, Request]) -> None:
        """Claim and answer shards until none is open, then read what the other processes answered.

        A plan is named by its role and by all that is wanted, not by what was missing when this process looked: so
        every process of the run finds the one cut that the first of them made.
        """
        self.enter()
        self.watcher.phase("answering")
        plans = self._open_plans(wanted)
        if self.herald is not None:
            self.herald(plans, keys, {key: one for key, one in wanted.items() if key not in self._known})
        while taken := self._next(plans):
            plan, claim = taken
            with self.heartbeat():
                self._work(plan, claim, wanted)
            self._tell()
        self._tell(at_last=True)
        left = [key for key in wanted if key not in self._known]
        self._known.update({key: Failure(reason=why) for key, why in self.store.failures(self.run, left).items()})
        self._known.update(self.store.answers(left))
        for some in cut({key: wanted[key] for key in left if key not in self._known}):
            self._keep(some, self._ask([wanted[key] for key in some]))

    def _open_plans(self, wanted: Mapping[str, Request]) -> list[str]:
        """Enter one plan a role, unless another process has, and return their names in the order of work."""
        name, plans = digest(sorted(wanted)), []
        for role in ANSWERING:
            own = {key: request for key, request in wanted.items() if request.role == role}
            if own:
                plans.append(f"{role} {name}")
                self.store.open_plan(
                    self.run, plans[-1], cut({key: one for key, one in own.items() if key not in self._known})
                )
        return plans

    def _next(self, plans: Sequence[str]) -> tuple[str, Claim] | None:
        """Claim the next shard, or wait until others have finished theirs; None when all is done."""
        while unfinished := [plan for plan in plans if not self.store.is_finished(self.run, plan)]:
            taken = self._claim(unfinished)
            if taken is not None:
                return taken
            self.wait()
        return None

    def _claim(self, plans: Sequence[str]) -> tuple[str, Claim] | None:
        """Claim a shard of the first plan that has one; None where none is open."""
        for plan in plans:
            claim = self.store.claim(self.run, plan, self.owner, LEASE_S)
            if claim is not None:
                return plan, claim
        return None

    def _work(self, plan: str, claim: Claim, wanted: Mapping[str, Request]) -> None:
        """Answer a claimed shard, but for what another run stored in the meantime."""
        stored = self.store.answers(claim.keys)
        self._known.update(stored)
        keys = [key for key in claim.keys if key not in stored]
        if claim.attempts > DEATHS and len(claim.keys) > 1:
            self.store.split(self.run, plan, claim.index, self.owner, [[key] for key in claim.keys])
            return
        replies: dict[str, Reply] = {}
        if claim.attempts > DEATHS:
            reason = (
                f"{claim.attempts - 1} processes that asked for it ended, or stood still, before they had an answer"
            )
            replies = {key: Failure(reason=reason) for key in keys}
        elif keys:
            replies = dict(zip(keys, self._ask([wanted[key] for key in keys]), strict=True))
        answers = {key: reply for key, reply in replies.items() if isinstance(reply, Answer)}
        failures = {key: reply.reason for key, reply in replies.items() if isinstance(reply, Failure)}
        stands = self.store.finish(self.run, plan, claim.index, self.owner, answers, failures)
        self.answered += len(answers)
        # Where another's answers came first they are what every process must go by.
        self._known.update(replies if stands else self.store.answers(keys))

    def _tell(self, *, at_last: bool = False) -> None:
        """Tell the watcher how far all processes together are, role by role."""
        now = time.monotonic()
        if now - self._told < TELL_S and not at_last:
            return
        self._told = now
        self.watcher.answered(progress(self.store, self.run))

    def _keep(self, keys: Sequence[str], replies: Sequence[Reply]) -> None:
        """Store what was answered outside a plan."""
        answers = {key: reply for key, reply in zip(keys, replies, strict=True) if isinstance(reply, Answer)}
        self.store.put_answers(answers)
        self.answered += len(answers)
        self._kept.update(answers)
        self._known.update(zip(keys, replies, strict=True))

    def _ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Ask the engine; one that dies is asked again in halves, until the one request to blame is named."""
        role = requests[0].role
        if role in self._dead:
            return [Failure(reason=self._dead[role]) for _ in requests]
        if self._engine is None:
            self._engine = self.open_engine()
        try:
            return list(self._engine.answer(requests))
        except EngineDied as error:
            self._ends += role == "also"
            if self._ends == MOST_ENDS:
                self._dead["also"] = str(error)
            if len(requests) == 1:
                return [Failure(reason=str(error))]
            middle = len(requests) // 2
            return self._ask(requests[:middle]) + self._ask(requests[middle:])
        except EngineError as error:
            self._dead[role] = str(error)
            return [Failure(reason=str(error)) for _ in requests]

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Keep this process's leases alive while its engine works."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(LEASE_S / 3):
                # A beat that fails costs the lease at worst, and so work done twice.
                with suppress(StoreError):
                    self.store.beat(self.run, self.owner, LEASE_S)

        thread = threading.Thread(target=beat, name="ftcheck-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def progress(store: Store, run: str) -> dict[Role, tuple[int, int]]:
    """Return how many of each role's planned requests are done, and how many there are, by all processes of a run."""
    found: dict[Role, tuple[int, int]] = {}
    plans = store.progress_by_plan(run)
    for role in ANSWERING:
        counts = [count for plan, count in plans.items() if plan.startswith(f"{role} ")]
        if any(total for _, total in counts):
            found[role] = sum(done for done, _ in counts), sum(total for _, total in counts)
    return found


def cut(missing: Mapping[str, Request]) -> list[list[str]]:
    """Cut requests into shards of one role each, base first, those with a shared prefix and like lengths together.

    What requests share is weighed once. The cut depends on the requests alone, so every process of a run computes the
    same.
    """
    shards: list[list[str]] = []
    for role in ANSWERING:
        shard: list[str] = []
        weight, shared = 0, None
        for prompt, key in _ranked(
            (_Prompt.of(request), key) for key, request in missing.items() if request.role == role
        ):
            own = prompt.own if prompt.shared == shared else prompt.own + len(prompt.shared)
            if shard and (len(shard) >= SHARD_REQUESTS or weight + own > SHARD_CHARACTERS):
                shards.append(shard)
                shard, weight = [], 0
                own = prompt.own + len(prompt.shared)
            shard.append(key)
            weight, shared = weight + own, prompt.shared
        if shard:
            shards.append(shard)
    return shards


class _Prompt(NamedTuple):
    """What a request's place among the others depends on: `kind` of answer, all messages but the last, the last."""

    kind: str
    shared: str
    last: str
    choices: int

    @classmethod
    def of(cls, request: Request) -> _Prompt:
        decoding = request.decoding
        kind = "scores" if decoding.scores else f"{decoding.max_new_tokens:09d}"
        shared = "" if decoding.reads else "\n".join(message["content"] for message in request.messages[:-1])
        return cls(kind, shared, request.messages[-1]["content"], sum(map(len, decoding.choices)))

    @property
    def own(self) -> int:
        return len(self.last) + self.choices


def _ranked(prompts: Iterable[tuple[_Prompt, str]]) -> list[tuple[_Prompt, str]]:
    """Order by what is shared; last messages with a long common beginning stay together, else by length."""
    families: list[list[tuple[_Prompt, str]]] = []
    for prompt, key in sorted(prompts):
        before = families[-1][-1][0] if families else None
        if before is None or before[:2] != prompt[:2] or not _alike(before.last, prompt.last):
            families.append([])
        families[-1].append((prompt, key))
    for family in families:
        family.sort(key=lambda each: (each[0].own, each))
    families.sort(key=lambda family: (family[0][0][:2], max(prompt.own for prompt, _ in family), family[0]))
    return [each for family in families for each in family]


def _alike(first: str, second: str) -> bool:
    return len(first) > FAMILY_CHARACTERS and first[:FAMILY_CHARACTERS] == second[:FAMILY_CHARACTERS]
