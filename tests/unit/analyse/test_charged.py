"""Finite-size corrections against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.charged import finite_size
from defectflow.demo import tiny_result
from defectflow.schema import Cell

pytest.importorskip("pydefect", reason="charged cells need pydefect (extra charged)")


def test_the_correction_of_a_cube_is_that_of_makov_and_payne():
    """Point charge in a cubic cell without any change of potential: q^2 alpha / (2 epsilon L), alpha = 2.8373.

    Makov and Payne, PRB 51, 4014 (1995), doi:10.1103/PhysRevB.51.4014; 14.399645 eV A is e^2 / (4 pi epsilon_0).
    """
    grid = np.array([[x, y, z] for x in range(4) for y in range(4) for z in range(4)]) / 4
    cell = Cell(12.0 * np.eye(3), ("Mg",) * 64, grid, np.zeros(64))
    shape = {"forces": np.zeros((64, 3)), "site_moments": np.zeros(64), "site_potentials": np.zeros(64)}
    whole = replace(tiny_result(), cell=cell, **shape)
    less = replace(whole, cell=cell.take(np.arange(1, 64)), **{k: v[1:] for k, v in shape.items()})
    found = finite_size(less, whole, 2, np.zeros(3), 10.0 * np.eye(3))
    assert found.point_charge == pytest.approx(4 * 2.8373 * 14.399645 / (2 * 10 * 12.0), rel=1e-3)
