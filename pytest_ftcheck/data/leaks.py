"""Cases that stand in training data: an index of the cases, against which training rows are held one by one.

Memory grows with the cases alone. It knows texts, not files: `training.py` reads those; docs/hygiene.md says the rules.

What decides, for prompts and for expected answers apart: the same text is *exact*, the same normalised text
*normalised*. A text is *near* where it names the same numbers and either four fifths of its five-character shingles
are shared (Jaccard), or four fifths of its runs of five words stand in the row. Shingles and runs that many cases of
one eval share are its template, and count for nothing.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_ftcheck.data.texts import grams, jaccard, normalise, numbers, shingles, words
from pytest_ftcheck.data.training import TrainingRow
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Case, Leak, LeakPart

RULES = 1
"""Raised by every change of what is found, so that findings kept elsewhere are made anew."""

NEAR = 0.8
"""Share from which texts are near: of shingles (Jaccard), or of a case's runs of five words (containment)."""

TEMPLATE_SHARE, TEMPLATE_LEAST = 0.1, 5
"""A shingle or run that more cases than this hold (a tenth, and at least 5) is the eval's template, and no likeness.

A row that is near to more than 5 cases of an eval at once is near to a template of theirs, and to none of them.
"""

SHORT_PROMPT_WORDS = 5
"""A prompt of fewer words is a leak only together with its expected answer."""

SHORT_ANSWER_WORDS = 8
"""An expected answer of fewer words, or one that two cases share, is a label: it never counts alone."""

LEAST_WORDS, LEAST_SHINGLES, LEAST_GRAMS = 8, 20, 8
"""A text of fewer words, or with fewer shingles or runs of five words of its own, is never near by these."""

PERMUTATIONS, BANDS, BAND_ROWS = 64, 16, 4
"""MinHash's: a pair of Jaccard .8 is a candidate in 99.98 % of draws; every candidate is then counted exactly."""

_KINDS = {"exact": 0, "normalised": 1, "near": 2}


@dataclass(slots=True, eq=False)
class _Entry:
    """One text of one case, as it is looked for; `own` and `own_grams` are without the eval's template."""

    group: str
    case: Case
    part: LeakPart
    raw: str
    normal: str
    needs: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    own_grams: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class _Template:
    """What the texts of one eval and part share, all that they hold, and the index of those that can be near."""

    shared: frozenset[str]
    every: frozenset[str]
    lsh: Any = None


@dataclass(slots=True, eq=False)
class _Text:
    """One text of a training row, prepared as far as somebody asked."""

    raw: str
    normal: str
    whole: bool
    _shingles: set[str] = field(default_factory=set)

    @property
    def shingles(self) -> set[str]:
        if not self._shingles:
            self._shingles = shingles(self.normal)
        return self._shingles


