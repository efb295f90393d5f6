"""Runs that start from the density of an earlier stage, so that they stay in its SCF minimum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from defectflow.errors import ParseError
from defectflow.schema import Job
from defectflow.schema.jsonio import read_json, write_atomic

DENSITY = "density.gpw"
CHECKPOINT = "checkpoint.gpw"
# Wave functions settle to this in the fixed density (eV^2 per valence electron, two or three steps) before it is set
# free; to settle them to the criterion of the run saves no later step.
SETTLED = 1.0e-3


def parent_density(job: Job, folder: Path) -> Path:
    """Density file of the parent stage, which lies as deep in the run folder as the job's own folder.

    Raises
    ------
    ParseError
        If it is missing, for example because the folder was copied without it.
    """
    parent = job.parent or ""
    path = folder.parents[parent.count("/")] / parent / DENSITY
    if not path.is_file():
        todo = f"delete {path.with_name('result.json')} and run the study again"
        raise ParseError("the density of the parent stage is missing", where=str(path), todo=todo)
    return path


def in_fixed_density(job: Job, folder: Path, keywords: dict[str, Any]) -> tuple[Any, Any]:
    """Converge states on another mesh in the parent's density; its Fermi level and totals are kept."""
    from gpaw import GPAW

    from defectflow.engines.gpaw.measure import totals

    static = GPAW(str(parent_density(job, folder)), txt=None)
    total = totals(static, static.get_atoms(), job.spin_polarised)
    chosen = {k: keywords[k] for k in ("kpts", "nbands", "symmetry", "convergence", "maxiter", "eigensolver")}
    calc = static.fixed_density(**chosen, txt=str(folder / "gpaw.txt"))
    for _ in calc.iconverge(calc.atoms):
        pass
    return calc, total


def continued(density: Path, folder: Path, keywords: dict[str, Any]) -> Any:
    """Calculator that goes on self-consistently from a density: of a relaxation's end, or of a run that was stopped.

    From a fresh guess an AF state may slide into another minimum than the one that was relaxed.
    """
    from gpaw import GPAW
    from gpaw.new.scf import create_convergence_criteria

    relaxed = GPAW(str(density), txt=None)
    chosen = {k: keywords[k] for k in ("kpts", "symmetry", "maxiter")}
    settled = {"eigenstates": SETTLED, "bands": "occupied"}
    calc = relaxed.fixed_density(**chosen, convergence=settled, txt=str(folder / "gpaw.txt"))
    loop = calc.dft.scf_loop
    loop.update_density_and_potential, loop.fix_fermi_level = True, False
    criteria = {k: v for k, v in keywords["convergence"].items() if k != "bands"}
    loop.convergence = create_convergence_criteria(criteria)
    calc.dft.results.clear()  # what it holds belongs to the fixed density
    return calc


def save_checkpoint(calc: Any, folder: Path, input_hash: str, master: bool) -> None:
    """Density of an SCF that has to stop, for the next attempt; called on all ranks."""
    from gpaw.mpi import world

    calc.write(str(folder / CHECKPOINT), mode="")
    if master:
        write_atomic(folder / f"{CHECKPOINT}.json", json.dumps({"input_hash": input_hash}).encode())
    world.barrier()  # the first rank that ends takes the others with it


def checkpoint_of(folder: Path, input_hash: str) -> Path | None:
    """Density that an attempt with the same inputs stopped with, None if there is none."""
    try:
        found = read_json(folder / f"{CHECKPOINT}.json").get("input_hash")
    except ParseError:
        return None
    return folder / CHECKPOINT if found == input_hash and (folder / CHECKPOINT).is_file() else None
