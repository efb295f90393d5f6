"""DOS and levels: normalisation, zero of energy, spin, weights."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.analyse.alignment import Reference, band_edges, cell_fermi, host_vbm
from defectflow.analyse.dos import dos, levels_around, states_within
from defectflow.demo import tiny_result
from defectflow.errors import AnalysisError

CARBON = {"C": (4, 5)}


def at(energy, uncertainty=0.0):
    return Reference("test", energy, uncertainty, "test")


@given(broadening=st.floats(0.02, 0.3), zero=st.floats(-1, 1))
def test_the_curve_integrates_to_the_number_of_bands_per_spin(broadening, zero):
    d = dos(tiny_result("FM"), at(zero), CARBON, (-12, 12), broadening)
    assert np.trapezoid(d.total, d.energies, axis=1) == pytest.approx([4, 4], abs=1e-6)


def test_the_curve_of_a_group_integrates_to_its_weights():
    d = dos(tiny_result("FM"), at(0), CARBON, (-12, 12), 0.1)
    assert np.trapezoid(d.groups["C"], d.energies, axis=1) == pytest.approx([1.0, 1.0], abs=1e-6)


def test_energies_are_relative_to_the_reference():
    zero, shifted = (dos(tiny_result("FM"), at(e), {}, (-6, 6), 0.1) for e in (0.0, 1.0))
    k = np.searchsorted(zero.energies, 0.5)
    assert shifted.total[:, k - 50] == pytest.approx(zero.total[:, k], rel=1e-6)
    assert (zero.fermi, shifted.fermi) == (0.0, -1.0)


def test_up_comes_first_and_af_channels_are_equal():
    fm, af = (dos(tiny_result(s), at(0), {}, (-6, 6), 0.1).total for s in ("FM", "AF"))
    below = slice(0, fm.shape[1] // 2)
    assert fm[0, below].sum() > fm[1, below].sum()
    assert np.array_equal(af[0], af[1])


def test_a_site_without_projections_is_an_error():
    few = replace(tiny_result("FM").projections, sites=np.arange(4), weights=np.zeros((2, 2, 4, 4, 3), np.float32))
    with pytest.raises(AnalysisError, match=r"no projections on sites \[4, 5\]"):
        dos(replace(tiny_result("FM"), projections=few), at(0), CARBON, (-1, 1), 0.1)


def test_levels_around_the_reference_with_spin_weight_and_crossing():
    levels = levels_around(tiny_result("FM"), at(-0.15), (4, 5), window=0.2)
    assert [(v.spin, v.band) for v in levels] == [("up", 3), ("down", 2)]
    up = levels[0]
    assert (up.lowest, up.highest) == (pytest.approx(-0.05), pytest.approx(0.05))
    assert (up.crosses, up.spin_degenerate, up.dopant_weight) == (True, False, 0.5)


def test_af_levels_are_spin_degenerate():
    assert all(v.spin_degenerate for v in levels_around(tiny_result("AF"), at(0), (4, 5), 10.0))


@pytest.mark.parametrize(("weights", "same"), [((0.5, 0.5), True), ((0.25, 0.75), False)])
def test_spins_with_each_others_energies_at_other_k_points_are_degenerate(weights, same):
    """A rotation relates the carbon atoms of results/pair4_diagonal: E_up(k) is E_down of the rotated k."""
    result = tiny_result("AF")
    turned = np.stack([result.eigenvalues[0], result.eigenvalues[0, ::-1]])
    result = replace(result, eigenvalues=turned, k_weights=np.array(weights))
    assert {v.spin_degenerate for v in levels_around(result, at(0), (4, 5), 10.0)} == {same}


def test_an_uncertain_reference_crosses_what_it_may_cross():
    """Bands 3 end at -0.1 eV; at 0.15 eV the smearing width (0.1 eV) alone does not reach them."""
    sure, unsure = (levels_around(tiny_result("AF"), at(0.15, u), (4, 5), 0.4) for u in (0.0, 0.2))
    assert [v.band for v in sure] == [3, 3]
    assert not any(v.crosses for v in sure)
    assert all(v.crosses for v in unsure)


def test_a_level_within_the_smearing_cannot_be_told_from_a_crossing_one():
    assert all(v.crosses for v in levels_around(tiny_result("AF"), at(-0.02), (4, 5), 0.2))


def test_states_within_a_window_are_counted_per_spin_with_k_weights():
    assert states_within(tiny_result("FM"), at(-0.1), 0.05) == (0.75, 0.0)


def test_the_fermi_level_of_a_fixed_moment_run_is_uncertain():
    two = replace(tiny_result("FM"), fermi=np.array([0.4, 0.0]))
    assert (cell_fermi(two).energy, cell_fermi(two).uncertainty) == (0.4, 0.2)


def test_the_host_vbm_follows_a_shift_of_the_whole_potential():
    bulk, defect = tiny_result("NM"), tiny_result("FM")
    shifted = replace(defect, site_potentials=defect.site_potentials + 1.7)
    before, after = (host_vbm(r, (6, 7), bulk).energy for r in (defect, shifted))
    assert after - before == pytest.approx(1.7)


def test_the_host_vbm_of_the_host_itself_is_its_own():
    bulk = tiny_result("NM")
    assert host_vbm(bulk, (6, 7), bulk).energy == pytest.approx(band_edges(bulk).vbm)


def test_inequivalent_sites_of_the_host_leave_its_vbm_open():
    bulk = tiny_result("NM")
    oxygen = [i for i, s in enumerate(bulk.cell.species) if s == "O"]
    potentials = bulk.site_potentials.copy()
    potentials[oxygen[-1]] += 1.0
    unlike = replace(bulk, site_potentials=potentials)
    found = host_vbm(unlike, (oxygen[-1],), unlike)
    assert abs(found.energy - band_edges(bulk).vbm) <= found.uncertainty


def test_other_potentials_cannot_be_aligned():
    bulk = replace(tiny_result("NM"), potentials={"Mg": "toy", "C": "toy", "O": "O_s"})
    with pytest.raises(AnalysisError, match="not of the same kind"):
        host_vbm(tiny_result("FM"), (6, 7), bulk)


def test_a_metal_has_no_band_edges():
    with pytest.raises(AnalysisError, match="no gap"):
        band_edges(replace(tiny_result("FM"), n_electrons=4.0))


# 340 eV costs 0.3 eV of the gap: GPAW gives 4.42 eV at 600 eV, see docs/quick_study.md.
def test_the_host_of_the_quick_study_has_the_gap_of_its_cutoff(demo_study):
    from defectflow.run.collect import trusted_result

    assert band_edges(trusted_result(demo_study, "bulk/dos")).gap == pytest.approx(4.12, abs=0.02)


def test_the_hosts_vbm_is_at_the_same_place_in_all_real_cells(demo_study, entries):
    from defectflow.pipeline import reference_for

    zeros = [reference_for(demo_study, entry, "vbm") for entry in entries]
    # Same composition and mean potential: the host's VBM must come out at the same place in all ten cells.
    assert np.ptp([z.energy for z in zeros]) < 0.05
    assert all(1e-4 < z.uncertainty < 0.06 for z in zeros)
