"""What the files of any finished run say, also of one that this package did not make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.errors import ParseError
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.filling import Filling, make_filling
from defectflow.schema.result import CalcResult, Convergence

Moment = float | tuple[float, ...]


@dataclass(frozen=True, eq=False)
class RunSummary:
    """A finished run in the numbers that a comparison of energies needs.

    Unlike `CalcResult` it may have gaps where the run wrote nothing; each gap is also named in `warnings`.

    Attributes
    ----------
    path : str
    code, version : str
    e0, free_energy : float
        E0 (sigma -> 0) and F (eV per cell).
    fermi : tuple of float
        One level or two, up and down (eV); empty where none was written (VASP 4.6 without a DOS).
    total_moment : float, tuple or None
        muB per cell; x, y, z in a non-collinear run; zero without spin; None where nothing says it.
    site_moments : tuple or None
        Per atom a number, or x, y, z (muB); None where none were printed (LORBIT < 10).
    filling : Filling or None
        Partly filled levels and gap; None where no occupations were written or read.
    n_kpoints, n_bands, n_ionic_steps : int
    n_electrons : float
    cell : Cell
        Final geometry, with the site moments where they are known and collinear, else zero.
    convergence : Convergence
    settings : dict
        What was used, by the code's own names, as texts.
    k_mesh : dict
        How the k-points were generated, as texts; empty where it is not known.
    k_points : (n_kpoints, 4) float
        Fractional coordinates and weight of the irreducible k-points; no rows where they are not known.
    potentials : dict
        By element.
    warnings : tuple of str
    """

    path: str
    code: str
    version: str
    e0: float
    free_energy: float
    fermi: tuple[float, ...]
    total_moment: Moment | None
    site_moments: tuple[Moment, ...] | None
    filling: Filling | None
    n_kpoints: int
    n_bands: int
    n_ionic_steps: int
    n_electrons: float
    cell: Cell
    convergence: Convergence
    settings: dict[str, str]
    k_mesh: dict[str, str]
    k_points: Floats
    potentials: dict[str, str]
    warnings: tuple[str, ...]

    def collinear_moments(self) -> tuple[float, tuple[float, ...]]:
        """Total and site moments of a collinear run.

        Raises
        ------
        ParseError
            If one is missing, or they are vectors.
        """
        total, sites = self.total_moment, self.site_moments
        if not isinstance(total, float) or sites is None or not all(isinstance(m, float) for m in sites):
            what = "has no collinear total and site moments"
            raise ParseError(what, where=self.path, todo="run VASP with LORBIT = 11 and keep its OUTCAR")
        return total, tuple(m for m in sites if isinstance(m, float))


def summarise(result: CalcResult, path: str) -> RunSummary:
    """Summary of a result of ours."""
    s = result.settings.deciding()
    settings = {key: str(value) for key, value in s if key not in ("potentials", "kpoints")}
    return RunSummary(
        path=path,
        code=result.code,
        version=result.version,
        e0=result.e0,
        free_energy=result.free_energy,
        fermi=tuple(float(f) for f in result.fermi),
        total_moment=result.total_moment,
        site_moments=tuple(float(m) for m in result.site_moments),
        filling=make_filling(result.eigenvalues, result.occupations, result.k_weights),
        n_kpoints=len(result.k_weights),
        n_bands=int(result.eigenvalues.shape[2]),
        n_ionic_steps=max(1, result.convergence.ionic_steps),
        n_electrons=result.n_electrons,
        cell=result.cell.with_moments(result.site_moments),
        convergence=result.convergence,
        settings={**settings, **result.numerics},
        k_mesh={"mesh": str(result.kpoints)},
        k_points=np.column_stack([result.k_coords, result.k_weights]),
        potentials=result.potentials,
        warnings=result.warnings,
    )
