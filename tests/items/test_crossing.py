"""Reports of cases on their way from worker to controller."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ftcheck.items.crossing import LIGHT, PACKED, lighten, restore

NODEID = "test_suite.py::test_intent[c\udcff1]"


def sent(when: str, **more: Any) -> dict[str, Any]:
    """What pytest makes of a case's report before it is sent."""
    report = pytest.TestReport(
        nodeid=NODEID,
        location=("test_suite.py", 3, "test_intent[c1]"),
        keywords={NODEID: 1, "test_suite.py": 1},
        outcome="passed",
        longrepr=None,
        when=when,  # type: ignore[arg-type]
        sections=[("Captured stdout call", "said")],
        duration=0.25,
        user_properties=[("ftcheck.outcome", "win"), ("ftcheck.base", 0.5)],
        ftcheck_outcome="win",
    )
    return {**report._to_json(), LIGHT: True, **more}


def test_a_call_arrives_as_it_was_sent() -> None:
    """The bytes that cross give the same report, its tuples too."""
    data = sent("call")
    lighten(data)
    assert set(data) == {PACKED}
    restore(data)
    assert {**data, LIGHT: True} == sent("call")


def test_what_other_plugins_add_crosses_beside_it() -> None:
    """An entry that is neither pytest's nor ours is left to execnet."""
    data = sent("call", other_plugin={1: (2, 3)})
    lighten(data)
    assert data["other_plugin"] == {1: (2, 3)}


def test_unusual_properties_stay() -> None:
    """A report with a property that is no text and no number is sent as pytest has it."""
    odd = [("ids", (1, 2))]
    data = sent("call", user_properties=odd)
    lighten(data)
    assert (PACKED in data, data["user_properties"]) == (False, odd)


@pytest.mark.parametrize(("when", "properties"), [("setup", 0), ("teardown", 2)])
def test_around_the_call_keywords_are_left_out(when: str, properties: int) -> None:
    """Set-up and teardown have the call's keywords; JUnit XML reads properties of teardown, not of set-up."""
    data = sent(when)
    lighten(data)
    restore(data)
    assert (data["keywords"], len(data["user_properties"])) == ({}, properties)
