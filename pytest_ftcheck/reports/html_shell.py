"""What every page of ours is made with: templates that escape, and a policy that allows nothing but the page itself."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.inert import inert

TEMPLATES = Path(__file__).with_name("html")
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!", "": "·"}


def environment() -> Environment:
    """Return the templates' environment."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["inert"] = lambda text: inert(str(text), limit=wording.REASON_LIMIT, one_line=True)
    made.filters["breakable"] = lambda text: Markup("_<wbr>").join(str(text).split("_"))
    return made


def asset(*names: str) -> str:
    """Return the text of files beside the templates, one after the other."""
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


def policy(style: str, script: str) -> str:
    """Return the page's policy: its own style and script, nothing from anywhere, and no text that becomes markup."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