class LeakIndex:
    """The cases of some evals, looked for in training rows.

    `groups` maps an eval's name to its cases; what is found for one does not depend on the others. Raises ConfigError
    where datasketch is missing.
    """

    def __init__(self, groups: Mapping[str, Sequence[Case]]) -> None:
        minhash, self._lsh = _datasketch()
        self._sketch = minhash(num_perm=PERMUTATIONS, seed=1, hashfunc=zlib.crc32)
        self.rows = 0
        self._entries = [entry for name, cases in groups.items() for entry in _entries(name, cases)]
        self._by_text: dict[tuple[LeakPart, str], list[_Entry]] = {}
        self._by_gram: dict[LeakPart, dict[str, list[int]]] = {"prompt": {}, "answer": {}}
        self._shingles: dict[LeakPart, set[str]] = {"prompt": set(), "answer": set()}
        self._templates: dict[tuple[str, LeakPart], _Template] = {}
        self._found: dict[tuple[str, str, LeakPart], Leak] = {}
        for entry in self._entries:
            self._by_text.setdefault((entry.part, entry.normal), []).append(entry)
        for group in groups:
            for part in ("prompt", "answer"):
                self._learn(group, part)
        self._grams = {part: frozenset(index) for part, index in self._by_gram.items()}

    def add(self, row: TrainingRow) -> None:
        """Hold one training row against all cases."""
        self.rows += 1
        asked = [_Text(text, normalise(text), False) for text in row.prompts]
        answered = [_Text(text, normalise(text), False) for text in row.answers]
        whole = [_Text(text, normalise(text), True) for text in row.texts]
        said = {text.normal for text in answered}
        for text in (*asked, *whole):
            self._match("prompt", text, row.line, said)
        for text in (*answered, *whole):
            self._match("answer", text, row.line, said)

    def leaks(self, group: str) -> tuple[Leak, ...]:
        """Return what was found of one eval: for each case and part the closest row, in the order of the cases."""
        return tuple(
            self._found[key]
            for key in dict.fromkeys((entry.group, entry.case.id, entry.part) for entry in self._entries)
            if key[0] == group and key in self._found
        )

    def _learn(self, group: str, part: LeakPart) -> None:
        """Tell an eval's template from what is each case's own, and index the latter."""
        entries = [(n, e) for n, e in enumerate(self._entries) if e.group == group and e.part == part]
        most = max(TEMPLATE_LEAST, TEMPLATE_SHARE * len(entries))
        cut = {number: shingles(entry.normal) for number, entry in entries}
        runs = {number: grams(listed) for number, entry in entries if (listed := words(entry.normal))}
        shared = _common(cut.values(), most)
        shared_runs = _common(runs.values(), most)
        template = _Template(shared, frozenset[str]().union(*cut.values()))
        for number, entry in entries:
            entry.own = frozenset(cut[number]) - shared
            entry.numbers = numbers(entry.normal)
            self._shingles[part] |= cut[number]
            if len(entry.own) >= LEAST_SHINGLES and len(words(entry.normal)) >= LEAST_WORDS:
                if template.lsh is None:
                    template.lsh = self._lsh(num_perm=PERMUTATIONS, params=(BANDS, BAND_ROWS))
                template.lsh.insert(number, self._minhash(entry.own))
            own_runs = frozenset(runs.get(number, ())) - shared_runs
            if len(own_runs) >= LEAST_GRAMS:
                entry.own_grams = own_runs
                for run in own_runs:
                    self._by_gram[part].setdefault(run, []).append(number)
        self._templates[group, part] = template

    def _match(self, part: LeakPart, text: _Text, line: int, said: set[str]) -> None:
        for entry in self._by_text.get((part, text.normal), ()):
            if not entry.needs or entry.needs & said:
                self._note(entry, line, "exact" if entry.raw == text.raw else "normalised", 1.0)
        if self._grams[part]:
            self._match_runs(part, text, line)
        if not text.whole and self._shingles[part]:
            self._match_shingles(part, text, line)

    def _match_runs(self, part: LeakPart, text: _Text, line: int) -> None:
        """Find cases within a text that may be much longer."""
        hits = grams(words(text.normal)) & self._grams[part]
        if not hits:
            return
        index, named = self._by_gram[part], numbers(text.normal)
        near: dict[str, list[tuple[_Entry, float]]] = {}
        for number, count in Counter(number for run in hits for number in index[run]).items():
            entry = self._entries[number]
            share = count / len(entry.own_grams)
            if share < NEAR or not entry.numbers <= named:
                continue
            if entry.raw in text.raw:
                self._note(entry, line, "exact", 1.0)
            elif f" {entry.normal} " in f" {text.normal} ":
                self._note(entry, line, "normalised", 1.0)
            else:
                near.setdefault(entry.group, []).append((entry, share))
        for pairs in near.values():
            self._note_near(pairs, line)

    def _match_shingles(self, part: LeakPart, text: _Text, line: int) -> None:
        """Find cases that a text as a whole is near to."""
        if len(text.normal) < LEAST_SHINGLES:
            return
        # What is near to a case, template apart, has four fifths of its shingles among those of the eval's cases.
        least = NEAR * len(text.shingles)
        if _held(text.shingles, self._shingles[part]) < least:
            return
        named = numbers(text.normal)
        alone = len(self._templates) == 2
        for (_, of), template in self._templates.items():
            if of != part or template.lsh is None:
                continue
            if not alone and _held(text.shingles, template.every) < least:
                continue
            own = text.shingles - template.shared
            if len(own) < LEAST_SHINGLES:
                continue
            near = []
            for number in template.lsh.query(self._minhash(own)):
                entry = self._entries[number]
                if entry.numbers == named and (share := jaccard(entry.own, own)) >= NEAR:
                    near.append((entry, share))
                    if len(near) > TEMPLATE_LEAST:
                        break
            self._note_near(near, line)

    def _minhash(self, of: Iterable[str]) -> Any:
        """Return the sketch of some shingles. It is one object, good until the next call: to make one takes longer."""
        self._sketch.clear()
        self._sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in of])
        return self._sketch

    def _note_near(self, pairs: Sequence[tuple[_Entry, float]], line: int) -> None:
        """Keep what one row is near to, unless that is so much of an eval that it can only be a template."""
        if len(pairs) <= TEMPLATE_LEAST:
            for entry, share in pairs:
                self._note(entry, line, "near", share)

    def _note(self, entry: _Entry, line: int, kind: Any, similarity: float) -> None:
        """Keep the closest row of a case and part, the first among equals, and count the rows."""
        key = (entry.group, entry.case.id, entry.part)
        new = Leak(
            case=entry.case.id,
            train_line=line,
            kind=kind,
            part=entry.part,
            similarity=round(similarity, 4),
            last_line=line,
        )
        old = self._found.get(key)
        if old is None:
            self._found[key] = new
            return
        # One row may meet a case twice, as a whole and within: it counts once.
        rows = old.rows + (line != old.last_line)
        closer = (_KINDS[new.kind], -new.similarity) < (_KINDS[old.kind], -old.similarity)
        self._found[key] = replace(new if closer else old, rows=rows, last_line=line)


