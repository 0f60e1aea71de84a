"""Reports of cases on their way from worker to controller."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_ftcheck.items.crossing import BUNDLE, LIGHT, hear_bundles, lighten, send_bundles

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


class WorkerInteractor:
    """xdist's part in a worker, as far as a bundler knows it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def sendevent(self, name: str, **told: Any) -> None:
        """Write an event down."""
        self.told.append((name, told))


class Node:
    """xdist's part in the controller, as far as bundles go."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.workerinput: dict[str, object] = {}

    def process_from_remote(self, event: object) -> None:
        """Write an event down."""
        self.heard.append(event)


def bundling(*, heard: bool = True) -> WorkerInteractor:
    """A worker's sender with a bundler before it, if the controller hears bundles."""
    interactor = WorkerInteractor()
    manager = SimpleNamespace(get_plugins=lambda: [object(), interactor])
    send_bundles(cast(pytest.Config, SimpleNamespace(workerinput={BUNDLE: heard}, pluginmanager=manager)))
    return interactor


def run_case(interactor: WorkerInteractor, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    """Tell all of a case that xdist tells of an item, and return it."""
    where = {"nodeid": NODEID, "location": ("test_suite.py", 3, "test_intent[c1]")}
    reports = [("testreport", {"data": sent(when, **more)}) for when in ("setup", "call", "teardown")]
    ended = {"item_index": 3, "duration": 0.5}
    events = [("logstart", where), *reports, ("logfinish", where), ("runtest_protocol_complete", ended)]
    for name, told in copy.deepcopy(events):
        interactor.sendevent(name, **told)
    for _, told in reports:
        told["data"].pop(LIGHT)
    return events


def hear(told: list[tuple[str, dict[str, Any]]]) -> list[object]:
    """What the controller makes of a worker's messages."""
    node = Node()
    hear_bundles(node)
    for event in told:
        node.process_from_remote(event)
    return node.heard


def test_a_case_is_told_in_two_messages() -> None:
    """That it began, and all the rest."""
    interactor = bundling()
    run_case(interactor)
    assert [name for name, _ in interactor.told] == ["logstart", BUNDLE]


@pytest.mark.parametrize("more", [{}, {"user_properties": [("ids", (1, 2))]}, {"other_plugin": {1: (2, 3)}}])
def test_a_case_arrives_as_it_was_sent(more: dict[str, Any]) -> None:
    """All events of it, in order, with what other plugins put there."""
    interactor = bundling()
    expected = run_case(interactor, **more)
    assert hear(interactor.told) == expected


def test_what_cannot_be_bundled_is_sent_as_it_stands() -> None:
    """Then execnet takes it, or says why it cannot."""
    interactor = bundling()
    expected = run_case(interactor, other_plugin=pytest.ExitCode.OK)
    assert interactor.told == expected


def test_an_item_with_a_fault_is_told_at_once_behind_what_was_held() -> None:
    """A teardown that failed comes behind the call that passed."""
    interactor = bundling()
    for when in ("setup", "call"):
        interactor.sendevent("testreport", data=sent(when))
    failed = sent("teardown")
    del failed[LIGHT]
    interactor.sendevent("testreport", data=failed)
    heard = [cast(Any, event)[1]["data"]["when"] for event in hear(interactor.told)]
    assert heard == ["setup", "call", "teardown"]


def test_other_items_are_told_as_xdist_tells_them() -> None:
    """Their reports are not ours to hold."""
    interactor = bundling()
    report = sent("call")
    del report[LIGHT]
    expected = [("testreport", {"data": report}), ("logfinish", {}), ("runtest_protocol_complete", {})]
    for name, told in expected:
        interactor.sendevent(name, **told)
    assert interactor.told == expected


def test_stolen_items_are_told_of_in_between() -> None:
    """That event comes from another thread; what is held stays held."""
    interactor = bundling()
    interactor.sendevent("testreport", data=sent("setup"))
    interactor.sendevent("unscheduled", indices=[7])
    assert interactor.told == [("unscheduled", {"indices": [7]})]


def test_a_controller_that_hears_no_bundles_gets_none() -> None:
    """Such as one without this plugin."""
    interactor = bundling(heard=False)
    run_case(interactor)
    assert BUNDLE not in dict(interactor.told)


@pytest.mark.parametrize(("when", "properties"), [("setup", 0), ("teardown", 2)])
def test_around_the_call_keywords_are_left_out(when: str, properties: int) -> None:
    """Set-up and teardown have the call's keywords; JUnit XML reads properties of teardown, not of set-up."""
    data = sent(when)
    lighten(data)
    assert (data["keywords"], len(data["user_properties"])) == ({}, properties)
