"""Where to put the origin so that the k-mesh folds best.

Plane-wave codes use the symmetry operations without translation only, so the number of irreducible
k-points depends on the origin. For a pair that is mapped on its own image by a supercell vector, such as
(1, 1, 0) and (1, 1, 1) in the 2x2x2 cube, a dopant's site keeps more of them than the pair's midpoint.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from defectflow.schema.cell import Cell, Floats
from defectflow.structures.sites import Ints, space_group

_MESH = (2, 2, 2)


def best_origin(cells: list[Cell], dopants: tuple[int, int]) -> Floats:
    """Fractional origin with the fewest irreducible k-points, summed over spin states of one pair.

    Parameters
    ----------
    cells : list of Cell
        The pair's spin states: same sites, different moments.
    dopants : (int, int)
        Their indices. Candidates are the midpoints of the pair and of its images, and the two sites;
        of equally good ones the first of these, the pair's own midpoint, is taken.
    """
    return fewest_points(cells, _candidates(cells[0].coords, dopants))


def fewest_points(cells: list[Cell], candidates: list[Floats]) -> Floats:
    """The first of those fractional origins that leave the fewest irreducible k-points, summed over the cells."""
    operations = [_operations(cell) for cell in cells]
    counts = [sum(_folded(_symmorphic(o, c)) for o in operations) for c in candidates]
    return candidates[int(np.argmin(counts))]


def _candidates(coords: Floats, dopants: tuple[int, int]) -> list[Floats]:
    first, second = coords[dopants[0]], coords[dopants[1]]
    offset = second - first
    middle = first + (offset - np.round(offset)) / 2
    halves = [np.array(h) / 2 for h in product((0, 1), repeat=3)]
    return [middle + h for h in halves] + [first, second]


def _operations(cell: Cell) -> tuple[Ints, Floats]:
    # Atoms of one element with different moments are different: only such operations does a code use.
    kinds = {kind: n for n, kind in enumerate(dict.fromkeys(zip(cell.species, cell.moments, strict=True)))}
    numbers = [kinds[kind] for kind in zip(cell.species, cell.moments, strict=True)]
    return space_group(cell.lattice, cell.coords, numbers)


def _symmorphic(operations: tuple[Ints, Floats], origin: Floats) -> Ints:
    rotations, shifts = operations
    moved = shifts + rotations @ origin - origin
    return np.asarray(rotations[np.abs(moved - np.round(moved)).max(axis=1) < 1e-4])


def _folded(rotations: Ints) -> int:
    # Orbits of the shifted mesh under the operations and time reversal; coordinates in units of 1/(2n).
    mesh = np.array(list(product(*(range(1 - n, n, 2) for n in _MESH))))
    turned = np.concatenate([mesh @ rotations, -(mesh @ rotations)])
    size = 2 * np.array(_MESH)
    keys = ((turned + size) % size) @ np.array([1, 16, 256])
    return len(np.unique(keys.min(axis=0)))
