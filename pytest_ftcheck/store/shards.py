"""Who answers what: the cut of a run's requests into shards, and the leases under which its workers take them.

It knows keys, not requests. All workers of a run stand on one machine (SQLite's WAL asks for that), so leases are
measured by that machine's clock, `time.time()`; a clock that jumps ends leases early or late, which costs work done
twice and never an answer, because the first answer under a key stands.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_ftcheck.errors import StoreError
from pytest_ftcheck.records import Answer
from pytest_ftcheck.store.database import Database
from pytest_ftcheck.store.facts import ANSWERS, CHUNK_KEYS
from pytest_ftcheck.store.rows import is_sound, pack, seal, to_blob, to_text, unpack
from pytest_ftcheck.store.schema import OF_ONE_RUN

OPEN, LEASED, DONE = 0, 1, 2

KEPT_RUN_S = 7 * 24 * 3600
"""Claims and failures of a run that nobody has touched for so long are purged when another run opens a plan."""

RECENT_S = 600.0
"""A run that took, kept or planned nothing for so long has no lease that counts for other runs."""

OPEN_ONES = (
    "SELECT number, attempts, owner, payload, seal, state, origin FROM shards INDEXED BY shards_by_state"
    " WHERE run = ? AND plan = ? AND state = 0 ORDER BY origin, number"
)
EXPIRED_ONES = (
    "SELECT number, attempts, owner, payload, seal, state, origin FROM shards INDEXED BY shards_by_state"
    " WHERE run = ? AND plan = ? AND state = 1 AND expires < ? ORDER BY origin, number"
)
LEASED_ELSEWHERE = (
    "SELECT shards.payload FROM active_runs CROSS JOIN plans ON plans.run = active_runs.run"
    " CROSS JOIN shards INDEXED BY shards_by_state"
    " ON shards.run = plans.run AND shards.plan = plans.plan AND shards.state = 1"
    " WHERE active_runs.run <> ? AND active_runs.seen > ? AND shards.expires >= ?"
)

Row = tuple[int, int, bytes, bytes, bytes, int, int]
"""Number, attempts, owner, payload, seal, state and origin of a shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A shard that was taken: its number, its request keys in order, and how often it was taken, this time included."""

    index: int
    keys: tuple[str, ...]
    attempts: int


class Shards:
    """The store's plans, leases and failures, each of one run."""

    _database: Database

    def open_plan(self, run: str, plan: str, shards: Sequence[Sequence[str]]) -> None:
        """Enter a run's cut of one plan, unless it is there: all workers of a run work on the first one's.

        Shards are numbered from 0 in the order given, and claimed in that order.
        """
        ids = (to_blob(run), to_blob(plan))
        rows = [_shard_row(*ids, number, number, keys) for number, keys in enumerate(shards)]
        with self._database.writing() as connection:
            _purge(connection)
            _touch(connection, ids[0])
            if connection.execute("INSERT OR IGNORE INTO plans VALUES (?, ?)", ids).rowcount:
                _insert(connection, rows)

    def claim(self, run: str, plan: str, owner: str, lease_s: float) -> Claim | None:
        """Take the first shard that is open or whose lease has run out, for `lease_s` seconds; None where none is.

        What another run is answering at the moment is left to it: whoever comes back finds the answers stored.
        """
        ids = (to_blob(run), to_blob(plan))
        # Workers that wait for others' leases ask again and again: without a shard to take they write nothing.
        with self._database.reading() as connection:
            if _first(connection, *ids) is None:
                return None
        with self._database.writing() as connection:
            _touch(connection, ids[0])
            while (row := _first(connection, *ids)) is not None:
                number, attempts, old_owner, payload, stored, state, _ = row
                if not is_sound("shards", _shard_key(*ids, number), payload, stored):
                    self._give_up(connection, *ids, number)
                    continue
                if state == LEASED:
                    connection.execute("INSERT INTO takeovers VALUES (?, ?)", (ids[0], old_owner))
                connection.execute(
                    "UPDATE shards SET state = 1, owner = ?, expires = ?, attempts = attempts + 1"
                    " WHERE run = ? AND plan = ? AND number = ?",
                    (to_blob(owner), time.time() + lease_s, *ids, number),
                )
                return Claim(index=number, keys=tuple(unpack(payload)), attempts=attempts + 1)
        return None

    def beat(self, run: str, owner: str, lease_s: float) -> bool:
        """Make all leases of `owner` last `lease_s` seconds from now.

        Returns False if any was taken over since the last beat: each loss is told once.
        """
        ids = (to_blob(run), to_blob(owner))
        with self._database.writing() as connection:
            _touch(connection, ids[0])
            connection.execute(
                "UPDATE shards SET expires = ? WHERE run = ? AND owner = ? AND state = 1",
                (time.time() + lease_s, *ids),
            )
            return not connection.execute("DELETE FROM takeovers WHERE run = ? AND owner = ?", ids).rowcount

    def finish(
        self,
        run: str,
        plan: str,
        index: int,
        owner: str,
        answers: Mapping[str, Answer],
        failures: Mapping[str, str],
    ) -> bool:
        """Store a shard's answers and failures and mark it done, in one transaction.

        Returns whether all of it stands. It does not where some answers were there before: the first ones stand. Nor
        where another owner has the shard by now: answers are kept where none is stored, and all else is left to it.
        """
        ids = (to_blob(run), to_blob(plan))
        failed = _failure_rows(run, failures)
        with self._database.writing() as connection:
            written = ANSWERS.write(connection, answers)
            held = _release(connection, *ids, index, to_blob(owner))
            if held:
                _insert_failures(connection, failed)
        return held and written == len(answers)

    def split(self, run: str, plan: str, index: int, owner: str, parts: Sequence[Sequence[str]]) -> bool:
        """Replace a shard that `owner` holds by open ones, which take its place in the order.

        Parts of a shard that was taken more than once count as taken once already.
        Returns False, changing nothing, if another owner has it by now. Raises StoreError where the parts hold other
        keys than the shard.
        """
        ids = (to_blob(run), to_blob(plan))
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT origin, payload, attempts FROM shards WHERE run = ? AND plan = ? AND number = ? AND owner = ?"
                " AND state = 1",
                (*ids, index, to_blob(owner)),
            ).fetchone()
            if row is None:
                return False
            origin, payload, attempts = row
            _check_parts(unpack(payload), parts, index)
            query = "SELECT max(number) + 1 FROM shards WHERE run = ? AND plan = ?"
            ((first,),) = connection.execute(query, ids)
            connection.execute("DELETE FROM shards WHERE run = ? AND plan = ? AND number = ?", (*ids, index))
            taken = int(attempts > 1)
            _insert(connection, [_shard_row(*ids, first + n, origin, keys, taken) for n, keys in enumerate(parts)])
        return True

    def is_finished(self, run: str, plan: str) -> bool:
        """Whether no shard of the plan is open or leased."""
        query = "SELECT EXISTS (SELECT 1 FROM shards WHERE run = ? AND plan = ? AND state < 2)"
        with self._database.reading() as connection:
            return not connection.execute(query, (to_blob(run), to_blob(plan))).fetchone()[0]

    def unfinished(self, run: str, plan: str) -> int:
        """Return how many shards of the plan are open or leased."""
        query = "SELECT count(*) FROM shards WHERE run = ? AND plan = ? AND state < 2"
        with self._database.reading() as connection:
            return int(connection.execute(query, (to_blob(run), to_blob(plan))).fetchone()[0])

    def progress(self, run: str) -> tuple[int, int]:
        """Return how many requests of all of the run's plans are in shards that are done, and how many there are."""
        query = "SELECT sum(size * (state = 2)), sum(size) FROM shards WHERE run = ?"
        with self._database.reading() as connection:
            done, planned = connection.execute(query, (to_blob(run),)).fetchone()
        return int(done or 0), int(planned or 0)

    def progress_by_plan(self, run: str) -> dict[str, tuple[int, int]]:
        """Return the same for each of the run's plans."""
        query = "SELECT plan, sum(size * (state = 2)), sum(size) FROM shards WHERE run = ? GROUP BY plan"
        with self._database.reading() as connection:
            rows = connection.execute(query, (to_blob(run),)).fetchall()
        return {to_text(plan): (int(done), int(planned)) for plan, done, planned in rows}

    def planned(self, run: str) -> set[str]:
        """Return the keys of all shards of a run: what the store did not hold when the run began."""
        query = "SELECT plan, number, payload, seal FROM shards WHERE run = ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (to_blob(run),)).fetchall()
        sound = (
            payload
            for plan, number, payload, stored in rows
            if is_sound("shards", _shard_key(to_blob(run), plan, number), payload, stored)
        )
        return {str(key) for payload in sound for key in unpack(payload)}

    def failures(self, run: str, keys: Iterable[str]) -> dict[str, str]:
        """Return why requests of this run had no answer, by key. A stored answer under the same key stands above it."""
        blobs = sorted({to_blob(key) for key in keys})
        found = {}
        with self._database.reading() as connection:
            for start in range(0, len(blobs), CHUNK_KEYS):
                chunk = blobs[start : start + CHUNK_KEYS]
                query = (
                    f"SELECT key, payload, seal FROM failures WHERE run = ? AND key IN ({','.join('?' * len(chunk))})"
                )
                for key, payload, stored in connection.execute(query, (to_blob(run), *chunk)):
                    if is_sound("failures", to_blob(run) + b"\0" + key, payload, stored):
                        found[to_text(key)] = str(unpack(payload))
        return found

    def put_failures(self, run: str, rows: Mapping[str, str]) -> None:
        """Record why requests of this run have no answer; the last reason stands."""
        sealed = _failure_rows(run, rows)
        with self._database.writing() as connection:
            _touch(connection, to_blob(run))
            _insert_failures(connection, sealed)

    def _give_up(self, connection: sqlite3.Connection, run: bytes, plan: bytes, number: int) -> None:
        # Its keys cannot be known any more: they are found missing and answered outside the plan.
        connection.execute("UPDATE shards SET state = 2 WHERE run = ? AND plan = ? AND number = ?", (run, plan, number))
        self._database.notices.append(
            f"the store {self._database.path} has a damaged shard, {number} of run {to_text(run)!r}: it is passed over"
        )


