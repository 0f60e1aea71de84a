"""What a run leaves beside the terminal: its files, the model card, what trackers are told. No verdict hangs on it.

Each is imported when it is asked for; each that fails is one line, and the others are written all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ftcheck.errors import ConfigError, FtcheckError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.inert import inert

if TYPE_CHECKING:
    from pytest_ftcheck.options import Settings


def require_outputs(settings: Settings) -> None:
    """Raise ConfigError, before the run, for trackers and cards that could not be written after it."""
    if settings.model is None:
        return
    if settings.track:
        from pytest_ftcheck.reports.trackers.telling import require_packages

        require_packages(settings.track)
    if settings.card:
        from pytest_ftcheck.reports.card import require_card

        require_card(settings.model, limit=settings.limit)


def needs_cases(settings: Settings) -> bool:
    """Whether something that is written shows the cases."""
    return bool(settings.json or settings.report or settings.track or settings.card)


def deliver(run: Run, settings: Settings, *, begun: bool) -> Iterator[tuple[str, bool]]:
    """Write all that was asked for, yielding lines to print, and whether each is a warning.

    A run that has not `begun` (nothing was answered or judged) replaces an earlier run's files, and is told nowhere.
    """
    files = []
    for path, write in ((settings.json, _write_json), (settings.report, _write_report)):
        if path is not None:
            try:
                write(run, path)
                files.append(path)
            except FtcheckError as error:
                yield _warning(str(error))
    if settings.card and settings.model is not None and begun:
        from pytest_ftcheck.reports.card import write_card

        try:
            write_card(run, Path(settings.model))
        except ConfigError as error:
            yield _warning(str(error))
    if settings.track and begun:
        from pytest_ftcheck.reports.trackers.telling import tell

        for told in tell(run, settings.track, files=files):
            if told.fault:
                yield _warning(f"{told.tracker}: was not told of this run: {told.fault}")
            else:
                yield f"{told.tracker}: {told.where}", False


def _warning(text: str) -> tuple[str, bool]:
    return f"warning: {inert(text, one_line=True)}", True


def _write_json(run: Run, path: Path) -> None:
    from pytest_ftcheck.reports.document import write_json

    write_json(run, path)


def _write_report(run: Run, path: Path) -> None:
    from pytest_ftcheck.reports.html_report import write_report

    write_report(run, path)
