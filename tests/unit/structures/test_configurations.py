"""Every distinct configuration once: against brute force, Burnside's count and other programs."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defectflow.errors import StructureError
from defectflow.schema import Cell
from defectflow.schema.host import Host
from defectflow.structures import host_structure
from defectflow.structures.burnside import burnside_count, total_count
from defectflow.structures.configurations import Limits, Part, distinct_configurations, in_order, label, parse_part
from defectflow.structures.doped import canonical, configuration_cell, stabiliser
from defectflow.structures.symmetry import site_group

MGO = Cell.from_pymatgen(host_structure(Host(material="MgO")))
FLUORITE = Cell.from_pymatgen(
    host_structure(Host(prototype="fluorite", species=("Ca", "F", "F"), lattice_constant=5.5))
)
GROUPS = {
    "cube": site_group(MGO, np.diag([2, 2, 2]), ["Mg", "O"]),
    "rod": site_group(MGO, np.diag([1, 1, 3]), ["Mg", "O"]),
    "skew": site_group(MGO, [[1, 1, 0], [0, 1, 1], [1, 0, 1]], ["Mg", "O"]),
    "fluorite": site_group(FLUORITE, np.diag([1, 1, 2]), ["Ca", "F"]),
}
# Distinct configurations and their total, as SHRY 1.1.8 and bsym 2.2.0 count them (benchmarks/enumerate.py).
OTHERS = {
    (2, "C_O:2"): (5, 496),
    (2, "C_O:3"): (14, 4_960),
    (2, "C_O:4"): (71, 35_960),
    (2, "C_O:5"): (223, 201_376),
    (2, "C_O:6"): (874, 906_192),
    (2, "C_O:2 N_O:1 V_O:1"): (439, 431_520),
    (3, "C_O:2"): (9, 5_778),
    (3, "C_O:3"): (82, 204_156),
    (3, "C_O:4"): (1_395, 5_359_095),
}


def parts_of(text):
    return [parse_part(word, "O") for word in text.split()]


def listed(group, parts, limits=None):
    batches = list(distinct_configurations(group, parts, limits))
    sites = [tuple(row) for b in batches for row in b.sites.tolist()]
    return dict(zip(sites, [int(d) for b in batches for d in b.degeneracy], strict=True))


@st.composite
def doped(draw):
    """A group, one to three parts that fit, and sites for them."""
    group = GROUPS[draw(st.sampled_from(sorted(GROUPS)))]
    names = draw(st.lists(st.sampled_from(["C", "N", "V"]), min_size=1, max_size=3, unique=True))
    parts, left = [], draw(st.permutations(range(len(group.sites))))
    for name in names:
        kind = draw(st.sampled_from(sorted(set(group.kinds))))
        parts.append(Part(name, kind, draw(st.integers(1, 3 if len(names) == 1 else 1))))
    sites = []
    for part in in_order(parts):
        mine = [s for s in left if group.kinds[s] == part.sublattice and s not in sites][: part.count]
        sites += mine
    return group, parts, sites


@pytest.mark.parametrize(("size", "dopants"), OTHERS)
def test_counts_are_those_of_two_other_programs(size, dopants):
    found = listed(site_group(MGO, np.diag([size] * 3), ["O"]), parts_of(dopants))
    assert (len(found), sum(found.values())) == OTHERS[size, dopants]


@pytest.mark.parametrize(
    ("name", "count"), [("cube", 2), ("rod", 2), ("rod", 4), ("skew", 3), ("fluorite", 3), ("fluorite", 5)]
)
def test_orbits_equal_brute_force(name, count):
    group, kind = GROUPS[name], GROUPS[name].kinds[-1]
    sites = [i for i, k in enumerate(group.kinds) if k == kind]
    orbits = {}
    for chosen in combinations(sites, count):
        least = min(tuple(sorted(row)) for row in np.unique(group.table[:, chosen], axis=0).tolist())
        orbits[least] = orbits.get(least, 0) + 1
    assert listed(group, [Part("C", kind, count)]) == orbits


@settings(max_examples=40)
@given(doped())
def test_the_number_is_burnsides_and_the_degeneracies_add_up(case):
    group, parts, _ = case
    found = listed(group, parts)
    assert (len(found), sum(found.values())) == (burnside_count(group, parts), total_count(group, parts))


@settings(max_examples=60)
@given(doped())
def test_every_configuration_is_exactly_one_of_the_stream(case):
    group, parts, sites = case
    assert canonical(group, parts, sites) in listed(group, parts)


@settings(max_examples=60)
@given(doped(), st.integers(0))
def test_equivalent_configurations_have_one_label(case, operation):
    group, parts, sites = case
    moved = group.table[operation % group.order][sites]
    assert label(parts, canonical(group, parts, moved)) == label(parts, canonical(group, parts, sites))


@settings(max_examples=40)
@given(doped(), st.floats(0, 5), st.floats(3, 9))
def test_limits_keep_what_a_look_at_each_configuration_keeps(case, nearest, diameter):
    group, parts, _ = case

    def keeps(sites):
        apart = [group.distances[a, b] for a, b in combinations(sites, 2)]
        return all(nearest <= d <= diameter for d in apart)

    kept = {s: d for s, d in listed(group, parts).items() if keeps(s)}
    assert listed(group, parts, Limits(nearest, diameter)) == kept


def test_shells_of_some_sites_are_those_of_the_cell():
    """Two sites that are fourth neighbours were taken for first ones where no other site was asked for."""
    cube = site_group(MGO, np.diag([2, 2, 2]), ["O"])
    far = int(np.argmax(cube.distances[0]))
    two = replace(cube, sites=cube.sites[[0, far]], table=np.array([[0, 1], [1, 0]], dtype=np.int16))
    assert not Limits(shells=(1,)).among(cube).allow(two).any()


def test_shells_are_numbers_of_distances():
    found = listed(GROUPS["cube"], [Part("C", "O", 2)], Limits())
    cube = site_group(MGO, np.diag([2, 2, 2]), ["O"])
    only = listed(cube, [Part("C", "O", 2)], Limits(shells=(1, 4)))
    assert sorted(only.values()) == [48, 192]
    assert len(found) == 5


def test_the_stream_is_in_rising_order():
    sites = [s for b in distinct_configurations(GROUPS["cube"], [Part("C", "O", 5)]) for s in b.sites.tolist()]
    assert sites == sorted(sites)


def test_the_operations_of_a_batch_are_the_stabilisers():
    group, parts = GROUPS["cube"], [Part("N", "O", 1), Part("C", "O", 2)]
    batch = next(distinct_configurations(group, parts))
    kept = np.split(batch.operations, np.cumsum(group.order // batch.degeneracy)[:-1])
    assert all(sorted(k) == stabiliser(group, parts, s).tolist() for k, s in zip(kept, batch.sites, strict=True))


def test_a_stream_can_be_left_before_its_end():
    everything = distinct_configurations(GROUPS["cube"], [Part("C", "O", 8), Part("N", "Mg", 8)])
    assert next(everything).sites.shape[1] == 16


def test_the_cell_has_its_dopants_last_and_its_vacancies_empty():
    parts = parts_of("C:2 V_Mg:1 N:1")
    sites = list(next(iter(listed(GROUPS["cube"], parts))))
    cell, dopants = configuration_cell(GROUPS["cube"], parts, sites)
    assert [cell.species[i] for i in dopants] == ["N", "C", "C"]
    assert list(dict.fromkeys(cell.species)) == ["Mg", "O", "N", "C"]
    assert len(cell) == 63


@settings(max_examples=20)
@given(doped())
def test_the_dopants_sit_on_the_sites_they_were_given(case):
    group, parts, sites = case
    cell, dopants = configuration_cell(group, parts, sites)
    symbols = [p.symbol for p in in_order(parts) for _ in range(p.count)]
    wanted = [group.coords[group.sites[s]] for s, symbol in zip(sites, symbols, strict=True) if symbol]
    assert np.array_equal(cell.coords[list(dopants)], np.array(wanted).reshape(-1, 3))


def test_interstitial_sites_are_empty_unless_taken():
    group = site_group(MGO, np.diag([1, 1, 1]), ["i"], extra=np.array([[0.25, 0.25, 0.25]]))
    cell, dopants = configuration_cell(group, [Part("C", "i", 1)], [0])
    assert len(cell) == 9
    assert cell.species[dopants[0]] == "C"


def test_labels_are_names_of_folders():
    assert label(parts_of("C:2 V:1"), [3, 0, 5]) == "V_O.3-C_O.0.5"


@pytest.mark.parametrize(("text", "symbol"), [("C:2", "C"), ("V_Mg:1", None), ("vanadium_Mg:1", "V")])
def test_v_is_a_vacancy_and_vanadium_is_written_out(text, symbol):
    assert parse_part(text, "O").symbol == symbol


@pytest.mark.parametrize("text", ["C", "C:0", "C:-1", "C_O", "Xx:1", "C_O_N:1", "", "O:1", "V_i:1", "C_Qq:1"])
def test_what_is_no_dopant_is_refused(text):
    with pytest.raises(StructureError):
        parse_part(text, "O")


def test_one_dopant_twice_is_refused():
    with pytest.raises(StructureError, match="C_O is asked for twice"):
        next(distinct_configurations(GROUPS["cube"], [Part("C", "O", 1), Part("C", "O", 2)]))
