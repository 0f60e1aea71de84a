"""Whether a run's exam is the one that was pinned before: cases, graders, how is asked, and what is claimed."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Case, Registration, digest
from pytest_ftcheck.store.lock import Lock, differences, read_lock

if TYPE_CHECKING:
    from pytest_ftcheck.evals import EvalSpec
    from pytest_ftcheck.session import Session

NAMED = 10
UNKNOWN = "cannot be known"


def pinned_eval(spec: EvalSpec, cases: Sequence[Case]) -> dict[str, Any]:
    """Return what a lock pins of an eval: its cases, its graders, and what decides how they are asked."""
    content = [[case.id, case.digest, case.cluster, sorted(case.tags.items())] for case in cases]
    shots = None if spec.shots is None else _shots(spec)
    asked = [spec.decoding.content(), spec.samples, spec.system, shots, spec.choices]
    return {
        "cases": len(cases),
        "case_set": digest(sorted(content, key=lambda entry: str(entry[0]))),
        "graders": {grader.name: grader.fingerprint or UNKNOWN for grader in spec.graders},
        "asked": digest(asked),
    }


def pinned_gate(evals: Sequence[str], claims: Sequence[Mapping[str, Any]], body: str | None) -> dict[str, Any]:
    """Return what a lock pins of a gate: its evals, its claims, and its body's hash where no rehearsal tells these."""
    told = [" ".join(f"{key}={value}" for key, value in claim.items()) for claim in claims]
    return {"evals": list(evals), "claims": told, **({} if body is None else {"body": body})}


def register(
    session: Session, gates: Mapping[str, Mapping[str, Any]], collected: Iterable[str] = ()
) -> Registration | None:
    """Compare the run's exam with the lock; None where there is no lock.

    `collected` names test files that were collected whole, of which a pinned eval or gate may not be missing. Raises
    ConfigError under `--ft-frozen`, where there is no lock or the exam is another; every later question of the run is
    answered so.
    """
    settings = session.settings
    lock = read_lock(settings.lock)
    if lock is None:
        if settings.frozen:
            _refuse(session, f"--ft-frozen: there is no {settings.lock}; allowed: after `ftcheck freeze`")
        return None
    evals = {one.nodeid: pinned_eval(one.spec, session.whole(one)) for one in session.evals}
    changes = changes_of(lock, evals, gates, frozenset(collected))
    if changes and settings.frozen:
        more = f"; and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
        _refuse(session, f"--ft-frozen: not as pinned in {settings.lock}: {'; '.join(changes[:NAMED])}{more}")
    return Registration(lock=_beside(settings.lock, settings.rootdir), frozen=lock.frozen, changes=tuple(changes))


def changes_told(registration: Registration) -> list[str]:
    """Say to a run's reader what changed since the exam was pinned."""
    if registration.stands:
        return []
    more = len(registration.changes) - NAMED
    told = [f"not as pinned in {registration.lock}: {change}" for change in registration.changes[:NAMED]]
    return [*told, f"and {more} more changes since {registration.lock}"] if more > 0 else told


def changes_of(
    lock: Lock,
    evals: Mapping[str, Mapping[str, Any]],
    gates: Mapping[str, Mapping[str, Any]],
    collected: frozenset[str] = frozenset(),
) -> list[str]:
    """Say in a line each how an exam differs from a lock; a change of Python is named where fingerprints differ."""
    found = differences(lock.evals, evals, noun="eval") + differences(lock.gates, gates, noun="gate")
    for noun, then, now in (("eval", lock.evals, evals), ("gate", lock.gates, gates)):
        found += [
            f"{noun} {name} is pinned and gone"
            for name in then
            if name not in now and name.partition("::")[0] in collected
        ]
    if any(": graders " in line for line in found) and lock.python not in ("", platform.python_version()):
        found.append(
            f"fingerprints cover Python's version: pinned under {lock.python}, this is {platform.python_version()}"
        )
    return found


def _refuse(session: Session, reason: str) -> None:
    session.refuse(reason)
    raise ConfigError(reason)


def _shots(spec: EvalSpec) -> str:
    if isinstance(spec.shots, str | Path):
        try:
            return (spec.base_dir / spec.shots).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"shots {spec.shots} cannot be read: {error.strerror or error}") from None
    return digest([[str(question), str(answer)] for question, answer in spec.shots])


def _beside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