def _first(connection: sqlite3.Connection, run: bytes, plan: bytes) -> Row | None:
    """Return the first shard to take: an expired one comes before an open one of a later place."""
    now = time.time()
    taken = _leased_elsewhere(connection, run, now)
    queries = ((OPEN_ONES, (run, plan)), (EXPIRED_ONES, (run, plan, now)))
    found = [_first_free(connection.execute(*query), run, plan, taken) for query in queries]
    return min((row for row in found if row is not None), key=lambda row: (row[6], row[0]), default=None)


def _first_free(rows: Iterable[Row], run: bytes, plan: bytes, taken: set[str]) -> Row | None:
    for row in rows:
        number, _, _, payload, stored, _, _ = row
        # A damaged one is found here too, for the caller to give up.
        if not taken or not is_sound("shards", _shard_key(run, plan, number), payload, stored):
            return row
        if taken.isdisjoint(unpack(payload)):
            return row
    return None


def _leased_elsewhere(connection: sqlite3.Connection, run: bytes, now: float) -> set[str]:
    """Return what other runs are answering at the moment."""
    rows = connection.execute(LEASED_ELSEWHERE, (run, now - RECENT_S, now))
    with contextlib.suppress(ValueError):  # damaged: of no use to its owner either
        return {str(key) for (payload,) in rows for key in unpack(payload)}
    return set()


