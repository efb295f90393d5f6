"""The space group of a supercell as permutations of its sites, in an order that does not depend on how it was given.

Two inputs that describe one crystal (atoms in another order, another origin, other lattice vectors of the same
lattice) get the same site numbers, up to an operation of the crystal's own group: so what is canonical under the group
is the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectflow.errors import StructureError
from defectflow.schema.defects import INTERSTITIAL
from defectflow.structures.distances import nearest_distances
from defectflow.structures.sites import SYMPREC, Floats, Ints, Operation, in_supercell, site_images, space_group

if TYPE_CHECKING:
    from defectflow.schema.cell import Cell

Table = NDArray[np.int16]
LARGEST_TABLE = 40_000_000  # entries of a permutation table: 80 MB


@dataclass(frozen=True, eq=False)
class SiteGroup:
    """Sites on which dopants may sit, and the group that makes them equivalent.

    Attributes
    ----------
    lattice : (3, 3) float
        Rows are the vectors of the supercell (A).
    species : tuple of str, length N
        All atoms of the pristine supercell, in canonical order.
    coords : (N, 3) float
        Their fractional coordinates.
    sites : (n,) int
        Which of them dopants may sit on.
    table : (operations, n) int16
        Image of every such site under each operation, as numbers 0..n-1; a group, each element once.
    """

    lattice: Floats
    species: tuple[str, ...]
    coords: Floats
    sites: Ints
    table: Table

    @property
    def order(self) -> int:
        """Number of operations that differ on the sites."""
        return len(self.table)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Element of the host on each of the sites."""
        return tuple(self.species[i] for i in self.sites)

    @cached_property
    def lowest(self) -> Ints:
        """Lowest site of the orbit of each site."""
        return np.asarray(self.table.min(axis=0), dtype=np.int64)

    @cached_property
    def distances(self) -> Floats:
        """Shortest distance of any two of the sites (A); on the diagonal that of a site and its nearest image."""
        return nearest_distances(self.lattice, self.coords[self.sites])


def site_group(
    host: Cell, matrix: Sequence[Sequence[int]] | Ints, elements: Sequence[str], extra: Floats | None = None
) -> SiteGroup:
    """Sites of `elements` in a supercell of a host, with the group that permutes them.

    The group holds the operations of the host's space group that keep the supercell's lattice.

    Parameters
    ----------
    host : Cell
    matrix : (3, 3) int
        Rows are the supercell's vectors in those of the host.
    elements : sequence of str
        Sublattices; "i" for `extra`.
    extra : (m, 3) float, optional
        Fractional coordinates of interstitial sites in the host; their images under its space group are added.

    Raises
    ------
    StructureError
        If the supercell has no such sites, or too many for a table of permutations.
    """
    rows = np.array(matrix, dtype=np.int64)
    if round(float(np.linalg.det(rows))) == 0:
        raise StructureError("the vectors of the supercell span no volume", where="supercell.matrix")
    rotations, shifts = space_group(host.lattice, host.coords, _numbers(host.species))
    full = _with_interstitials(host, extra, (rotations, shifts))
    species, coords = _repeated(full, rows)
    lattice = rows @ host.lattice
    points, pure = _point_operations(rotations, shifts, rows), _translations(rotations, shifts, rows)
    origins = _origins(full, rotations, shifts) @ np.linalg.inv(rows)
    order = _canonical_order(lattice, species, coords, origins)
    species, coords = [species[i] for i in order], coords[order]
    sites = np.array([i for i, s in enumerate(species) if s in set(elements)], dtype=np.int64)
    _check_sites(elements, species, len(sites), len(points) * len(pure))
    turned, moved = (site_images(coords[sites], lattice, operations) for operations in (points, pure))
    table = turned.astype(np.int16)[:, moved].reshape(-1, len(sites))
    if (table == np.arange(len(sites))).all(axis=1).sum() > 1:  # some operations move no site
        table = np.unique(table, axis=0)
    return SiteGroup(lattice, tuple(species), coords, sites, table)


def _numbers(species: Sequence[str]) -> list[int]:
    known = {s: n for n, s in enumerate(dict.fromkeys(species))}
    return [known[s] for s in species]


def _with_interstitials(host: Cell, extra: Floats | None, found: tuple[Ints, Floats]) -> tuple[tuple[str, ...], Floats]:
    """The host with all images of the interstitial sites."""
    if extra is None:
        return host.species, host.coords
    rotations, shifts = found
    images = (np.atleast_2d(extra) @ rotations.transpose(0, 2, 1) + shifts[:, None]).reshape(-1, 3)
    kept: list[Floats] = []
    for image in images:
        offsets = image - np.array([*host.coords, *kept])
        if np.linalg.norm((offsets - np.rint(offsets)) @ host.lattice, axis=1).min() > 10 * SYMPREC:
            kept.append(image)
    return (*host.species, *[INTERSTITIAL] * len(kept)), np.concatenate([host.coords, *(k[None] for k in kept)])


def _repeated(host: tuple[tuple[str, ...], Floats], rows: Ints) -> tuple[list[str], Floats]:
    cells = _cells_of(rows)
    species, coords = host
    placed = (coords[:, None] + cells[None]) @ np.linalg.inv(rows)
    return [s for s in species for _ in cells], placed.reshape(-1, 3) % 1.0


