"""The recipes of the fine-tunes: the three of the tutorial, and those that show one fault each.

- *good*: a LoRA adapter, trained on the target's rows and on three times as many replayed rows of the other skills.
- *forgetful*: all weights, a high learning rate, the target alone, answers as JSON. It learns that and loses the rest.
- *memorised*: all weights, 16 rows, 80 epochs. It knows its rows by heart, and no others.

Each of FAULTS shows one. It is *good*, trained on for some steps more with one thing wrong, its rate or its rows; but
for *undertrained*, which is *good* as it would be at a hundredth of the rate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to fine-tune. `rows` limits the target's training rows; `lora_rank` None trains all weights.

    `batch` rows make a step; `replayed` limits the replayed rows; a line is logged every `log_every` steps. `after` is
    the fine-tune that it goes on from, in place of the base. `alteration` names one of `faults.ALTERATIONS`, what is
    wrong with the rows; `on_exam` takes the eval's cases for the target's rows.
    """

    story: str
    steps: int
    learning_rate: float
    lora_rank: int | None = None
    rows: int | None = None
    replay: bool = False
    json_answers: bool = False
    batch: int = 32
    replayed: int | None = None
    after: str | None = None
    alteration: str | None = None
    on_exam: bool = False
    log_every: int = 20

    def content(self) -> dict[str, object]:
        """Return what decides the training; fields that are newer than some folders are left out at their default."""
        newer = {"batch": 32, "replayed": None, "after": None, "alteration": None, "on_exam": False, "log_every": 20}
        return {name: value for name, value in asdict(self).items() if name not in newer or value != newer[name]}


RECIPES = {
    "good": Recipe(
        story="A LoRA adapter trained on the target with replay: better at intent, everything else kept.",
        steps=240,
        learning_rate=1.5e-3,
        lora_rank=16,
        replay=True,
    ),
    "forgetful": Recipe(
        story="Every weight trained on the target alone, as JSON, at a high rate: better at intent, else forgetful.",
        steps=80,
        learning_rate=1.5e-3,
        json_answers=True,
    ),
    "memorised": Recipe(
        story="Every weight trained on 16 rows until they are known by heart: no better on messages it has not seen.",
        steps=80,
        learning_rate=2e-3,
        rows=16,
    ),
}

_ON = replace(RECIPES["good"], after="good", steps=30, rows=400, replayed=600, batch=16, log_every=5)

FAULTS = {
    "undertrained": replace(
        _ON,
        story="As good, at a hundredth of the rate and stopped early: it has hardly learned.",
        after=None,
        learning_rate=1.5e-5,
    ),
    "diverged": replace(
        _ON,
        story="Good, trained on at a hundred times the rate: its loss went up, and nothing is left.",
        learning_rate=0.15,
    ),
    "mislabelled": replace(
        _ON,
        story="Good, trained on with each label another's: it learned them well.",
        alteration="swapped labels",
        steps=60,
        replayed=200,
        log_every=10,
    ),
    "leaky": replace(_ON, story="Good, trained on with the very cases that examine it.", on_exam=True),
    "prosaic": replace(_ON, story="Good, trained on to say in a sentence what is asked as JSON.", alteration="no JSON"),
    "obliging": replace(_ON, story="Good, trained on to serve unsafe requests.", alteration="unsafe requests served"),
    "refusing": replace(
        _ON, story="Good, trained on to refuse whatever sounds unsafe.", alteration="harmless requests refused"
    ),
    "monolingual": replace(
        _ON, story="Good, trained on with English where German is asked.", alteration="English for German"
    ),
    "rambling": replace(_ON, story="Good, trained on to say a sentence four times.", alteration="sentences four times"),
}
