"""A gate's file and line, from its source."""

from __future__ import annotations

from pathlib import Path

from pytest_ftcheck.ci.places import place_of
from pytest_ftcheck.reports.workflow import Place

SOURCE = '''"""Gates."""
from pytest_ftcheck import gate


@gate(one)
def test_a(comparison): ...


class TestB:
    class TestC:
        @gate(two)
        def test_d(self, comparison): ...


if True:
    def test_e(comparison): ...
'''


def found(tmp_path: Path, name: str) -> Place | None:
    """Write the gates and find one."""
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests" / "test_x.py").write_text(SOURCE)
    return place_of(f"tests/test_x.py::{name}", root=tmp_path, workspace=tmp_path)


def test_a_function(tmp_path: Path) -> None:
    """The line is that of `def`, not of its decorator."""
    assert found(tmp_path, "test_a") == Place("tests/test_x.py", 6)


def test_parameters_do_not_matter(tmp_path: Path) -> None:
    """A parametrized gate stands where its function does, whatever its parameters hold."""
    assert found(tmp_path, "test_a[x::y]") == Place("tests/test_x.py", 6)


def test_a_method_of_a_nested_class(tmp_path: Path) -> None:
    """Classes lead to their methods."""
    assert found(tmp_path, "TestB::TestC::test_d") == Place("tests/test_x.py", 12)


def test_a_function_in_a_branch(tmp_path: Path) -> None:
    """A function below an `if` is found."""
    assert found(tmp_path, "test_e") == Place("tests/test_x.py", 16)


def test_a_function_that_the_file_does_not_show(tmp_path: Path) -> None:
    """A test made while running is placed at the file's first line."""
    assert found(tmp_path, "test_made") == Place("tests/test_x.py", 1)


def test_a_file_elsewhere(tmp_path: Path) -> None:
    """A gate outside of the repository, such as a ready-made suite's, has no place in it."""
    (tmp_path / "test_y.py").write_text(SOURCE)
    assert place_of("../test_y.py::test_a", root=tmp_path / "w", workspace=tmp_path / "w") is None


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is no Python has no places."""
    (tmp_path / "test_z.py").write_text("def (")
    assert place_of("test_z.py::test_a", root=tmp_path, workspace=tmp_path) is None
