"""What a fault's run shows that the control's does not: computed from both runs, whatever the fault was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.seeded_faults.exam import Outcome

KIND = 70
"""Characters of a notice, numbers left out, that tell what kind it is."""

SHOWN = 240
"""Characters of a message that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What the control does not show. `how` is where it is seen: gate, error, notice, words or diagnosis."""

    how: str
    what: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of a fault. `changed` counts the answers that differ from the control's, of `of`, by role."""

    status: int
    signs: tuple[Sign, ...]
    changed: Mapping[str, int]
    of: int
    grades_changed: int

    def caught(self, *, harmful: bool) -> str:
        """Say whether the run was stopped, its reader told, or the fault missed; of no fault: quiet, or an alarm."""
        if not harmful:
            return "false alarm" if self.status or self.signs else "quiet"
        return "stopped" if self.status else "told" if self.signs else "missed"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        signs = [asdict(sign) for sign in self.signs]
        rest = {"changed": dict(self.changed), "of": self.of, "grades_changed": self.grades_changed}
        return {"status": self.status, "signs": signs, **rest}


def compare(control: Outcome, run: Outcome) -> Finding:
    """Return what a run shows that the control does not. The control must have a document."""
    assert control.document is not None
    if run.document is None:
        return Finding(status=run.status, signs=_printed(run.printed), changed={}, of=0, grades_changed=0)
    before, after = control.document, run.document
    signs = [*_gates(before, after), *_notices(before, after), *_told(before, after), *_diagnoses(before, after)]
    if not signs and run.status != control.status:
        signs = list(_printed(run.printed))
    ours, theirs = _cases(before), _cases(after)
    both = [(ours[key], theirs[key]) for key in ours if key in theirs]
    changed = {role: sum(_texts(a, role) != _texts(b, role) for a, b in both) for role in ("base", "ft")}
    moved = sum(_scores(a) != _scores(b) for a, b in both)
    return Finding(status=run.status, signs=tuple(signs), changed=changed, of=len(both), grades_changed=moved)


def _gates(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sign]:
    """Return the gates that passed before and do not now."""
    passed = {gate["name"] for gate in before["gates"] if gate["verdict"] == "pass"}
    red = [gate for gate in after["gates"] if gate["name"] in passed and gate["verdict"] != "pass"]
    return [
        Sign(
            how="error" if gate["verdict"] == "error" else "gate",
            name=gate["name"],
            what=_short(f"{gate['verdict']}: {gate['words']}").removeprefix("error: ").removeprefix("error: "),
        )
        for gate in red
    ]


def _notices(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sign]:
    """Return the notices of a kind that the control does not have."""
    known = {_kind(notice) for notice in before["notices"]}
    return [Sign(how="notice", what=_short(notice)) for notice in after["notices"] if _kind(notice) not in known]


def _kind(notice: str) -> str:
    """Return a notice without its numbers and what follows them: "in 2 cases" and "in 60 cases" are one kind."""
    return re.sub(r"\d[\d,.]*( cases?)?", "#", notice)[:KIND]


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sign]:
    """Return what the words of gates that still pass say more than the control's."""
    words = {gate["name"]: _parts(gate["words"]) for gate in before["gates"]}
    found = []
    for gate in after["gates"]:
        more = [part for part in _parts(gate["words"]) if part not in words.get(gate["name"], [])]
        if gate["verdict"] == "pass" and more and gate["name"] in words:
            found.append(Sign(how="words", name=gate["name"], what=_short("; ".join(more))))
    return found


def _parts(words: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;:]", words)]


def _diagnoses(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sign]:
    """Return what the diagnosis says that it did not say of the control."""
    known = {_diagnosis(each)[0] for each in before.get("diagnosis") or []}
    told = [_diagnosis(each) for each in after.get("diagnosis") or []]
    return [Sign(how="diagnosis", name=name, what=_short(what)) for name, what in told if name not in known]


def _diagnosis(entry: Any) -> tuple[str, str]:
    """Return the name and the text of an entry of the diagnosis, whichever of the usual fields it has."""
    if not isinstance(entry, Mapping):
        return str(entry), str(entry)
    fields = [str(value) for value in entry.values() if isinstance(value, str) and value]
    return (fields[0] if fields else ""), "; ".join(fields)


def _printed(printed: str) -> tuple[Sign, ...]:
    """Return the first error that pytest printed."""
    lines = [line.strip() for line in printed.splitlines()]
    told = [line for line in lines if re.match(r"(ERROR: |E  +|INTERNALERROR)", line)] or [
        line for line in lines if "rror" in line
    ]
    return tuple(Sign(how="error", what=_short(re.sub(r"^(ERROR:|E) +", "", line))) for line in told[:1])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _cases(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(one["name"], case["id"]): case for one in document["evals"] for case in one["cases"]}


def _texts(case: Mapping[str, Any], role: str) -> Sequence[Any]:
    return [answer["text"] for answer in case[role]["answers"]]


def _scores(case: Mapping[str, Any]) -> tuple[Any, Any]:
    return case["base_score"], case["ft_score"]
