"""`ftcheck card`: a run that was recorded with --ft-json, written into the model card of its checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ftcheck.errors import ConfigError, EngineError
from pytest_ftcheck.models.checkpoints import resolve
from pytest_ftcheck.models.protocol import EngineOptions
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.card import require_card, write_card
from pytest_ftcheck.reports.reading import read_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file that is read and the checkpoint."""
    parser.add_argument("file", type=Path, help="what --ft-json wrote, by this version or an older one")
    parser.add_argument("checkpoint", type=Path, help="the folder of the fine-tune whose README.md is written")
    parser.add_argument("--unchecked", action="store_true", help="write it though the folder's content is another")


def run(arguments: argparse.Namespace) -> int:
    """Write the card. Raises ConfigError for a run of another checkpoint, or a card that cannot be written."""
    found = read_run(arguments.file)
    require_card(str(arguments.checkpoint), limit=found.limit, option="CHECKPOINT")
    if not arguments.unchecked:
        _require_same(found, arguments.checkpoint)
    print(write_card(found, arguments.checkpoint))
    return 0


def _require_same(found: Run, folder: Path) -> None:
    recorded = next((model.fingerprint for model in found.models if model.role == "ft"), "")
    try:
        here = resolve("ft", str(folder), rootdir=Path.cwd(), options=EngineOptions(), digests=_Fresh()).fingerprint
    except EngineError as error:
        raise ConfigError(f"CHECKPOINT is {str(folder)!r}: {error}") from None
    if here != recorded:
        raise ConfigError(
            f"CHECKPOINT is {str(folder)!r}, whose content is {here[:19]}; the run judged {recorded[:19] or 'none'};"
            " allowed: the checkpoint of the run, or --unchecked"
        )


class _Fresh:
    """Hashes of files, computed and not kept."""

    def get_digest(self, key: str) -> str | None:
        """Know none."""
        return None

    def put_digest(self, key: str, value: str) -> None:
        """Keep none."""
