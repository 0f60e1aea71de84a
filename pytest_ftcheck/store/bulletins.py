"""Bulletins: what one process of a run tells the others, once, as rows of JSON under a name. It knows not what.

They stand among the run's plans as shards that are done and hold no request, so that nobody claims them, and go with
the run: when it ends, or when it is purged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_ftcheck.store.database import Database
from pytest_ftcheck.store.rows import is_sound, pack, seal, to_blob, unpack

PREFIX = b"bulletin "
DONE = 2


class Bulletins:
    """The store's bulletins, each of one run."""

    _database: Database

    def publish(self, run: str, name: str, rows: Iterable[object]) -> None:
        """Write all rows in one transaction, numbered from 0; of two with one name the first stands."""
        ids = (to_blob(run), PREFIX + to_blob(name))
        with self._database.writing() as connection:
            if connection.execute("INSERT OR IGNORE INTO plans VALUES (?, ?)", ids).rowcount:
                connection.executemany(
                    "INSERT INTO shards VALUES (?, ?, ?, ?, 0, ?, NULL, 0, 0, ?, ?)",
                    ((*ids, number, number, DONE, *_sealed(*ids, number, row)) for number, row in enumerate(rows)),
                )

    def is_published(self, run: str, name: str) -> bool:
        """Whether there is a bulletin of that name, be it without rows."""
        query = "SELECT EXISTS (SELECT 1 FROM plans WHERE run = ? AND plan = ?)"
        with self._database.reading() as connection:
            return bool(connection.execute(query, (to_blob(run), PREFIX + to_blob(name))).fetchone()[0])

    def bulletin(self, run: str, name: str, number: int) -> Any:
        """Return one row, with tuples as lists; None where there is none or it is damaged."""
        ids = (to_blob(run), PREFIX + to_blob(name))
        query = "SELECT payload, seal FROM shards WHERE run = ? AND plan = ? AND number = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (*ids, number)).fetchone()
        return unpack(row[0]) if row is not None and is_sound("shards", _key(*ids, number), *row) else None

    def withdraw(self, run: str) -> None:
        """Remove all bulletins of a run."""
        with self._database.writing() as connection:
            for table in ("shards", "plans"):
                connection.execute(
                    f"DELETE FROM {table} WHERE run = ? AND substr(plan, 1, {len(PREFIX)}) = ?", (to_blob(run), PREFIX)
                )


def _sealed(run: bytes, name: bytes, number: int, row: object) -> tuple[bytes, bytes]:
    payload = pack(row, what=f"row {number} of {name!r}")
    return payload, seal("shards", _key(run, name, number), payload)


def _key(run: bytes, name: bytes, number: int) -> bytes:
    return b"\0".join((run, name, str(number).encode("ascii")))
