"""Who is alive: each process that takes shards holds a lock on a file of its own, which the system drops at its end.

So one that was killed is told at once from one that is slow or stopped, whose leases must run out. POSIX only, like
engine processes. Where the file system has no such locks nobody is called gone, and leases alone decide.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from pytest_ftcheck.store.database import Database
from pytest_ftcheck.store.rows import to_blob

SUFFIX = ".alive"


class Owners:
    """The store's processes, by the names under which they claim."""

    _database: Database
    _present: dict[str, int]

    def enter(self, owner: str) -> None:
        """Show from now on that `owner` is this process. The leases of those that are gone end."""
        self.release_gone()
        with contextlib.suppress(OSError):
            self._present[owner] = _hold(self._database.folder / f"{owner}{SUFFIX}")

    def leave(self, owner: str) -> None:
        """Be gone: whatever leases `owner` holds can be taken over."""
        descriptor = self._present.pop(owner, None)
        if descriptor is not None:
            os.close(descriptor)

    def release_gone(self) -> list[str]:
        """End the leases of all processes that are gone, of whatever run, and return their names."""
        found = []
        with contextlib.suppress(OSError):
            for path in sorted(self._database.folder.glob(f"*{SUFFIX}")):
                if path.stem not in self._present and self._release(path):
                    found.append(path.stem)
        return found

    def _release(self, path: Path) -> bool:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with self._database.writing() as connection:
                connection.execute("UPDATE shards SET expires = 0 WHERE owner = ? AND state = 1", (to_blob(path.stem),))
            path.unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True


def _hold(path: Path) -> int:
    """Make a file and lock it; one that was taken for a dead process's in between, and removed, is made again."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
