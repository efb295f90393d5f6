"""Bulk Co (bcc, fcc) and MgO with the settings of a junction's recipe: lattice constant, moment, gap.

python workflows/bulk_references.py workflows/co_mgo_co.toml runs/bulk_references

Made the table of docs/junction.md. What is done by the same inputs is not run again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from defectflow.analyse.alignment import band_edges
from defectflow.engines import get_engine
from defectflow.errors import ParseError
from defectflow.executors import Task, run_task
from defectflow.schema import CalcResult, Cell, Job, KMesh
from defectflow.schema.jsonio import write_atomic
from defectflow.schema.junction import JunctionRecipe, load_junction


@dataclass(frozen=True)
class Crystal:
    """Primitive cell to scan: name, prototype, lattice constants (A), moment to start from (muB), k-points."""

    name: str
    prototype: str
    constants: tuple[float, ...]
    moment: float
    mesh: int


CRYSTALS = (
    Crystal("Co", "bcc", (2.74, 2.78, 2.82, 2.86, 2.90), 1.8, 14),
    Crystal("Co", "fcc", (3.44, 3.49, 3.54, 3.59, 3.64), 1.8, 14),
    Crystal("MgO", "rocksalt", (4.17, 4.22, 4.27, 4.32, 4.37), 0.0, 6),
)


def job(recipe: JunctionRecipe, crystal: Crystal, a: float) -> Job:
    """Static job of one crystal at one lattice constant."""
    from ase.build import bulk

    cell = Cell.from_ase(bulk(crystal.name, crystal.prototype, a=a))
    if crystal.moment:
        cell = cell.with_moments(np.full(len(cell), crystal.moment))
    mesh = KMesh(mesh=(crystal.mesh,) * 3, centring="gamma")
    flavours = {e: {s: f for s, f in t.items() if s in cell.species} for e, t in recipe.settings.potentials.items()}
    settings = recipe.settings.model_copy(update={"potentials": flavours, "energy_tolerance": 1e-6})
    return Job("static", "static", cell, settings, mesh, (0,), spin_polarised=bool(crystal.moment))


def calculate(job: Job, folder: Path) -> CalcResult:
    """Run the job with GPAW in `folder`, unless it is done, and read it."""
    engine = get_engine("gpaw")
    inputs = engine.make_inputs(job)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return engine.read(folder, inputs)
    except ParseError:
        pass
    for name, text in inputs.files:
        write_atomic(folder / name, text.encode())
    run_task(Task(tuple(engine.command(folder.resolve(), 1)), folder))
    return engine.read(folder, inputs)


def report(recipe: JunctionRecipe, crystal: Crystal, folder: Path) -> str:
    """Equilibrium from a cubic polynomial in a^-2 (five points), and what goes with it, interpolated there."""
    results = [calculate(job(recipe, crystal, a), folder / f"{a:.3f}") for a in crystal.constants]
    energies, a = np.array([r.e0 for r in results]), np.array(crystal.constants)
    fine = np.linspace(a[0], a[-1], 4001)
    fit = np.polynomial.Polynomial.fit(a**-2.0, energies, 3)
    best = float(fine[int(np.argmin(fit(fine**-2.0)))])
    text = f"{crystal.name} {crystal.prototype}: a = {best:.3f} A"
    if crystal.moment:
        moments = [r.total_moment for r in results]
        return f"{text}, M = {np.interp(best, a, moments):.3f} muB per atom"
    return f"{text}, gap {np.interp(best, a, [band_edges(r).gap for r in results]):.2f} eV (Gamma to Gamma)"


def main() -> None:
    """Print a line per crystal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    recipe = load_junction(options.recipe)
    s = recipe.settings
    print(f"GPAW, {s.functional}, {s.cutoff:g} eV, {s.smearing}, profile {s.profile}")
    for crystal in CRYSTALS:
        print(report(recipe, crystal, options.folder / f"{crystal.name}-{crystal.prototype}"), flush=True)


if __name__ == "__main__":
    main()
