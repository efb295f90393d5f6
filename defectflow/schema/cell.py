"""Cells with signed moments, and the pairs of sites they are built from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectflow.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cell:
    """Periodic cell with a signed moment on every site.

    Attributes
    ----------
    lattice : (3, 3) float
        Rows are the lattice vectors (A).
    species : tuple of str, length n
        Chemical symbols.
    coords : (n, 3) float
        Fractional coordinates.
    moments : (n,) float
        Signed collinear moments (muB) to start from; up is positive.
    """

    lattice: Floats
    species: tuple[str, ...]
    coords: Floats
    moments: Floats

    def __post_init__(self) -> None:
        n = len(self.species)
        shapes = (self.lattice.shape, self.coords.shape, self.moments.shape)
        if shapes != ((3, 3), (n, 3), (n,)):
            raise StructureError(f"lattice, coords and moments have shapes {shapes} for {n} species")
        if not all(np.isfinite(a).all() for a in (self.lattice, self.coords, self.moments)):
            raise StructureError("a cell holds a number that is not finite")
        if abs(np.linalg.det(self.lattice)) < 1e-3:
            raise StructureError("the lattice vectors span no volume")

    def __len__(self) -> int:
        return len(self.species)

    @property
    def formula_units(self) -> tuple[dict[str, int], int]:
        """Atoms of one formula unit by element, and how many units the cell holds: ``({"Mg": 1, "O": 1}, 32)``."""
        atoms = Counter(self.species)
        units = gcd(*atoms.values())
        return {element: n // units for element, n in atoms.items()}, units

    @property
    def positions(self) -> Floats:
        """Cartesian coordinates (A), shape (n, 3)."""
        return np.asarray(self.coords @ self.lattice)

    @classmethod
    def from_pymatgen(cls, structure: Structure) -> Cell:
        """Take over a pymatgen structure; moments come from its ``magmom`` site property, else zero."""
        moments = structure.site_properties.get("magmom") or [0.0] * len(structure)
        return cls(
            np.array(structure.lattice.matrix),
            tuple(site.specie.symbol for site in structure),
            np.array(structure.frac_coords),
            np.array([float(m or 0.0) for m in moments]),
        )

    @classmethod
    def from_ase(cls, atoms: Atoms) -> Cell:
        """Take over ASE atoms with their initial moments."""
        return cls(
            np.array(atoms.cell[:], float),
            tuple(atoms.get_chemical_symbols()),
            np.array(atoms.get_scaled_positions(wrap=False)),
            np.array(atoms.get_initial_magnetic_moments(), float),
        )

    def to_pymatgen(self) -> Structure:
        """Pymatgen structure with ``magmom`` as site property, in the same order."""
        from pymatgen.core import Lattice, Structure

        moments = [float(m) for m in self.moments]
        return Structure(Lattice(self.lattice), list(self.species), self.coords, site_properties={"magmom": moments})

    def to_ase(self) -> Atoms:
        """ASE atoms with initial moments, in the same order."""
        from ase import Atoms

        return Atoms(
            list(self.species),
            cell=self.lattice,
            scaled_positions=self.coords,
            magmoms=self.moments,
            pbc=True,
        )

    def take(self, order: NDArray[np.intp]) -> Cell:
        """Cell with its sites in another order; species, coordinates and moments move together."""
        species = tuple(self.species[i] for i in order)
        return Cell(self.lattice, species, self.coords[order], self.moments[order])

    def largest_move(self, other: Cell) -> float:
        """Of an atom, to where it is in another cell of the same lattice and atoms, by the shortest way (A)."""
        apart = other.coords - self.coords
        return float(np.linalg.norm((apart - np.round(apart)) @ self.lattice, axis=1).max())

    def with_coords(self, coords: Floats) -> Cell:
        """Cell with other fractional coordinates."""
        return Cell(self.lattice, self.species, np.array(coords), self.moments)

    def with_signs_of(self, found: Floats) -> Cell:
        """Cell whose moments have the signs of `found` where both are not zero, and their own sizes.

        Moments inside small spheres say which way a spin points, but are no good start for another run.
        """
        return self.with_moments(np.where(self.moments * found < 0, -self.moments, self.moments))

    def with_moments(self, moments: Floats) -> Cell:
        """Cell with other moments (muB)."""
        return Cell(self.lattice, self.species, self.coords, np.array(moments, float))


@dataclass(frozen=True)
class PairOrbit:
    """A symmetry-distinct pair of sites of one sublattice under periodic boundaries.

    Attributes
    ----------
    label : str
        "1", "2", ... in order of distance.
    sites : (int, int)
        One representative pair, as indices into the pristine supercell.
    vector : (3,) float
        From the first to the second site, shortest image (A).
    vector_over_a : (3,) float
        The same in units of the host's lattice constant.
    distance, distance_over_a : float
        Its length (A) and the same over the lattice constant.
    partner_sites : int
        Sites of the cell that form this pair with the first site (orbit size).
    images : int
        Number z of equally short images of the second site seen from the first.
    bulk_shells : tuple of int
        Neighbour shells (by distance, 1 is the nearest) of the infinite sublattice that the shortest
        images belong to.
    aliased_shells : tuple of int
        Farther shells whose sites are images of the same pair, up to the audit's cutoff.
    bonds : dict of int to int
        Images per shell: how many bonds of each shell one cell holds.
    gap : float
        To the distance of the nearest other pair of the cell (A); infinite if there is none.
    """

    label: str
    sites: tuple[int, int]
    vector: tuple[float, float, float]
    vector_over_a: tuple[float, float, float]
    distance: float
    distance_over_a: float
    partner_sites: int
    images: int
    bulk_shells: tuple[int, ...]
    aliased_shells: tuple[int, ...]
    bonds: dict[int, int]
    gap: float

    @property
    def folder(self) -> str:
        """Part of a folder name that tells the pair apart: ``s4_d6.01``."""
        return f"s{self.label}_d{self.distance:.2f}"


@dataclass(frozen=True, eq=False)
class PairCell:
    """A supercell with one dopant pair in one spin state.

    Attributes
    ----------
    cell : Cell
        The supercell with signed moments.
    dopants : (int, int)
        Indices of the dopants in `cell`, first and second of the pair; they survive every reordering.
    orbit : PairOrbit
        Which pair it is.
    state : str
        "FM", "AF", "NM" or a signed pattern such as "+-".
    start : str
        "symmetric", or how the symmetry of the start was broken, with its seed.
    """

    cell: Cell
    dopants: tuple[int, int]
    orbit: PairOrbit
    state: str
    start: str

    def take(self, order: NDArray[np.intp]) -> PairCell:
        """Sites in another order; the dopant indices follow."""
        back = np.argsort(order)
        first, second = (int(back[i]) for i in self.dopants)
        return PairCell(self.cell.take(order), (first, second), self.orbit, self.state, self.start)

    def sorted_by_species(self, species: tuple[str, ...]) -> PairCell:
        """Group the sites by element in the given order (as a POSCAR needs), stably."""
        rank = {symbol: i for i, symbol in enumerate(species)}
        return self.take(np.argsort([rank[s] for s in self.cell.species], kind="stable"))
