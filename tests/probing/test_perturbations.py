"""Perturbations change what they say and nothing else, the same each time."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ftcheck import perturb
from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.probing.perturb import LOOKALIKES, Perturbation

EVERY = [perturb.typos, perturb.names, perturb.case, perturb.whitespace, perturb.distractors, perturb.unicode_noise]
PROMPT = "Hello, Maria here: where is order 1234 of my blue coffee mug?"


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.name)
def test_a_seed_decides(change: Perturbation) -> None:
    """The same seed makes the same change, and ten seeds make more than one."""
    variants = [change.apply(PROMPT, seed=seed) for seed in range(10)]
    assert variants == [change.apply(PROMPT, seed=seed) for seed in range(10)]
    assert PROMPT not in variants
    assert len(set(variants)) > 1


@given(text=st.text(), seed=st.integers(0, 2**32))
@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.name)
def test_any_text_can_be_changed(change: Perturbation, text: str, seed: int) -> None:
    """No text makes a perturbation fail."""
    assert isinstance(change.apply(text, seed=seed), str)


@given(seed=st.integers(0, 10_000))
def test_a_typo_is_one_edit_of_one_word(seed: int) -> None:
    """One word differs, by a letter swapped, dropped or doubled; its first letter and all short words stay."""
    before, after = PROMPT.split(), perturb.typos.apply(PROMPT, seed=seed).split()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    ((old, new),) = changed
    assert old[0] == new[0]
    assert abs(len(old) - len(new)) <= 1
    assert sorted(old) == sorted(new) if len(old) == len(new) else set(old) >= set(new)


@given(seed=st.integers(0, 10_000))
def test_names_become_other_names(seed: int) -> None:
    """Every known name becomes another one, the same one at each of its places; the rest of the text stays."""
    text = perturb.names.apply("Maria asks Omar whether Maria paid.", seed=seed)
    first, _, other, _, again, _ = text.split()
    assert first == again != other
    assert not {first, other} & {"Maria", "Omar"}
    assert text == f"{first} asks {other} whether {first} paid."


def test_a_word_that_holds_a_name_stays() -> None:
    """Ana in banana is no name."""
    assert perturb.names.apply("A banana.") == "A banana."


def test_case_changes_letters_alone() -> None:
    """Case has three ways, and what is no letter stays."""
    found = {perturb.case.apply("Order 12 (Late)", seed=seed) for seed in range(40)}
    assert found == {"order 12 (late)", "ORDER 12 (LATE)", "oRDER 12 (lATE)"}
    assert perturb.case(to="lower").apply("Order 12") == "order 12"


def test_white_space_leaves_the_words() -> None:
    """Words and their order stay."""
    assert {tuple(perturb.whitespace.apply(PROMPT, seed=seed).split()) for seed in range(40)} == {tuple(PROMPT.split())}


def test_paraphrases_replace_phrases() -> None:
    """The longest phrase that stands there is replaced, each by one of its paraphrases."""
    change = perturb.paraphrases({"Where": "At which place", "Where is": ["What became of", "Any news of"]})
    found = {change.apply("Where is my mug?", seed=seed) for seed in range(20)}
    assert found == {"What became of my mug?", "Any news of my mug?"}


def test_distractors_stand_where_they_are_told() -> None:
    """One sentence before or after the prompt, which stays whole."""
    after = perturb.distractors(sentences=["It rains."], where="after")
    assert after.apply("Where is it?") == "Where is it? It rains."
    assert {perturb.distractors(sentences=["It rains."]).apply("Hi", seed=seed) for seed in range(20)} == {
        "It rains. Hi",
        "Hi It rains.",
    }


@given(seed=st.integers(0, 10_000))
def test_unicode_noise_reads_the_same(seed: int) -> None:
    """Compatibility forms, lookalikes and invisible letters undone, the text is the old one."""
    noisy = perturb.unicode_noise.apply("Café order 12", seed=seed)
    assert noisy != "Café order 12"
    latin = {cyrillic: letter for letter, cyrillic in LOOKALIKES.items()}
    plain = "".join(latin.get(letter, letter) for letter in noisy.replace("\u200d", ""))
    assert unicodedata.normalize("NFKC", plain) == "Café order 12"


def test_bars_make_both_changes_in_order() -> None:
    """`a | b` is b of a, and a function may stand beside a perturbation."""
    both = perturb.case(to="upper") | perturb.distractors(sentences=["ok."], where="after")
    assert both.apply("Late") == "LATE ok."
    assert both.name == "case(to='upper') | distractors(sentences=['ok.'], where='after')"
    assert (perturb.case(to="upper") | str.strip).apply(" late ") == "LATE"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: perturb.typos(number=2), "typos.*number"),
        (lambda: perturb.typos(count=0), "count=0; allowed: 1 or more"),
        (lambda: perturb.case(to="title"), "to='title'; allowed: any, lower"),
        (lambda: perturb.names(pool=["Ann"]), "two names or more"),
        (lambda: perturb.distractors(where="inside"), "where='inside'.*before or after"),
        (lambda: perturb.paraphrases({}), "allowed: phrases"),
        (lambda: perturb.typos | 3, "a perturbation is 3; allowed"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: object, said: str) -> None:
    """A wrong parameter is named with what is allowed."""
    with pytest.raises(ConfigError, match=said):
        make()  # type: ignore[operator]
