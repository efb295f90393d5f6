"""The smallest supercells in which a pair of sites is what it seems: not aliased, and away from its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Cell, Floats, PairOrbit
from defectflow.structures.distances import SAME_LENGTH, steps
from defectflow.structures.pairs import pair_table
from defectflow.structures.sites import Bools, Ints, lattice_points, space_group

LARGEST_ENTRY = 12  # of a recipe's supercell.matrix
MOST_CELLS = 250  # of the host, in a recipe
_AT_ONCE = 4_000_000  # lattices under vectors looked at at once: bounds the memory


@dataclass(frozen=True)
class Wanted:
    """What a pair in a periodic cell has to be.

    Attributes
    ----------
    shell : int, optional
        Neighbour shell of the infinite sublattice, nearest is 1.
    distance : float, optional
        Length of the pair (A).
    vector : (3,) float, optional
        The pair in units of the host's first lattice vector.
    images : int
        Largest number z of equally near images of the second site.
    isolation : float
        All other images of either site are farther from the first than this times the pair's length.
    most_atoms : int
    """

    shell: int | None = None
    distance: float | None = None
    vector: tuple[float, float, float] | None = None
    images: int = 1
    isolation: float = 1.0
    most_atoms: int = 250


@dataclass(frozen=True)
class CellProposal:
    """A supercell for a pair.

    Attributes
    ----------
    matrix : 3 rows of 3 int
        Its vectors in those of the host, reduced: the ``supercell.matrix`` of a recipe.
    atoms : int
    shortest_image : float
        Distance of a site to its own nearest image (A).
    next_image : float
        Distance of the first site to the nearest image of either that is farther than the pair (A).
    orbit : PairOrbit
        The pair: vector, images z, aliased shells, partner sites.
    """

    matrix: tuple[tuple[int, ...], ...]
    atoms: int
    shortest_image: float
    next_image: float
    orbit: PairOrbit


def propose_cells(host: Cell, element: str, wanted: Wanted, count: int = 3) -> tuple[CellProposal, ...]:
    """The smallest supercells that hold a pair as wanted; of equally small ones the most compact first.

    All sublattices of the host's lattice are tried, those that the host's rotations exchange once.

    Raises
    ------
    StructureError
        If the sublattice has no such pair, or no cell of up to the wanted number of atoms holds it.
    """
    pairs = wanted_pairs(host, element, wanted)
    largest = min(wanted.most_atoms // len(host), MOST_CELLS)
    found: list[tuple[Ints, Floats]] = []
    for size in range(_smallest(host, pairs, wanted), largest + 1):
        found += _of_size(host, size, pairs, wanted, count)
        if len(found) >= count:
            break
    if not found:
        what = f"no cell of up to {wanted.most_atoms} atoms holds the pair with at most {wanted.images} nearest images"
        todo = "allow more atoms or images, or a smaller isolation"
        raise StructureError(f"{what}, all others beyond {wanted.isolation:g} times its length", todo=todo)
    return tuple(describe_cell(host, matrix, element, pair) for matrix, pair in found[:count])


def describe_cell(host: Cell, matrix: Ints, element: str, pair: Floats) -> CellProposal:
    """What a supercell makes of a pair of sites that are `pair` (A) apart.

    Raises
    ------
    StructureError
        If no two sites of the sublattice are that far apart.
    """
    table = pair_table(host.to_pymatgen(), matrix, element)
    joined = table.joined_by(pair)
    if not joined:
        raise StructureError(f"no two {element} sites are {np.round(pair, 4).tolist()} A apart")
    orbit = joined[0]
    shifts = lattice_points(matrix @ host.lattice, float(np.linalg.norm(matrix @ host.lattice, axis=1).sum()))
    own = np.linalg.norm(shifts, axis=1)
    images = np.concatenate([np.linalg.norm(shifts + orbit.vector, axis=1), own[own > SAME_LENGTH]])
    return CellProposal(
        matrix=tuple(tuple(int(n) for n in row) for row in matrix),
        atoms=len(table.cell),
        shortest_image=float(own[own > SAME_LENGTH].min()),
        next_image=float(images[images > orbit.distance + SAME_LENGTH].min()),
        orbit=orbit,
    )


def wanted_pairs(host: Cell, element: str, wanted: Wanted) -> Floats:
    """Vectors (A) from one site of the sublattice to another that are meant, (n, 3); one of each and its opposite."""
    asked = [wanted.shell, wanted.distance, wanted.vector]
    if sum(a is not None for a in asked) != 1:
        raise StructureError("a cell is sought for a shell, a distance or a vector: exactly one of them", where="pair")
    if element not in host.species:
        known = ", ".join(sorted(set(host.species)))
        raise StructureError(f"the cell has no {element}", where="sublattice", todo=f"it holds {known}")
    vectors = np.concatenate([_chosen(v, host, wanted) for v in _around_sites(host, element, wanted)])
    if not len(vectors):
        raise StructureError(f"no two {element} sites of the host are that far apart", where="pair")
    # (1/2, 1/2, 0) rather than (-1/2, -1/2, 0)
    signs = np.sign(vectors @ np.array([1.0, 1e-3, 1e-6]))[:, None]
    return np.unique(np.round(vectors * signs, 6), axis=0)[::-1]


def _around_sites(host: Cell, element: str, wanted: Wanted) -> Iterator[Floats]:
    """Vectors from each site of the sublattice to its neighbours, far enough for what is wanted."""
    coords = host.coords[[s == element for s in host.species]]
    a = float(np.linalg.norm(host.lattice[0]))
    radius = max(wanted.distance or 0.0, a * float(np.linalg.norm(wanted.vector or 0.0))) + 0.1
    while True:
        shifts = lattice_points(host.lattice, radius)
        around = [((coords - site) @ host.lattice + shifts[:, None]).reshape(-1, 3) for site in coords]
        around = [v[_within(v, radius)] for v in around]
        if wanted.shell is None or all(len(steps(np.linalg.norm(v, axis=1))) > wanted.shell for v in around):
            return iter(around)
        radius = max(1.3 * radius, a)


def _within(vectors: Floats, radius: float) -> Ints:
    lengths = np.linalg.norm(vectors, axis=1)
    return np.flatnonzero((lengths > SAME_LENGTH) & (lengths < radius))


def _chosen(vectors: Floats, host: Cell, wanted: Wanted) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1)
    if wanted.vector is not None:
        target = np.array(wanted.vector) * np.linalg.norm(host.lattice[0])
        return np.asarray(vectors[np.linalg.norm(vectors - target, axis=1) < 1e-2])
    length = wanted.distance if wanted.distance is not None else steps(lengths)[(wanted.shell or 1) - 1]
    return np.asarray(vectors[np.abs(lengths - length) < (1e-2 if wanted.shell is None else 2 * SAME_LENGTH)])


def _smallest(host: Cell, pairs: Floats, wanted: Wanted) -> int:
    """Cells of the host below which some lattice vector is too short: no lattice is denser than close packing."""
    apart = wanted.isolation * float(np.linalg.norm(pairs, axis=1).min())
    return max(1, int(np.ceil(apart**3 / np.sqrt(2) / abs(np.linalg.det(host.lattice)) - 1e-6)))


def _of_size(host: Cell, size: int, pairs: Floats, wanted: Wanted, count: int) -> list[tuple[Ints, Floats]]:
    """Reduced matrices of one size that hold one of the pairs as wanted, the most compact first."""
    lattices = hermite_forms(size)
    fits = np.array([_holds(lattices, host, pair, wanted) for pair in pairs])
    held = np.flatnonzero(fits.any(axis=0))
    reach = (np.sqrt(2) * size * abs(float(np.linalg.det(host.lattice)))) ** (1 / 3) + SAME_LENGTH
    order = np.argsort(-_shortest(lattices[held], host, reach), kind="stable")
    rotations, _ = space_group(host.lattice, host.coords, [sorted(set(host.species)).index(s) for s in host.species])
    seen: set[tuple[int, ...]] = set()
    found: list[tuple[Ints, Floats]] = []
    for n in held[order]:
        alike = _alike(lattices[n], rotations)
        matrix = _reduced(lattices[n], host.lattice)
        if not alike & seen and np.abs(matrix).max() <= LARGEST_ENTRY:
            seen |= alike
            found.append((matrix, pairs[int(fits[:, n].argmax())]))
        if len(found) == count:
            break
    return found


def hermite_forms(size: int) -> Ints:
    """All sublattices of index `size`, as upper triangular matrices whose rows are the vectors, (n, 3, 3)."""
    forms = []
    for a, b in product(range(1, size + 1), repeat=2):
        if size % (a * b) == 0:
            c = size // (a * b)
            p, q, r = (g.ravel() for g in np.meshgrid(np.arange(b), np.arange(c), np.arange(c), indexing="ij"))
            zero, one = np.zeros_like(p), np.ones_like(p)
            forms.append(np.stack([a * one, p, q, zero, b * one, r, zero, zero, c * one], axis=1).reshape(-1, 3, 3))
    return np.concatenate(forms)


def _members(lattices: Ints, vectors: Ints) -> Bools:
    """Which vectors of the host's lattice are vectors of which sublattice, (lattices, vectors)."""
    x, y, z = vectors.T
    a, b, c = (lattices[:, i, i, None] for i in range(3))
    first, rest = np.divmod(x, a)
    second, more = np.divmod(y - first * lattices[:, 0, 1, None], b)
    last = (z - first * lattices[:, 0, 2, None] - second * lattices[:, 1, 2, None]) % c
    return np.asarray((rest == 0) & (more == 0) & (last == 0))


