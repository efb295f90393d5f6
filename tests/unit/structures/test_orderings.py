"""Spin patterns of a configuration against a look at every pattern."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defectflow.errors import StructureError
from defectflow.schema import Cell
from defectflow.schema.host import Host
from defectflow.structures import host_structure
from defectflow.structures.configurations import Part
from defectflow.structures.doped import stabiliser
from defectflow.structures.orderings import spin_orderings
from defectflow.structures.symmetry import site_group

MGO = Cell.from_pymatgen(host_structure(Host(material="MgO")))
CUBE = site_group(MGO, np.diag([2, 2, 2]), ["O"])


def names(parts, sites, magnetic=("C",)):
    return [o.name for o in spin_orderings(CUBE, parts, sites, magnetic)]


def brute_force(parts, sites):
    """Sizes of the orbits of all patterns under the stabiliser and time reversal, pattern by pattern."""
    places = [[list(sites).index(s) for s in CUBE.table[g][sites]] for g in stabiliser(CUBE, parts, sites)]
    orbits = {
        frozenset(tuple(t * p[i] for i in place) for place in places for t in (1, -1))
        for p in product((1, -1), repeat=len(sites))
    }
    return sorted(len(o) for o in orbits)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 31), min_size=2, max_size=6, unique=True))
def test_patterns_equal_brute_force(sites):
    parts = [Part("C", "O", len(sites))]
    assert sorted(o.multiplicity for o in spin_orderings(CUBE, parts, sites, ["C"])) == brute_force(parts, sites)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 31), min_size=1, max_size=6, unique=True))
def test_the_first_is_all_up_and_all_patterns_are_counted(sites):
    found = spin_orderings(CUBE, [Part("C", "O", len(sites))], sites, ["C"])
    assert (found[0].name, set(found[0].signs)) == ("FM", {1})
    assert sum(o.multiplicity for o in found) == 2 ** len(sites)


def test_two_equal_dopants_are_fm_or_af():
    assert names([Part("C", "O", 2)], [0, 1]) == ["FM", "AF"]


def test_two_different_dopants_are_fm_or_af_too():
    assert names([Part("C", "O", 1), Part("N", "O", 1)], [0, 1], ["C", "N"]) == ["FM", "AF"]


def test_only_magnetic_dopants_have_a_sign():
    found = spin_orderings(CUBE, [Part("N", "O", 1), Part("C", "O", 2)], [0, 1, 2], ["C_O"])
    assert {len(o.signs) for o in found} == {2}


def test_without_a_moment_there_is_one_state():
    assert names([Part("V", "O", 1)], [0]) == ["NM"]


def test_too_many_moments_are_refused():
    with pytest.raises(StructureError, match="20 moments have 1048576 patterns"):
        names([Part("C", "O", 20)], list(range(20)))
