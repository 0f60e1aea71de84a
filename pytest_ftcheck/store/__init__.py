"""SQLite behind the session: answers and grades by content key, claims on shards, the ledger. It knows no tests."""

from pytest_ftcheck.store.database import FILE_NAME
from pytest_ftcheck.store.ledger import LedgerEntry
from pytest_ftcheck.store.shards import Claim
from pytest_ftcheck.store.store import Store

__all__ = ["FILE_NAME", "Claim", "LedgerEntry", "Store"]