def _entries(group: str, cases: Sequence[Case]) -> list[_Entry]:
    found = []
    expected = {case.id: _expected(case.expected) for case in cases}
    shared = Counter(text for texts in expected.values() for text in {normalise(text) for text in texts})
    for case in cases:
        asked = question(case)
        normal = normalise(asked)
        answers = frozenset(normalise(text) for text in expected[case.id])
        if normal:
            needs = answers if len(words(normal)) < SHORT_PROMPT_WORDS else frozenset()
            if not needs and len(words(normal)) < SHORT_PROMPT_WORDS:
                # A short prompt without an expected answer: "Hello" stands in every set of chats.
                continue
            found.append(_Entry(group, case, "prompt", asked, normal, needs))
        for text in expected[case.id]:
            normal = normalise(text)
            if len(words(normal)) >= SHORT_ANSWER_WORDS and shared[normal] == 1:
                found.append(_Entry(group, case, "answer", text, normal))
    return found


def question(case: Case) -> str:
    """Return what a case asks: its prompt, or all of its user messages, which are what training rows would repeat."""
    if isinstance(case.input, str):
        return case.input
    return "\n".join(message["content"] for message in case.input if message["role"] == "user")


def _expected(value: Any) -> list[str]:
    """Return the texts that a case expects: one, any of a list, or another value as it is written."""
    if value is None:
        return []
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return list(value)
    return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)]


def _held(some: set[str], by: set[str] | frozenset[str]) -> int:
    """Count the members of `some` in `by`: a third of the time of making their intersection."""
    return sum(map(by.__contains__, some))


def _common(sets: Iterable[set[str]], most: float) -> frozenset[str]:
    counts = Counter(item for each in sets for item in each)
    return frozenset(item for item, count in counts.items() if count > most)


def _datasketch() -> tuple[Any, Any]:
    try:
        from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise ConfigError(
            f"looking for leaked cases needs datasketch ({error}): pip install 'pytest-ftcheck[leaks]'"
        ) from None
    return MinHash, MinHashLSH
