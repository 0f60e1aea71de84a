"""W&B told: one W&B run per gate run, in the group of its checkpoint, drawn over the training step.

`WANDB_MODE`, `WANDB_PROJECT`, `WANDB_DIR` and the others are W&B's own. Nothing of the machine or the code is sent.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pytest_ftcheck.reports.trackers.facts import Facts

PROJECT = "pytest-ftcheck"
_PATIENCE_S = 30.0


def record(facts: Facts, place: str, files: Sequence[Path]) -> str:
    """Tell a run to the project `place` (or `team/project`), else to WANDB_PROJECT; return where it stands."""
    folder = _folder()
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    team, _, project = place.rpartition("/")
    settings = wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        disable_job_creation=True,
        init_timeout=_PATIENCE_S,
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )
    run = wandb.init(
        project=project or os.environ.get("WANDB_PROJECT") or PROJECT,
        entity=team or None,
        dir=os.fspath(folder),
        name=facts.name,
        group=facts.checkpoint[:80] or None,
        job_type="ftcheck",
        notes=facts.summary,
        config={**facts.params, **facts.tags},
        settings=settings,
    )
    run.define_metric("global_step")
    run.define_metric("*", step_metric="global_step")
    run.log({**facts.metrics, "global_step": facts.step})
    run.summary.update({"verdict": facts.verdict, **{f"verdict/{gate}": each for gate, each in facts.verdicts.items()}})
    for path in () if run.disabled else files:  # copied beside the run's own: an offline run is sent long after
        run.save(shutil.copy(path, run.dir), base_path=run.dir, policy="now")
    where = run.url or ("" if run.disabled else f"{Path(run.dir).parent} (wandb sync sends it)")
    run.finish()
    wandb.teardown()
    return str(where or "nowhere, W&B is disabled")


def _folder() -> Path:
    """Return the folder for W&B's files. Raises OSError where it cannot be made: W&B would take a temporary one."""
    folder = Path(os.environ.get("WANDB_DIR") or ".").absolute()
    (folder / "wandb").mkdir(parents=True, exist_ok=True)
    return folder