def _release(connection: sqlite3.Connection, run: bytes, plan: bytes, number: int, owner: bytes) -> bool:
    done = connection.execute(
        "UPDATE shards SET state = 2 WHERE run = ? AND plan = ? AND number = ? AND owner = ? AND state = 1",
        (run, plan, number, owner),
    )
    return done.rowcount == 1


def _insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    connection.executemany("INSERT INTO shards VALUES (?, ?, ?, ?, ?, ?, NULL, 0, ?, ?, ?)", rows)


def _shard_row(
    run: bytes, plan: bytes, number: int, origin: int, keys: Sequence[str], attempts: int = 0
) -> tuple[object, ...]:
    payload = pack(list(keys), what=f"shard {number}")
    stored = seal("shards", _shard_key(run, plan, number), payload)
    return (run, plan, number, origin, len(keys), OPEN if keys else DONE, attempts, payload, stored)


def _shard_key(run: bytes, plan: bytes, number: int) -> bytes:
    return b"\0".join((run, plan, str(number).encode("ascii")))


def _check_parts(keys: Sequence[str], parts: Sequence[Sequence[str]], index: int) -> None:
    given = sorted(key for part in parts for key in part)
    if given != sorted(keys):
        raise StoreError(
            f"shard {index} has {len(keys)} keys, its parts {len(given)}; allowed: the same keys, each once"
        )


def _failure_rows(run: str, failures: Mapping[str, str]) -> list[tuple[bytes, bytes, bytes, bytes]]:
    owner = to_blob(run)
    rows = []
    for name, reason in failures.items():
        key, payload = to_blob(name), pack(str(reason), what=f"the failure of {name!r}")
        rows.append((owner, key, payload, seal("failures", owner + b"\0" + key, payload)))
    return rows


def _insert_failures(connection: sqlite3.Connection, rows: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
    connection.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", rows)


def _touch(connection: sqlite3.Connection, run: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO active_runs VALUES (?, ?)", (run, time.time()))


def _purge(connection: sqlite3.Connection) -> None:
    query = "SELECT run FROM active_runs WHERE seen < ?"
    for (run,) in connection.execute(query, (time.time() - KEPT_RUN_S,)).fetchall():
        for table in OF_ONE_RUN:
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
