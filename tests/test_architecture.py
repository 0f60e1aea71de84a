"""The tree is the architecture: imports run one way, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pytest_ftcheck"

# A module may import from its own layer's package, and from any layer further down.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("plugin", "cli"),
    ("items", "commands"),
    ("probing", "summaries"),
    ("breakdowns", "environment", "habits"),
    ("hygiene",),
    ("session",),
    ("gradebook", "people", "teamwork"),
    ("answering", "roles"),
    ("suites",),
    ("gates", "memorisation", "curves"),
    ("third",),
    ("judging",),
    ("retention",),
    ("calibration", "win_rates"),
    ("claims", "folds"),
    ("comparison",),
    ("benchmarks",),
    ("evals",),
    ("models", "grading", "stats", "store", "data"),
    ("ci", "diagnosis", "misspellings"),
    ("options", "reports"),
    ("records",),
    ("errors", "suggestions"),
)
# Middle layers do not know each other, and reports know records alone.
STRANGERS = (
    {"plugin", "cli"},
    {"items", "commands"},
    {"models", "grading", "stats", "store", "data"},
    {"options", "reports"},
)
HEAVY = {
    *("torch", "transformers", "peft", "accelerate", "safetensors", "huggingface_hub"),
    *("sentence_transformers", "bert_score", "comet"),
}
# Graders that are models, and what runs in an environment of its own; they import these when they grade.
MODEL_GRADERS = {
    f"pytest_ftcheck.grading.{name}" for name in ("bertscore", "similarity", "model_folder", "comet_script")
}
NUMERIC = {"numpy", "scipy"}
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def layer_of(module: str) -> str:
    """First name below the package: a folder or a file."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path) -> set[str]:
    """All modules that a file imports anywhere in it: lazily and for typing too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "pytest_ftcheck"}
    return found


def name_of(path: Path) -> str:
    """Dotted name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    """A module imports only from its own layer or from layers below it."""
    here = layer_of(name_of(path))
    if here == "__init__":
        return
    wrong = []
    for module in imports(path):
        there = layer_of(module) if module.startswith("pytest_ftcheck.") else None
        if there is None or there == here or there not in DEPTH:
            continue
        strangers = any(here in group and there in group for group in STRANGERS)
        if DEPTH[there] < DEPTH[here] or strangers:
            wrong.append(module)
    assert wrong == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_module_has_a_layer(path: Path) -> None:
    """A new file or folder of the package is given its layer here."""
    assert layer_of(name_of(path)) in {*DEPTH, "__init__"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nothing_private_of_pytest(path: Path) -> None:
    """`_pytest` is never imported."""
    assert not [module for module in imports(path) if module.split(".")[0] == "_pytest"]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_model_libraries_stay_in_models(path: Path) -> None:
    """Torch, transformers and their kin are imported only under models/ and by the graders that are models."""
    if layer_of(name_of(path)) != "models" and name_of(path) not in MODEL_GRADERS:
        assert not [module for module in imports(path) if module.split(".")[0] in HEAVY]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_numbers_stay_in_statistics(path: Path) -> None:
    """Numpy and scipy are imported only where numbers are judged, or beside torch."""
    if layer_of(name_of(path)) not in ("stats", "models"):
        assert not [module for module in imports(path) if module.split(".")[0] in NUMERIC]


def test_items_alone_know_pytest() -> None:
    """Below the items nothing imports pytest at run time."""
    knowing = {layer_of(name_of(path)) for path in modules() if "pytest" in imports(path)}
    assert knowing <= {"plugin", "items", "options"}


def test_no_module_without_a_noun() -> None:
    """No utils, common or helpers: a thing stands by the noun that it serves."""
    assert not [path.name for path in modules() if re.fullmatch(r"(utils?|common|helpers?|misc)\.py", path.name)]


def test_no_module_state() -> None:
    """No module rebinds a global: state lives in config.stash and in objects."""
    rebinding = [
        name_of(path)
        for path in modules()
        if any(isinstance(node, ast.Global) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    ]
    assert rebinding == []


@pytest.mark.parametrize("module", ["pytest_ftcheck.plugin", "pytest_ftcheck"])
def test_loading_brings_nothing_heavy(module: str) -> None:
    """Loading the plugin imports none of the heavy libraries, nor the session."""
    code = f"import sys, pytest, {module}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    unwanted = HEAVY | NUMERIC | {"pandas", "datasets", "pyarrow", "jsonschema", "rich", "xdist", "hypothesis"}
    assert not (unwanted & set(loaded))
    assert "pytest_ftcheck.session" not in loaded
