"""Partly filled levels: counted by spin, weighted over the k-points (synthetic records)."""

from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.filling import partly_filled, unlike_filling
from defectflow.demo import tiny_result


def filled(levels):
    """Result with that many half-filled levels at each of its two k-points, the four of spin up first."""
    occupations = np.array([[[0.5 * (4 * s + b < levels) for b in range(4)] for _ in range(2)] for s in range(2)])
    return replace(tiny_result("FM"), occupations=occupations, k_weights=np.array([0.25, 0.75]))


def test_levels_are_counted_by_spin():
    assert partly_filled(filled(5)) == pytest.approx((4, 1))


def test_a_k_point_counts_by_its_weight():
    result = filled(0)
    result.occupations[1, 1, 0] = 0.5
    assert partly_filled(result) == pytest.approx((0, 0.75))


@pytest.mark.parametrize("occupation", [0.0, 1.0, 0.01, 0.99])
def test_full_and_empty_levels_do_not_count(occupation):
    result = filled(0)
    result.occupations[:] = occupation
    assert partly_filled(result) == (0, 0)


@pytest.mark.parametrize(("first", "second", "remarks"), [(0, 1, 1), (4, 6, 1), (2, 2, 0), (7, 8, 0)])
def test_only_fillings_far_apart_are_remarked(first, second, remarks):
    assert len(unlike_filling((first, 0.0), (second, 0.0), ("a", "b"))) == remarks
