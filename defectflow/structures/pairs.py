"""Symmetry-distinct pairs of sites, and which shells of the infinite crystal they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from defectflow.schema.cell import PairOrbit
from defectflow.structures.host import supercell
from defectflow.structures.sites import (
    Floats,
    Ints,
    lattice_points,
    site_images,
    sublattice_sites,
    supercell_operations,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

AUDITED_SHELLS = 12
_SAME_LENGTH = 2e-3  # A; symmetry takes sites 1e-3 A off their place for equal (sites.SYMPREC)


@dataclass(frozen=True, eq=False)
class PairTable:
    """Distinct pairs of a supercell, nearest first, and which of them any two sites form.

    Attributes
    ----------
    orbits : tuple of PairOrbit
    cell : Structure
        The pristine supercell.
    sites : (n,) int
        Indices of the sublattice's sites in `cell`.
    which : (n, n) int
        Index into `orbits` of the pair of two sites of the sublattice, -1 on the diagonal.
    permutations : (operations, n) int
        Image of every site of the sublattice under each operation that keeps the supercell.
    """

    orbits: tuple[PairOrbit, ...]
    cell: Structure
    sites: Ints
    which: Ints
    permutations: Ints

    def exchangeable(self, orbit: PairOrbit) -> bool:
        """Whether symmetry maps the first site on the second and the second on the first."""
        first, second = (int(np.flatnonzero(self.sites == site)[0]) for site in orbit.sites)
        reached, at_the_edge = {(first, second)}, [(first, second)]
        while at_the_edge:
            i, j = at_the_edge.pop()
            new = set(zip(self.permutations[:, i].tolist(), self.permutations[:, j].tolist(), strict=True)) - reached
            reached |= new
            at_the_edge += new
        return (second, first) in reached

    def joined_by(self, vector: Floats) -> tuple[PairOrbit, ...]:
        """The pairs of two sites that are `vector` (A) apart, modulo the supercell; several of inequivalent sites."""
        coords = self.cell.frac_coords[self.sites]
        offset = coords[None] - coords[:, None] - self.cell.lattice.get_fractional_coords(vector)
        offset -= np.round(offset)
        found = self.which[np.linalg.norm(offset @ self.cell.lattice.matrix, axis=2) < 1e-2]
        return tuple(self.orbits[n] for n in np.unique(found[found >= 0]))


def distinct_pairs(host: Structure, matrix: Ints, element: str) -> tuple[PairOrbit, ...]:
    """All symmetry-distinct pairs of sites of `element` in a supercell, nearest first; see `pair_table`."""
    return pair_table(host, matrix, element).orbits


def pair_table(host: Structure, matrix: Ints, element: str) -> PairTable:
    """Sort all pairs of sites of `element` in a supercell into symmetry-distinct ones.

    Two pairs are the same if an operation of the host's space group that keeps the supercell's lattice,
    or a lattice vector of the supercell, maps one on the other; the order of the two sites does not matter.

    Parameters
    ----------
    host : Structure
        Conventional cell; its first lattice vector's length is the unit of ``distance_over_a``.
    matrix : (3, 3) int
        Rows are the supercell's vectors in those of the host.
    element : str
        The sublattice.
    """
    rows = tuple(tuple(int(n) for n in row) for row in matrix)
    lattice, coords = (tuple(map(tuple, a.tolist())) for a in (host.lattice.matrix, host.frac_coords))
    return _pair_table(lattice, tuple(host.species), coords, rows, element)


@lru_cache(maxsize=16)  # of one cell it is asked for again by every check and every point of a study
def _pair_table(
    vectors: tuple[Any, ...], species: tuple[Any, ...], places: tuple[Any, ...], rows: tuple[Any, ...], element: str
) -> PairTable:
    from pymatgen.core import Structure

    host, matrix = Structure(vectors, species, places), np.array(rows)
    cell = supercell(host, matrix)
    sites = sublattice_sites(cell, element)
    coords, lattice = cell.frac_coords[sites], cell.lattice.matrix
    permutations = np.unique(site_images(coords, lattice, supercell_operations(host, matrix)), axis=0)
    found = [(orbit, *_representative(orbit, coords, lattice)) for orbit in pair_orbits(permutations)]
    found.sort(key=lambda f: (round(float(np.linalg.norm(f[2])), 4), f[1]))
    audit = _ShellAudit(cell, sites, host.lattice.a, [float(np.linalg.norm(f[2])) for f in found])
    which = np.full((len(sites),) * 2, -1)
    for n, (orbit, _, _) in enumerate(found):
        which[orbit[:, 0], orbit[:, 1]] = which[orbit[:, 1], orbit[:, 0]] = n
    orbits = tuple(audit.orbit(str(n + 1), *entry) for n, entry in enumerate(found))
    return PairTable(orbits, cell, sites, which, permutations)


def pair_orbits(permutations: Ints) -> list[Ints]:
    """Orbits of unordered pairs of different sites under the group that `permutations` generate.

    Parameters
    ----------
    permutations : (operations, n) int
        Image of every site under each generator.

    Returns
    -------
    list of (pairs, 2) int
        Each orbit's pairs, first index smaller than the second, in lexical order.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = permutations.shape[1]
    first, second = np.triu_indices(n, 1)
    if n < 2:
        return []
    number = np.zeros((n, n), dtype=np.int64)
    number[first, second] = number[second, first] = np.arange(len(first))
    images = np.concatenate([number[p[first], p[second]] for p in permutations])
    origins = np.tile(np.arange(len(first)), len(permutations))
    graph = coo_array((np.ones(len(images), dtype=bool), (origins, images)), shape=(len(first),) * 2)
    count, label = connected_components(graph, directed=False)
    pairs = np.column_stack([first, second])
    by_label = np.argsort(label, kind="stable")
    return np.split(pairs[by_label], np.searchsorted(label[by_label], np.arange(1, count)))


