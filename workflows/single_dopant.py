"""One dopant alone in the cell of a recipe, with the recipe's settings: its moment is what a pair is made of.

python workflows/single_dopant.py workflows/quick.toml runs/single_carbon
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from defectflow import load_recipe
from defectflow.engines import get_engine
from defectflow.executors import Task, run_task
from defectflow.schema import CalcResult, Cell, Job, Recipe
from defectflow.schema.jsonio import write_atomic
from defectflow.structures import host_structure, supercell
from defectflow.structures.sites import sublattice_sites


def single_dopant(recipe: Recipe) -> Job:
    """Static job of the first dopant of the recipe at the origin of its supercell."""
    pristine = supercell(host_structure(recipe.host), recipe.supercell.rows)
    site = int(sublattice_sites(pristine, recipe.pairs.sublattice)[0])
    pristine.replace(site, recipe.pairs.dopants[0])
    bare = Cell.from_pymatgen(pristine)
    moments = np.zeros(len(bare))
    moments[site] = recipe.spin.pair_moments[0]
    centred = bare.with_coords((bare.coords - bare.coords[site]) % 1.0).with_moments(moments)
    return Job("static", "static", centred, recipe.settings, recipe.settings.kpoints, (site,), spin_polarised=True)


def calculate(job: Job, folder: Path) -> CalcResult:
    """Run the job with GPAW in `folder` and read it."""
    engine = get_engine("gpaw")
    inputs = engine.make_inputs(job)
    folder.mkdir(parents=True)
    for name, text in inputs.files:
        write_atomic(folder / name, text.encode())
    run_task(Task(tuple(engine.command(folder.resolve(), 1)), folder))
    return engine.read(folder, inputs)


if __name__ == "__main__":
    job = single_dopant(load_recipe(sys.argv[1]))
    result = calculate(job, Path(sys.argv[2]))
    site = job.sites[0]
    print(f"{job.cell.species[site]}: M = {result.total_moment:.2f} muB, {result.site_moments[site]:.2f} in its sphere")
    print(f"E0 = {result.e0:.4f} eV, converged {result.converged}")
