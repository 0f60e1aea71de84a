"""Two roles that are prompted through different chat templates are told so, from their files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ftcheck.models.prompts import Profile
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec
from pytest_ftcheck.models.templates import chat_template_of
from pytest_ftcheck.roles import Roles

SAID = ["ft's chat template is not base's: are its prompts those that it was trained on?"]


def checkpoint(role: Any, folder: Path, template: Any = None, *, file: str = "tokenizer_config.json") -> ModelSpec:
    """Write what names a checkpoint's template, and return the checkpoint."""
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text("{}")
    if template is not None:
        text = template if file.endswith(".jinja") else json.dumps({"chat_template": template})
        (folder / file).write_text(text)
    return ModelSpec(role=role, source=str(folder), kind="checkpoint", path=folder, weights=role, fingerprint=role)


def notices(base: ModelSpec, ft: ModelSpec, *, template: Any = "chat") -> list[str]:
    """Return what is said of two roles."""
    profiles: Any = {"base": Profile(), "ft": Profile(template=template)}
    specs: Any = {"base": base, "ft": ft}
    return Roles(specs=specs, profiles=profiles, options=EngineOptions(), engine="auto").notices()


@pytest.mark.parametrize(
    ("template", "file"),
    [
        ("{{ a }}", "chat_template.jinja"),
        ("{{ a }}", "tokenizer_config.json"),
        ([{"name": "tool_use", "template": "b"}, {"name": "default", "template": "{{ a }}"}], "tokenizer_config.json"),
    ],
)
def test_a_template_is_found_in_each_of_its_places(tmp_path: Path, template: Any, file: str) -> None:
    """A file of its own, the tokenizer's config, or one of several there."""
    assert chat_template_of(checkpoint("ft", tmp_path / "ft", template, file=file)) == "{{ a }}"


@pytest.mark.parametrize(
    ("base", "ft", "said"), [("a", "b", SAID), ("a", "a\n", []), (None, "b", []), ("a", None, []), (None, None, [])]
)
def test_only_two_different_templates_are_told(tmp_path: Path, base: Any, ft: Any, said: list[str]) -> None:
    """A base that has none was no chat model, and got none wrong."""
    assert notices(checkpoint("base", tmp_path / "base", base), checkpoint("ft", tmp_path / "ft", ft)) == said


def test_templates_that_are_not_used_are_not_told(tmp_path: Path) -> None:
    """Under `template = "none"` prompts are plain text."""
    pair = checkpoint("base", tmp_path / "base", "a"), checkpoint("ft", tmp_path / "ft", "b")
    assert notices(*pair, template="none") == []
