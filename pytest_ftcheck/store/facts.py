"""Answers, grades and file hashes by content key: written once, checked when read. It knows no runs.

The first answer under a key stands: who writes a second one changes nothing, so two processes never swap facts.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pytest_ftcheck.errors import GraderError
from pytest_ftcheck.records import Answer, Grade
from pytest_ftcheck.store.database import Database
from pytest_ftcheck.store.rows import is_sound, pack, seal, to_blob, to_text, unpack

T = TypeVar("T")

CHUNK_KEYS = 500
"""Keys of one SELECT: larger ones look up no faster, and SQLite before 3.32 allows 999."""

NAMED_KEYS = 3
"""How many damaged rows a notice names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf(Generic[T]):
    """One table of sealed rows by key. `again` says what the session does for a row that is absent."""

    table: str
    encode: Callable[[T], object]
    decode: Callable[[Any], T]
    again: str

    def get(self, database: Database, keys: Iterable[str]) -> dict[str, T]:
        """Return what is stored under `keys`, sorted by key; a damaged row is taken as absent, named and set aside."""
        blobs = sorted({to_blob(key) for key in keys})
        found: dict[str, T] = {}
        damaged: list[tuple[bytes, object, object]] = []
        with database.reading() as connection:
            for start in range(0, len(blobs), CHUNK_KEYS):
                for key, payload, stored in self._select(connection, blobs[start : start + CHUNK_KEYS]):
                    try:
                        found[to_text(key)] = self._read(key, payload, stored)
                    except (ValueError, TypeError, GraderError):
                        damaged.append((key, payload, stored))
        if damaged:
            self._set_aside(database, damaged)
        return found

    def put(self, database: Database, rows: Mapping[str, T], *, replace: bool = False) -> None:
        """Write all rows in one transaction; those that are there stay unless `replace`."""
        if rows:
            with database.writing() as connection:
                self.write(connection, rows, replace=replace)

    def write(self, connection: sqlite3.Connection, rows: Mapping[str, T], *, replace: bool = False) -> int:
        """Write rows within the caller's transaction, and return how many were written."""
        verb = "REPLACE" if replace else "IGNORE"
        query = f"INSERT OR {verb} INTO {self.table} VALUES (?, ?, ?)"
        return max(0, connection.executemany(query, self._sealed(rows)).rowcount)

    def _sealed(self, rows: Mapping[str, T]) -> Iterator[tuple[bytes, bytes, bytes]]:
        # In key order, which halves the time of writing many; one at a time, since 100,000 tuples at once keep
        # Python's cycle collector busy for as long as SQLite works.
        for name in sorted(rows):
            key = to_blob(name)
            payload = pack(self.encode(rows[name]), what=f"the row {name!r} of {self.table}")
            yield key, payload, seal(self.table, key, payload)

    def _select(self, connection: sqlite3.Connection, blobs: list[bytes]) -> sqlite3.Cursor:
        marks = ",".join("?" * len(blobs))
        return connection.execute(f"SELECT key, payload, seal FROM {self.table} WHERE key IN ({marks})", blobs)

    def _read(self, key: bytes, payload: bytes, stored: bytes) -> T:
        if not is_sound(self.table, key, payload, stored):
            raise ValueError("checksum")
        return self.decode(unpack(payload))

    def _set_aside(self, database: Database, damaged: list[tuple[bytes, object, object]]) -> None:
        found = time.time()
        with database.writing() as connection:
            for row in damaged:
                connection.execute("INSERT INTO damaged VALUES (?, ?, ?, ?, ?)", (self.table, *row, found))
                # Another process may have written a sound row since: only what was read is taken out. A damaged blob
                # may have become text, which is read as bytes and equals no blob.
                connection.execute(
                    f"DELETE FROM {self.table} WHERE key IS ? AND CAST(payload AS BLOB) IS CAST(? AS BLOB)"
                    " AND CAST(seal AS BLOB) IS CAST(? AS BLOB)",
                    row,
                )
        named = ", ".join(key.decode("utf-8", "replace") for key, _, _ in damaged[:NAMED_KEYS])
        more = ", ..." if len(damaged) > NAMED_KEYS else ""
        database.notices.append(
            f"the store {database.path} had {len(damaged)} damaged of {self.table} ({named}{more}): "
            f"taken as absent, kept apart, to be {self.again}"
        )


def _pack_answer(answer: Answer) -> list[object]:
    return [
        answer,
        answer.prompt_tokens,
        answer.completion_tokens,
        answer.finish_reason,
        answer.logprob,
        answer.probability,
        # Last, and only where there are some: rows written before choices were known stay as they are.
        *([] if answer.choice_logprobs is None else [list(answer.choice_logprobs)]),
        *([] if answer.choice_greedy is None else [list(answer.choice_greedy)]),
    ]


def _unpack_answer(row: list[Any]) -> Answer:
    text, prompt_tokens, completion_tokens, finish_reason, logprob, probability, *scored = row
    return Answer(
        text,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        finish_reason=finish_reason,
        logprob=logprob,
        probability=probability,
        choice_logprobs=scored[0] if scored else None,
        choice_greedy=scored[1] if len(scored) > 1 else None,
    )


def _pack_grade(grade: Grade) -> list[object]:
    return [grade.score, grade.reason, dict(grade.detail)]


def _unpack_grade(row: list[Any]) -> Grade:
    score, reason, detail = row
    return Grade(score, reason, detail)


ANSWERS = Shelf(table="answers", encode=_pack_answer, decode=_unpack_answer, again="answered anew")
GRADES = Shelf(table="grades", encode=_pack_grade, decode=_unpack_grade, again="graded anew")
DIGESTS = Shelf(table="digests", encode=str, decode=str, again="computed anew")


class Facts:
    """The store's facts by content key."""

    _database: Database

    def answers(self, keys: Iterable[str]) -> dict[str, Answer]:
        """Return the stored answers under `keys`; a key without one is left out."""
        return ANSWERS.get(self._database, keys)

    def put_answers(self, rows: Mapping[str, Answer]) -> None:
        """Store answers in one transaction; under a key that has one, the first stands."""
        ANSWERS.put(self._database, rows)

    def grades(self, keys: Iterable[str]) -> dict[str, Grade]:
        """Return the stored grades under `keys`; `detail` comes back as JSON holds it (tuples as lists)."""
        return GRADES.get(self._database, keys)

    def put_grades(self, rows: Mapping[str, Grade]) -> None:
        """Store grades in one transaction; under a key that has one, the first stands."""
        GRADES.put(self._database, rows)

    def get_digest(self, key: str) -> str | None:
        """Return the remembered hash of a file, or None."""
        return DIGESTS.get(self._database, [key]).get(key)

    def put_digest(self, key: str, value: str) -> None:
        """Remember the hash of a file; the last one stands."""
        DIGESTS.put(self._database, {key: value}, replace=True)
