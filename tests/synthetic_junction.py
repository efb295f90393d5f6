"""A synthetic junction whose line-up is known by construction: nothing in it is calculated."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from defectflow.analyse.aligned import Aligned
from defectflow.demo import tiny_result
from defectflow.resources import resource
from defectflow.schema import CalcResult, Cell, Projections
from defectflow.schema.junction import JunctionRecipe, load_junction
from defectflow.schema.layers import JunctionCell, heights
from defectflow.structures.junction import build_junction

BULK_POTENTIAL = {"O": -20.0, "Mg": -10.0}
S_LEVEL, P_LEVELS, CBM = -15.0, (-3.0, -1.0, 1.5), 6.0
VBM = max(P_LEVELS)


@cache
def junction(layers: int = 6, metal: int = 8) -> JunctionCell:
    document = load_junction(resource("workflows", "co_mgo_co.toml")).model_dump(by_alias=True)
    document |= {"stages": ["static"], "sources": {}, "relaxation": None}
    document["oxide"] |= {"layers": layers}
    document["electrode"] |= {"layers": metal}
    return build_junction(JunctionRecipe.model_validate(document), "P")


def aligned(
    step: float = 1.25, fermi: float = 5.0, bend: float = 0.0, charge: float = 0.0, layers: int = 6, metal: int = 8
) -> Aligned:
    """A barrier whose levels all lie `step` above those of bulk: E_F - E_VBM is fermi - VBM - step."""
    built = junction(layers, metal)
    oxide = built.of_kind("oxide")
    middle = (len(oxide) - 1) / 2
    levels = [step + bend * abs(n - middle) / middle for n in range(len(oxide))]
    potentials = np.zeros(len(built.cell))
    for layer, level in zip(oxide, levels, strict=True):
        for site in layer.sites:
            symbol = built.cell.species[site]
            potentials[site] = BULK_POTENTIAL[symbol] + level + (charge if symbol == "O" else 0.0)
    anions = [next(s for s in layer.sites if built.cell.species[s] == "O") for layer in oxide]
    result = _result(built.cell, dict(zip(anions, levels, strict=True)), potentials, fermi)
    spheres = built.cell.moments * 0.9
    return Aligned(replace(result, site_moments=spheres, planar_potential=_planar(built, step)), built, _bulk(built))


def _bulk(built: JunctionCell) -> CalcResult:
    potentials = np.array([BULK_POTENTIAL[s] for s in built.bulk.species])
    result = _result(built.bulk, {0: 0.0, 2: 0.0}, potentials, 3.0)
    wave = np.cos(2 * np.pi * np.arange(40) / 20)
    return replace(result, planar_potential=np.tile(wave, (3, 1)))


def _planar(built: JunctionCell, step: float) -> np.ndarray:
    """Waves of the oxide's period on a level `step` in the barrier, 4 eV lower in the metal."""
    length = built.cell.lattice[2, 2]
    z = np.arange(1200) * length / 1200
    oxide = heights(built.cell, built.of_kind("oxide"))
    spacing = float(np.diff(oxide)[0])
    inside = (z > oxide[0] - spacing / 2) & (z < oxide[-1] + spacing / 2)
    wave = np.cos(2 * np.pi * (z - oxide[0]) / spacing)
    return np.tile(np.where(inside, wave + step, -4.0), (3, 1))


def _result(cell: Cell, anions: dict[int, float], potentials: np.ndarray, fermi: float) -> CalcResult:
    """Filled s and p levels and an empty one for every anion, moved by its layer's level."""
    bands = [(site, orbital, e + level) for site, level in anions.items() for orbital, e in _bands()]
    bands.sort(key=lambda b: b[2])
    energies = np.array([[[e for _, _, e in bands]] * 2] * 2)
    weights = np.zeros((*energies.shape, len(cell), 3), dtype=np.float32)
    for band, (site, orbital, _) in enumerate(bands):
        weights[:, :, band, site, "spd".index(orbital)] = 0.8
    n = len(cell)
    return replace(
        tiny_result(),
        cell=cell,
        n_electrons=2.0 * len(anions) * (1 + len(P_LEVELS)),
        fermi=np.array([fermi]),
        potentials=dict.fromkeys(set(cell.species), "toy"),
        site_moments=np.zeros(n),
        forces=np.zeros((n, 3)),
        eigenvalues=energies,
        occupations=(energies < fermi).astype(float),
        k_coords=np.zeros((2, 3)),
        k_weights=np.array([0.25, 0.75]),
        projections=Projections(np.arange(n), ("s", "p", "d"), weights),
        site_potentials=potentials,
    )


def _bands() -> list[tuple[str, float]]:
    return [("s", S_LEVEL), *[("p", e) for e in P_LEVELS], ("s", CBM)]
