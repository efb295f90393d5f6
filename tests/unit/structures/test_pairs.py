"""The five pairs of the paper's cell, and any other cell against brute force."""

import json
from itertools import combinations

import numpy as np
import pytest
import spglib
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from defectflow.errors import StructureError
from defectflow.resources import resource
from defectflow.schema.host import Host
from defectflow.schema.recipe import Pairs
from defectflow.structures import distinct_pairs, host_structure, select_pairs, supercell
from defectflow.structures.pairs import pair_orbits, pair_table

MGO = host_structure(Host(material="MgO"))
HOSTS = {
    "rocksalt": (MGO, "O"),
    "zincblende": (host_structure(Host(prototype="zincblende", species=("Zn", "S"), lattice_constant=5.4)), "S"),
    "cesiumchloride": (host_structure(Host(prototype="cesiumchloride", species=("Cs", "Cl"), lattice_constant=4.1)), "Cl"),
    "fluorite": (host_structure(Host(prototype="fluorite", species=("Ca", "F", "F"), lattice_constant=5.5)), "F"),
    "rutile": (
        Structure.from_spacegroup(136, Lattice.tetragonal(4.6, 2.95), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]), "O"
    ),
    "wurtzite": (
        Structure.from_spacegroup(186, Lattice.hexagonal(3.25, 5.2), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.38]]),
        "O",
    ),
}  # fmt: skip
PEROVSKITE = Structure(
    Lattice.tetragonal(3.9, 4.15),
    ["Ba", "Ti", "O", "O", "O"],
    [[0, 0, 0], [0.5, 0.5, 0.52], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
)


def test_the_papers_cell_has_five_pairs(defectflow):
    done = defectflow("pairs", resource("workflows", "mgo_carbon_pairs.toml"), "--json")
    pairs = json.loads(done.stdout)["pairs"]
    assert [p["partner_sites"] for p in pairs] == [12, 3, 12, 3, 1]
    assert [p["images"] for p in pairs] == [1, 2, 2, 4, 8]
    assert [round(p["distance_over_a"], 4) for p in pairs] == [0.7071, 1.0, 1.2247, 1.4142, 1.7321]
    assert [p["bulk_shells"] for p in pairs] == [[1], [2], [3], [4], [6]]
    assert [p["vector_over_a"] for p in pairs] == [[0.5, 0.5, 0], [1, 0, 0], [1, 0.5, 0.5], [1, 1, 0], [1, 1, 1]]


def test_the_fifth_shell_of_the_lattice_aliases_onto_the_first_pair():
    first = distinct_pairs(MGO, np.diag([2, 2, 2]), "O")[0]
    assert first.aliased_shells[0] == 5
    assert first.bonds[5] == 2


def test_coordinates_of_four_digits_make_the_shells_of_ten():
    exact, element = HOSTS["wurtzite"]
    rough = Structure(exact.lattice, exact.species, np.round(exact.frac_coords, 4))
    found = [distinct_pairs(host, np.diag([2, 2, 1]), element) for host in (exact, rough)]
    first, second = ([(p.bulk_shells, p.images, p.partner_sites) for p in pairs] for pairs in found)
    assert first == second


def test_a_vector_that_joins_inequivalent_sites_is_ambiguous():
    wanted = Pairs(dopants=("N", "N"), sublattice="O", vectors_over_a=((1.0, 0.0, 0.0),))
    with pytest.raises(StructureError, match="joins O sites of several distinct pairs"):
        select_pairs(PEROVSKITE, np.diag([3, 3, 3]), wanted)


def test_sites_are_exchangeable_where_an_operation_swaps_them():
    rocksalt, polar = pair_table(MGO, np.diag([2, 2, 2]), "O"), pair_table(PEROVSKITE, np.diag([2, 2, 2]), "O")
    assert all(rocksalt.exchangeable(orbit) for orbit in rocksalt.orbits)
    kinds = {
        orbit.sites: len({polar.cell.frac_coords[s][2].round(3) % 0.5 for s in orbit.sites}) for orbit in polar.orbits
    }
    assert any(n == 2 for n in kinds.values())
    assert not any(polar.exchangeable(orbit) for orbit in polar.orbits if kinds[orbit.sites] == 2)


def test_the_heisenberg_sums_of_the_64_atom_cube():
    bonds = [p.bonds for p in distinct_pairs(MGO, np.diag([2, 2, 2]), "O")]
    assert [(b.get(1), b.get(5)) for b in bonds] == [(1, 2), *[(None, None)] * 4]
    assert (bonds[1][2], bonds[1][10]) == (2, 8)
    assert (bonds[2][3], bonds[2][7]) == (2, 4)
    assert (bonds[3][4], bonds[3][12]) == (4, 8)
    assert bonds[4][6] == 8


def test_a_shell_that_holds_two_distinct_pairs_is_not_chosen_from_silently():
    """In 4x4x4 shell 9 is both (2, 1/2, 1/2) and (3/2, 3/2, 0)."""
    wanted = Pairs(dopants=("C", "C"), sublattice="O", bulk_shells=(9,))
    with pytest.raises(StructureError, match="several distinct pairs"):
        select_pairs(MGO, np.diag([4, 4, 4]), wanted)


def test_the_216_atom_cube_tells_shells_one_to_six_apart():
    pairs = distinct_pairs(MGO, np.diag([3, 3, 3]), "O")
    assert [p.bulk_shells for p in pairs[:6]] == [(1,), (2,), (3,), (4,), (5,), (6,)]


def brute_force(host, matrix, element):
    """Orbits of site pairs, pair by pair under every operation that spglib finds for the whole supercell."""
    cell = supercell(host, matrix)
    sites = [i for i, s in enumerate(cell) if s.specie.symbol == element]
    found = spglib.get_symmetry((cell.lattice.matrix, cell.frac_coords, cell.atomic_numbers), symprec=1e-3)
    coords = cell.frac_coords[sites]
    images = []
    for rotation, shift in zip(found["rotations"], found["translations"], strict=True):
        moved = coords @ rotation.T + shift
        distance = moved[:, None] - coords[None]
        images.append(np.linalg.norm(distance - np.round(distance), axis=2).argmin(axis=1))
    orbits = {frozenset(frozenset((p[i], p[j])) for p in images) for i, j in combinations(range(len(sites)), 2)}
    return cell, sites, orbits


def _matrices():
    entries = st.integers(-1, 2)
    return st.tuples(*[st.tuples(entries, entries, entries)] * 3).map(np.array)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(host=st.sampled_from(sorted(HOSTS)), matrix=_matrices())
def test_orbits_sizes_and_distances_equal_brute_force(host, matrix):
    structure, element = HOSTS[host]
    assume(1 <= abs(round(np.linalg.det(matrix))) <= 4)
    cell, sites, orbits = brute_force(structure, matrix, element)
    pairs = distinct_pairs(structure, matrix, element)
    expected = sorted((round(min(cell.get_distance(sites[i], sites[j]) for i, j in o), 3), len(o)) for o in orbits)
    found = sorted((round(p.distance, 3), len(o)) for p, o in _with_orbits(structure, matrix, element, pairs))
    assert found == expected


def _with_orbits(structure, matrix, element, pairs):
    from defectflow.structures.pairs import pair_table

    table = pair_table(structure, matrix, element)
    return [(p, np.argwhere(np.triu(table.which == n))) for n, p in enumerate(pairs)]


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("host", sorted(HOSTS))
def test_partner_sites_and_images_equal_a_count_of_neighbours(host, size):
    structure, element = HOSTS[host]
    pairs = distinct_pairs(structure, np.diag([size, size, size]), element)
    cell = supercell(structure, np.diag([size, size, size]))
    for p in pairs[:8]:
        near = cell.get_neighbors(cell[p.sites[0]], p.distance + 1e-3)
        assert sum(n.index == p.sites[1] for n in near) == p.images
    if len(pairs) < 40:  # every other site of the sublattice is a partner in exactly one pair
        sites = [i for i, s in enumerate(cell) if s.specie.symbol == element]
        first = [p for p in pairs if p.sites[0] == sites[0]]
        assert sum(p.partner_sites for p in first) == len(sites) - 1


def test_every_pair_of_sites_lies_in_exactly_one_orbit():
    permutations = np.array([np.roll(np.arange(6), 1), np.arange(6)[::-1]])
    orbits = pair_orbits(permutations)
    assert sorted(map(tuple, np.concatenate(orbits))) == list(combinations(range(6), 2))
    assert [len(o) for o in orbits] == [6, 6, 3]


@given(st.permutations(range(8)))
def test_the_pairs_do_not_depend_on_the_order_of_the_atoms(order):
    shuffled = Structure.from_sites([MGO[i] for i in order])
    pairs = distinct_pairs(shuffled, np.diag([2, 2, 2]), "O")
    assert [(p.partner_sites, p.images) for p in pairs] == [(12, 1), (3, 2), (12, 2), (3, 4), (1, 8)]
