"""How much the Fermi level of a junction moves with its interfaces: what the force tolerance leaves open.

python workflows/interface_sensitivity.py runs/co_mgo_co runs/sensitivity

Takes the relaxed thin junction of a finished run and moves one kind of interface atom by 0.01 A towards the other
crystal, at both interfaces. Prints the change of E_F - V (V: site potential of the central anions) and of the force on
these atoms; the force that the relaxation left then says how far the atom may be from its place.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from defectflow.engines import get_engine
from defectflow.errors import ParseError
from defectflow.executors import Task, run_task
from defectflow.inputs.junction import thinner
from defectflow.run import JunctionStudy
from defectflow.schema import CalcResult, Cell, Job
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.layers import JunctionCell
from defectflow.structures.junction import build_junction

STEP = 0.01  # A


def calculate(job: Job, folder: Path, ranks: int) -> CalcResult:
    """Run the job with GPAW in `folder`, unless it is done, and read it."""
    engine = get_engine("gpaw")
    inputs = engine.make_inputs(job)
    try:
        return engine.read(folder, inputs)
    except ParseError:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in inputs.files:
        write_atomic(folder / name, text.encode())
    run_task(Task(tuple(engine.command(folder.resolve(), ranks)), folder))
    return engine.read(folder, inputs)


def moved(cell: Cell, junction: JunctionCell, kind: str, symbol: str) -> tuple[Cell, list[int]]:
    """Cell with the interface atoms of one kind closer to the other crystal by STEP, and these atoms."""
    coords, sites = cell.coords.copy(), []
    for layer in junction.layers:
        if layer.kind != kind or layer.depth != 1:
            continue
        outwards = -1 if layer.side == "left" else 1
        chosen = [s for s in layer.sites if cell.species[s] == symbol]
        coords[chosen, 2] += (outwards if kind == "oxide" else -outwards) * STEP / np.linalg.norm(cell.lattice[2])
        sites += chosen
    return cell.with_coords(coords), sites


def level(result: CalcResult, junction: JunctionCell, anion: str) -> float:
    """E_F minus the site potential of the anions in the middle two layers (eV)."""
    oxide = junction.of_kind("oxide")
    middle = oxide[len(oxide) // 2 - 1 : len(oxide) // 2 + 1]
    sites = [s for layer in middle for s in layer.sites if junction.cell.species[s] == anion]
    return float(result.fermi.max() - result.site_potentials[sites].mean())


def main() -> None:
    """Print a line per kind of interface atom."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ranks", type=int, default=1)
    options = parser.parse_args()
    study = JunctionStudy.open(options.run)
    recipe, state = study.recipe, study.recipe.states[0]
    layers = recipe.relaxation.oxide_layers if recipe.relaxation else recipe.oxide.layers
    junction = build_junction(thinner(recipe, layers), state)
    relaxed = study.result(f"junction/{state}/relax").cell
    template = next(j for j in study.jobs if j.path == f"junction/{state}/relax")
    job = replace(template, path="static", stage="static", cell=relaxed.with_moments(template.cell.moments))
    cation, anion = junction.bulk.species[1], junction.bulk.species[0]
    still = calculate(job, options.folder / "still", options.ranks)
    for kind, symbol in (("oxide", cation), ("oxide", anion), ("metal", recipe.electrode.element)):
        cell, sites = moved(job.cell, junction, kind, symbol)
        found = calculate(replace(job, cell=cell), options.folder / f"moved-{symbol}", options.ranks)
        change = level(found, junction, anion) - level(still, junction, anion)
        stiffness = float(np.abs(found.forces[sites, 2] - still.forces[sites, 2]).mean()) / STEP
        left = float(np.abs(still.forces[sites, 2]).max())
        open_ = 1000 * abs(change) / STEP * left / stiffness
        print(f"{symbol} by {STEP:g} A across the interface: E_F - V {1000 * change:+.0f} meV; force constant", end=" ")
        print(f"{stiffness:.1f} eV/A^2, force left {left:.3f} eV/A, so {open_:.0f} meV open", flush=True)


if __name__ == "__main__":
    main()
