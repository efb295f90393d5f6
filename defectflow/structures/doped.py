"""One configuration at a time: its canonical form, the operations that keep it, and the cell it stands for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from defectflow.schema.cell import Cell
from defectflow.schema.defects import INTERSTITIAL
from defectflow.structures.parts import Part, in_order, slots
from defectflow.structures.sites import Ints
from defectflow.structures.symmetry import SiteGroup


def canonical(group: SiteGroup, parts: Sequence[Part], sites: Sequence[int]) -> tuple[int, ...]:
    """The lowest of all equivalent lists of sites: equal for two configurations if, and only if, they are the same.

    Parameters
    ----------
    group : SiteGroup
    parts : sequence of Part
    sites : (n,) int
        Sites taken, part after part as in `in_order`; within a part the order does not matter.
    """
    images = _images(group, parts, sites)
    return tuple(int(s) for s in images[np.lexsort(images.T[::-1])[0]])


def stabiliser(group: SiteGroup, parts: Sequence[Part], sites: Sequence[int]) -> Ints:
    """Operations (rows of the group's table) that keep a configuration."""
    own = np.concatenate([np.sort(np.asarray(sites)[where]) for where in slots(parts)])
    return np.flatnonzero((_images(group, parts, sites) == own).all(axis=1))


def _images(group: SiteGroup, parts: Sequence[Part], sites: Sequence[int]) -> Ints:
    moved = group.table[:, list(sites)]
    return np.concatenate([np.sort(moved[:, where], axis=1) for where in slots(parts)], axis=1)


def configuration_cell(group: SiteGroup, parts: Sequence[Part], sites: Sequence[int]) -> tuple[Cell, tuple[int, ...]]:
    """The supercell with its dopants placed and its vacancies empty, without moments.

    Atoms are grouped by element, those of the host first.

    Returns
    -------
    Cell
    tuple of int
        Indices of the dopant atoms, in the order of `sites`; vacancies have none.
    """
    species: list[str | None] = [None if s == INTERSTITIAL else s for s in group.species]
    taken = [int(group.sites[s]) for s in sites]
    symbols = [part.symbol for part in in_order(parts) for _ in range(part.count)]
    for index, symbol in zip(taken, symbols, strict=True):
        species[index] = symbol
    rank = {s: n for n, s in enumerate(dict.fromkeys([*group.species, *symbols]))}
    order = sorted((i for i, s in enumerate(species) if s is not None), key=lambda i: rank[species[i]])
    cell = Cell(group.lattice, tuple(str(species[i]) for i in order), group.coords[order], np.zeros(len(order)))
    return cell, tuple(order.index(i) for i, symbol in zip(taken, symbols, strict=True) if symbol is not None)
