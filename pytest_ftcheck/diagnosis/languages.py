"""Names of languages, as tags of cases have them: so that a slice that was lost is known for a language."""

from __future__ import annotations

import re

TAGS = frozenset({"language", "lang", "locale"})
"""Names of tags whose every value is a language."""

_NAMES = """
arabic bengali bulgarian catalan chinese croatian czech danish dutch english estonian finnish french german greek hebrew
hindi hungarian indonesian italian japanese korean latvian lithuanian norwegian persian polish portuguese romanian
russian slovak slovenian spanish swahili swedish tamil thai turkish ukrainian urdu vietnamese deutsch español français
italiano nederlands português
"""
NAMES = frozenset(_NAMES.split())
"""Languages as English names them, and some as they name themselves."""


def is_language(part: str) -> bool:
    """Whether a slice, written `tag=value`, is one of a language.

    >>> is_language("direction=to German"), is_language("language=xx"), is_language("topic=refund")
    (True, True, False)
    """
    tag, _, value = part.partition("=")
    return tag.casefold() in TAGS or bool(NAMES & set(re.findall(r"\w+", value.casefold())))
