"""From a relaxed thin junction to a thick one: both interfaces keep their displacements, the middle is filled up."""

from __future__ import annotations

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Cell, Floats


def displaced_as(thick: Cell, thin: Cell) -> Cell:
    """The thick junction, as built, with the relaxed distances of the thin one.

    Both are stacks by height with the barrier's middle at half the cell, and differ by layers in that middle. The lower
    half of the thin one's atoms keeps its heights from the lower end, the upper half from the upper end; the
    layers between share what is left evenly.

    Raises
    ------
    StructureError
        If the thin one has more atoms, or its halves are not those of the thick one.
    """
    half = len(thin) // 2
    ends = (thick.species[:half], thick.species[len(thick) - half :])
    if 2 * half != len(thin) or len(thin) > len(thick) or ends != (thin.species[:half], thin.species[half:]):
        what = "the relaxed junction is no thinner one of the same kind"
        raise StructureError(
            what, where="relaxation.oxide_layers", todo="make both numbers of oxide layers even or odd"
        )
    shift = _shifts(thick, thin, half)
    coords = thick.coords.copy()
    coords[:, 2] += shift / np.linalg.norm(thick.lattice[2])
    return thick.with_coords(coords)


def _shifts(thick: Cell, thin: Cell, half: int) -> Floats:
    """Displacement of every atom of the thick cell along the normal (A)."""
    z, length = _heights(thick)
    z_thin, length_thin = _heights(thin)
    low = z_thin[:half] - z[:half]
    high = (z_thin[half:] - length_thin) - (z[len(z) - half :] - length)
    inner = z[half : len(z) - half]
    # Two atoms on either side are the innermost relaxed layer.
    between = np.interp(inner, [z[half - 1], z[len(z) - half]], [low[-2:].mean(), high[:2].mean()])
    return np.concatenate([low, between, high])


def _heights(cell: Cell) -> tuple[Floats, float]:
    length = float(np.linalg.norm(cell.lattice[2]))
    return cell.coords[:, 2] % 1.0 * length, length
