"""Line-up of a junction whose levels are known by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defectflow.analyse.estimates import EDGE
from defectflow.analyse.lineup import line_up, with_variants
from defectflow.analyse.profile import profile
from defectflow.errors import AnalysisError
from defectflow.schema.jsonio import load_record, save_record
from defectflow.schema.lineup import LineUp, Variant
from tests.synthetic_junction import CBM, VBM, aligned

FERMI, STEP = 5.0, 1.25


def made(**keys: float) -> LineUp:
    return line_up(aligned(**keys), "Co/MgO/Co", "synthetic")


@pytest.mark.parametrize("method", ["site potential O", "site potential Mg", "O s level", "O p level"])
def test_every_level_gives_the_step_that_was_put_in(method):
    assert made().methods[method].value == pytest.approx(FERMI - VBM - STEP)


@pytest.mark.parametrize("method", ["macroscopic average", EDGE])
def test_averages_and_edges_come_close_to_it(method):
    assert made().methods[method].value == pytest.approx(FERMI - VBM - STEP, abs=0.02)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_moving_the_zero_of_one_run_moves_nothing(step, fermi):
    """Steps and Fermi levels only enter as E_F - X and E_VBM - X."""
    found = line_up(aligned(step=step, fermi=fermi), "Co/MgO/Co", "synthetic")
    assert found.methods["site potential O"].value == pytest.approx(fermi - VBM - step)


def test_both_schottky_heights_make_up_the_gap():
    line = made()
    assert line.phi_p + line.phi_n == pytest.approx(CBM - VBM)


def test_the_edge_is_a_check_and_not_in_the_mean():
    line = made()
    kept = [e.value for name, e in line.methods.items() if name != EDGE]
    assert (line.checks, line.adopted) == ((EDGE,), pytest.approx(np.mean(kept)))


def test_a_bent_barrier_is_an_error_and_not_a_number():
    with pytest.raises(AnalysisError, match=r"6 layers has no bulk-like middle: its potential bends by 240 meV"):
        made(bend=0.6)


def test_charge_between_the_sublattices_is_an_error():
    with pytest.raises(AnalysisError, match=r"anion against cation by \+80 meV"):
        made(charge=0.08)


def test_a_bend_below_the_limit_widens_the_uncertainty():
    assert made(bend=0.1, layers=12).uncertainty > made(layers=12).uncertainty


def test_a_flipped_moment_is_an_error_that_names_the_atom():
    run = aligned()
    moments = run.result.site_moments.copy()
    moments[0] *= -1
    with pytest.raises(AnalysisError, match=r"moment of Co 0 came out as -1.62 muB, asked for \+1.80"):
        line_up(replace(run, result=replace(run.result, site_moments=moments)), "x", "synthetic")


def test_a_bulk_with_other_settings_is_refused():
    run = aligned()
    other = run.bulk.settings.model_copy(update={"cutoff": 400.0})
    with pytest.raises(AnalysisError, match="different settings"):
        line_up(replace(run, bulk=replace(run.bulk, settings=other)), "x", "synthetic")


def test_a_bulk_with_another_paw_set_is_refused():
    run = aligned()
    with pytest.raises(AnalysisError, match="different PAW sets for O"):
        line_up(replace(run, bulk=replace(run.bulk, potentials={"O": "hard", "Mg": "toy"})), "x", "synthetic")


def test_a_run_without_potential_is_refused():
    run = aligned()
    empty = replace(run.result, planar_potential=np.zeros((3, 0)))
    with pytest.raises(AnalysisError, match="LVHAR"):
        line_up(replace(run, result=empty), "x", "synthetic")


def test_interface_distances_are_those_of_metal_and_anion():
    assert made().distances == pytest.approx((2.15, 2.15), abs=0.02)


def test_variants_widen_the_uncertainty_by_half_their_range():
    line = made()
    wide = with_variants(line, "6 ML", (Variant("10 layers", 0.3), Variant("4 layers", -0.1)))
    assert wide.uncertainty == pytest.approx(np.hypot(line.uncertainty, 0.2))


def test_a_line_up_survives_the_disk(tmp_path):
    line = with_variants(made(), "6 ML", (Variant("10 layers", 0.01),))
    save_record(line, tmp_path / "line.json")
    assert load_record(LineUp, tmp_path / "line.json") == line


def test_the_profile_lies_on_the_fermi_level():
    run = aligned()
    line = line_up(run, "Co/MgO/Co", "synthetic")
    shape = profile(run, line, (-8.0, 3.0), 0.1)
    assert (shape.vbm, shape.cbm) == (pytest.approx(-line.phi_p), pytest.approx(line.phi_n))
    assert shape.layer_dos.shape == (len(run.junction.layers), 2, len(shape.energies))


def test_the_period_of_the_metal_is_that_within_an_electrode():
    """With one layer on either side of the barrier the only distance between metal layers is the barrier's own."""
    line = line_up(aligned(metal=2), "Co/MgO/Co", "synthetic")
    assert line.methods["macroscopic average"].value == pytest.approx(FERMI - VBM - STEP, abs=0.05)


def test_a_middle_without_anions_is_an_error():
    run = aligned()
    species = tuple("C" if s == "O" else s for s in run.result.cell.species)
    cell = replace(run.result.cell, species=species)
    with pytest.raises(AnalysisError, match="middle holds no O"):
        line_up(replace(run, result=replace(run.result, cell=cell)), "x", "synthetic")


def test_the_line_up_names_the_oxide_that_it_holds_for():
    assert made().oxide == "MgO"


def test_what_the_forces_left_open_enters_the_uncertainty_whole():
    line = made()
    assert with_variants(line, "4 ML", (), 0.3).uncertainty == pytest.approx(np.hypot(line.uncertainty, 0.3))
