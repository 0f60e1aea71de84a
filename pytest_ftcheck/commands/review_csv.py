"""Ratings as CSV: for spreadsheets, and for ratings that were made elsewhere. It knows decks and no pages.

A row has the case's id and the answers' whole text, by which a rating finds its card. A text that a spreadsheet would
take for a formula is written behind an apostrophe, which is taken off again when it is read.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from pytest_ftcheck.commands.deck import SIDES, Card, Deck, allowed
from pytest_ftcheck.data.sheets import SheetCase
from pytest_ftcheck.errors import CaseError

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
NAMED = 5


def columns(deck: Deck) -> list[str]:
    """Return the columns of a deck's CSV; the last is the rating."""
    if deck.sheet.kind == "rubric":
        return ["case", "answer", "score"]
    return ["case", "answer_a", "answer_b", "better"]


def to_csv(deck: Deck) -> str:
    """Write all cards of a deck, with their ratings; those not rated yet have an empty one."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns(deck))
    for card, value in zip(deck.cards, deck.values, strict=True):
        texts = [_shown(text) for text in (card.case.id, *card.answers)]
        writer.writerow([*texts, "" if value is None else value])
    return file.getvalue()


def import_csv(deck: Deck, path: Path) -> int:
    """Take ratings from a file in one step, and return how many; rows without one are passed over.

    Raises CaseError naming the file, the line, the field, its value and what is allowed; then nothing is taken.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: cannot be read: {error}; allowed: a CSV file in UTF-8") from None
    wanted = columns(deck)
    csv.field_size_limit(sys.maxsize)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rated: list[tuple[Card, int | str]] = []
    try:
        lacks = [name for name in wanted if name not in (reader.fieldnames or [])]
        if lacks:
            has = ", ".join(map(repr, reader.fieldnames or [])) or "nothing"
            raise CaseError(f"{path}:1: no field {lacks[0]!r}; allowed: {', '.join(wanted)}; the file has {has}")
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if (row.get(wanted[-1]) or "").strip():
                rated.append(_rating(deck, row, where))
    except csv.Error as error:
        raise CaseError(f"{path}:{reader.reader.line_num}: no CSV: {error}; allowed: {', '.join(wanted)}") from None
    deck.rate_many(rated)
    return len(rated)


def _rating(deck: Deck, row: dict[str, str | None], where: str) -> tuple[Card, int | str]:
    case = _case(deck, row.get("case") or "", where)
    names = columns(deck)[1:-1]
    given = [*case.base, *case.ft]
    answers = tuple(_answer(row.get(name) or "", given, f"{where}: field {name!r}", case.id) for name in names)
    if len(answers) == 2 and not any({*pair} == {*answers} for pair in zip(case.base, case.ft, strict=True)):
        raise CaseError(f"{where}: fields {names[0]!r} and {names[1]!r} are no pair of case {case.id!r}; allowed: one")
    last = columns(deck)[-1]
    text = (row.get(last) or "").strip()
    value: object = text
    if deck.sheet.scale is not None:
        low, high = deck.sheet.scale
        value = int(text) if text.lstrip("-").isdecimal() and text.isascii() else None
        fits = isinstance(value, int) and low <= value <= high
    else:
        value = {side.lower(): side for side in SIDES}.get(text.lower())
        fits = value is not None
    if not fits:
        raise CaseError(f"{where}: field {last!r} is {text!r:.80}; allowed: {allowed(deck.sheet)}")
    return Card(case=case, answers=answers), value  # type: ignore[return-value]


def _case(deck: Deck, id: str, where: str) -> SheetCase:
    known = {case.id: case for case in deck.sheet.cases}
    for spelled in (id, id.removeprefix("'")):
        if spelled in known:
            return known[spelled]
    named = ", ".join([*list(known)[:NAMED], *(["..."] if len(known) > NAMED else [])])
    raise CaseError(f"{where}: field 'case' is {id!r:.80}; allowed: a case of {deck.sheet.eval}: {named}")


def _answer(text: str, given: list[str], where: str, id: str) -> str:
    """Find the answer that is meant: spreadsheets change ends of lines, and we wrote an apostrophe before formulas."""
    by_text = {_plain(answer): answer for answer in given}
    for spelled in (text, text.removeprefix("'")):
        if _plain(spelled) in by_text:
            return by_text[_plain(spelled)]
    raise CaseError(f"{where} is {text!r:.80}; allowed: an answer that the recorded run has for case {id!r}")


def _plain(text: str) -> str:
    return _encodable(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def _shown(text: str) -> str:
    safe = _encodable(text)
    return f"'{safe}" if safe.startswith(FORMULA) else safe


def _encodable(text: str) -> str:
    """Write lone surrogates, which no file in UTF-8 holds, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
