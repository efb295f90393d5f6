"""How the space group of the host permutes the sites of a supercell."""

from __future__ import annotations

from collections.abc import Sequence
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
Bools = NDArray[np.bool_]
Operation = tuple[Ints, Floats]  # rotation and translation in fractional coordinates


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


def supercell_operations(host: Structure, matrix: Ints) -> list[Operation]:
    """Operations (W, t) of the host's space group that keep the supercell's lattice.

    They act on fractional coordinates of the supercell as ``s @ W.T + t``. Together they generate the
    whole group of the pristine supercell: the point operations, the centring and the three host translations.
    """
    inverse = np.linalg.inv(matrix)
    rotations, shifts = space_group(host.lattice.matrix, host.frac_coords, list(host.atomic_numbers))
    turned, keeps = in_supercell(rotations, matrix)
    identity = np.eye(3, dtype=np.int64)
    return [*zip(turned, shifts[keeps] @ inverse, strict=True), *((identity, row) for row in inverse)]


def in_supercell(rotations: Ints, matrix: Ints) -> tuple[Ints, Bools]:
    """Those rotations that keep a supercell's lattice, in fractional coordinates of it, and which they are."""
    turned = matrix @ rotations.transpose(0, 2, 1) @ np.linalg.inv(matrix)
    keeps = np.abs(turned - np.rint(turned)).max(axis=(1, 2)) < 1e-6
    return np.rint(turned[keeps]).astype(np.int64).transpose(0, 2, 1), keeps


def site_images(coords: Floats, lattice: Floats, operations: Sequence[Operation]) -> Ints:
    """Number of the site `coords` (fractional) on which each site falls under each operation, (operations, sites).

    Raises
    ------
    StructureError
        If an operation maps a site onto none.
    """
    tolerance = 10 * SYMPREC / float(np.linalg.norm(lattice, axis=1).min())
    circle, places = _on_circles(coords), np.arange(len(coords))
    rows = np.empty((len(operations), len(coords)), dtype=np.int64)
    for row, (rotation, shift) in zip(rows, operations, strict=True):
        moved = coords @ rotation.T + shift
        row[:] = (_on_circles(moved) @ circle.T).argmax(axis=1)
        offset = moved - coords[row]
        if np.abs(offset - np.rint(offset)).max() > tolerance or not np.array_equal(np.sort(row), places):
            raise StructureError("a symmetry operation of the host does not map the sublattice onto itself")
    return rows


def _on_circles(coords: Floats) -> Floats:
    # Points modulo lattice vectors are points on three circles: the nearer, the larger their inner product.
    angles = 2 * np.pi * coords
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def lattice_points(lattice: Floats, radius: float) -> Floats:
    """Cartesian lattice vectors that can bring two points of one cell within `radius` (A), shape (n, 3)."""
    # Distances between lattice planes bound the number of cells in each direction, also in skew cells.
    spacing = 1.0 / np.linalg.norm(np.linalg.inv(lattice).T, axis=1)
    counts = np.ceil(radius / spacing).astype(int) + 1
    steps = np.array(list(product(*(range(-n, n + 1) for n in counts))))
    return np.asarray(steps @ lattice)
