"""Two atoms that share one site: a dopant and the atom it did not replace."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from defectflow.schema.cell import Cell
from defectflow.structures.sites import Floats, space_group

_SAME = 1e-6


def split_cells(cell: Cell, dopant: int, partner: str, axes: Floats, digits: str) -> list[tuple[str, Cell, int]]:
    """Cells in which the dopant and a `partner` share the dopant's site, one for each distinct direction.

    Parameters
    ----------
    cell : Cell
        With the dopant alone on the site; grouped by element.
    axes : (3, 3) float
        Rows are the directions (A) that the digits count along: the vectors of the host's cell.
    digits : str
        Family of directions, e.g. "110".

    Returns
    -------
    list of (str, Cell, int)
        Direction as text, the cell and the dopant's index in it. The two atoms lie half the sum of their covalent
        radii on either side of the site (Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j).
    """
    from ase.data import atomic_numbers, covalent_radii

    length = sum(covalent_radii[atomic_numbers[s]] for s in (cell.species[dopant], partner))
    found = []
    for numbers in _distinct(cell, axes, digits):
        unit = numbers @ axes / np.linalg.norm(numbers @ axes)
        found.append((".".join(map(str, numbers)), *_shared(cell, dopant, partner, length * unit / 2)))
    return found


def _distinct(cell: Cell, axes: Floats, digits: str) -> list[Floats]:
    """One direction for each set that the symmetry of the site exchanges, the largest of it."""
    signed = {
        tuple(s * int(d) for s, d in zip(signs, order, strict=True))
        for order in permutations(digits)
        for signs in product((1, -1), repeat=3)
    }
    left = [np.array(v) for v in sorted(signed, reverse=True)]
    kinds = {s: n for n, s in enumerate(dict.fromkeys(cell.species))}
    rotations, _ = space_group(cell.lattice, cell.coords, [kinds[s] for s in cell.species])
    to_cell = axes @ np.linalg.inv(cell.lattice)
    kept: list[Floats] = []
    while left:
        first = left[0]
        kept.append(first)
        images = (first @ to_cell) @ rotations.transpose(0, 2, 1) @ np.linalg.inv(to_cell)
        left = [v for v in left if np.abs(images - v).max(axis=1).min() > _SAME]
    return kept


def _shared(cell: Cell, dopant: int, partner: str, half: Floats) -> tuple[Cell, int]:
    shift = half @ np.linalg.inv(cell.lattice)
    coords = cell.coords.copy()
    coords[dopant] += shift
    last = max(i for i, s in enumerate(cell.species) if s == partner) + 1
    species = (*cell.species[:last], partner, *cell.species[last:])
    coords = np.insert(coords, last, cell.coords[dopant] - shift, axis=0)
    return Cell(cell.lattice, species, coords, np.zeros(len(species))), dopant + (dopant >= last)
