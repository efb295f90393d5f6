"""Fermi level of a junction in its barrier's gap, by several methods, with their disagreement."""

from __future__ import annotations

from dataclasses import replace
from math import hypot

import numpy as np

from defectflow.analyse.aligned import Aligned, check_comparable, check_moments
from defectflow.analyse.alignment import band_edges
from defectflow.analyse.estimates import EDGE, estimates
from defectflow.errors import AnalysisError
from defectflow.schema.layers import Layer, heights
from defectflow.schema.lineup import LineUp, Variant
from defectflow.structures.crystal import crystal_of

FLAT = 0.05  # eV; a barrier whose middle bends more than this has no bulk-like middle


def line_up(run: Aligned, name: str, source: str) -> LineUp:
    """E_F - E_VBM = (E_F - X)_junction - (E_VBM - X)_bulk by all methods, X being what each of them compares.

    Raises
    ------
    AnalysisError
        If the runs are not comparable, a moment flipped, the bulk has no gap, or the barrier's middle is not flat.
    """
    check_comparable(run)
    check_moments(run)
    flatness, charge = _check_flat(run)
    methods = estimates(run)
    kept = [e for method, e in methods.items() if method != EDGE]
    values = [e.value for e in kept]
    spread = float(np.ptp(values))
    own = max(e.uncertainty for e in kept)
    oxide = crystal_of(run.bulk.cell.to_pymatgen())
    return LineUp(
        name=name,
        oxide=oxide.formula,
        space_group=oxide.space_group,
        formula_volume=oxide.formula_volume,
        state=run.junction.state,
        methods=methods,
        checks=(EDGE,),
        adopted=float(np.mean(values)),
        spread=spread,
        uncertainty=float(np.hypot(spread / 2, own)),
        gap=band_edges(run.bulk).gap,
        flatness=flatness,
        charge_flatness=charge,
        distances=_distances(run),
        metal_moments=tuple(float(run.result.site_moments[s]) for s in run.metal),
        strain=run.junction.strain,
        strained=run.junction.strained,
        settings=_settings(run),
        source=source,
        probe="",
        variants=(),
    )


def with_variants(line: LineUp, probe: str, variants: tuple[Variant, ...], left_open: float = 0.0) -> LineUp:
    """The same with its convergence: half the range of the differences enters the uncertainty.

    Parameters
    ----------
    left_open : float
        How far the level may be off, either way, because the relaxation ended with forces (eV); enters it whole.
    """
    half = float(np.ptp([0.0, *[v.difference for v in variants]])) / 2
    if left_open:
        variants = (
            *variants,
            Variant("interface atoms as far as the forces left may move them, either way", left_open),
        )
    return replace(line, probe=probe, variants=variants, uncertainty=hypot(line.uncertainty, half, left_open))


def _check_flat(run: Aligned) -> tuple[float, float]:
    """Bend of the site potential over the central layers, and the charge that flowed between the sublattices."""
    anion, cation = run.bulk.cell.species[:2]
    v = run.result.site_potentials
    for symbol in (anion, cation):
        if not run.sites(symbol):
            raise AnalysisError(f"the barrier's middle holds no {symbol}", todo="keep impurities out of the middle")
    # The middle two layers of equal interfaces are equal by symmetry: four tell whether it is flat.
    bend = max(float(np.ptp(v[run.sites(s, least=4)])) for s in (anion, cation))
    middle = float(v[run.sites(anion)].mean() - v[run.sites(cation)].mean())
    charge = middle - (run.in_bulk(anion) - run.in_bulk(cation))
    if not (bend <= FLAT and abs(charge) <= FLAT):
        layers = len(run.junction.of_kind("oxide"))
        found = f"its potential bends by {1000 * bend:.0f} meV, anion against cation by {1000 * charge:+.0f} meV"
        what = f"the barrier of {layers} layers has no bulk-like middle: {found} (at most {1000 * FLAT:.0f})"
        raise AnalysisError(what, todo="use more oxide layers")
    return bend, charge


def _distances(run: Aligned) -> tuple[float, float]:
    """From the metal to what it faces, left and right: the outermost anions, or an inserted layer (A)."""
    length = float(np.linalg.norm(run.result.cell.lattice[2]))
    found = []
    for side in ("left", "right"):
        faced, metal = _at_interface(run, side)
        between = np.diff(heights(run.result.cell, (faced, metal)))[0]
        found.append(float(abs(between - length * round(between / length))))
    return found[0], found[1]


def _at_interface(run: Aligned, side: str) -> tuple[Layer, Layer]:
    layers = [x for x in run.junction.layers if x.side == side]
    (metal,) = (x for x in layers if x.kind == "metal" and x.depth == 1)
    inserted = [x for x in layers if x.kind == "inserted"]
    if inserted:
        return (inserted[0] if side == "left" else inserted[-1]), metal
    (oxide,) = (x for x in layers if x.kind == "oxide" and x.depth == 1)
    cation = run.bulk.cell.species[1]
    return replace(oxide, sites=tuple(s for s in oxide.sites if run.result.cell.species[s] != cation)), metal


def _settings(run: Aligned) -> dict[str, str]:
    r, b = run.result, run.bulk
    counts = {kind: len(run.junction.of_kind(kind)) for kind in ("oxide", "metal")}
    return {
        "engine": r.engine,
        "version": f"{r.code} {r.version}",
        "stage": r.stage,
        **{k: str(v) for k, v in r.settings if k not in ("potentials", "incar")},
        "bulk kpoints": str(b.kpoints),
        "potentials": "; ".join(f"{k}: {v}" for k, v in sorted(r.potentials.items())),
        "layers": f"{counts['oxide']} oxide, {counts['metal']} metal",
        "oxide spacing (A)": f"middle {_middle_spacing(run):.4f}, bulk {run.bulk.cell.lattice[2, 2] / 2:.4f}",
        "cell (A)": ", ".join(f"{length:.4f}" for length in np.linalg.norm(r.cell.lattice, axis=1)),
    }


def _middle_spacing(run: Aligned) -> float:
    return float(np.diff(heights(run.result.cell, run.central)).mean())
