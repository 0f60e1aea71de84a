"""People's ratings of answers: a JSONL file, committed beside the tests, one rating a line. It knows no graders.

A rating belongs to content: what people were asked (`asked`, a hash of criteria and scale), the case, the answer, or
the two answers that were compared. Where one of them changes, the rating counts no more; so one file serves every
model that is ever compared, and two evals may share it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import CaseError, StoreError
from pytest_ftcheck.records import digest

BETTER = ("answer", "other", "tie")
"""What a rating of two answers says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One person's rating of an answer, or of it beside an `other`. `case`, `answer` and `other` are content hashes.

    `score` is a whole number on the rubric's scale; of two answers, "answer", "other" or "tie" is `better`. `id` is the
    case's, for readers of the file.
    """

    asked: str
    case: str
    id: str
    answer: str
    other: str = ""
    score: int | None = None
    better: str = ""
    rater: str = ""

    @property
    def key(self) -> tuple[str, str, frozenset[str]]:
        """What is rated: the same for two answers in either order."""
        return self.asked, self.case, frozenset(filter(None, (self.answer, self.other)))


def answer_digest(answer: str) -> str:
    """Return the content hash of an answer's text."""
    return digest(str(answer))


def labels_file(folder: Path, eval_name: str, metric: str) -> Path:
    """Return where an eval's ratings under one metric are kept."""
    return folder / f"{file_name(eval_name)}.{file_name(metric)}.jsonl"


def file_name(name: str) -> str:
    """Write a name in characters that every file system takes; one that has others gets a part of its hash.

    >>> file_name("test_replies"), file_name("my/rubric")
    ('test_replies', 'my_rubric-759b46')
    """
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "_-") else "_" for sign in name)
    return plain if plain == name else f"{plain}-{digest(name)[:6]}"


def read_labels(path: Path) -> list[Label]:
    """Return the ratings in a file, none where there is no file; the last of several for one thing stands.

    Raises CaseError naming the file, the line, the field, its value and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: ratings cannot be read: {error}; allowed: JSON lines in UTF-8") from None
    found: dict[object, Label] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            label = _label(line, f"{path}:{number}")
            found.pop(label.key, None)
            found[label.key] = label
    return list(found.values())


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write a file of ratings in one step: readers see the old file or the new one. Raises StoreError naming it."""
    rows = ({name: value for name, value in asdict(label).items() if value not in ("", None)} for label in labels)
    text = "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)
    write_in_one_step(path, text, what="ratings")


def write_in_one_step(path: Path, text: str, *, what: str) -> None:
    """Write text to a temporary file beside `path` and put it in its place. Raises StoreError naming the file."""
    half = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: {what} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            half.unlink()


def _label(line: str, where: str) -> Label:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{where}: no JSON: {error}; allowed: one JSON object a line") from None
    if not isinstance(row, Mapping):
        raise CaseError(f"{where}: {row!r:.80}; allowed: one JSON object a line")
    score, better = row.get("score"), row.get("better", "")
    if "other" in row and better not in BETTER:
        raise CaseError(f"{where}: field 'better' is {better!r}; allowed: {', '.join(BETTER)}")
    if "other" not in row and type(score) is not int:
        raise CaseError(f"{where}: field 'score' is {score!r}; allowed: a whole number on the rubric's scale")
    return Label(
        asked=_text(row, "asked", where),
        case=_text(row, "case", where),
        answer=_text(row, "answer", where),
        id=_text({"id": "", **row}, "id", where),
        other=_text({"other": "", **row}, "other", where),
        rater=_text({"rater": "", **row}, "rater", where),
        score=None if "other" in row else score,
        better=better if "other" in row else "",
    )


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise CaseError(f"{where}: field {name!r} is {value!r}; allowed: text")
    return value
