"""The store: facts by content key, the claims of running workers, and the ledger, in one file of one folder."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from pytest_ftcheck.store.bulletins import Bulletins
from pytest_ftcheck.store.database import Database
from pytest_ftcheck.store.facts import Facts
from pytest_ftcheck.store.ledger import Ledger
from pytest_ftcheck.store.owners import Owners
from pytest_ftcheck.store.shards import Shards

TIMEOUT_S = 60.0


class Store(Facts, Shards, Bulletins, Owners, Ledger):
    """Opens or makes the store in `folder`; threads and forked or spawned processes may use it at once.

    `timeout_s` is how long, in seconds, one statement waits for other processes' transactions. Raises StoreError
    wherever the file cannot be read or written, here and in every method; what a method writes is then whole or absent.
    """

    def __init__(self, folder: Path, *, timeout_s: float = TIMEOUT_S) -> None:
        self._database = Database(Path(folder), timeout_s=timeout_s)
        self._present = {}

    @property
    def folder(self) -> Path:
        """The folder that holds the file."""
        return self._database.folder

    @property
    def notices(self) -> list[str]:
        """What befell the store and what was done about it, a sentence each, for the session to show."""
        return self._database.notices

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        return (Store, (self.folder,))
