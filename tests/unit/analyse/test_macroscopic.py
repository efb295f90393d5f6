"""Macroscopic averages against potentials whose averages are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.analyse.macroscopic import at, macroscopic_average
from defectflow.errors import AnalysisError

N, LENGTH = 240, 12.0
Z = np.arange(N) * LENGTH / N


def test_a_window_of_one_period_leaves_the_mean():
    wave = 3.0 + np.cos(2 * np.pi * Z / 2.0)
    assert macroscopic_average(wave, LENGTH, (2.0,)) == pytest.approx(np.full(N, 3.0))


def test_a_long_wave_is_damped_as_its_integral_says():
    k, width = 2 * np.pi / LENGTH, 2.125
    averaged = macroscopic_average(np.sin(k * Z), LENGTH, (width,))
    assert averaged == pytest.approx(np.sin(k * Z) * np.sin(k * width / 2) / (k * width / 2))


def test_two_materials_of_different_period_keep_their_levels_far_from_the_interface():
    """A step of 1.5 eV under waves of both periods, as in a superlattice (Peressi et al. 1998)."""
    z = np.arange(4000) * 48.0 / 4000
    left = z < 24
    potential = np.where(left, 5 * np.cos(2 * np.pi * z / 2.0), 1.5 + 3 * np.cos(2 * np.pi * z / 1.5))
    averaged = macroscopic_average(potential, 48.0, (2.0, 1.5))
    assert at(averaged, 48.0, np.array([12.0, 36.0])) == pytest.approx([0.0, 1.5], abs=2e-3)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=60), st.floats(0.1, 30))
def test_an_average_never_changes_the_mean(values, width):
    averaged = macroscopic_average(np.array(values), 10.0, (width,))
    assert averaged.mean() == pytest.approx(np.mean(values), abs=1e-9)


@given(st.integers(0, N - 1))
def test_moving_the_origin_moves_the_average(shift):
    values = np.cos(2 * np.pi * Z / 3.0) + np.sin(2 * np.pi * Z / LENGTH)
    moved = macroscopic_average(np.roll(values, shift), LENGTH, (2.1, 1.3))
    assert moved == pytest.approx(np.roll(macroscopic_average(values, LENGTH, (2.1, 1.3)), shift))


@pytest.mark.parametrize(("values", "width"), [([], 1.0), ([1.0, 2.0], 0.0), ([1.0, 2.0], -1.0)])
def test_what_has_no_average_is_refused(values, width):
    with pytest.raises(AnalysisError, match="macroscopic average"):
        macroscopic_average(np.array(values), 10.0, (width,))
