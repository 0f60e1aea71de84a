"""Reports are light until something is drawn."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

MODULES = (
    *("document", "figures", "files", "inert", "junit", "losses", "progress", "reading", "rows", "selection"),
    *(
        "terminal",
        "wording",
        "html_cases",
        "html_details",
        "html_facts",
        "html_figures",
        "html_report",
        "html_training",
        "html_view",
    ),
    *("html_page", "parquet"),
    *("history", "html_history", "html_history_plot", "html_shell", "verbose_case"),
    *("card", "model_index", "trackers.facts", "trackers.telling", "trackers.client"),
    *("trackers.mlflow_client", "trackers.wandb_client", "trackers.tensorboard_client"),
)
DRAWING = ("terminal", "html_page", "html_history", "html_shell", "model_index")
HEAVY = (
    *("rich", "jinja2", "pyarrow", "jsonschema", "numpy", "scipy", "torch", "pytest"),
    *("yaml", "mlflow", "wandb", "tensorboard"),
)


def test_only_what_draws_imports_what_it_draws_with() -> None:
    """Only the terminal imports rich, the page jinja2, the model index yaml; others need the standard library alone."""
    light = "; ".join(f"import pytest_ftcheck.reports.{name}" for name in MODULES if name not in DRAWING)
    code = f"import sys; {light}; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_show_what_is(name: str) -> None:
    """The examples in the docstrings give what they say."""
    assert doctest.testmod(importlib.import_module(f"pytest_ftcheck.reports.{name}")).failed == 0
