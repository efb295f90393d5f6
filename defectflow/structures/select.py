"""Pairs by label, by vector or by shell of the infinite crystal; a pair that the cell aliases is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from defectflow.errors import StructureError
from defectflow.schema.cell import PairOrbit
from defectflow.schema.host import Vector
from defectflow.schema.recipe import Pairs
from defectflow.structures.pairs import PairTable, distinct_pairs, pair_table
from defectflow.structures.sites import Ints

if TYPE_CHECKING:
    from pymatgen.core import Structure

_LARGER_CELLS = (2, 3, 4)


def select_pairs(host: Structure, matrix: Ints, wanted: Pairs) -> tuple[PairOrbit, ...]:
    """The pairs that a recipe asks for.

    Raises
    ------
    StructureError
        If a label does not exist, or if the pair asked for by vector or shell does not exist in this cell
        because its sites are nearer through the periodic boundary (aliasing); the message names the pair
        it would be and cells that do hold it.
    """
    table = pair_table(host, matrix, wanted.sublattice)
    if not table.orbits:
        what = f"the cell has a single {wanted.sublattice} site, so no pair"
        raise StructureError(what, where="supercell.matrix", todo="take a larger supercell")
    if wanted.vectors_over_a is not None:
        return tuple(_by_vector(host, table, wanted.sublattice, v) for v in wanted.vectors_over_a)
    if wanted.bulk_shells is not None:
        return tuple(_by_shell(host, table, wanted.sublattice, s) for s in wanted.bulk_shells)
    if wanted.select is not None:
        return tuple(_by_label(table, wanted.sublattice, n) for n in wanted.select)
    return table.orbits


def _by_label(table: PairTable, element: str, number: int) -> PairOrbit:
    if number <= len(table.orbits):
        return table.orbits[number - 1]
    what = f"this cell has {len(table.orbits)} distinct pairs of {element} sites, there is no pair {number}"
    raise StructureError(what, where="pairs.select", todo="see them with: defectflow pairs RECIPE")


def _by_shell(host: Structure, table: PairTable, element: str, shell: int) -> PairOrbit:
    held = [orbit for orbit in table.orbits if shell in orbit.bulk_shells]
    if len(held) > 1:
        names = ", ".join(f"{o.label} {o.vector_over_a}" for o in held)
        what = f"shell {shell} holds several distinct pairs of this cell: {names}"
        raise StructureError(what, where="pairs.bulk_shells", todo="take one by select or vectors_over_a")
    if held:
        return held[0]
    image = next((o for o in table.orbits if shell in o.aliased_shells), None)
    cells = _cells_holding(host, element, lambda o: shell in o.bulk_shells)
    raise _aliased(f"shell {shell} of the infinite {element} sublattice", "pairs.bulk_shells", image, cells)


def _by_vector(host: Structure, table: PairTable, element: str, vector: Vector) -> PairOrbit:
    target = np.array(vector) * host.lattice.a
    length = float(np.linalg.norm(target))
    joined = table.joined_by(target)
    if len(joined) > 1:
        names = ", ".join(o.label for o in joined)
        what = f"{vector} joins {element} sites of several distinct pairs of this cell: {names}"
        raise StructureError(what, where="pairs.vectors_over_a", todo=f"take them by number: select = [{names}]")
    if not joined:
        todo = "give the vector in units of the host's lattice constant a"
        raise StructureError(f"{vector} joins no two {element} sites", where="pairs.vectors_over_a", todo=todo)
    orbit = joined[0]
    if length < orbit.distance + 1e-3:
        return orbit
    cells = _cells_holding(host, element, lambda o: abs(o.distance - length) < 1e-3)
    what = f"the pair {vector} a, d = {length / host.lattice.a:.4f} a,"
    raise _aliased(what, "pairs.vectors_over_a", orbit, cells)


def _cells_holding(host: Structure, element: str, holds: Callable[[PairOrbit], bool]) -> list[str]:
    return [
        f"{n}x{n}x{n} ({len(host) * n**3} atoms)"
        for n in _LARGER_CELLS
        if any(holds(orbit) for orbit in distinct_pairs(host, np.diag([n] * 3), element))
    ]


def _aliased(what: str, where: str, image: PairOrbit | None, cells: list[str]) -> StructureError:
    seen = (
        f"; through the periodic boundary it is pair {image.label}, d = {image.distance_over_a:.4f} a" if image else ""
    )
    held = f"it exists in {' and '.join(cells)}" if cells else "no cube up to 4x4x4 holds it"
    own = "the cell's own distinct pairs are taken by number, nearest first: select = [5]"
    return StructureError(f"{what} does not exist in this cell{seen}", where=where, todo=f"{held}; {own}")
