"""From a recipe to cells with a dopant pair in each of its spin states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import Cell, Floats, PairCell, PairOrbit
from defectflow.schema.host import Host
from defectflow.schema.recipe import Recipe
from defectflow.schema.spin import Start
from defectflow.structures.host import host_structure, supercell
from defectflow.structures.origin import best_origin
from defectflow.structures.pairs import pair_table
from defectflow.structures.select import select_pairs
from defectflow.structures.sites import sublattice_sites
from defectflow.structures.spins import signs

if TYPE_CHECKING:
    from pymatgen.core import Structure


def build_pair_cells(recipe: Recipe) -> list[tuple[PairCell, Start]]:
    """Every pair in every spin state and start of the recipe, pairs outermost.

    The spin states of one pair share origin, site order and geometry, so that nothing but the moments
    differs between them. The sites are grouped by element, dopants last.

    Raises
    ------
    StructureError
        If a pair does not exist, or two unlike dopants on its sites could be exchanged.
    """
    host = host_structure(recipe.host)
    pristine = supercell(host, recipe.supercell.rows)
    orbits = pair_audit(recipe)
    _check_exchange(recipe, orbits)
    return [
        (PairCell(cell, dopants, orbit, state, start.name), start)
        for orbit in orbits
        for state, cell, dopants in _spin_states(recipe, pristine, orbit)
        for start in recipe.spin.starts
        if start.is_for(orbit.label)
    ]


def _check_starts(recipe: Recipe, orbits: tuple[PairOrbit, ...]) -> None:
    """A start must be for pairs that the cell has, also where the recipe selects a few of them."""
    starts = recipe.spin.starts
    if any(start.pairs for start in starts):
        table = pair_table(host_structure(recipe.host), np.array(recipe.supercell.rows), recipe.pairs.sublattice)
        last = len(table.orbits)
        if stray := [n for start in starts for n in start.pairs or () if n > last]:
            what = f"a start is for pair {stray[0]}, but this cell has {last} distinct pairs"
            raise StructureError(what, where="spin.starts", todo="see them with: defectflow pairs RECIPE")
    if bare := [o.label for o in orbits if not any(start.is_for(o.label) for start in starts)]:
        what = f"pair {bare[0]} has no start"
        raise StructureError(what, where="spin.starts", todo='add one to its pairs, or { kind = "symmetric" }')


def _check_exchange(recipe: Recipe, orbits: tuple[PairOrbit, ...]) -> None:
    """Unlike dopants on unlike sites make two configurations of one pair, of which a recipe of pairs would hold one."""
    first, second = recipe.pairs.dopants
    if first == second:
        return
    table = pair_table(host_structure(recipe.host), np.array(recipe.supercell.rows), recipe.pairs.sublattice)
    for orbit in orbits:
        if not table.exchangeable(orbit):
            what = f"{first} and {second} exchanged on the sites of pair {orbit.label} are another configuration"
            site = recipe.pairs.sublattice
            todo = f"list both by a screening: dopants = {{ {first}_{site} = 1, {second}_{site} = 1 }} (screen --help)"
            raise StructureError(what, where="pairs.dopants", todo=todo)


def _spin_states(recipe: Recipe, pristine: Structure, orbit: PairOrbit) -> list[tuple[str, Cell, tuple[int, int]]]:
    bare, dopants = _doped(recipe, Cell.from_pymatgen(pristine), orbit)
    if recipe.pairs.sublattice not in bare.species:
        what = f"the dopants take all {recipe.pairs.sublattice} sites of the cell, none is left as a reference"
        raise StructureError(what, where="supercell.matrix", todo="take a larger supercell")
    if recipe.pairs.sublattice in recipe.pairs.dopants:
        what = f"a dopant is {recipe.pairs.sublattice} on a {recipe.pairs.sublattice} site, which is no dopant"
        raise StructureError(what, where="pairs.dopants")
    cells = [
        bare.with_moments(_moments(len(bare), dopants, state, recipe.spin.pair_moments)) for state in recipe.spin.states
    ]
    coords = bare.coords - best_origin(cells, dopants)
    coords -= np.floor(coords + 1e-9)
    return [(s, c.with_coords(coords), dopants) for s, c in zip(recipe.spin.states, cells, strict=True)]


def _doped(recipe: Recipe, pristine: Cell, orbit: PairOrbit) -> tuple[Cell, tuple[int, int]]:
    species = list(pristine.species)
    for site, symbol in zip(orbit.sites, recipe.pairs.dopants, strict=True):
        species[site] = symbol
    cell = Cell(pristine.lattice, tuple(species), pristine.coords, np.zeros(len(species)))
    pair = PairCell(cell, orbit.sites, orbit, "NM", "symmetric")
    elements = list(dict.fromkeys(pristine.species))
    elements += [s for s in dict.fromkeys(recipe.pairs.dopants) if s not in elements]
    ordered = pair.sorted_by_species(tuple(elements))
    return ordered.cell, ordered.dopants


def _moments(n: int, dopants: tuple[int, int], state: str, sizes: tuple[float, float]) -> Floats:
    moments = np.zeros(n)
    moments[list(dopants)] = np.multiply(signs(state), sizes)
    return moments


def primitive_cell(host: Host) -> Cell:
    """Primitive cell of the host, without moments."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    primitive = SpacegroupAnalyzer(host_structure(host)).get_primitive_standard_structure()
    return Cell.from_pymatgen(primitive)


FEWEST_FAR = 8  # sites; one symmetric shell alone would have no spread


def far_sites(pair: PairCell, element: str, tolerance: float = 0.05) -> tuple[int, ...]:
    """Sites of `element` farthest from both dopants: whole shells (within `tolerance`, A) until there are eight."""
    structure = pair.cell.to_pymatgen()
    sites = sublattice_sites(structure, element)
    distance = structure.distance_matrix[sites][:, list(pair.dopants)].min(axis=1)
    last = np.sort(distance)[-min(FEWEST_FAR, len(distance))]
    chosen = sites[distance > last - tolerance]
    return tuple(int(s) for s in chosen)


def neighbour_sites(pair: PairCell, tolerance: float = 0.3) -> tuple[int, ...]:
    """Sites nearest to either dopant (within `tolerance`, in A, of the shortest distance), dopants excluded."""
    distance = pair.cell.to_pymatgen().distance_matrix[:, list(pair.dopants)].min(axis=1)
    others = np.delete(distance, list(pair.dopants))
    near = distance < others.min() + tolerance
    near[list(pair.dopants)] = False
    return tuple(int(s) for s in np.flatnonzero(near))


def pair_audit(recipe: Recipe) -> tuple[PairOrbit, ...]:
    """The pairs that a recipe selects, with images and aliased shells."""
    orbits = select_pairs(host_structure(recipe.host), np.array(recipe.supercell.rows), recipe.pairs)
    _check_starts(recipe, orbits)
    return orbits
