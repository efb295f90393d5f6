"""E_F - E_VBM of a junction by several methods: (E_F - X)_junction - (E_VBM - X)_bulk, X being what each compares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from defectflow.analyse.aligned import Aligned
from defectflow.analyse.alignment import band_edges, cell_fermi
from defectflow.analyse.macroscopic import at, macroscopic_average
from defectflow.analyse.oxygen import Bands, bands_of, p_edge, p_level, s_level
from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.cell import Floats
from defectflow.schema.layers import heights
from defectflow.schema.lineup import Estimate

QUANTILES = (0.90, 0.95, 0.98)  # of the p band's weight: where its upper edge is looked for
EDGE = "layer DOS edge"


def estimates(run: Aligned) -> dict[str, Estimate]:
    """E_F - E_VBM by every method (eV).

    Raises
    ------
    AnalysisError
        If the bulk has no gap, or a potential or the projections are missing.
    """
    anion, cation = run.bulk.cell.species[:2]
    in_bulk = bands_of(run.bulk)
    shift = float(np.mean(run.result.site_potentials[run.sites(anion)])) - run.in_bulk(anion)
    bands = (in_bulk, in_bulk.shifted(shift))
    found = {
        "macroscopic average": _macroscopic(run),
        f"site potential {anion}": _site_potential(run, anion),
        f"site potential {cation}": _site_potential(run, cation),
        f"{anion} s level": _level(run, s_level, bands),
        f"{anion} p level": _level(run, p_level, bands),
    }
    return found | {EDGE: _edge(run, bands)}


def _estimate(run: Aligned, in_junction: Floats, in_bulk: float) -> Estimate:
    """From the level X in the central layers and in bulk; the uncertainty is half the range over the layers."""
    fermi, vbm = cell_fermi(run.result), band_edges(run.bulk).vbm
    value = (fermi.energy - float(np.mean(in_junction))) - (vbm - in_bulk)
    return Estimate(value, float(np.hypot(np.ptp(in_junction) / 2, fermi.uncertainty)))


def _macroscopic(run: Aligned) -> Estimate:
    averaged, length = macroscopic_potential(run)
    middle = at(averaged, length, heights(run.result.cell, run.central))
    return _estimate(run, middle, float(run.bulk.planar_potential[2].mean()))


def macroscopic_potential(run: Aligned) -> tuple[Floats, float]:
    """Double macroscopic average along the normal (eV), periods one oxide and one metal layer; and the length (A).

    Raises
    ------
    AnalysisError
        If one of the runs wrote no potential.
    """
    planar = run.result.planar_potential[2]
    if not len(planar) or not len(run.bulk.planar_potential[2]):
        raise AnalysisError("there is no planar potential", todo="run VASP with LVHAR = .TRUE. and keep its LOCPOT")
    length = float(np.linalg.norm(run.result.cell.lattice[2]))
    oxide = np.diff(heights(run.result.cell, run.central))
    metal = [d for side in ("left", "right") for d in np.diff(_electrode(run, side))]
    periods = (float(np.median(oxide)), *([float(np.median(metal))] if metal else []))
    return macroscopic_average(planar, length, periods), length


def _electrode(run: Aligned, side: str) -> Floats:
    """Heights of one electrode's layers, from the interface outwards (A, all positive from the barrier's middle)."""
    layers = sorted((x for x in run.junction.of_kind("metal") if x.side == side), key=lambda x: x.depth)
    length = float(np.linalg.norm(run.result.cell.lattice[2]))
    return np.abs(heights(run.result.cell, tuple(layers)) - length / 2)


def _site_potential(run: Aligned, symbol: str) -> Estimate:
    return _estimate(run, run.result.site_potentials[run.sites(symbol)], run.in_bulk(symbol))


def _level(run: Aligned, level: Callable[[CalcResult, int, Bands], float], bands: tuple[Bands, Bands]) -> Estimate:
    anion = run.bulk.cell.species[0]
    found = np.array([level(run.result, s, bands[1]) for s in run.sites(anion)])
    return _estimate(run, found, level(run.bulk, 0, bands[0]))


def _edge(run: Aligned, bands: tuple[Bands, Bands]) -> Estimate:
    sites = run.sites(run.bulk.cell.species[0])
    found = [
        _estimate(
            run,
            np.array([p_edge(run.result, s, bands[1], below) for s in sites]),
            p_edge(run.bulk, 0, bands[0], below),
        )
        for below in QUANTILES
    ]
    values = [e.value for e in found]
    own = max(e.uncertainty for e in found)
    return Estimate(float(np.mean(values)), float(np.hypot(np.ptp(values) / 2, own)))
