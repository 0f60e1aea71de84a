"""Texts as a search for duplicates sees them: normalised, in words, in shingles. It knows no files and no cases."""

from __future__ import annotations

import re
import unicodedata

GRAM_WORDS = 5
SHINGLE_CHARACTERS = 5

# Typographic signs carry no content; signs that calculate or compare (+ - * / % = < >) do, and stay.
_TYPOGRAPHY = re.compile(r"""[\s.,;:!?'"`()\[\]{}_…“”‘’„«»‹›–—¿¡、。，！？；：「」『』（）]+""")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Scripts written without spaces: each character is a word.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])"
)
_NUMBER = re.compile(r"\d+")


def normalise(text: str) -> str:
    """Return `text` without what people change when they copy: case, spacing, typography, Unicode's variants.

    >>> normalise("  Where’s my ORDER 4711?!")
    'where s my order 4711'
    >>> normalise("2 + 2") == normalise("2 - 2")
    False
    """
    folded = text.lower() if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    if "-" in folded:
        folded = _HYPHEN.sub(" ", folded)
    return _TYPOGRAPHY.sub(" ", folded).strip()


def words(normalised: str) -> list[str]:
    """Split a normalised text into words; in scripts without spaces every character is one.

    >>> words("我的 order")
    ['我', '的', 'order']
    """
    if not normalised.isascii():
        normalised = _UNSPACED.sub(r" \1 ", normalised)
    return normalised.split()


def grams(of: list[str]) -> set[str]:
    """Return all runs of five words, joined by blanks; none where there are fewer words."""
    return {" ".join(of[start : start + GRAM_WORDS]) for start in range(len(of) - GRAM_WORDS + 1)}


def shingles(normalised: str) -> set[str]:
    """Return all runs of five characters of a normalised text; the text itself where it is shorter."""
    last = max(len(normalised) - SHINGLE_CHARACTERS + 1, 1)
    return {normalised[start : start + SHINGLE_CHARACTERS] for start in range(last)}


def numbers(normalised: str) -> frozenset[str]:
    """Return the numbers that a text names, leading zeros dropped.

    >>> sorted(numbers("order 0042 of 7"))
    ['42', '7']
    """
    return frozenset(found.lstrip("0") or "0" for found in _NUMBER.findall(normalised))


def jaccard(one: set[str] | frozenset[str], other: set[str] | frozenset[str]) -> float:
    """Return the share of what either holds that both hold, 0 to 1.

    >>> jaccard({"a", "b"}, {"b", "c"})
    0.3333333333333333
    """
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0
