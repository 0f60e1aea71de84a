"""What a fault is: one change to an exam that is green, and how it comes about in real life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.seeded_faults.exam import Exam, Form

Inject = Callable[[Exam], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault by name. `breaks` is what it breaks, `story` how that comes about, `change` what is changed.

    `form` is the fine-tune that it starts from, and so the control that its run is compared with; `inject` changes the
    exam in place, and may run it before. `fresh` has the judged run repeated from an empty store. What is not `harmful`
    is here for false alarms.
    """

    name: str
    breaks: str
    story: str
    change: str
    form: Form
    inject: Inject
    fresh: bool = False
    harmful: bool = True


def fault(
    breaks: str, story: str, *, form: Form = "adapter", fresh: bool = False, harmful: bool = True
) -> Callable[[Inject], Fault]:
    """Make a fault of the function that injects it: its name is the function's, its docstring says what is changed."""

    def made(inject: Inject) -> Fault:
        return Fault(
            name=inject.__name__.replace("_", "-"),  # type: ignore[attr-defined]
            breaks=breaks,
            story=story,
            change=" ".join((inject.__doc__ or "").split()),
            form=form,
            inject=inject,
            fresh=fresh,
            harmful=harmful,
        )

    return made
