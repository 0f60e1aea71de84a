"""What the site has beside the files of docs/: README in front, the tutorial, the reference, pictures; links that hold.

The same Markdown is read on a forge, so links lead to files; here those that leave docs/ lead to the repository.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent.parent
REPOSITORY = "https://github.com/pytest-ftcheck/pytest-ftcheck/blob/main/"
PAGES = {"index.md": "README.md", "tutorial.md": "example_suite/README.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site that are files outside of docs/."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "Evals and gates": ("evals", "gates", "comparison", "folds", "hygiene", "benchmarks"),
    "Graders": ("grading",),
    "Probes": ("probing", "items"),
    "Records and errors": ("records", "errors"),
    "More": (),
}
"""Sections of the reference, and the parts of the package whose names stand in each."""

_LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures that are made."""
    sys.path.insert(0, str(Path(__file__).parent))
    import pictures

    made: dict[str, str | bytes] = {name: (ROOT / source).read_text("utf-8") for name, source in PAGES.items()}
    made["reference.md"] = reference()
    made |= pictures.draw_all()
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point every link to where its file stands on the site, or in the repository."""
    uri = page.file.src_uri
    source = ROOT / PAGES.get(uri, f"docs/{uri}")
    homes = {(ROOT / path).resolve(): name for name, path in PAGES.items()}

    def moved(match: re.Match[str]) -> str:
        target = (source.parent / match[2]).resolve()
        name = homes.get(target)
        if name is None and target.is_relative_to(ROOT / "docs"):
            inside = target.relative_to(ROOT / "docs").as_posix()
            name = inside if files.get_file_from_path(inside) else None
        if name is not None:
            return f"{match[1]}{'../' * uri.count('/')}{name}{match[3] or ''}{match[4]}"
        if not target.exists():
            return match[0]
        return f"{match[1]}{REPOSITORY}{target.relative_to(ROOT).as_posix()}{match[3] or ''}{match[4]}"

    return _LINK.sub(moved, markdown)


def reference() -> str:
    """Return the page of all public names, from their docstrings, by the module they come from."""
    import pytest_ftcheck

    parts = ["# Reference", "Everything that `pytest_ftcheck` offers for import, from its docstrings."]
    found = [(name, getattr(pytest_ftcheck, name)) for name in pytest_ftcheck.__all__]
    for title in SECTIONS:
        parts.append(f"## {title}")
        for name, one in found:
            if section(getattr(one, "__module__", None) or one.__name__) == title:
                parts += entry(name, one)
    return "\n\n".join(parts) + "\n"


def section(home: str) -> str:
    """Return the section that a module's names stand in."""
    part = home.split(".")[1]
    return next((title for title, parts in SECTIONS.items() if part in parts), "More")


def entry(name: str, one: Any, *, depth: int = 3) -> list[str]:
    """Return the parts of one name: its heading, how it is called, what it says of itself, its own public members."""
    parts = [f"{'#' * depth} `{name}`"]
    if callable(one):
        with contextlib.suppress(ValueError, TypeError):
            parts.append(f"```python\n{name.rpartition('.')[2]}{_signature(one)}\n```")
    parts.append(_prose(inspect.getdoc(one) or ""))
    if inspect.ismodule(one):
        members = {key: each for key, each in vars(one).items() if getattr(each, "__module__", "") == one.__name__}
    else:
        members = dict(vars(one)) if inspect.isclass(one) and not issubclass(one, BaseException) else {}
    for key, member in members.items():
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if not key.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
            parts += entry(f"{name}.{key}", plain, depth=depth + 1)
    return parts


def _signature(one: Any) -> str:
    """Return how a function is called, one argument a line where it is long."""
    signature = inspect.signature(one)
    given = [_bare(str(each)) for each in signature.parameters.values()]
    result = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    short = _bare(str(signature))
    return short if len(short) <= 90 else "(\n" + "".join(f"    {each},\n" for each in given) + ")" + result


def _bare(signature: str) -> str:
    """Take the quotes from annotations, which are text until somebody asks."""
    return re.sub(r"((?:: |-> ))'([^']*)'", r"\1\2", signature)


def _prose(text: str) -> str:
    """Return a docstring as Markdown: its examples become code."""
    blocks = []
    for block in text.split("\n\n"):
        code = block.lstrip().startswith(">>>")
        blocks.append(f"```pycon\n{inspect.cleandoc(block)}\n```" if code else block)
    return "\n\n".join(blocks)
