"""Interstitial sites of a host: where a sphere between its atoms is largest."""

from __future__ import annotations

from itertools import product

import numpy as np

from defectflow.schema.cell import Cell
from defectflow.structures.sites import Floats

_AS_LARGE = 0.01  # A


def largest_void(host: Cell) -> Floats:
    """Fractional coordinates of the points of the cell that are farthest from all atoms, (m, 3).

    They are corners of the Voronoi cells; which of them symmetry makes equal is left to the caller.
    """
    from scipy.spatial import Voronoi, cKDTree

    images = np.concatenate([host.coords + shift for shift in product((-1, 0, 1), repeat=3)]) @ host.lattice
    corners = np.unique(np.round(Voronoi(images).vertices @ np.linalg.inv(host.lattice), 6), axis=0)
    inside = corners[((corners > -1e-6) & (corners < 1 - 1e-6)).all(axis=1)]
    radii, _ = cKDTree(images).query(inside @ host.lattice)
    return np.asarray(inside[radii > radii.max() - _AS_LARGE])
