"""A real quick study, shipped small, and tiny synthetic records: for trying, for doctests, for fixtures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from defectflow.errors import InputError
from defectflow.schema.cell import Cell, PairCell, PairOrbit
from defectflow.schema.result import CalcResult, Convergence, Projections
from defectflow.schema.settings import KMesh, Settings, Smearing

LATTICE_CONSTANT = 4.0  # A, of a toy crystal


DEMOS = ("quick", "carbon_capture")


def demo_folder(name: str = "quick") -> Path:
    """Folder of the shipped run of ``workflows/<name>.toml``; its results carry code, version and settings.

    Raises
    ------
    InputError
        If no run of that name is shipped.
    """
    if name not in DEMOS:
        raise InputError(f'no run of "{name}" is shipped', where="--from", todo=f"known: {', '.join(DEMOS)}")
    return Path(__file__).resolve().parent / "data" / name


def tiny_pair(state: str = "FM") -> PairCell:
    """Synthetic: two C on the anion sites of an eight-atom rocksalt cube of 4 A, first neighbours."""
    half = [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]]
    anions = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    moments = np.zeros(8)
    moments[4:6] = {"FM": (2, 2), "AF": (2, -2), "NM": (0, 0)}[state]
    species = ("Mg",) * 4 + ("C",) * 2 + ("O",) * 2
    cell = Cell(np.eye(3) * LATTICE_CONSTANT, species, np.array(half + anions), moments)
    d = LATTICE_CONSTANT / 2**0.5
    orbit = PairOrbit("1", (4, 5), (2.0, 2.0, 0.0), (0.5, 0.5, 0.0), d, d / 4, 3, 4, (1,), (), {1: 4}, float("inf"))
    return PairCell(cell, (4, 5), orbit, state, "symmetric")


def tiny_result(state: str = "FM", e0: float = -10.0) -> CalcResult:
    """Synthetic, calculated by nobody: a converged result of `tiny_pair` with four bands at two k-points.

    >>> tiny_result("FM").total_moment
    4.0
    """
    pair = tiny_pair(state)
    moments = np.zeros(8)
    moments[4:6] = pair.cell.moments[4:6] / 4
    up = np.array([[-5.0, -1.0, -0.2, 3.0], [-4.8, -0.9, -0.1, 3.2]])
    shift = {"FM": 1.0, "AF": 0.0, "NM": 0.0}[state]
    eigenvalues = np.stack([up, up + shift])
    weights = np.zeros((2, 2, 4, 8, 3), dtype=np.float32)
    weights[:, :, 1:3, 4:6, 1] = 0.25  # bands 2 and 3 sit on the two C, with p character
    return CalcResult(
        engine="replay",
        code="synthetic",
        version="0",
        input_hash="0" * 64,
        stage="static",
        cell=pair.cell,
        settings=_settings(),
        numerics={"mixer": "toy"},
        kpoints=_settings().kpoints,
        potentials={"Mg": "toy", "C": "toy", "O": "toy"},
        n_electrons=6.0,
        e0=e0,
        free_energy=e0,
        fermi=np.array([0.0]),
        total_moment=float(pair.cell.moments.sum()),
        site_moments=moments,
        site_moment_kind="toy spheres",
        forces=np.zeros((8, 3)),
        k_coords=np.array([[0.25, 0.25, 0.25], [0.25, 0.25, -0.25]]),
        k_weights=np.array([0.25, 0.75]),
        eigenvalues=eigenvalues,
        occupations=(eigenvalues < 0).astype(float),
        projections=Projections(np.arange(8), ("s", "p", "d"), weights),
        site_potentials=np.array([-50.0] * 4 + [-100.0] * 2 + [-140.0, -140.2]),
        site_potential_kind="toy",
        planar_potential=np.zeros((3, 4)),
        convergence=Convergence(True, None, 12, 1, 1e-5, 1e-3, 0.0, 0.01),
        warnings=(),
        core_seconds=0.0,
    )


def _settings() -> Settings:
    return Settings(
        profile="quick",
        cutoff=340.0,
        kpoints=KMesh(mesh=(2, 2, 2), centring="shifted"),
        smearing=Smearing(kind="methfessel-paxton", width=0.1, order=1),
        energy_tolerance=1e-3,
        force_tolerance=0.05,
    )
