"""Few-shot examples that a suite has ready for models that need some, such as base models without a chat template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_ftcheck.evals import ATTRIBUTE, spec_of


def offers(shots: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Name the file of an eval's shots, of which --ft-suite-shots=N takes the first N. Stands above `@eval_cases`."""

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        spec = spec_of(body)
        assert spec is not None
        setattr(body, ATTRIBUTE, replace(spec, offered=shots))
        return body

    return declare
