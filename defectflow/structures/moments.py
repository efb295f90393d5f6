"""Moments that the states of a configuration start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Cell, Floats
from defectflow.schema.configuration import Configuration
from defectflow.schema.defects import VACANCY, defect_words
from defectflow.schema.family import Family
from defectflow.schema.screen import ScreenRecipe
from defectflow.structures.distances import distances_from
from defectflow.structures.orderings import Ordering, spin_orderings
from defectflow.structures.placement import Placement

_NEIGHBOUR = 0.3  # A beyond the nearest
_ON_IT = 0.1  # A


@dataclass(frozen=True, eq=False)
class Order:
    """An order of the moments of a configuration.

    Attributes
    ----------
    name : str
        "FM", "AF", "NM" or signs.
    moments : (n,) float
        Of all atoms (muB).
    carriers : tuple of int
        Atoms that carry those of the defects.
    """

    name: str
    moments: Floats
    carriers: tuple[int, ...]


def orders_of(recipe: ScreenRecipe, family: Family, configuration: Configuration, placed: Placement) -> list[Order]:
    """Orders of the moments that a family asks for; without a moment there is one, NM.

    Raises
    ------
    StructureError
        If an order is asked for that the configuration does not have.
    """
    sizes = {d: _size(recipe, family, d) for d in placed.defects}
    magnetic = [d for d, size in sizes.items() if size]
    host = np.array([recipe.moments.get(s, 0.0) for s in configuration.cell.species])
    host[list(configuration.dopants)] = 0.0
    if not magnetic:
        return [Order("NM", host, ())]
    everything = spin_orderings(placed.group, placed.parts, placed.sites, magnetic)
    carriers = [
        (c, sizes[d]) for c, d in zip(_carriers(configuration), configuration.defects, strict=True) if d in magnetic
    ]
    orders = [_order(o, carriers, host) for o in _chosen(family, everything)]
    return [*orders, Order("NM", host, ())] if "NM" in family.spin else orders


def _size(recipe: ScreenRecipe, family: Family, defect: str) -> float:
    what = defect_words(defect)[0]
    for table in (family.moments or {}, recipe.moments):
        for key in (defect, what):  # of a vacancy only V_O: "V" is no key
            if key in table:
                return table[key]
    return 0.0


def _chosen(family: Family, everything: tuple[Ordering, ...]) -> list[Ordering]:
    if "all" in family.spin:
        return list(everything)
    wanted = [o for o in everything if _asked(o, family.spin)]
    if not wanted and "NM" not in family.spin:
        what = f"no order of {len(everything[0].signs)} moments is {' or '.join(family.spin)}"
        raise StructureError(what, where="search.spin", todo='take spin = ["all"] or ["FM"]')
    return wanted


def _asked(order: Ordering, spin: tuple[str, ...]) -> bool:
    return (order.name == "FM" and "FM" in spin) or (sum(order.signs) == 0 and "AF" in spin)


def _order(ordering: Ordering, carriers: list[tuple[tuple[int, ...], float]], host: Floats) -> Order:
    moments = host.copy()
    for sign, (atoms, size) in zip(ordering.signs, carriers, strict=True):
        moments[list(atoms)] += sign * size / len(atoms)
    return Order(ordering.name, moments, tuple(dict.fromkeys(a for atoms, _ in carriers for a in atoms)))


def _carriers(configuration: Configuration) -> list[tuple[int, ...]]:
    """Atoms that carry the moment of each defect: the dopant itself, or the neighbours of a vacancy."""
    dopants = iter(configuration.dopants)
    return [
        atoms_around(configuration.cell, centre) if defect_words(d)[0] == VACANCY else (next(dopants),)
        for d, centre in zip(configuration.defects, configuration.centres, strict=True)
    ]


def atoms_around(cell: Cell, centre: Floats) -> tuple[int, ...]:
    """Atoms nearest to a point of the cell (fractional), one that sits on it left out."""
    distance = distances_from(centre, cell.lattice, cell.coords)
    distance[distance < _ON_IT] = np.inf
    return tuple(int(i) for i in np.flatnonzero(distance < distance.min() + _NEIGHBOUR))
