"""Fermi level of a junction in its barrier's gap, by several methods, with their disagreement."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from defectflow.analyse.alignment import band_edges, cell_fermi
from defectflow.analyse.dos import dos
from defectflow.analyse.macroscopic import at, macroscopic_average
from defectflow.analyse.oxygen import Bands, bands_of, p_edge, p_level, s_level
from defectflow.errors import AnalysisError
from defectflow.schema import CalcResult
from defectflow.schema.cell import Floats
from defectflow.schema.layers import JunctionCell, Layer, heights
from defectflow.schema.lineup import Estimate, LineUp, Profile, Variant

FLAT = 0.05  # eV; a barrier whose middle bends more than this has no bulk-like middle
QUANTILES = (0.90, 0.95, 0.98)  # of the p band's weight: where its upper edge is looked for
EDGE = "layer DOS edge"


@dataclass(frozen=True, eq=False)
class Aligned:
    """A junction's result, what it was built as, and the bulk that it is referred to."""

    result: CalcResult
    junction: JunctionCell
    bulk: CalcResult

    @property
    def central(self) -> tuple[Layer, ...]:
        """The middle third of the barrier, two layers at least."""
        return self._middle(max(2, len(self.junction.of_kind("oxide")) // 3))

    def _middle(self, n: int) -> tuple[Layer, ...]:
        layers = self.junction.of_kind("oxide")
        n += (len(layers) - n) % 2
        first = (len(layers) - n) // 2
        return layers[max(first, 0) : first + n]

    def sites(self, symbol: str, least: int = 2) -> list[int]:
        """Central sites of an element, over `least` layers or more."""
        layers = self.central if len(self.central) >= least else self._middle(least)
        return [s for layer in layers for s in layer.sites if self.result.cell.species[s] == symbol]


def line_up(run: Aligned, name: str, source: str) -> LineUp:
    """E_F - E_VBM = (E_F - X)_junction - (E_VBM - X)_bulk by all methods, X being what each of them compares.

    Raises
    ------
    AnalysisError
        If the runs are not comparable, a moment flipped, the bulk has no gap, or the barrier's middle is not flat.
    """
    _check_comparable(run)
    _check_moments(run)
    flatness, charge = _check_flat(run)
    methods = _methods(run)
    kept = [e for method, e in methods.items() if method != EDGE]
    values = [e.value for e in kept]
    spread = float(np.ptp(values))
    own = max(e.uncertainty for e in kept)
    return LineUp(
        name=name,
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
        metal_moments=tuple(float(run.result.site_moments[s]) for s in _metal(run)),
        strain=run.junction.strain,
        strained=run.junction.strained,
        settings=_settings(run),
        source=source,
        variants=(),
    )


def with_variants(line: LineUp, variants: tuple[Variant, ...]) -> LineUp:
    """The same with its convergence: half the range of the variants enters the uncertainty."""
    range_ = float(np.ptp([line.adopted, *[v.adopted for v in variants]]))
    return replace(line, variants=variants, uncertainty=float(np.hypot(line.uncertainty, range_ / 2)))


def _check_comparable(run: Aligned) -> None:
    a, b = run.result, run.bulk
    for key in ("engine", "version", "site_potential_kind"):
        if getattr(a, key) != getattr(b, key):
            raise AnalysisError(f"junction and bulk differ in {key}: {getattr(a, key)} and {getattr(b, key)}")
    if a.settings != b.settings:
        raise AnalysisError("junction and bulk were run with different settings", todo="run both from one recipe")
    for symbol in set(b.cell.species):
        if a.potentials[symbol] != b.potentials[symbol]:
            raise AnalysisError(f"junction and bulk used different PAW sets for {symbol}")


def _metal(run: Aligned) -> list[int]:
    return [s for layer in run.junction.of_kind("metal") for s in layer.sites]


def _check_moments(run: Aligned) -> None:
    wanted, found = run.junction.cell.moments, run.result.site_moments
    for site in _metal(run):
        if wanted[site] and found[site] * wanted[site] <= 0:
            symbol = run.junction.cell.species[site]
            what = f"the moment of {symbol} {site} came out as {found[site]:+.2f} muB, asked for {wanted[site]:+.2f}"
            raise AnalysisError(what, todo=f"this is not the {run.junction.state} state; start it again")


def _check_flat(run: Aligned) -> tuple[float, float]:
    """Bend of the site potential over the central layers, and the charge that flowed between the sublattices."""
    anion, cation = run.bulk.cell.species[:2]
    v = run.result.site_potentials
    # The middle two layers of equal interfaces are equal by symmetry: four tell whether it is flat.
    bend = max(float(np.ptp(v[run.sites(s, least=4)])) for s in (anion, cation))
    middle = float(v[run.sites(anion)].mean() - v[run.sites(cation)].mean())
    charge = middle - (_in_bulk(run, anion) - _in_bulk(run, cation))
    if bend > FLAT or abs(charge) > FLAT:
        layers = len(run.junction.of_kind("oxide"))
        found = f"its potential bends by {1000 * bend:.0f} meV, anion against cation by {1000 * charge:+.0f} meV"
        what = f"the barrier of {layers} layers has no bulk-like middle: {found} (at most {1000 * FLAT:.0f})"
        raise AnalysisError(what, todo="use more oxide layers")
    return bend, charge


def _in_bulk(run: Aligned, symbol: str) -> float:
    species = np.array(run.bulk.cell.species)
    return float(run.bulk.site_potentials[species == symbol].mean())


def _methods(run: Aligned) -> dict[str, Estimate]:
    anion, cation = run.bulk.cell.species[:2]
    in_bulk = bands_of(run.bulk)
    shift = float(np.mean(run.result.site_potentials[run.sites(anion)])) - _in_bulk(run, anion)
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
    periods = (_spacing(run, run.central), _spacing(run, run.junction.of_kind("metal")))
    return macroscopic_average(planar, length, periods), length


def _spacing(run: Aligned, layers: tuple[Layer, ...]) -> float:
    """Mean distance of neighbouring layers (A); the barrier between two electrodes is no spacing of theirs."""
    return float(np.median(np.diff(heights(run.result.cell, layers))))


def _site_potential(run: Aligned, symbol: str) -> Estimate:
    return _estimate(run, run.result.site_potentials[run.sites(symbol)], _in_bulk(run, symbol))


def _level(run: Aligned, level: object, bands: tuple[Bands, Bands]) -> Estimate:
    anion = run.bulk.cell.species[0]
    found = np.array([level(run.result, s, bands[1]) for s in run.sites(anion)])  # type: ignore[operator]
    return _estimate(run, found, level(run.bulk, 0, bands[0]))  # type: ignore[operator]


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


def _distances(run: Aligned) -> tuple[float, float]:
    cell = run.result.cell
    anion = run.bulk.cell.species[0]
    outer = [layer for layer in run.junction.of_kind("oxide") if layer.depth == 1]
    anions = [replace(o, sites=tuple(s for s in o.sites if cell.species[s] == anion) or o.sites) for o in outer]
    metal = [layer for layer in run.junction.of_kind("metal") if layer.depth == 1]
    left, right = heights(cell, (anions[0], metal[0])), heights(cell, (anions[1], metal[1]))
    return float(left[0] - left[1]), float(right[1] - right[0])


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
        "cell (A)": ", ".join(f"{length:.4f}" for length in np.linalg.norm(r.cell.lattice, axis=1)),
    }


def profile(run: Aligned, line: LineUp, window: tuple[float, float], broadening: float) -> Profile:
    """Potential and layer-resolved DOS along the normal, relative to the Fermi level."""
    fermi = cell_fermi(run.result)
    averaged, length = macroscopic_potential(run)
    planar = run.result.planar_potential[2]
    names = tuple(_layer_name(run, layer, n) for n, layer in enumerate(run.junction.layers))
    groups = {name: layer.sites for name, layer in zip(names, run.junction.layers, strict=True)}
    curves = dos(run.result, fermi, groups, window, broadening)
    return Profile(
        z=np.arange(len(planar)) * length / len(planar),
        planar=planar - fermi.energy,
        macroscopic=averaged - fermi.energy,
        layer_names=names,
        layer_kinds=tuple(layer.kind for layer in run.junction.layers),
        layer_z=heights(run.result.cell, run.junction.layers),
        energies=curves.energies,
        layer_dos=np.array([curves.groups[name] for name in names]),
        vbm=-line.adopted,
        cbm=line.gap - line.adopted,
    )


def _layer_name(run: Aligned, layer: Layer, n: int) -> str:
    symbols = "".join(dict.fromkeys(run.junction.cell.species[s] for s in layer.sites))
    return f"{n + 1} {symbols}"
