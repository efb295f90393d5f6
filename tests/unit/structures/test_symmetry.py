"""The group of a supercell's sites: the same, and with the same numbers, however the crystal is written down."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymatgen.core import Lattice, Structure

from defectflow.errors import StructureError
from defectflow.schema import Cell
from defectflow.schema.host import Host
from defectflow.structures import host_structure
from defectflow.structures.configurations import Part
from defectflow.structures.doped import canonical
from defectflow.structures.symmetry import site_group


def prototype(name, *species, a):
    return host_structure(Host(prototype=name, species=species, lattice_constant=a))


HOSTS = {
    "rocksalt": prototype("rocksalt", "Mg", "O", a=4.25),
    "zincblende": prototype("zincblende", "Zn", "S", a=5.4),
    "fluorite": prototype("fluorite", "Ca", "F", "F", a=5.5),
    "rutile": Structure.from_spacegroup(136, Lattice.tetragonal(4.6, 2.95), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]),
    "wurtzite": Structure.from_spacegroup(186, Lattice.hexagonal(3.25, 5.2), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.38]]),
    "quartz": Structure.from_spacegroup(152, Lattice.hexagonal(4.91, 5.4), ["Si", "O"], [[0.47, 0, 1 / 3], [0.41, 0.27, 0.12]]),
    "triclinic": Structure(Lattice.from_parameters(4, 5, 6, 80, 95, 105), ["Cu", "O", "O"], [[0, 0, 0], [0.21, 0.37, 0.4], [0.71, 0.12, 0.83]]),
}  # fmt: skip
MATRICES = [
    np.diag([2, 2, 2]),
    np.diag([1, 1, 2]),
    np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]),
    np.array([[2, 1, 0], [0, 1, 0], [0, -1, 1]]),
]
hosts = st.sampled_from(sorted(HOSTS))
matrices = st.sampled_from(MATRICES)
unimodular = arrays(np.int64, (3, 3), elements=st.integers(-1, 1)).filter(lambda m: abs(round(np.linalg.det(m))) == 1)
shifts = arrays(float, 3, elements=st.floats(0, 1))


def anion(host):
    return str(host[-1].specie)


def redescribed(host, basis, shift, order):
    """The same crystal by other lattice vectors, another origin, and atoms in another order."""
    cell = Cell.from_pymatgen(host)
    coords = (cell.coords + shift) @ np.linalg.inv(basis)
    return Cell(basis @ cell.lattice, cell.species, coords % 1.0, cell.moments).take(np.array(order))


def where(group, positions):
    """Numbers of the sites at Cartesian positions."""
    offsets = positions[:, None] @ np.linalg.inv(group.lattice) - group.coords[group.sites]
    return np.abs(offsets - np.rint(offsets)).max(axis=2).argmin(axis=1)


def test_the_cubes_have_the_whole_group_of_rocksalt():
    mgo = Cell.from_pymatgen(HOSTS["rocksalt"])
    assert site_group(mgo, np.diag([2, 2, 2]), ["O"]).order == 48 * 32
    assert site_group(mgo, np.diag([3, 3, 3]), ["O"]).order == 48 * 108


@settings(max_examples=25)
@given(host=hosts, matrix=matrices)
def test_the_rows_are_a_group(host, matrix):
    group = site_group(Cell.from_pymatgen(HOSTS[host]), matrix, [anion(HOSTS[host])])
    products = {row.tobytes() for other in group.table[:: 1 + group.order // 7] for row in group.table[:, other]}
    assert products == {row.tobytes() for row in group.table}


@settings(max_examples=25)
@given(host=hosts, matrix=matrices)
def test_operations_keep_distances(host, matrix):
    group = site_group(Cell.from_pymatgen(HOSTS[host]), matrix, [anion(HOSTS[host])])
    moved = group.distances[group.table[:, :, None], group.table[:, None, :]]
    assert np.abs(moved - group.distances).max() < 1e-2


@settings(max_examples=60)
@given(st.data(), hosts, matrices, unimodular, shifts)
def test_numbers_do_not_depend_on_basis_origin_and_order(data, host, matrix, basis, shift):
    given, element = Cell.from_pymatgen(HOSTS[host]), anion(HOSTS[host])
    order = data.draw(st.permutations(range(len(given))))
    other = redescribed(HOSTS[host], basis, shift, order)
    one = site_group(given, matrix, [element])
    two = site_group(other, np.rint(matrix @ np.linalg.inv(basis)).astype(int), [element])
    sites = data.draw(st.lists(st.integers(0, len(one.sites) - 1), min_size=2, max_size=2, unique=True))
    positions = (one.coords[one.sites[sites]] + shift @ np.linalg.inv(matrix)) @ one.lattice
    parts = [Part("N", element, 1), Part("C", element, 1)]
    assert canonical(one, parts, sites) == canonical(two, parts, where(two, positions))


@settings(max_examples=30)
@given(st.data(), unimodular)
def test_numbers_do_not_depend_on_which_basis_of_the_supercell_is_given(data, change):
    cell = Cell.from_pymatgen(HOSTS["rocksalt"])
    matrix = data.draw(matrices)
    one, two = (site_group(cell, m, ["O"]) for m in (matrix, change @ matrix))
    sites = data.draw(st.lists(st.integers(0, len(one.sites) - 1), min_size=3, max_size=3, unique=True))
    positions = one.coords[one.sites[sites]] @ one.lattice
    parts = [Part("C", "O", 3)]
    assert canonical(one, parts, sites) == canonical(two, parts, where(two, positions))


@pytest.mark.parametrize("host", ["rocksalt", "fluorite", "zincblende"])
def test_the_primitive_host_makes_the_same_cell_as_the_conventional_one(host):
    conventional = HOSTS[host]
    primitive = conventional.get_primitive_structure()
    matrix = np.rint(2 * conventional.lattice.matrix @ np.linalg.inv(primitive.lattice.matrix)).astype(int)
    element = anion(conventional)
    one = site_group(Cell.from_pymatgen(conventional), np.diag([2, 2, 2]), [element])
    two = site_group(Cell.from_pymatgen(primitive), matrix, [element])
    assert {r.tobytes() for r in one.table} == {r.tobytes() for r in two.table}


@settings(max_examples=20)
@given(arrays(float, (3, 3), elements=st.floats(-1, 1)), matrices)
def test_numbers_do_not_depend_on_how_the_crystal_is_turned(directions, matrix):
    assume(np.linalg.svd(directions)[1].min() > 0.1)
    turned = np.linalg.qr(directions)[0]
    cell = Cell.from_pymatgen(HOSTS["wurtzite"])
    other = Cell(cell.lattice @ turned, cell.species, cell.coords, cell.moments)
    one, two = (site_group(c, matrix, ["O"]) for c in (cell, other))
    assert {r.tobytes() for r in one.table} == {r.tobytes() for r in two.table}
    assert np.abs(one.distances - two.distances).max() < 1e-6


def test_interstitial_sites_come_with_all_their_images():
    group = site_group(
        Cell.from_pymatgen(HOSTS["rocksalt"]), np.diag([2, 2, 2]), ["i"], extra=np.array([[0.25, 0.25, 0.25]])
    )
    assert len(group.sites) == 64
    assert group.order == 48 * 32


def test_a_sublattice_that_is_not_there_is_named():
    with pytest.raises(StructureError, match="the cell has no N"):
        site_group(Cell.from_pymatgen(HOSTS["rocksalt"]), np.diag([2, 2, 2]), ["N"])


def test_too_large_a_table_is_refused_before_it_is_made():
    with pytest.raises(StructureError, match="too large a table"):
        site_group(Cell.from_pymatgen(HOSTS["rocksalt"]), np.diag([7, 7, 7]), ["O"])
