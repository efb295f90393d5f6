"""Band edges of the host and their place on a defect cell's energy scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np

from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult

LIKE_SITES = 0.01  # eV; potentials of equivalent sites differ by less, as far as the grid lets them


@dataclass(frozen=True)
class BandEdges:
    """Valence band maximum and conduction band minimum (eV) on a run's own scale; `gap` is their difference."""

    vbm: float
    cbm: float

    @property
    def gap(self) -> float:
        """Gap (eV)."""
        return self.cbm - self.vbm


@dataclass(frozen=True)
class Reference:
    """A zero of energy for a DOS.

    Attributes
    ----------
    name : str
        As it is written on an axis: "E_F of the cell", "host VBM".
    energy : float
        Its place on the cell's own scale (eV).
    uncertainty : float
        Of that place (eV).
    source : str
        How it was found.
    """

    name: str
    energy: float
    uncertainty: float
    source: str


def band_edges(result: CalcResult) -> BandEdges:
    """Edges of an insulator from its k-points.

    Raises
    ------
    AnalysisError
        If there is no gap.
    """
    filled = round(result.n_electrons / 2)
    vbm, cbm = (
        float(result.eigenvalues[:, :, filled - 1].max()),
        float(result.eigenvalues[:, :, filled].min()),
    )
    if cbm <= vbm:
        raise AnalysisError(f"the host has no gap on this mesh (edges {vbm:.2f} and {cbm:.2f} eV)")
    return BandEdges(vbm, cbm)


def cell_fermi(result: CalcResult) -> Reference:
    """Fermi level of the cell itself; of two (fixed moment) the higher, and half their distance as uncertainty."""
    level, spread = float(result.fermi.max()), float(np.ptp(result.fermi)) / 2
    return Reference("cell E_F", level, spread, "Fermi level of this cell")


def host_vbm(defect: CalcResult, far: tuple[int, ...], bulk: CalcResult) -> Reference:
    """Host VBM on the defect cell's scale through the electrostatic potential at far sites.

    E_VBM(cell) = V_far(cell) + (E_VBM - V)_bulk, V being the site potential of the same element, averaged over
    the sites farthest from the dopants; the uncertainty is half their spread, and where the bulk holds inequivalent
    sites of the element, of which the farthest may be any, all of the spread of those.

    Raises
    ------
    AnalysisError
        If the two runs define their site potentials differently or used other PAW sets.
    """
    symbol = defect.cell.species[far[0]]
    if defect.site_potential_kind != bulk.site_potential_kind or defect.potentials[symbol] != bulk.potentials[symbol]:
        raise AnalysisError(f"site potentials of {symbol} in host and defect cell are not of the same kind")
    in_bulk = [v for v, s in zip(bulk.site_potentials, bulk.cell.species, strict=True) if s == symbol]
    unlike = float(np.ptp(in_bulk)) if len(far) < defect.cell.species.count(symbol) else 0.0
    unlike = unlike if unlike > LIKE_SITES else 0.0
    at_far = defect.site_potentials[list(far)]
    vbm = float(at_far.mean()) + band_edges(bulk).vbm - float(np.mean(in_bulk))
    source = f"site potential at {len(far)} far {symbol}, spread {np.ptp(at_far):.3f} eV"
    if unlike:
        source += f"; {symbol} sites of the host differ by {unlike:.3f} eV"
    return Reference("host VBM", vbm, float(np.ptp(at_far)) / 2 + unlike, source)


def supercell_edges(pristine: CalcResult, bulk: CalcResult) -> tuple[Reference, float]:
    """Host VBM on the scale of a pristine supercell, by the sites of its last element, and the gap (eV)."""
    anion = pristine.cell.species[-1]
    sites = tuple(i for i, s in enumerate(pristine.cell.species) if s == anion)
    return host_vbm(pristine, sites, bulk), band_edges(bulk).gap


def above_vbm(vbm: Reference, name: str, level: tuple[float, float], source: str) -> Reference:
    """A level given above the host's VBM (energy and uncertainty, eV) on the scale of the cell that `vbm` lies on."""
    energy, error = level
    return Reference(name, vbm.energy + energy, hypot(vbm.uncertainty, error), f"{source}; {vbm.source}")
