"""Signs and factors on analytic cases (pymatgen#4667, TB2J#69: factors of two and flipped signs)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.analyse.exchange import CONVENTIONS, convert, energy_difference, exchange, heisenberg_sum
from defectflow.errors import AnalysisError
from defectflow.schema.host import Host
from defectflow.structures import distinct_pairs, host_structure, supercell

couplings = st.floats(-1, 1)


def test_the_papers_fourth_pair():
    found = exchange(0.0, -0.125, images=4)
    assert (found.j_per_bond, found.j_dimer) == (-15.625, -62.5)


def test_a_lower_fm_state_is_a_positive_j():
    assert exchange(-1.0, -0.9, images=1).j_per_bond > 0


@given(j=couplings, images=st.sampled_from([1, 2, 4, 8]))
def test_j_is_recovered_from_the_energies_of_a_heisenberg_cell(j, images):
    e_fm, e_af = -images * j, images * j
    assert exchange(e_fm, e_af, images).j_per_bond == pytest.approx(1000 * j)


def _hamiltonian(convention, j, e1, e2, spin):
    s1, s2 = spin * e1, spin * e2
    return {
        "-sum_bonds J e.e": -j * e1 @ e2,
        "-sum_bonds J S.S": -j * s1 @ s2,
        "-2 sum_bonds J S.S": -2 * j * s1 @ s2,
        "-sum_{i!=j} J e.e": -2 * j * e1 @ e2,
        "-sum_{i!=j} J S.S": -2 * j * s1 @ s2,
        "+J S1.S2": j * s1 @ s2,
    }[convention]


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("spin", [0.5, 1.0, 2.0])
def test_every_convention_gives_the_same_energies(convention, spin):
    up, down = np.array([0, 0, 1.0]), np.array([0, 0, -1.0])
    j = convert(7.0, convention, spin)
    fm, af = (_hamiltonian(convention, j, up, other, spin) for other in (up, down))
    assert (fm, af) == (pytest.approx(-7.0), pytest.approx(7.0))


MGO = host_structure(Host(material="MgO"))
CUBE = supercell(MGO, np.diag([2, 2, 2]))
PAIRS = distinct_pairs(MGO, np.diag([2, 2, 2]), "O")


def _bonds_to_second_dopant(pair):
    """Every bond of the first dopant to an image of the second, as its shell, from a list of neighbours."""
    radii = sorted(
        {round(n.nn_distance, 3) for n in CUBE.get_neighbors(CUBE[pair.sites[0]], 10.5) if n.specie.symbol == "O"}
    )
    near = CUBE.get_neighbors(CUBE[pair.sites[0]], radii[11] + 1e-2)
    return [radii.index(round(n.nn_distance, 3)) + 1 for n in near if n.index == pair.sites[1]]


BONDS = {pair.label: _bonds_to_second_dopant(pair) for pair in PAIRS}


@given(st.dictionaries(st.integers(1, 12), couplings))
def test_the_cell_measures_the_sum_over_aliased_shells(shell_j):
    for pair in PAIRS:
        e_fm = -sum(shell_j.get(shell, 0.0) for shell in BONDS[pair.label])
        assert energy_difference(shell_j, pair.bonds) == pytest.approx(-2 * e_fm)


def test_the_sum_in_words():
    assert heisenberg_sum({1: 1, 5: 2, 9: 3}) == "J1 + 2 J5 + 3 J9 + ..."


@pytest.mark.parametrize(
    "call", [lambda: exchange(0, 0, 0), lambda: convert(1, "H", 1), lambda: convert(1, "+J S1.S2", 0)]
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(AnalysisError):
        call()
