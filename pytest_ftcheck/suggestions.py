"""What somebody may have meant who wrote a name that is not known. It knows no names of its own."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CLOSE = 0.6
"""How alike two names are, by difflib's ratio from 0 to 1, before one is suggested for the other."""


def nearest(name: str, known: Iterable[str], *, close: float = CLOSE) -> str | None:
    """Return the known name that is most like `name`, but for case; None where none is close.

    >>> nearest("--ft-modle", ["--ft-model", "--ft-limit"])
    '--ft-model'
    """
    spelt = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), spelt, n=1, cutoff=close)
    return spelt[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return " (did you mean 'x'?)", with `prefix` before x, where one of the known names is close, else nothing.

    >>> did_you_mean("histroy", ["history", "report"])
    " (did you mean 'history'?)"
    """
    found = nearest(name, known)
    return "" if found is None else f" (did you mean {prefix + found!r}?)"
