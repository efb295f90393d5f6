"""Renew a shipped study from a finished run: ``python workflows/renew_demo.py RUN [quick | carbon_capture | FOLDER]``.

Only results, states and decisions are kept; inputs follow from the recipe, logs and densities are left behind.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from defectflow.demo import DEMOS, demo_folder
from defectflow.errors import InputError
from defectflow.run import open_study
from defectflow.run.collect import trusted_result
from defectflow.schema.jsonio import save_record

KEPT = ("result.json", "result.npz", "job.json")


def renew(run: Path, target: Path) -> None:
    """Copy what the demo needs; every result must be made from today's inputs. What failed stays as failed."""
    study = open_study(run)
    if study.engine_name != "gpaw":
        raise InputError(f"the demo is a run of GPAW, this is one of {study.engine_name}", where=str(run))
    states = {job.path: study.state(job.path) for job in study.jobs}
    for path, state in states.items():
        if state is not None and state.state not in ("failed", "waiting"):
            trusted_result(study, path)
    shutil.rmtree(target, ignore_errors=True)
    for path, state in states.items():
        copy(run / path, target / path)
        if state is not None and state.error:  # without the place where it was run
            save_record(replace(state, error=state.error.replace(f"{run}/", "")), target / path / "job.json")
    for path in (run / "study.toml", run / "study.json", *run.glob("promotions.*.json")):
        shutil.copy(path, target / path.name)


def copy(job: Path, target: Path) -> None:
    """Copy what is kept of a job, if there is anything."""
    for kept in (job / name for name in KEPT):
        if kept.is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(kept, target / kept.name)


if __name__ == "__main__":
    run, *names = sys.argv[1:]
    shipped = not names or names[0] in DEMOS
    renew(Path(run), demo_folder(*names) if shipped else Path(names[0]))
