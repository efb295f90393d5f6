"""Proposed supercells hold their pair as asked, and no smaller one does."""

from itertools import permutations, product

import numpy as np
import pytest

from defectflow.errors import StructureError
from defectflow.schema import Cell
from defectflow.schema.host import Host, Supercell
from defectflow.structures import host_structure
from defectflow.structures.cells import Wanted, describe_cell, hermite_forms, propose_cells

STRUCTURE = host_structure(Host(material="MgO"))
MGO = Cell.from_pymatgen(STRUCTURE)
FIFTH = np.array([1.5, 0.5, 0.0]) * STRUCTURE.lattice.a


@pytest.fixture(scope="module")
def fifth():
    return propose_cells(MGO, "O", Wanted(shell=5))


def test_the_64_atom_cube_aliases_the_fifth_shell_onto_the_first_pair():
    orbit = describe_cell(MGO, np.diag([2, 2, 2]), "O", FIFTH).orbit
    assert (orbit.label, orbit.bulk_shells) == ("1", (1,))
    assert 5 in orbit.aliased_shells


def test_the_216_atom_cube_holds_the_fifth_shell_with_two_images():
    cell = describe_cell(MGO, np.diag([3, 3, 3]), "O", FIFTH)
    assert (cell.atoms, cell.orbit.bulk_shells, cell.orbit.images) == (216, (5,), 2)


def test_the_smallest_cell_for_the_fifth_shell_has_80_atoms(fifth):
    assert fifth[0].atoms == 80
    assert (fifth[0].orbit.bulk_shells, fifth[0].orbit.images) == ((5,), 1)


def holds_the_fifth_shell_alone(matrix):
    """Whether the pair is nearer than all other images of its second site, and all of its first: by distances."""
    steps = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), -1).reshape(-1, 3)
    members = steps @ np.linalg.inv(matrix)
    vectors = steps[np.abs(members - np.rint(members)).max(axis=1) < 1e-6]
    shell = {p for x, y in [(3, 1), (1, 3)] for p in permutations((x, y, 0))}
    pairs = [np.multiply(p, s) / 2 for p in shell for s in product((1, -1), repeat=3)]
    lengths = [np.sort(np.linalg.norm(np.append(vectors, p + vectors, axis=0), axis=1)) for p in pairs]
    return any(found[2] > 2.5**0.5 + 1e-6 for found in lengths)  # after the site itself and the pair


@pytest.mark.parametrize(("sizes", "there"), [(range(1, 10), False), ([10], True)])
def test_ten_host_cells_are_the_fewest_for_the_fifth_shell(sizes, there):
    forms = np.concatenate([hermite_forms(size) for size in sizes])
    assert any(holds_the_fifth_shell_alone(m) for m in forms) == there


def test_proposals_can_be_taken_into_a_recipe(fifth):
    for cell in fifth:
        assert Supercell(matrix=cell.matrix).rows == cell.matrix
        assert round(np.linalg.det(cell.matrix)) * len(MGO) == cell.atoms


def test_images_are_as_far_as_asked():
    cell = propose_cells(MGO, "O", Wanted(shell=2, isolation=1.5), count=1)[0]
    assert min(cell.next_image, cell.shortest_image) > 1.5 * cell.orbit.distance


def test_a_distance_finds_the_same_cell_as_its_shell(fifth):
    by_distance = propose_cells(MGO, "O", Wanted(distance=float(np.linalg.norm(FIFTH))))
    assert [c.matrix for c in by_distance] == [c.matrix for c in fifth]


def test_a_vector_is_taken_as_it_is():
    cell = propose_cells(MGO, "O", Wanted(vector=(1.0, 0.5, 0.5)), count=1)[0]
    assert cell.orbit.bulk_shells == (3,)


@pytest.mark.parametrize(("size", "number"), [(1, 1), (2, 7), (3, 13), (4, 35), (5, 31), (6, 91)])
def test_the_number_of_sublattices_of_an_index(size, number):
    """Sloane's A001001."""
    assert len(hermite_forms(size)) == number


def test_equivalent_cells_are_proposed_once(fifth):
    facts = [(c.atoms, round(c.shortest_image, 3), c.orbit.bulk_shells) for c in fifth]
    assert len(set(facts)) == len(fifth)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(shell=5, most_atoms=40), "no cell of up to 40 atoms"),
        (Wanted(), "exactly one of them"),
        (Wanted(shell=1, distance=3.0), "exactly one of them"),
        (Wanted(distance=3.3), "no two O sites"),
    ],
)
def test_what_cannot_be_found_is_said(wanted, message):
    with pytest.raises(StructureError, match=message):
        propose_cells(MGO, "O", wanted)