def _representative(orbit: Ints, coords: Floats, lattice: Floats) -> tuple[tuple[int, int], Floats]:
    """Pair of an orbit, seen from its first site, whose shortest vector has the largest components first."""
    first = int(orbit[0, 0])
    partners = orbit[orbit[:, 0] == first, 1]
    shifts = lattice_points(lattice, float(np.linalg.norm(lattice, axis=1).sum()) / 2)
    vectors = ((coords[partners] - coords[first]) @ lattice)[:, None] + shifts
    lengths = np.linalg.norm(vectors, axis=2)
    row, column = np.nonzero(lengths < lengths.min() + _SAME_LENGTH)
    candidates = vectors[row, column]
    # (1/2, 1/2, 0) rather than (0, 1/2, 1/2) or (-1/2, 1/2, 0)
    best = max(range(len(row)), key=lambda k: tuple(np.round(candidates[k], 6)))
    return (first, int(partners[row[best]])), candidates[best]


class _ShellAudit:
    """Sorts the images of a pair into the shells of the infinite sublattice around its first site."""

    def __init__(self, cell: Structure, sites: Ints, a: float, distances: list[float]) -> None:
        self._distances = np.array(distances)
        self._lattice, self._coords = cell.lattice.matrix, cell.frac_coords[sites]
        self._sites, self._a = sites, a

    def orbit(self, label: str, pairs: Ints, sites: tuple[int, int], vector: Floats) -> PairOrbit:
        i, j = sites
        distance = float(np.linalg.norm(vector))
        bonds = self._bonds(i, j, distance)
        nearest = min(bonds)
        return PairOrbit(
            label=label,
            sites=(int(self._sites[i]), int(self._sites[j])),
            vector=_triple(vector),
            vector_over_a=_triple(vector / self._a),
            distance=distance,
            distance_over_a=distance / self._a,
            partner_sites=int((pairs == i).any(axis=1).sum()),
            images=bonds[nearest],
            bulk_shells=(nearest,),
            aliased_shells=tuple(sorted(set(bonds) - {nearest})),
            bonds=dict(sorted(bonds.items())),
            gap=self._gap(distance),
        )

    def _gap(self, distance: float) -> float:
        apart = np.abs(self._distances - distance)
        return float(apart[apart > _SAME_LENGTH].min(initial=np.inf))

    def _bonds(self, i: int, j: int, distance: float) -> dict[int, int]:
        shells = self._shells(i, distance)
        offset = (self._coords[j] - self._coords[i]) @ self._lattice
        lengths = np.linalg.norm(offset + lattice_points(self._lattice, float(shells[-1])), axis=1)
        counts = [int((np.abs(lengths - r) < _SAME_LENGTH).sum()) for r in shells]
        return {n + 1: c for n, c in enumerate(counts) if c}

    def _shells(self, i: int, distance: float) -> Floats:
        # Grow the sphere until it holds the audited shells and the pair itself.
        radius = 1.5 * self._a
        while True:
            lengths = self._lengths_within(i, radius)
            shells = lengths[np.append(True, np.diff(lengths) > _SAME_LENGTH)]
            if len(shells) > AUDITED_SHELLS and shells[-1] > distance + _SAME_LENGTH:
                return np.asarray(shells[: max(AUDITED_SHELLS, int((shells < distance + _SAME_LENGTH).sum()))])
            radius *= 1.3

    def _lengths_within(self, i: int, radius: float) -> Floats:
        shifts = lattice_points(self._lattice, radius)
        offsets = (self._coords - self._coords[i]) @ self._lattice
        lengths = np.linalg.norm(offsets[:, None] + shifts[None], axis=2).ravel()
        return np.sort(lengths[(lengths > _SAME_LENGTH) & (lengths < radius)])


def _triple(v: Floats) -> tuple[float, float, float]:
    x, y, z = (round(float(c), 10) + 0.0 for c in v)
    return (x, y, z)
