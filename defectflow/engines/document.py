"""A job as a JSON text: the input file of engines that run in a Python worker of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from defectflow.schema import Cell, Job, JobInputs, KMesh, Settings
from defectflow.schema.cell import Floats
from defectflow.schema.jsonio import read_json

INPUT = "input.json"


def job_text(job: Job, preset: dict[str, Any]) -> str:
    """Input text: all that decides the result, and nothing else."""
    document = {
        "stage": job.stage,
        "cell": {
            "lattice": _rounded(job.cell.lattice),
            "species": list(job.cell.species),
            "coords": _rounded(job.cell.coords),
            "moments": _rounded(job.cell.moments),
        },
        "settings": job.settings.model_dump(mode="json", exclude={"incar"}),  # tags of VASP
        "kpoints": job.kpoints.model_dump(mode="json"),
        "sites": list(job.sites),
        "spin_polarised": job.spin_polarised,
        "parent": job.parent,
        "seed_coords": None if job.seed_coords is None else _rounded(job.seed_coords),
        "preset": preset,
    }
    if job.charge:  # left out of neutral jobs, so that results of earlier versions stay valid
        document["charge"] = job.charge
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _rounded(values: Floats) -> Any:
    # The last bits depend on the machine; the same recipe must give the same text, and so the same hash.
    return (np.round(values, 10) + 0.0).tolist()


def read_job(folder: Path) -> tuple[Job, dict[str, Any]]:
    """Job and preset that `job_text` wrote into ``folder/input.json``."""
    document = read_json(folder / INPUT)
    cell = document["cell"]
    seed = document["seed_coords"]
    job = Job(
        path=folder.name,
        stage=document["stage"],
        cell=Cell(
            np.array(cell["lattice"]),
            tuple(cell["species"]),
            np.array(cell["coords"]),
            np.array(cell["moments"]),
        ),
        settings=Settings.model_validate(document["settings"]),
        kpoints=KMesh.model_validate(document["kpoints"]),
        sites=tuple(document["sites"]),
        spin_polarised=document["spin_polarised"],
        parent=document["parent"],
        seed_coords=None if seed is None else np.array(seed),
        charge=document.get("charge", 0),
    )
    return job, document["preset"]


def inputs_in(folder: Path, engine: str) -> JobInputs:
    """Inputs as they lie in a job's folder."""
    return JobInputs(engine, ((INPUT, (folder / INPUT).read_text(encoding="utf-8")),))
