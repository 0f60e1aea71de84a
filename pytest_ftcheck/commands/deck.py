"""The cards that one person is to rate: drawn from a sheet by seed, blind, and saved one by one.

A card holds one answer, or two whose places were drawn by lot. Neither roles nor a judge's scores are on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ftcheck.data.labels import Label, answer_digest, read_labels, write_labels
from pytest_ftcheck.data.sheets import Sheet, SheetCase
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import digest

SIDES = ("A", "B", "tie")
"""What a person says of two answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One thing to rate, in the order of the page: a case's question, and one answer or two."""

    case: SheetCase
    answers: tuple[str, ...]

    @property
    def is_equal_pair(self) -> bool:
        """Whether two answers are the same: such a pair ties, and nobody is asked."""
        return len(self.answers) == 2 and self.answers[0] == self.answers[1]


@dataclass(slots=True, kw_only=True, eq=False)
class Deck:
    """All cards of one review, and the file that ratings go to. Whatever is rated is in the file at once."""

    sheet: Sheet
    cards: tuple[Card, ...]
    path: Path
    rater: str = ""
    _labels: dict[object, Label] = field(default_factory=dict)

    @property
    def values(self) -> list[int | str | None]:
        """What each card was rated, None where it is not."""
        return [self._value(card) for card in self.cards]

    @property
    def done(self) -> int:
        """How many cards are rated."""
        return sum(value is not None for value in self.values)

    def rate(self, number: int, value: object) -> None:
        """Rate a card and save it. Raises ConfigError for a value that is none, StoreError where it cannot be saved."""
        self.rate_many([(self.cards[number], checked(self.sheet, value))])

    def rate_many(self, rated: Sequence[tuple[Card, int | str]]) -> None:
        """Rate several cards and save them in one step; where that fails, none is rated."""
        labels = dict(self._labels)
        for card, value in rated:
            label = self._label(card, value)
            labels.pop(label.key, None)
            labels[label.key] = label
        write_labels(self.path, labels.values())
        self._labels = labels

    def _label(self, card: Card, value: int | str) -> Label:
        digests = [answer_digest(answer) for answer in card.answers]
        common: dict[str, Any] = {
            "asked": self.sheet.asked,
            "case": card.case.digest,
            "id": card.case.id,
            "answer": digests[0],
            "rater": self.rater,
        }
        if len(digests) == 1:
            return Label(**common, score=int(value))
        return Label(**common, other=digests[1], better={"A": "answer", "B": "other", "tie": "tie"}[str(value)])

    def _value(self, card: Card) -> int | str | None:
        digests = [answer_digest(answer) for answer in card.answers]
        label = self._labels.get((self.sheet.asked, card.case.digest, frozenset(digests)))
        if label is None:
            return None
        if len(digests) == 1:
            return label.score
        if label.better == "tie":
            return "tie"
        best = label.answer if label.better == "answer" else label.other
        return "A" if best == digests[0] else "B"


def open_deck(sheet: Sheet, *, n: int, seed: int, path: Path | None = None, rater: str = "") -> Deck:
    """Draw `n` cases of a sheet (all where there are fewer), in an order and with sides that `seed` decides.

    Cases are drawn by their content, so that a larger `n`, or a later run with other answers, keeps those drawn before.
    Pairs of equal answers are ties that nobody needs to see. Raises CaseError, ConfigError or StoreError.
    """
    if n < 1:
        raise ConfigError(f"--n is {n}; allowed: a whole number of 1 or more")
    target = Path(sheet.labels) if path is None else path
    drawn = sorted(sheet.cases, key=lambda case: digest(["review", seed, case.digest]))[:n]
    cards = tuple(card for case in drawn for card in _cards(sheet, case, seed))
    labels: dict[object, Label] = {label.key: label for label in read_labels(target)}
    deck = Deck(sheet=sheet, cards=cards, path=target, rater=rater, _labels=labels)
    ties = [(card, "tie") for card in cards if card.is_equal_pair and deck._value(card) is None]
    if ties:
        deck.rate_many(ties)
    deck.cards = tuple(card for card in cards if not card.is_equal_pair)
    return deck


def _cards(sheet: Sheet, case: SheetCase, seed: int) -> list[Card]:
    """Return a case's cards; of several samples one is drawn, the same number for both roles."""
    lot = int(digest(["sample", seed, case.digest])[:8], 16) % max(len(case.ft), 1)
    pair = [case.base[lot], case.ft[lot]]
    if int(digest(["side", seed, case.digest])[:8], 16) % 2:
        pair.reverse()
    if sheet.kind == "pairwise":
        return [Card(case=case, answers=(pair[0], pair[1]))]
    return [Card(case=case, answers=(answer,)) for answer in dict.fromkeys(pair)]


def checked(sheet: Sheet, value: object) -> int | str:
    """Return a rating as it is kept. Raises ConfigError naming what is allowed."""
    if sheet.scale is None:
        if isinstance(value, str) and value in SIDES:
            return value
        raise ConfigError(f"rating is {value!r:.80}; allowed: {', '.join(SIDES)}")
    if type(value) is int and sheet.scale[0] <= value <= sheet.scale[1]:
        return value
    raise ConfigError(f"rating is {value!r:.80}; allowed: {allowed(sheet)}")


def allowed(sheet: Sheet) -> str:
    """Say what a rating may be."""
    return ", ".join(SIDES) if sheet.scale is None else f"a whole number from {sheet.scale[0]} to {sheet.scale[1]}"


def chosen(sheets: Sequence[Sheet], eval_name: str | None, metric: str | None) -> Sheet:
    """Return the one sheet that is meant. Raises ConfigError naming those that there are."""
    found = [sheet for sheet in sheets if eval_name in (None, sheet.eval) and metric in (None, sheet.metric)]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"--eval {sheet.eval} --metric {sheet.metric}" for sheet in sheets)
    if not sheets:
        raise ConfigError(
            "no judged answers are in the store; run the suite with --ft-judge first, or name its --store"
        )
    raise ConfigError(f"--eval is {eval_name!r}, --metric is {metric!r}; allowed: {there}")


def page_facts(deck: Deck, show: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the page needs, and nothing that tells whose an answer is."""
    sheet = deck.sheet
    cards = [
        {"question": card.case.question, "expected": card.case.expected, "answers": list(card.answers)}
        for card in deck.cards
    ]
    return {
        "title": sheet.name,
        "kind": sheet.kind,
        "criteria": list(sheet.criteria),
        "scale": None if sheet.scale is None else list(sheet.scale),
        "cards": cards,
        "values": deck.values,
        **(show or {}),
    }
