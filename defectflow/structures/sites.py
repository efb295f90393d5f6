"""How the space group of the host permutes the sites of a supercell."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectflow.errors import StructureError

if TYPE_CHECKING:
    from pymatgen.core import Structure

SYMPREC = 1e-3  # A; positions closer than this are the same site
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def sublattice_sites(cell: Structure, element: str) -> Ints:
    """Indices of the sites of `element`.

    Raises
    ------
    StructureError
        If the cell has no such element.
    """
    sites = [i for i, site in enumerate(cell) if site.specie.symbol == element]
    if not sites:
        known = ", ".join(sorted({s.specie.symbol for s in cell}))
        raise StructureError(f"the cell has no {element}", where="pairs.sublattice", todo=f"it holds {known}")
    return np.array(sites)


def space_group(lattice: Floats, coords: Floats, kinds: list[int]) -> tuple[Ints, Floats]:
    """Rotations and translations (fractional) of a crystal; sites of different kinds are never exchanged.

    Raises
    ------
    StructureError
        If spglib finds none, as for overlapping atoms.
    """
    import spglib

    try:
        found = spglib.get_symmetry_dataset((lattice, coords, kinds), symprec=SYMPREC)
    except spglib.SpglibError:
        found = None
    if found is None:
        raise StructureError("spglib finds no space group; do atoms overlap?")
    return np.asarray(found.rotations, dtype=np.int64), np.asarray(found.translations)


def supercell_operations(host: Structure, matrix: Ints) -> list[tuple[Ints, Floats]]:
    """Operations (W, t) of the host's space group that keep the supercell's lattice.

    They act on fractional coordinates of the supercell as ``s @ W.T + t``. Together they generate the
    whole group of the pristine supercell: the point operations, the centring and the three host translations.
    """
    inverse = np.linalg.inv(matrix)
    operations = []
    found = space_group(host.lattice.matrix, host.frac_coords, list(host.atomic_numbers))
    for rotation, shift in zip(*found, strict=True):
        turned = matrix @ rotation.T @ inverse
        whole = np.rint(turned)
        if np.abs(turned - whole).max() < 1e-6:
            operations.append((whole.astype(np.int64).T, shift @ inverse))
    identity = np.eye(3, dtype=np.int64)
    return operations + [(identity, row) for row in inverse]


def site_permutations(coords: Floats, lattice: Floats, operations: list[tuple[Ints, Floats]]) -> Ints:
    """Permutation of the sites `coords` (fractional) under each operation, shape (operations, sites).

    Raises
    ------
    StructureError
        If an operation maps a site onto none.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(_wrap(coords), boxsize=1.0)
    tolerance = 10 * SYMPREC / float(np.linalg.norm(lattice, axis=1).min())
    rows = []
    for rotation, shift in operations:
        distance, image = tree.query(_wrap(coords @ rotation.T + shift))
        if distance.max() > tolerance or len(np.unique(image)) != len(coords):
            raise StructureError("a symmetry operation of the host does not map the sublattice onto itself")
        rows.append(image)
    return np.unique(np.array(rows, dtype=np.int64), axis=0)


def _wrap(coords: Floats) -> Floats:
    wrapped = coords % 1.0
    wrapped[wrapped >= 1.0 - 1e-12] = 0.0
    return np.asarray(wrapped)


def lattice_points(lattice: Floats, radius: float) -> Floats:
    """Cartesian lattice vectors that can bring two points of one cell within `radius` (A), shape (n, 3)."""
    # Distances between lattice planes bound the number of cells in each direction, also in skew cells.
    spacing = 1.0 / np.linalg.norm(np.linalg.inv(lattice).T, axis=1)
    counts = np.ceil(radius / spacing).astype(int) + 1
    steps = np.array(list(product(*(range(-n, n + 1) for n in counts))))
    return np.asarray(steps @ lattice)