def _cells_of(rows: Ints) -> Ints:
    """Cells of the host inside the supercell, one for each coset of its lattice."""
    size = round(abs(float(np.linalg.det(rows))))
    if np.count_nonzero(rows - np.diag(np.diagonal(rows))) == 0:
        return np.array(list(product(*(range(abs(int(n))) for n in np.diagonal(rows)))))
    low, high = np.minimum(rows, 0).sum(axis=0), np.maximum(rows, 0).sum(axis=0)
    box = np.stack(np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
    points = box.reshape(-1, 3)
    inside = (points @ np.linalg.inv(rows) + 1e-9) % 1.0
    keys = np.rint((inside - 1e-9) * size).astype(np.int64) % size
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.asarray(points[first])


def _point_operations(rotations: Ints, shifts: Floats, rows: Ints) -> list[Operation]:
    """One operation for each rotation that keeps the supercell's lattice."""
    _, first = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True)
    turned, keeps = in_supercell(rotations[first], rows)
    return list(zip(turned, shifts[first][keeps] @ np.linalg.inv(rows), strict=True))


def _translations(rotations: Ints, shifts: Floats, rows: Ints) -> list[Operation]:
    """All translations of the host inside the supercell, its centring included."""
    identity = np.eye(3, dtype=np.int64)
    centring = shifts[(rotations == identity).all(axis=(1, 2))]
    moves = (centring[:, None] + _cells_of(rows)[None]).reshape(-1, 3) @ np.linalg.inv(rows)
    return [(identity, move) for move in moves]


def _origins(host: tuple[tuple[str, ...], Floats], rotations: Ints, shifts: Floats) -> Floats:
    """Sites of the host's rarest element, one for each set that its translations exchange."""
    species, coords = host
    rarest = min(set(species), key=lambda s: (species.count(s), s))
    centring = shifts[(rotations == np.eye(3, dtype=np.int64)).all(axis=(1, 2))]
    kept: list[Floats] = []
    for site in coords[[s == rarest for s in species]]:
        offsets = [k + centring - site for k in kept]
        if all(np.abs(o - np.rint(o)).max(axis=1).min() > 1e-3 for o in offsets):
            kept.append(site)
    return np.array(kept)


def _canonical_order(lattice: Floats, species: Sequence[str], coords: Floats, origins: Floats) -> Ints:
    """Order of the sites in the frame, of all reduced bases and origins, with the lowest table of sites.

    Frames with the same table are exchanged by an operation of the crystal, so it does not matter which is taken.
    """
    import spglib

    reduced = np.asarray(spglib.niggli_reduce(lattice))
    changes = np.linalg.inv(_automorphisms(reduced) @ np.rint(reduced @ np.linalg.inv(lattice)))
    placed = (coords[None, :, None] - origins[:, None, None]).swapaxes(1, 2) @ changes[None]
    kinds = np.array([sorted(set(species)).index(s) for s in species])
    keys = _ranked(placed.reshape(-1, len(coords), 3), kinds, reduced)
    rows = np.sort(keys, axis=1)
    return np.argsort(keys[int(np.lexsort(rows.T[::-1])[0])], kind="stable")


def _automorphisms(lattice: Floats) -> Ints:
    """Integer matrices that turn a reduced basis into one with the same metric."""
    metric = lattice @ lattice.T
    tolerance = SYMPREC * float(np.sqrt(metric.diagonal().max()))
    vectors = np.array(list(product((-1, 0, 1), repeat=3)))
    lengths = np.einsum("ni,ij,nj->n", vectors, metric, vectors)
    rows = [vectors[np.abs(lengths - metric[i, i]) < tolerance] for i in range(3)]
    choices = np.array([(a, b, c) for a in rows[0] for b in rows[1] for c in rows[2]])
    turned = choices @ metric @ choices.transpose(0, 2, 1)
    same = np.abs(turned - metric).max(axis=(1, 2)) < tolerance
    return np.asarray(choices[same & (np.abs(np.rint(np.linalg.det(choices))) == 1)])


def _ranked(placed: Floats, kinds: Ints, lattice: Floats) -> Ints:
    """One integer for each site that sorts by kind, then by coordinates, equal within the tolerance."""
    tolerance = SYMPREC / float(np.linalg.norm(lattice, axis=1).min())
    wrapped = (placed + tolerance) % 1.0
    values, where = np.unique(wrapped.ravel(), return_inverse=True)
    rank = np.concatenate([[0], np.cumsum(np.diff(values) > tolerance)])[where].reshape(placed.shape)
    size = int(rank.max()) + 1
    return np.asarray(((kinds * size + rank[..., 0]) * size + rank[..., 1]) * size + rank[..., 2])


def _check_sites(elements: Sequence[str], species: Sequence[str], sites: int, operations: int) -> None:
    if missing := sorted(set(elements) - set(species)):
        known = ", ".join(sorted(set(species)))
        raise StructureError(f"the cell has no {missing[0]}", where="sublattice", todo=f"it holds {known}")
    if sites * operations > LARGEST_TABLE:
        what = f"{sites} sites under {operations} operations make too large a table of permutations"
        raise StructureError(what, where="supercell.matrix", todo="take a smaller supercell")
