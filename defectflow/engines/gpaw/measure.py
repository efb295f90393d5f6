"""From a finished GPAW calculation to the record that all engines share."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.engines.planar import on_one_grid
from defectflow.schema import CalcResult, Convergence, Job, Projections
from defectflow.schema.cell import Floats

if TYPE_CHECKING:
    from defectflow.engines.gpaw.worker import Trace

ORBITALS = ("s", "p", "d")
IN_SETTINGS = {"mode", "xc", "kpts", "occupations", "setups", "symmetry"}


def measure(job: Job, calc: Any, total: Totals, trace: Trace, run: Run) -> CalcResult:
    """Read everything a result holds; collective, so it is called on every rank.

    Parameters
    ----------
    total : Totals
        Of this run, or of the parent whose density a DOS run keeps.
    """
    import gpaw

    ibz = calc.dft.ibzwfs.ibz
    eigenvalues, occupations = calc.eigenvalues(), calc.occupations()
    projections = _projections(job, calc, ibz.symmetries.atommap_sa, eigenvalues.shape)
    order = np.argsort(eigenvalues, axis=2, kind="stable")
    weights = np.take_along_axis(projections.weights, order[..., None, None], axis=2)
    potential = calc.dft.electrostatic_potential()
    return CalcResult(
        engine="gpaw",
        code="GPAW",
        version=gpaw.__version__,
        input_hash=run.input_hash,
        stage=job.stage,
        cell=job.cell.with_coords(calc.atoms.get_scaled_positions(wrap=False)),
        settings=job.settings,
        kpoints=job.kpoints,
        numerics={k: json.dumps(v, sort_keys=True) for k, v in run.keywords.items() if k not in IN_SETTINGS},
        potentials=_potentials(calc),
        n_electrons=float(calc.get_number_of_electrons()),
        e0=total.e0,
        free_energy=total.free_energy,
        fermi=np.array([float(calc.get_fermi_level())]),
        total_moment=total.total_moment,
        site_moments=total.site_moments,
        site_moment_kind="PAW augmentation spheres",
        forces=total.forces,
        k_coords=np.array(ibz.kpt_kc),
        k_weights=np.array(ibz.weight_k),
        eigenvalues=np.take_along_axis(eigenvalues, order, axis=2),
        occupations=np.take_along_axis(occupations, order, axis=2),
        projections=replace(projections, weights=weights),
        site_potentials=np.array(potential.atomic_potentials(), float),
        site_potential_kind="electron potential energy averaged over GPAW's compensation charge of each atom",
        planar_potential=_planar(calc.get_electrostatic_potential()),
        convergence=_convergence(job, trace, total.forces),
        warnings=(),
        core_seconds=run.core_seconds,
    )


@dataclass(frozen=True)
class Run:
    """Of one run: hash of its inputs, keywords given to GPAW, CPU seconds of all ranks."""

    input_hash: str
    keywords: dict[str, Any]
    core_seconds: float


@dataclass(frozen=True)
class Totals:
    """What belongs to the density: energies (eV), total and site moments (muB), forces (eV/A)."""

    e0: float
    free_energy: float
    total_moment: float
    site_moments: Floats
    forces: Floats


def totals(calc: Any, atoms: Any, spin_polarised: bool) -> Totals:
    """Totals of a self-consistent calculation; collective."""
    n = len(atoms)
    return Totals(
        e0=float(calc.get_potential_energy(atoms)),
        free_energy=float(calc.get_potential_energy(atoms, force_consistent=True)),
        total_moment=float(calc.get_magnetic_moment(atoms)) if spin_polarised else 0.0,
        site_moments=np.array(calc.get_magnetic_moments(atoms)) if spin_polarised else np.zeros(n),
        forces=np.array(calc.get_forces(atoms)),
    )


def _potentials(calc: Any) -> dict[str, str]:
    return {s.symbol: f"{Path(s.filename).name} {s.fingerprint}" for s in calc.dft.setups}


def _projections(job: Job, calc: Any, atom_map: Any, bands: tuple[int, ...]) -> Projections:
    """Squared projections on bound partial waves, averaged over the atoms that symmetry makes equal.

    The irreducible k-points alone give equal atoms unequal weights; the mean over the orbit of each atom
    is what the full mesh gives.
    """
    weights = np.zeros((*bands, len(calc.atoms), len(ORBITALS)))
    setups = calc.dft.setups
    for wfs in calc.dft.ibzwfs:
        for atom, projections in wfs.P_ani.items():
            _add(weights[wfs.spin, wfs.k, wfs.n1 : wfs.n2, atom], np.array(projections), setups[atom])
    # A rank holds the atoms of its domain, the bands of its group and its own k-points, nobody else does.
    calc.comm.sum(weights)
    orbits = np.array(atom_map).T  # images of every atom under every operation
    chosen = np.stack([weights[..., orbits[site], :].mean(axis=-2) for site in job.sites], axis=-2)
    return Projections(np.array(job.sites, dtype=np.int64), ORBITALS, chosen.astype(np.float32))


def _add(target: Floats, projections: Floats, setup: Any) -> None:
    from gpaw.dos import get_projector_numbers

    for column, ell in enumerate(range(len(ORBITALS))):
        numbers = get_projector_numbers(setup, ell)
        target[:, column] += (np.abs(projections[:, numbers]) ** 2).sum(axis=1)


def _planar(grid: Floats) -> Floats:
    # Pseudo potential: equal to the true one between the spheres, which is where averages are compared.
    return on_one_grid([grid.mean(axis=tuple(k for k in range(3) if k != axis)) for axis in range(3)])


def _convergence(job: Job, trace: Trace, forces: Floats) -> Convergence:
    changes = np.abs(np.diff(trace.energies[-4:]))
    last = float(trace.energies[-1] - trace.energies[-2]) if len(trace.energies) > 1 else 0.0
    tolerance = job.settings.energy_tolerance
    largest = float(np.linalg.norm(forces, axis=1).max())
    return Convergence(
        electronic=bool(job.stage == "dos" or (len(changes) > 0 and changes[-1] <= tolerance)),
        ionic=largest <= job.settings.force_tolerance if job.stage == "relax" else None,
        scf_steps=len(trace.energies),
        ionic_steps=trace.ionic_step,
        last_energy_change=last,
        energy_tolerance=tolerance,
        moment_drift=float(np.ptp(trace.moments[-3:])) if trace.moments else 0.0,
        max_force=largest,
    )
