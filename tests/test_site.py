"""The site is built as it will be, strictly: every link leads somewhere, every public name is in the reference."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_ftcheck

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning of the strict build is an error here."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """What can be imported can be looked up."""
    text = (site / "reference" / "index.html").read_text(encoding="utf-8")
    assert [
        name for name in pytest_ftcheck.__all__ if f"<code>{name}</code></h3>" not in re.sub("<a .*?</a>", "", text)
    ] == []


def test_every_guide_has_a_page(site: Path) -> None:
    """No file of docs/ is left out."""
    guides = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert [name for name in guides if not (site / name / "index.html").is_file()] == []


def test_pictures_are_drawn(site: Path) -> None:
    """The statistics' pictures are vectors with text in them."""
    found = {path.stem: path.read_text(encoding="utf-8") for path in (site / "pictures").glob("*.svg")}
    assert set(found) == {"three_verdicts", "cases_needed", "false_passes"}
    assert "inconclusive" in found["three_verdicts"]


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and pictures of every page come with the site."""
    source = r"""<(?:script|img|iframe)[^>]*\bsrc=["']?(?:https?:)?//"""
    style = r"""<link[^>]*rel=["']?stylesheet["']?[^>]*href=["']?(?:https?:)?//"""
    fetched = f"{source}|{style}"
    assert [path.name for path in site.rglob("*.html") if re.search(fetched, path.read_text(encoding="utf-8"))] == []


def test_the_guide_to_gates_runs(pytester: pytest.Pytester) -> None:
    """Its code is a suite that collects as it stands."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "gates.md").read_text(encoding="utf-8"), re.DOTALL)
    pytester.makepyfile(test_guide=block)
    pytester.runpytest("--collect-only", "-q").stdout.fnmatch_lines(["*304 tests collected*"])
