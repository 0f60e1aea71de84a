"""Other people's report plugins beside ours: they keep working, and show what we tell them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from tests.plugin.conftest import Suite


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_pytest_json_report(suite: Suite, workers: tuple[str, ...]) -> None:
    """pytest-json-report lists every item with its outcome, the red gate among them."""
    suite.write((20, 0, 20, 0))
    suite.run("--json-report", "--json-report-file=other.json", *workers)
    tests = json.loads((suite.pytester.path / "other.json").read_text())["tests"]
    outcomes = {test["nodeid"].split("::")[-1]: test["outcome"] for test in tests}
    assert outcomes["test_gate"] == "failed"
    assert list(outcomes.values()).count("passed") == 40


def test_pytest_html(suite: Suite) -> None:
    """pytest-html writes its page with the gate's verdict in it."""
    suite.write((20, 0, 20, 0))
    suite.run("--html=other.html", "--self-contained-html")
    page = (suite.pytester.path / "other.html").read_text(encoding="utf-8")
    assert re.search(r"test_gate", page)
    assert "regression" in page or "FAIL" in page


def test_junit_properties(suite: Suite) -> None:
    """JUnit's file has the gate's verdict and delta, and each case's outcome, as properties."""
    suite.write((20, 0, 20, 0))
    suite.run("--junit-xml=junit.xml")
    root = ET.parse(suite.pytester.path / "junit.xml").getroot()
    found = {
        case.get("name"): {one.get("name"): one.get("value") for one in case.iter("property")}
        for case in root.iter("testcase")
    }
    assert found["test_gate"]["ftcheck.verdict"] == "fail"
    assert found["test_gate"]["ftcheck.delta"] == "-0.5"
    assert sum(each.get("outcome") == "loss" for each in found.values()) == 20
