"""The parsed result of a calculation, whatever the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectflow.errors import ParseError
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.settings import KMesh, Settings

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Convergence:
    """What the numbers of a run say about its convergence.

    Attributes
    ----------
    electronic : bool
        The last change of energy met the tolerance before the step limit.
    ionic : bool or None
        The largest force met its limit; None where no atom was to move.
    scf_steps, ionic_steps : int
        Steps taken, all ionic steps together.
    last_energy_change : float
        Total energy of the last SCF step minus the one before (eV per cell).
    energy_tolerance : float
        What it had to meet (eV per cell).
    moment_drift : float
        Largest change of the total moment over the last three SCF steps (muB).
    max_force : float
        Largest force on an atom (eV/A); where symmetry was kept, of the symmetrised forces.
    """

    electronic: bool
    ionic: bool | None
    scf_steps: int
    ionic_steps: int
    last_energy_change: float
    energy_tolerance: float
    moment_drift: float
    max_force: float

    @property
    def residue(self) -> float:
        """What the SCF leaves open (eV per cell)."""
        return max(abs(self.last_energy_change), self.energy_tolerance)


@dataclass(frozen=True, eq=False)
class Projections:
    """Weights of the states on atomic orbitals.

    Attributes
    ----------
    sites : (m,) int
        Indices of the atoms.
    orbitals : tuple of str
        "s", "p", "d".
    weights : (spin, k, band, m, orbital) float32
        Squared projection on the bound partial waves of the PAW set (dimensionless); their sum over
        all atoms is not 1, as the interstitial part of a state is not counted.
    """

    sites: NDArray[np.int64]
    orbitals: tuple[str, ...]
    weights: Floats32


@dataclass(frozen=True, eq=False)
class CalcResult:
    """A finished calculation. Energies in eV, lengths in A, moments in muB.

    Attributes
    ----------
    engine, code, version : str
        "gpaw", "vasp" or "replay"; the code's own name and version.
    input_hash : str
        Hash of the inputs that made this result.
    stage : str
        "relax", "static" or "dos".
    cell : Cell
        Final geometry; its moments are those the run started from.
    settings, kpoints : Settings, KMesh
        What was actually used.
    numerics : dict
        Keywords and values, as texts, that the engine was run with and that are not in `settings`: mixer,
        eigensolver, further convergence criteria.
    potentials : dict
        Element to name and fingerprint of its PAW set.
    n_electrons : float
        Valence electrons of the cell.
    e0 : float
        Total energy extrapolated to zero smearing, E0 (eV per cell); its zero is that of the engine.
    free_energy : float
        Mermin free energy E - TS (eV per cell).
    fermi : (1,) or (2,) float
        Fermi level (eV) on the scale of `eigenvalues`; two values, up and down, only with a fixed moment.
    total_moment : float
        Integrated spin density, up minus down (muB per cell).
    site_moments : (n,) float
        Signed moments inside the spheres that `site_moment_kind` names (muB); their sum is not the total.
    forces : (n, 3) float
        Forces (eV/A).
    k_coords, k_weights : (k, 3), (k,) float
        Irreducible k-points in units of the reciprocal vectors; the weights sum to 1.
    eigenvalues, occupations : (spin, k, band) float
        Kohn-Sham levels (eV, rising with the band) and their occupation, 0 to 1 per spin
        (Methfessel-Paxton may pass both ends).
    projections : Projections
        Orbital weights of the states on chosen sites.
    site_potentials : (n,) float
        Electrostatic potential energy of an electron at each site (eV), as `site_potential_kind` defines it.
    planar_potential : (3, ngrid) float
        Plane-averaged electrostatic potential energy of an electron (eV) along each lattice vector,
        every row on the same number of points.
    convergence : Convergence
    warnings : tuple of str
    core_seconds : float
        CPU time of the calculation, all processes, set-up included.
    """

    engine: str
    code: str
    version: str
    input_hash: str
    stage: str
    cell: Cell
    settings: Settings
    kpoints: KMesh
    numerics: dict[str, str]
    potentials: dict[str, str]
    n_electrons: float
    e0: float
    free_energy: float
    fermi: Floats
    total_moment: float
    site_moments: Floats
    site_moment_kind: str
    forces: Floats
    k_coords: Floats
    k_weights: Floats
    eigenvalues: Floats
    occupations: Floats
    projections: Projections
    site_potentials: Floats
    site_potential_kind: str
    planar_potential: Floats
    convergence: Convergence
    warnings: tuple[str, ...]
    core_seconds: float

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_finite(self)
        if abs(float(self.k_weights.sum()) - 1.0) > 1e-6:
            raise ParseError(f"k-point weights sum to {self.k_weights.sum():.6f}, not to 1")

    @property
    def n_spins(self) -> int:
        """1 or 2 spin channels."""
        return int(self.eigenvalues.shape[0])

    @property
    def converged(self) -> bool:
        """Electronically, and ionically where atoms were to move."""
        return self.convergence.electronic and self.convergence.ionic is not False


def _check_shapes(r: CalcResult) -> None:
    n, k = len(r.cell), len(r.k_weights)
    bands = r.eigenvalues.shape
    expected = {
        "site_moments": (n,),
        "forces": (n, 3),
        "site_potentials": (n,),
        "k_coords": (k, 3),
        "occupations": bands,
    }
    for name, shape in expected.items():
        if getattr(r, name).shape != shape:
            raise ParseError(f"{name} has shape {getattr(r, name).shape}, expected {shape}")
    if len(bands) != 3 or bands[1] != k or bands[0] not in (1, 2):
        raise ParseError(f"eigenvalues have shape {bands}, expected (1 or 2, {k}, bands)")
    if (np.diff(r.eigenvalues, axis=2) < 0).any():
        raise ParseError("eigenvalues do not rise with the band index")
    if r.fermi.shape not in ((1,), (2,)):
        raise ParseError(f"one or two Fermi levels are expected, not {r.fermi.shape}")
    weights = r.projections.weights.shape
    if weights != (*bands, len(r.projections.sites), len(r.projections.orbitals)):
        raise ParseError(f"projections have shape {weights} for bands of shape {bands}")


def _check_finite(r: CalcResult) -> None:
    for name in ("e0", "free_energy", "total_moment", "fermi", "eigenvalues", "occupations", "site_moments",
                 "forces", "site_potentials", "planar_potential", "k_coords", "k_weights", "n_electrons",
                 "core_seconds"):  # fmt: skip
        if not np.isfinite(getattr(r, name)).all():
            raise ParseError(f"{name} holds a number that is not finite")
    c = r.convergence
    numbers = (c.last_energy_change, c.energy_tolerance, c.moment_drift, c.max_force)
    if not np.isfinite(numbers).all() or not np.isfinite(r.projections.weights).all():
        raise ParseError("convergence or projections hold a number that is not finite")
