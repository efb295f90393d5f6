"""Partly filled levels, counted by spin and weighted over the k-points, and the gap (synthetic records)."""

from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.filling import filling_of, open_gap, unlike_filling
from defectflow.demo import tiny_result
from defectflow.schema.filling import Filling


def filled(levels):
    """Result with that many half-filled levels at each of its two k-points, the four of spin up first."""
    occupations = np.array([[[0.5 * (4 * s + b < levels) for b in range(4)] for _ in range(2)] for s in range(2)])
    return replace(tiny_result("FM"), occupations=occupations, k_weights=np.array([0.25, 0.75]))


def test_levels_are_counted_by_spin():
    assert filling_of(filled(5)).partly == pytest.approx((4, 1))


def test_a_k_point_counts_by_its_weight():
    result = filled(0)
    result.occupations[1, 1, 0] = 0.5
    assert filling_of(result).partly == pytest.approx((0, 0.75))


@pytest.mark.parametrize("occupation", [0.0, 1.0, 0.01, 0.99])
def test_full_and_empty_levels_do_not_count(occupation):
    result = filled(0)
    result.occupations[:] = occupation
    assert filling_of(result).partly == (0, 0)


def test_the_gap_is_that_of_the_spin_channel_where_it_is_smallest():
    result = filled(0)
    result.occupations[:, :, 0] = 1.0
    result.eigenvalues[0], result.eigenvalues[1] = [0.0, 3.0, 4.0, 5.0], [1.0, 1.4, 4.0, 5.0]
    assert filling_of(result).gap == pytest.approx(0.4)


@pytest.mark.parametrize(("third", "gap"), [(1.4, (1.0, 1.4)), (1.1, None)])
def test_the_edges_of_a_gap_are_those_of_both_spins_and_a_metal_has_none(third, gap):
    result = filled(0)
    result.occupations[:, :, 0] = 1.0
    result.eigenvalues[0], result.eigenvalues[1] = [0.0, third, 4.0, 5.0], [1.0, 3.0, 4.0, 5.0]
    assert open_gap(result) == gap


def test_a_channel_without_empty_levels_has_no_gap_to_count():
    result = filled(0)
    result.occupations[0], result.occupations[1, :, 0] = 1.0, 1.0
    result.eigenvalues[1] = [1.0, 1.4, 4.0, 5.0]
    assert filling_of(result).gap == pytest.approx(0.4)


def test_three_equal_levels_that_share_an_electron_have_no_gap():
    result = filled(0)
    result.occupations[:] = [1 / 3, 1 / 3, 1 / 3, 0.0]
    result.eigenvalues[:] = [1.0, 1.0, 1.0, 4.0]
    assert filling_of(result).gap == 0


def test_bands_that_overlap_between_k_points_have_no_gap():
    result = filled(0)
    result.occupations[:, :, 0] = 1.0
    result.eigenvalues[:, 0], result.eigenvalues[:, 1] = [0.0, 1.0, 4.0, 5.0], [1.5, 2.0, 4.0, 5.0]
    assert filling_of(result).gap == 0


@pytest.mark.parametrize(("first", "second", "remarks"), [(0, 1, 1), (4, 6, 1), (2, 2, 0), (7, 8, 0)])
def test_of_metals_only_fillings_far_apart_are_remarked(first, second, remarks):
    metals = [Filling((levels, 0.0), 0.0) for levels in (first, second)]
    assert len(unlike_filling(*metals, ("a", "b"))) == remarks


# results/pair4_branches: 1.0 levels partly filled in both, but FM is a metal and AF has an order.
def test_a_metal_and_a_state_with_a_gap_are_unlike_whatever_the_counts():
    assert unlike_filling(Filling((0.0, 1.0), 0.03), Filling((0.5, 0.5), 0.34), ("a", "b"))


# The second pair on 2x2x2: gaps of 0.4 and 0.5 eV, and 1.0 and 2.0 levels that only the smearing fills in part.
def test_two_states_with_gaps_are_alike_whatever_the_smearing_counts():
    assert not unlike_filling(Filling((0.0, 1.0), 0.42), Filling((1.0, 1.0), 0.50), ("a", "b"))