def _holds(lattices: Ints, host: Cell, pair: Floats, wanted: Wanted) -> Bools:
    """Which sublattices hold a pair as wanted."""
    length = float(np.linalg.norm(pair))
    reach = max(wanted.isolation, 1.0) * length + SAME_LENGTH
    vectors = _vectors(host.lattice, reach + length)
    own = np.linalg.norm(vectors @ host.lattice, axis=1)
    other = np.linalg.norm(vectors @ host.lattice + pair, axis=1)
    same = np.abs(other - length) < SAME_LENGTH
    near = (own < reach) | ((other < reach) & ~same)
    few = _members(lattices, vectors[same]).sum(axis=1) < wanted.images
    return np.asarray(few & ~_members(lattices, vectors[near]).any(axis=1))


def _vectors(lattice: Floats, radius: float) -> Ints:
    """Vectors of a lattice up to a length, without the shortest, zero, in coordinates of the lattice."""
    points = lattice_points(lattice, radius)
    return np.rint(points[_within(points, radius)] @ np.linalg.inv(lattice)).astype(np.int64)


def _shortest(lattices: Ints, host: Cell, reach: float) -> Floats:
    """Length of the shortest vector of each sublattice (A)."""
    vectors = _vectors(host.lattice, reach)
    lengths = np.linalg.norm(vectors @ host.lattice, axis=1)
    vectors, lengths = vectors[np.argsort(lengths)], np.sort(lengths)
    slices = np.array_split(lattices, 1 + len(lattices) * len(vectors) // _AT_ONCE)
    return np.concatenate([np.round(lengths[_members(some, vectors).argmax(axis=1)], 4) for some in slices])


def _alike(form: Ints, rotations: Ints) -> set[tuple[int, ...]]:
    """Hermite forms of a lattice under the rotations of the host."""
    return {tuple(_hermite(form @ r.T).ravel().tolist()) for r in np.unique(rotations, axis=0)}


def _hermite(matrix: Ints) -> Ints:
    rows = matrix.copy()
    for i in range(3):
        for j in range(i + 1, 3):
            while rows[j, i]:
                rows[i], rows[j] = rows[j].copy(), rows[i] - rows[i, i] // rows[j, i] * rows[j]
        rows[i] *= 1 if rows[i, i] > 0 else -1
        for j in range(i):
            rows[j] -= rows[j, i] // rows[i, i] * rows[i]
    return rows


def _reduced(form: Ints, lattice: Floats) -> Ints:
    """A basis of short vectors, right-handed like the host's, written with the largest entries first."""
    import spglib

    short = np.rint(spglib.niggli_reduce(form @ lattice) @ np.linalg.inv(lattice)).astype(np.int64)
    written = (
        np.array(s)[:, None] * short[list(p)] for p in permutations(range(3)) for s in product((1, -1), repeat=3)
    )
    return max((m for m in written if np.linalg.det(m) > 0), key=lambda m: m.ravel().tolist())
