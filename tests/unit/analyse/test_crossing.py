"""Dopant states at a junction's Fermi level, counted over the uncertainty of its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from defectflow.analyse.alignment import Reference, above_vbm
from defectflow.analyse.crossing import crossing
from defectflow.demo import tiny_result
from defectflow.schema import CalcResult

SMEARING = 0.1  # of tiny_result


def junction(energy: float = 0.0, uncertainty: float = 0.0) -> Reference:
    return Reference("E_F of Co/MgO/Co", energy, uncertainty, "test")


def with_carbon_at(*energies: float, split: float = 0.0) -> CalcResult:
    """Synthetic: one flat C level per energy in both spins, the down ones higher by `split`."""
    up = np.array([sorted(energies)] * 2)
    levels = np.stack([up, up + split])
    weights = np.zeros((*levels.shape, 8, 3), dtype=np.float32)
    weights[..., 4:6, 1] = 0.25
    result = tiny_result("AF")
    return replace(
        result,
        eigenvalues=levels,
        occupations=np.zeros(levels.shape),
        projections=replace(result.projections, weights=weights),
    )


def counted(result: CalcResult, reference: Reference):
    return crossing(result, reference, (4, 5), 1.5)


def test_four_degenerate_states_at_the_level_are_as_published():
    assert counted(with_carbon_at(-0.02, -0.01, 0.01, 0.02), junction()).as_published == "yes"


def test_four_states_that_differ_in_spin_are_not():
    found = counted(with_carbon_at(-0.02, -0.01, 0.01, 0.02, split=0.05), junction())
    assert (found.up[1], found.degenerate[1], found.as_published) == (4, 0, "no")


def test_states_away_from_the_level_are_listed_but_not_cut():
    found = counted(with_carbon_at(-1.0, -0.9, -0.8, -0.7), junction())
    assert (len(found.levels), found.degenerate, found.as_published) == (8, (0, 0, 0), "no")


def test_an_uncertain_level_says_so():
    found = counted(with_carbon_at(-0.5, -0.5, -0.5, -0.5), junction(uncertainty=0.5))
    assert (found.degenerate, found.as_published) == ((4, 0, 0), "within the uncertainty of E_F")


def test_two_levels_in_both_spins_are_four_states_by_another_count():
    found = counted(with_carbon_at(-0.01, 0.01), junction())
    assert (found.as_published, found.as_published_by_spin) == ("no", True)


def test_states_of_the_host_do_not_count():
    result = with_carbon_at(-0.01, 0.0, 0.01, 0.02)
    bare = replace(result.projections, weights=np.zeros_like(result.projections.weights))
    assert counted(replace(result, projections=bare), junction()).levels == ()


def test_the_weight_is_given_for_each_dopant():
    level = counted(with_carbon_at(0.0), junction()).levels[0]
    assert level.per_dopant == pytest.approx((0.25, 0.25))


def test_uncertainties_of_junction_and_cell_add_in_squares():
    vbm = Reference("host VBM", 1.0, 0.3, "far O")
    above = above_vbm(vbm, "E_F", (2.5, 0.4), "junction")
    assert (above.energy, above.uncertainty) == (3.5, pytest.approx(0.5))
