"""A model card with a run in it: the results as the Hub reads them, and the verdicts for people.

Of an existing README.md all else stays byte for byte; a later run replaces only what an earlier one wrote.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Run
from pytest_ftcheck.reports.files import write_whole
from pytest_ftcheck.reports.markdown import code, run_markdown

CARD = "README.md"
BEGIN = "<!-- pytest-ftcheck: begin (written by --ft-card, replaced by its next run) -->"
END = "<!-- pytest-ftcheck: end -->"
TITLE = "Against the base model"

# As the Hub's own reader finds it.
_FRONT = re.compile(r"^(\s*---(?:\r\n|\r|\n))([\S\s]*?)((?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$))")
_EMPTY_FRONT = re.compile(r"^\s*---(?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$)")
_SECTION = re.compile(rf"^<!-- pytest-ftcheck: begin\b[^\n]*-->\r?\n[\S\s]*?^{re.escape(END)}[ \t]*\r?$", re.MULTILINE)
_MARK = re.compile(r"^<!-- pytest-ftcheck: (?:begin|end)\b", re.MULTILINE)


def require_card(source: str, *, limit: int | None, option: str = "--ft-model") -> None:
    """Raise ConfigError where a run of the model `source` could have no card: not a folder, or on part of the cases."""
    if find_spec("yaml") is None:
        raise ConfigError("--ft-card: needs pyyaml; pip install 'pytest-ftcheck[trackers]'")
    if not Path(source).is_dir():
        raise ConfigError(
            f"--ft-card writes README.md into the checkpoint's folder, but {option} is {source!r}; allowed: a folder"
            " (not a hub id, a served model or recorded answers)"
        )
    if limit is not None:
        raise ConfigError(
            f"--ft-card with --ft-limit={limit}: a reader of the card would take part of the cases for all; allowed:"
            " one of the two"
        )


def write_card(run: Run, folder: Path) -> Path:
    """Write a run into the model card of a checkpoint's folder and return the card.

    Raises ConfigError naming the card where it cannot be read, edited or written, or the run has no score; the card is
    then as it was.
    """
    # A link is replaced, not followed: in the Hub's cache it leads to a file that other snapshots share.
    path = folder.resolve() / CARD
    try:
        before = path.read_bytes().decode("utf-8") if path.is_file() else ""
        if path.exists() and not path.is_file():
            raise ConfigError("is no regular file")
        text = card_text(before, run, name=folder.resolve().name)
    except OSError as error:
        raise ConfigError(f"model card {path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"model card {path}: is not UTF-8: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"model card {path}: {error}") from None
    write_whole(path, text.encode("utf-8"), what="model card", through_links=False)
    return path


def card_text(before: str, run: Run, *, name: str) -> str:
    """Return a card's text with a run in it; `name` is what a new model index calls the model."""
    from pytest_ftcheck.reports.model_index import results_of, with_results

    if before.startswith("\ufeff"):
        raise ConfigError("begins with a byte order mark, behind which the Hub finds no front matter; save it without")
    results = results_of(run)
    if not results:
        raise ConfigError("no eval of this run has a score, so that there is nothing to write")
    newline = "\r\n" if "\r\n" in before else "\n"
    found = _FRONT.match(before)
    hollow = None if found else _EMPTY_FRONT.match(before)
    if found:
        front, body = with_results(found[2], results, name=name, newline=newline), before[found.end() :]
        head = f"{found[1]}{front.removesuffix(newline)}{found[3]}"
    else:
        body = before[hollow.end() :] if hollow else before
        head = f"---{newline}{with_results('', results, name=name, newline=newline)}---{newline}"
        body = body if body.strip() or hollow else f"{newline}# {code(name)}{newline}"
    return head + _with_section(body, run, newline)


def _with_section(body: str, run: Run, newline: str) -> str:
    """Return the text below the front matter with our section replaced, or added at the end."""
    told = run_markdown(run, title=TITLE, losses_shown=0).strip()
    section = newline.join([BEGIN, *told.splitlines(), END])
    marks = len(_MARK.findall(body))
    found = _SECTION.search(body)
    if found and marks == 2:
        end = found.end() - found[0].endswith("\r")
        return body[: found.start()] + section + body[end:]
    if marks:
        raise ConfigError(f"has {marks} of our marks (<!-- pytest-ftcheck: ... -->); allowed: one begin and one end")
    gap = "" if not body else newline if body.endswith(("\n", "\r")) else newline * 2
    return f"{body}{gap}{section}{newline}"
