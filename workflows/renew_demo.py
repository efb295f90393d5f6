"""Renew the shipped demo from a finished run of ``quick.toml``: ``python workflows/renew_demo.py runs/quick``.

Only results and states are kept; inputs follow from the recipe, logs and densities are left behind.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from defectflow.demo import demo_folder
from defectflow.errors import InputError
from defectflow.run import Study
from defectflow.run.collect import trusted_result

KEPT = ("result.json", "result.npz", "job.json")


def renew(run: Path, target: Path) -> None:
    """Copy what the demo needs; every result must be converged and made from today's inputs."""
    study = Study.open(run)
    if study.engine_name != "gpaw":
        raise InputError(f"the demo is a run of GPAW, this is one of {study.engine_name}", where=str(run))
    for job in study.jobs:
        trusted_result(study, job.path)
    shutil.rmtree(target, ignore_errors=True)
    for job in study.jobs:
        (target / job.path).mkdir(parents=True)
        for name in KEPT:
            shutil.copy(run / job.path / name, target / job.path / name)
    for name in ("study.toml", "study.json"):
        shutil.copy(run / name, target / name)


if __name__ == "__main__":
    renew(Path(sys.argv[1]), demo_folder())
