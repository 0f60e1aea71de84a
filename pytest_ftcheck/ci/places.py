"""Where a gate stands: file and line of its test function, read from its source. It runs no test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pytest_ftcheck.reports.workflow import Place


def place_of(nodeid: str, *, root: Path, workspace: Path) -> Place | None:
    """Return the place of a test below `workspace`, from its node id below `root`; None where it stands elsewhere.

    The line is that of `def`, from 1; 1 where the file does not show the function (one made while running).
    """
    file, *names = nodeid.partition("[")[0].split("::")
    path = (root / file).resolve()
    try:
        inside = path.relative_to(workspace.resolve())
        tree = ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return None
    return Place(inside.as_posix(), next(_lines(tree, names), 1))


def _lines(node: ast.AST, names: list[str]) -> Iterator[int]:
    """Yield the lines of the function that `names` lead to: classes, then the function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if child.name == names[0]:
                yield from _lines(child, names[1:]) if names[1:] else [child.lineno]
        elif isinstance(child, ast.If | ast.Try | ast.With):
            yield from _lines(child, names)
