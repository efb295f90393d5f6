"""Finite-size correction of charged cells, by pydefect's implementation of the extended FNV scheme.

Freysoldt, Neugebauer and Van de Walle, PRL 102, 016402 (2009); Kumagai and Oba, PRB 89, 195205 (2014),
doi:10.1103/PhysRevB.89.195205.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.cell import Floats
from defectflow.schema.configuration import Configuration


@dataclass(frozen=True)
class FiniteSize:
    """Correction of the total energy of a charged cell.

    Attributes
    ----------
    point_charge, alignment : float
        Its two terms (eV); the energy of the isolated defect is E(cell) + both.
    scatter : float
        Standard deviation, times the charge, of the potentials from which the alignment is averaged (eV).
    sites : int
        How many atoms outside the defect's sphere these are.
    """

    point_charge: float
    alignment: float
    scatter: float
    sites: int

    @property
    def total(self) -> float:
        """Sum of both terms (eV)."""
        return self.point_charge + self.alignment


def finite_size(
    defect: CalcResult, pristine: CalcResult, charge: int, centre: Floats, dielectric: Floats
) -> FiniteSize:
    """Correction for a charge at a point of the cell.

    Parameters
    ----------
    charge : int
        Of the cell (e).
    centre : (3,) float
        Fractional coordinates of the defect.
    dielectric : (3, 3) float
        Dielectric tensor of the host: of fixed ions for a cell that was not relaxed.

    Raises
    ------
    AnalysisError
        If pydefect is not installed, or the cell has no atom far from the defect.
    """
    make, error = _pydefect()
    try:
        found = make(charge, as_calc_results(defect), as_calc_results(pristine), dielectric, tuple(centre))
    except error as wrong:
        raise AnalysisError(f"no finite-size correction: {wrong}", todo="take a larger supercell") from None
    far = [s.potential - s.pc_potential for s in found.sites if s.distance > found.defect_region_radius]
    return FiniteSize(
        float(found.point_charge_correction),
        float(found.alignment_correction),
        abs(charge) * float(np.std(far)),
        len(far),
    )


def finite_size_of(
    defect: CalcResult, pristine: CalcResult, charge: int, where: Configuration, dielectric: Floats
) -> FiniteSize:
    """The same for a configuration of a screening: the charge in the middle of its sites, origins made the same."""
    moved = replace(pristine, cell=pristine.cell.with_coords(pristine.cell.coords - where.origin))
    return finite_size(defect, moved, charge, where.middle, dielectric)


def _pydefect() -> tuple[Any, Any]:
    import logging

    logging.disable(logging.WARNING)  # it prints its settings when it is imported
    try:
        from pydefect.cli.vasp.make_efnv_correction import make_efnv_correction
        from pydefect.util.error_classes import NoCalculatedPotentialSiteError
    except ImportError as missing:
        todo = "pip install 'defectflow[charged]' brings pydefect"
        raise AnalysisError(f"charged cells need pydefect ({missing})", todo=todo) from None
    finally:
        logging.disable(logging.NOTSET)
    return make_efnv_correction, NoCalculatedPotentialSiteError


def as_calc_results(result: CalcResult) -> Any:
    """What pydefect keeps of a calculation, its ``CalcResults``."""
    from pydefect.analyzer.calc_results import CalcResults

    # pydefect takes the potential of a positive unit charge; ours is the energy of an electron.
    potentials = [float(-v) for v in result.site_potentials]
    structure = result.cell.with_moments(np.zeros(len(result.cell))).to_pymatgen()
    c = result.convergence
    return CalcResults(structure, result.e0, result.total_moment, potentials, c.electronic, c.ionic)
