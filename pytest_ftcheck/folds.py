"""The folds of a small set, judged as one: each fold's fine-tune answered the cases that it was not trained on.

It makes one comparison of several; what is claimed of it is the gates' affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_ftcheck.comparison import Comparison
from pytest_ftcheck.errors import ConfigError


def union(comparisons: Sequence[Comparison]) -> Comparison:
    """Return one comparison over the cases of several, such as those of the folds that `ftcheck split --folds` makes.

    All must have the same graders, and no case may stand in two. Verdicts on it are the gate's. Cases of one fold share
    a fine-tune, which the statistics take for independent: with few folds leave some room in the margin.
    Raises ConfigError naming the evals that do not fit.
    """
    if not comparisons:
        raise ConfigError("union() of no comparison; allowed: the fixture comparisons of a gate over several evals")
    first = comparisons[0]
    seen: dict[str, str] = {}
    for one in comparisons:
        if [(each.name, each.score_range) for each in one.metrics] != [(m.name, m.score_range) for m in first.metrics]:
            names = [", ".join(metric.name for metric in each.metrics) for each in (first, one)]
            raise ConfigError(
                f"union() of {first.eval} ({names[0]}) and {one.eval} ({names[1]}); allowed: evals of the same graders"
            )
        for result in one.cases:
            content = result.case.digest
            if content in seen:
                raise ConfigError(
                    f"union(): case {result.case.id!r} of {one.eval} stands in {seen[content]} too; allowed: each case"
                    " in one fold"
                )
            seen[content] = one.eval
    partial = "; ".join(dict.fromkeys(one.policy.partial for one in comparisons if one.policy.partial))
    refusals = {name: why for one in reversed(comparisons) for name, why in one.refusals.items()}
    return replace(
        first,
        eval=" + ".join(one.eval for one in comparisons),
        cases=tuple(result for one in comparisons for result in one.cases),
        policy=replace(first.policy, partial=partial),
        refusals=refusals,
        apart=frozenset(name for one in comparisons for name in one.apart),
    )
