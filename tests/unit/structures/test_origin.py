"""The origin that folds the k-mesh best."""

import numpy as np
import pytest
import spglib

from defectflow.resources import resource
from defectflow.schema import load_recipe
from defectflow.structures import build_pair_cells


def irreducible(cell, mesh=(2, 2, 2)):
    """Irreducible points of the shifted mesh under spglib's symmorphic operations of the magnetic cell."""
    kinds = sorted(set(zip(cell.species, cell.moments, strict=True)))
    numbers = [kinds.index(k) for k in zip(cell.species, cell.moments, strict=True)]
    found = spglib.get_symmetry((cell.lattice, cell.coords, numbers), symprec=1e-3)
    at_origin = np.abs(found["translations"] - np.round(found["translations"])).max(axis=1) < 1e-4
    mapping, _ = spglib.get_stabilized_reciprocal_mesh(mesh, found["rotations"][at_origin], is_shift=[1, 1, 1])
    return len(set(mapping))


@pytest.fixture(scope="module")
def cells():
    return [pair.cell for pair, _ in build_pair_cells(load_recipe(resource("workflows", "quick.toml")))]


# A pair's midpoint alone gives 2 points for pairs 4 and 5, whose dopants are each other's half-translation.
def test_irreducible_points_of_the_five_pairs_fm_and_af(cells):
    assert [irreducible(c) for c in cells] == [2, 2, 1, 1, 2, 2, 1, 1, 1, 1]


def test_all_coordinates_lie_in_the_cell(cells):
    assert all((c.coords >= 0).all() and (c.coords < 1).all() for c in cells)
