"""Levels of the oxide's anions from their projected states: the s level, the p band, its upper edge."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf

import numpy as np

from defectflow.analyse.alignment import band_edges
from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.cell import Floats

_ERF = np.vectorize(erf)


@dataclass(frozen=True)
class Bands:
    """Energies that part the anion's bands (eV): between s and p band, and the middle of the gap."""

    split: float
    midgap: float

    def shifted(self, by: float) -> Bands:
        """The same on a scale whose levels lie higher by `by`."""
        return Bands(self.split + by, self.midgap + by)


def bands_of(bulk: CalcResult) -> Bands:
    """Where the bulk's s and p bands part: the widest hole among its filled levels.

    Raises
    ------
    AnalysisError
        If there is no hole of 3 eV (a PAW set without the anion's s electrons, or another kind of crystal).
    """
    edges = band_edges(bulk)
    filled = np.sort(bulk.eigenvalues[bulk.eigenvalues <= edges.vbm + 1e-9])
    holes = np.diff(filled)
    widest = int(holes.argmax()) if len(holes) else 0
    if not len(holes) or holes[widest] < 3.0:
        raise AnalysisError("the oxide's s and p bands do not part by 3 eV: no s level to align by")
    return Bands(float(filled[widest] + holes[widest] / 2), (edges.vbm + edges.cbm) / 2)


def s_level(result: CalcResult, site: int, bands: Bands) -> float:
    """Centroid of a site's s weight below the p band (eV)."""
    return _centroid(result, _weights(result, site, "s") * (result.eigenvalues < bands.split))


def p_level(result: CalcResult, site: int, bands: Bands) -> float:
    """Centroid of a site's p weight between the s band and the middle of the gap (eV)."""
    return _centroid(result, _weights(result, site, "p") * _in_p_band(result, bands))


def p_edge(result: CalcResult, site: int, bands: Bands, below: float, width: float = 0.1) -> float:
    """Energy under which the part `below` of the p band's weight lies, broadened by `width` (eV)."""
    weights = _weighted(result, _weights(result, site, "p") * _in_p_band(result, bands))
    chosen = weights > 1e-9 * weights.max(initial=0.0)
    levels, weights = result.eigenvalues[chosen], weights[chosen]
    grid = np.arange(bands.split, bands.midgap + 5 * width, width / 5)
    steps = _ERF((grid[:, None] - levels) / (width * np.sqrt(2)))
    filled = (0.5 * (1 + steps)) @ weights / weights.sum()
    return float(np.interp(below, filled, grid))


def _in_p_band(result: CalcResult, bands: Bands) -> Floats:
    e = result.eigenvalues
    return np.asarray((e > bands.split) & (e < bands.midgap), float)


def _weights(result: CalcResult, site: int, orbital: str) -> Floats:
    sites, orbitals = result.projections.sites.tolist(), result.projections.orbitals
    if site not in sites or orbital not in orbitals:
        raise AnalysisError(f"no {orbital} projections on site {site}", todo="run it with this package's recipe")
    return np.asarray(result.projections.weights[..., sites.index(site), orbitals.index(orbital)], float)


def _weighted(result: CalcResult, weights: Floats) -> Floats:
    return np.asarray(weights * result.k_weights[None, :, None])


def _centroid(result: CalcResult, weights: Floats) -> float:
    total = _weighted(result, weights)
    if total.sum() <= 0:
        raise AnalysisError("a site has no weight in the anion's band: are these the bands of the same oxide?")
    return float((total * result.eigenvalues).sum() / total.sum())
