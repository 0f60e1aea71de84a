"""A run as one HTML page that needs nothing else: no network, no other file, no script but its own.

Everything the page shows comes from the run's document, so that its numbers are the JSON's. It is made by Jinja2 with
autoescaping; its policy (Content-Security-Policy) allows the page's one style and one script by their hashes, and
nothing to be loaded from anywhere.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pytest_ftcheck.records import Run
from pytest_ftcheck.reports import wording
from pytest_ftcheck.reports.document import run_document
from pytest_ftcheck.reports.figures import count, duration
from pytest_ftcheck.reports.html_cases import cases_data, script_json
from pytest_ftcheck.reports.html_details import details, provenance
from pytest_ftcheck.reports.html_facts import Facts
from pytest_ftcheck.reports.html_shell import MARKS, asset, environment, policy
from pytest_ftcheck.reports.html_training import training_view
from pytest_ftcheck.reports.html_view import HEADLINES, blamed, groups
from pytest_ftcheck.reports.inert import inert
from pytest_ftcheck.reports.rows import common_level, legend

MOST_BLAMED = 6
OUTCOMES = (
    ("loss", "lost"),
    ("win", "gained"),
    ("both wrong", "both wrong"),
    ("both right", "both right"),
    ("tie", "tie"),
    ("missing", "missing"),
)


def html_page(run: Run, data: dict[str, Any] | None = None, *, cases_file: str = "") -> str:
    """Return the page of a run with the cases in `data`; `cases_file` names a file beside it that holds every case."""
    facts = Facts(run_document(run))
    data = cases_data(run) if data is None else data
    style, script = asset("page.css"), asset("theme.js", "page.js")
    tally: dict[str, int] = {}
    for case in data["cases"]:
        tally[case["o"]] = tally.get(case["o"], 0) + 1
    shown = len(data["cases"])
    every = sum(len(one["cases"]) + one["cases_left_out"] for one in facts.found["evals"])
    decision = facts.found["decision"]
    page = environment().get_template("page.html.j2")
    return page.render(
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=Markup(script_json(data)),
        document=facts,
        decision=decision,
        headline=HEADLINES[decision]
        if decision != "inconclusive" or run.inconclusive == "fail"
        else "Not proven, let through",
        mark=MARKS[decision or ""],
        marks=MARKS,
        summary=facts.found["summary"],
        blamed=blamed(run, facts, most=MOST_BLAMED),
        blamed_in_all=sum(gate["verdict"] != "pass" for gate in facts.found["gates"]),
        groups=groups(run, facts),
        legend=legend(run),
        common_level=common_level(run),
        notices=wording.notices(run),
        details=details(run, facts),
        models=[(model.role, *wording.model_facts(model)) for model in run.models],
        provenance=provenance(run, facts),
        outcomes=[(value, words, tally[value]) for value, words in OUTCOMES if value in tally],
        tags=_tags(data),
        shown=shown,
        left_out=max(every - shown, 0),
        every=every,
        cases_file=cases_file,
        when=wording.when(run.started),
        took=duration(run.duration_s),
        version=inert(run.version, one_line=True),
        probes=facts.parts("probes"),
        training=training_view(facts.part("training")) if facts.found["training"] else None,
        diagnosis=facts.found["diagnosis"],
        count=count,
        one_decimal="{:,.1f}".format,
        four_decimals="{:.4f}".format,
    )


def _tags(data: dict[str, Any]) -> list[str]:
    """Return `tag=value` of all cases, sorted, where there are few enough to choose from."""
    found = sorted({f"{name}={value}" for case in data["cases"] for name, value in case["t"].items()})
    return found if len(found) <= 200 else []
