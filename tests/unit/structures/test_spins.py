import re

import numpy as np
import pytest

from defectflow.errors import StructureError
from defectflow.resources import resource
from defectflow.schema import load_recipe
from defectflow.schema.spin import Start
from defectflow.structures import build_pair_cells
from defectflow.structures.spins import signs, start_coords


@pytest.mark.parametrize(
    ("state", "expected"), [("FM", (1, 1)), ("AF", (1, -1)), ("NM", (0, 0)), ("-+", (-1, 1)), ("+0", (1, 0))]
)
def test_signs_of_states_and_patterns(state, expected):
    assert signs(state) == expected


@pytest.fixture(scope="module")
def pair():
    return build_pair_cells(load_recipe(resource("workflows", "quick.toml")))[6][0]


def moves(pair, **start):
    coords = start_coords(pair, Start(**start))
    return (coords - pair.cell.coords) @ pair.cell.lattice


def test_a_symmetric_start_moves_nothing(pair):
    assert start_coords(pair, Start(kind="symmetric")) is None


def test_a_rattle_is_bounded_and_repeats_with_its_seed(pair):
    first = moves(pair, kind="rattle", amplitude=0.05, seed=1)
    assert np.linalg.norm(first, axis=1).max() <= 0.05
    assert np.array_equal(first, moves(pair, kind="rattle", amplitude=0.05, seed=1))
    assert not np.allclose(first, moves(pair, kind="rattle", amplitude=0.05, seed=2))


def test_off_centre_moves_the_dopants_along_their_bond(pair):
    moved = moves(pair, kind="off-centre", amplitude=0.1)
    assert np.flatnonzero(np.abs(moved).max(axis=1) > 1e-9).tolist() == sorted(pair.dopants)
    assert np.linalg.norm(moved[pair.dopants[0]]) == pytest.approx(0.1)


def test_a_dumbbell_start_shortens_the_bond_by_twice_its_amplitude(pair):
    moved = moves(pair, kind="dumbbell", amplitude=0.5)
    bond = np.array(pair.orbit.vector) + moved[pair.dopants[1]] - moved[pair.dopants[0]]
    assert np.linalg.norm(bond) == pytest.approx(pair.orbit.distance - 1.0)


def test_a_dumbbell_start_that_would_fuse_the_dopants_is_refused(pair):
    with pytest.raises(StructureError, match="smaller amplitude"):
        moves(pair, kind="dumbbell", amplitude=3.0)


def test_a_staggered_start_moves_two_cations_of_the_first_dopant_along_x_and_two_of_the_second_along_y(pair):
    staggered = moves(pair, kind="orbital", amplitude=0.08, axis="xy")
    for axis, dopant in zip("xy", pair.dopants, strict=True):
        sites = np.flatnonzero(np.abs(staggered[:, "xy".index(axis)]) > 1e-9)
        far = (pair.cell.coords[sites] - pair.cell.coords[dopant] + 0.5) % 1 - 0.5
        assert np.linalg.norm(far @ pair.cell.lattice, axis=1) == pytest.approx([2.125, 2.125])


def test_orbital_moves_the_cations_beside_the_dopants_inwards_along_the_axis(pair):
    moved = moves(pair, kind="orbital", amplitude=0.08, axis="z")
    sites = np.flatnonzero(np.abs(moved).max(axis=1) > 1e-9)
    assert {pair.cell.species[s] for s in sites} == {"Mg"}
    assert len(sites) == 4
    assert np.allclose(np.abs(moved[sites]), [0, 0, 0.08])
    height = (pair.cell.coords[sites, 2] - pair.cell.coords[pair.dopants[0], 2] + 0.5) % 1 - 0.5
    assert (height * moved[sites, 2] < 0).all()


def test_a_level_is_left_empty_by_moving_the_same_cations_outwards(pair):
    inwards, outwards = (moves(pair, kind="orbital", amplitude=0.08, axis=axis) for axis in ("z", "not-z"))
    assert np.allclose(outwards, -inwards)


def beside(pair):
    """The six cations beside the first carbon, and their bonds (A)."""
    bonds = ((pair.cell.coords - pair.cell.coords[pair.dopants[0]] + 0.5) % 1 - 0.5) @ pair.cell.lattice
    sites = np.flatnonzero(np.abs(np.linalg.norm(bonds, axis=1) - 2.125) < 0.01)
    return sites, bonds[sites]


@pytest.mark.parametrize(("axis", "moved"), [("x", 2), ("x-y", 4), ("x+y-z", 6)])
def test_all_cations_move_but_those_at_a_node_of_the_orbital(pair, axis, moved):
    shifts = moves(pair, kind="orbital", amplitude=0.08, axis=axis)[beside(pair)[0]]
    assert np.linalg.norm(shifts, axis=1)[np.abs(shifts).max(axis=1) > 0] == pytest.approx([0.08] * moved)


@pytest.mark.parametrize("axis", ["x-y", "x+y-z"])
def test_cations_beside_a_diagonal_orbital_come_closer_to_its_axis(pair, axis):
    sites, bonds = beside(pair)
    after = bonds + moves(pair, kind="orbital", amplitude=0.08, axis=axis)[sites]
    direction = Start(kind="orbital", amplitude=0.08, axis=axis).directions[0]
    before, now = (np.linalg.norm(np.cross(v, direction), axis=1) for v in (bonds, after))
    assert ((now < before - 0.05) | (np.abs(after - bonds).max(axis=1) == 0)).all()


def test_staggered_diagonals_turn_the_second_carbon_by_a_right_angle(pair):
    alike, staggered = (moves(pair, kind="orbital", amplitude=0.08, axis=a) for a in ("x+y", "x+y,x-y"))
    flipped = np.abs(alike + staggered).max(axis=1) < 1e-9
    assert (np.abs(alike).max(axis=1) > 0.05).sum() == 8
    assert (flipped & (np.abs(alike).max(axis=1) > 0.05)).sum() == 4


def test_a_neighbour_that_two_orbitals_push_moves_no_farther_than_one_that_one_pushes():
    chain = build_pair_cells(load_recipe(resource("workflows", "quick.toml")))[2][0]
    moved = moves(chain, kind="orbital", amplitude=0.08, axis="x+y,x-y")
    assert np.linalg.norm(moved, axis=1).max() == pytest.approx(0.08)


@pytest.mark.parametrize("axis", ["xx", "y+x", "x+x", "x+y,", "x,y,z", "not-x,y", "-x", "x-y-", "w", ""])
def test_an_axis_that_is_none_is_refused_with_what_is_known(axis):
    with pytest.raises(ValueError, match=f'"{re.escape(axis)}" is no axis; known: x, y, z, diagonals'):
        Start(kind="orbital", amplitude=0.08, axis=axis)


def test_an_orbital_start_that_would_move_nothing_is_refused():
    chain = build_pair_cells(load_recipe(resource("workflows", "quick.toml")))[2][0]
    with pytest.raises(StructureError, match="choose another axis"):
        moves(chain, kind="orbital", amplitude=0.08, axis="x")
