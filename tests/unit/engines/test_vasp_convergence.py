"""What of the forces counts where atoms are partly fixed."""

import numpy as np
import pytest

from defectflow.engines.vasp.convergence import Steps, max_force

SKEW = np.array([[3.0, 0.0, 0.0], [1.5, 2.5, 0.0], [0.0, 0.0, 4.0]])


def largest(force, free):
    steps = Steps((5,), (0.0,), 0.0, (-1.0,), np.array([force]), np.array([free]), SKEW, 0.0)
    return max_force(steps)


def test_a_force_along_a_fixed_lattice_vector_does_not_count():
    """Flags go along lattice vectors: by Cartesian components the fixed direction of a skew cell kept its x part."""
    assert largest(SKEW[1], [True, False, True]) == pytest.approx(0.0, abs=1e-12)


def test_a_force_along_a_free_lattice_vector_counts_whole():
    assert largest(SKEW[1], [False, True, False]) == pytest.approx(np.linalg.norm(SKEW[1]))


def test_all_counts_where_nothing_is_fixed():
    assert largest([0.1, 0.2, 0.2], [True] * 3) == pytest.approx(0.3)
