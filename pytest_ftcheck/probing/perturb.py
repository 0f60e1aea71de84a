"""Perturbations: small changes of a prompt that should not change what it means. The same seed, the same change.

`typos | whitespace` is one perturbation that makes both changes, in this order; `perturb=[typos, whitespace]` makes
each apart. Each of them but `paraphrases` may be used as it is or with parameters: `typos(count=2)`. They change the
last message of a conversation. After Ribeiro et al. 2020, "Beyond Accuracy" (CheckList, 2020.acl-main.442).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import digest

Alteration = Callable[[str, Random], str]
TRIES = 8
"""How often a random change is drawn again where it changed nothing."""

NAMES = (
    *("Maria", "John", "Fatima", "Wei", "Priya", "Kwame", "Olga", "Carlos", "Aisha", "Hiroshi"),
    *("Emma", "Omar", "Mei", "Lars", "Chidi", "Ana", "David", "Leila", "Ivan", "Grace"),
)
SENTENCES = (
    "By the way, it is sunny here today.",
    "I am writing this on my phone.",
    "My neighbour has a new bicycle.",
    "Sorry, I was away last week.",
)
LOOKALIKES = {"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "s": "ѕ", "x": "х", "y": "у"}
"""Latin letters and the Cyrillic ones that look the same."""

_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """A change of a text, drawn by a random number generator. `name` stands in messages and decides the draws."""

    name: str
    alter: Alteration

    def __or__(self, other: object) -> Perturbation:
        """Make both changes, this one first."""
        second = as_perturbation(other)
        return Perturbation(name=f"{self.name} | {second.name}", alter=_both(self, second))

    def apply(self, text: str, *, seed: int = 0) -> str:
        """Return the changed text; the text itself where there is nothing to change.

        >>> typos.apply("Where is my order?") == typos.apply("Where is my order?")
        True
        """
        rng = Random(int(digest([self.name, seed, text])[:16], 16))
        return next((altered for _ in range(TRIES) if (altered := self.alter(text, rng)) != text), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustable(Perturbation):
    """A perturbation with parameters, all of which have defaults: call it to set them."""

    make: Callable[..., Alteration]

    def __call__(self, **parameters: Any) -> Adjustable:
        """Return it with other parameters. Raises ConfigError for those it does not have."""
        try:
            alter = self.make(**parameters)
        except TypeError as error:
            raise ConfigError(f"perturbation {self.name}: {error}") from None
        said = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        return replace(self, name=f"{self.name}({said})", alter=alter)


def as_perturbation(value: object) -> Perturbation:
    """Return a perturbation, or one made of a function from text to text. Raises ConfigError for anything else."""
    if isinstance(value, Perturbation):
        return value
    if not callable(value) or isinstance(value, type):
        raise ConfigError(f"a perturbation is {value!r}; allowed: typos, names, ..., or a function from text to text")
    function: Callable[[str], Any] = value
    return Perturbation(name=getattr(value, "__name__", "function"), alter=lambda text, _: str(function(text)))


def paraphrases(phrases: Mapping[str, str | Sequence[str]]) -> Perturbation:
    """Replace phrases by others that mean the same; case matters, and all that stand in a text are replaced.

    >>> paraphrases({"Where is": ["What happened to"]}).apply("Where is my order?")
    'What happened to my order?'
    """
    options = {old: (new,) if isinstance(new, str) else tuple(new) for old, new in phrases.items()}
    if not options or not all(old and new for old, new in options.items()):
        raise ConfigError(f"paraphrases got {phrases!r}; allowed: phrases, each with one other phrase or several")
    known = re.compile("|".join(re.escape(old) for old in sorted(options, key=len, reverse=True)))
    return Perturbation(
        name="paraphrases", alter=lambda text, rng: known.sub(lambda found: rng.choice(options[found[0]]), text)
    )


def _both(first: Perturbation, second: Perturbation) -> Alteration:
    def alter(text: str, rng: Random) -> str:
        return second.apply(first.apply(text, seed=rng.getrandbits(32)), seed=rng.getrandbits(32))

    return alter


def _typos(*, count: int = 1) -> Alteration:
    if count < 1:
        raise ConfigError(f"perturbation typos: count={count!r}; allowed: 1 or more")

    def alter(text: str, rng: Random) -> str:
        for _ in range(count):
            words = list(_WORD.finditer(text))
            if words:
                word = rng.choice(words)
                text = text[: word.start()] + _mistyped(word[0], rng) + text[word.end() :]
        return text

    return alter


def _mistyped(word: str, rng: Random) -> str:
    """Swap, drop or double one letter, never the first."""
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    return before + rng.choice((after[0] + letter + after[1:], after, letter + letter + after))


def _names(*, pool: Sequence[str] = NAMES) -> Alteration:
    names = tuple(dict.fromkeys(pool))
    if len(names) < 2 or isinstance(pool, str):
        raise ConfigError(f"perturbation names: pool={pool!r}; allowed: two names or more")
    known = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})\b")

    def alter(text: str, rng: Random) -> str:
        found = sorted(set(known.findall(text)))
        others = [name for name in names if name not in found]
        # Where the text holds most of the pool, its names change places.
        drawn = rng.sample(others, len(found)) if len(others) >= len(found) else rng.sample(found, len(found))
        new = dict(zip(found, drawn, strict=True))
        return known.sub(lambda name: new[name[0]], text)

    return alter


def _case(*, to: str = "any") -> Alteration:
    ways: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "swapped": str.swapcase}
    if to not in (*ways, "any"):
        raise ConfigError(f"perturbation case: to={to!r}; allowed: any, {', '.join(ways)}")
    return lambda text, rng: ways[rng.choice(sorted(ways)) if to == "any" else to](text)


def _whitespace() -> Alteration:
    ways: tuple[Callable[[str], str], ...] = (
        lambda text: f"  {text}",
        lambda text: f"{text}  ",
        lambda text: f"{text}\n",
        lambda text: text.replace(" ", "  "),
        lambda text: text.replace(" ", "\t", 1),
    )
    return lambda text, rng: rng.choice(ways)(text)


def _distractors(*, sentences: Sequence[str] = SENTENCES, where: str = "any") -> Alteration:
    if where not in ("any", "before", "after") or isinstance(sentences, str) or not sentences:
        raise ConfigError(
            f"perturbation distractors: where={where!r}, sentences={sentences!r}; "
            "allowed: any, before or after, and one sentence or more"
        )

    def alter(text: str, rng: Random) -> str:
        sentence, before = rng.choice(list(sentences)), rng.random() < 0.5
        return f"{sentence} {text}" if where == "before" or (where == "any" and before) else f"{text} {sentence}"

    return alter


def _unicode_noise() -> Alteration:
    def lookalike(text: str, rng: Random) -> str:
        return _replaced(text, rng, lambda letter: LOOKALIKES.get(letter, letter))

    def decomposed(text: str, rng: Random) -> str:
        return unicodedata.normalize("NFD", text)

    def fullwidth(text: str, rng: Random) -> str:
        return _replaced(text, rng, lambda letter: chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter)

    def joined(text: str, rng: Random) -> str:
        return _replaced(text, rng, lambda letter: f"{letter}\u200d" if letter.isalpha() else letter)

    def unbroken(text: str, rng: Random) -> str:
        return _replaced(text, rng, lambda letter: "\u00a0" if letter == " " else letter)

    ways = (lookalike, decomposed, fullwidth, joined, unbroken)
    return lambda text, rng: rng.choice(ways)(text, rng)


def _replaced(text: str, rng: Random, change: Callable[[str], str]) -> str:
    """Change one character of those that the change would change."""
    places = [at for at, letter in enumerate(text) if change(letter) != letter]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + change(text[at]) + text[at + 1 :]


typos = Adjustable(name="typos", make=_typos, alter=_typos())
"""`count` words of four letters or more get a letter swapped, dropped or doubled; the first letter stays."""
names = Adjustable(name="names", make=_names, alter=_names())
"""First names of the `pool` become others of it, the same one everywhere in a text."""
case = Adjustable(name="case", make=_case, alter=_case())
"""All letters become `to`: "lower", "upper" or "swapped", or one of these by chance ("any")."""
whitespace = Adjustable(name="whitespace", make=_whitespace, alter=_whitespace())
"""Blanks in front, behind or doubled, a line break behind, or a tab for the first blank."""
distractors = Adjustable(name="distractors", make=_distractors, alter=_distractors())
"""One of the `sentences`, which have nothing to do with the prompt, stands `where`: "before", "after" or "any"."""
unicode_noise = Adjustable(name="unicode_noise", make=_unicode_noise, alter=_unicode_noise())
"""One letter becomes a lookalike or a full-width one, is followed by an invisible one, or all are decomposed."""
