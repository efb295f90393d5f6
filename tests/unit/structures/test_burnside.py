"""Counts without enumeration, against counts by hand and by enumeration."""

import numpy as np
import pytest

from defectflow.errors import StructureError
from defectflow.schema import Cell
from defectflow.schema.host import Host
from defectflow.structures import host_structure
from defectflow.structures.burnside import burnside_count, total_count
from defectflow.structures.configurations import Part, distinct_configurations
from defectflow.structures.symmetry import site_group

MGO = Cell.from_pymatgen(host_structure(Host(material="MgO")))


@pytest.fixture(scope="module")
def cube():
    return site_group(MGO, np.diag([2, 2, 2]), ["Mg", "O"])


@pytest.mark.parametrize(("carbons", "distinct"), [(1, 1), (2, 5), (3, 14), (4, 71), (5, 223), (6, 874)])
def test_carbons_on_the_anions_of_the_64_atom_cube(cube, carbons, distinct):
    assert burnside_count(cube, [Part("C", "O", carbons)]) == distinct


def test_the_total_is_a_product_of_multinomials(cube):
    parts = [Part("C", "O", 2), Part("V", "O", 1), Part("V", "Mg", 1)]
    assert total_count(cube, parts) == 496 * 30 * 32


def test_two_sublattices_and_three_parts_equal_the_enumeration(cube):
    parts = [Part("C", "O", 2), Part("V", "O", 1), Part("V", "Mg", 1)]
    assert burnside_count(cube, parts) == sum(len(b) for b in distinct_configurations(cube, parts))


def test_half_of_the_sites_of_the_cube_is_a_number_and_no_overflow(cube):
    assert burnside_count(cube, [Part("C", "O", 16), Part("Zn", "Mg", 16)]) > 601080390**2 // 1536


def test_more_dopants_than_sites_are_refused(cube):
    with pytest.raises(StructureError, match="33 sites of O are asked for, the cell has 32"):
        burnside_count(cube, [Part("C", "O", 33)])
