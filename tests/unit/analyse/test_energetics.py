"""Chemical potentials, formation, capture and binding energies, on numbers that can be checked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from defectflow.analyse.chempot import PhaseEnergy, limits
from defectflow.analyse.energetics import Calculated, Defect, bindings, captures, exchanged, formation, transitions
from defectflow.analyse.verify import certificate
from defectflow.demo import tiny_result
from defectflow.errors import AnalysisError
from defectflow.schema import Cell

HOST = PhaseEnergy("MgO", {"Mg": 1, "O": 1}, -12.0)
PHASES = [
    PhaseEnergy("O2", {"O": 2}, -10.0),
    PhaseEnergy("Mg", {"Mg": 2}, -3.0),
    PhaseEnergy("graphite", {"C": 4}, -36.0),
    PhaseEnergy("CO", {"C": 1, "O": 1}, -14.5),
    PhaseEnergy("CO2", {"C": 1, "O": 2}, -23.0),
]
RICH_IN_MG, RICH_IN_O = limits(HOST, PHASES)
PASSED = certificate([], [])


def calculated(species, e0, reasons=()):
    n = len(species)
    cell = Cell(4 * np.eye(3), tuple(species), np.zeros((n, 3)), np.zeros(n))
    vectors = {"forces": np.zeros((n, 3)), "site_moments": np.zeros(n), "site_potentials": np.zeros(n)}
    return Calculated("x", replace(tiny_result(e0=e0), cell=cell, **vectors), certificate(list(reasons), []))


def defect(name, composition, species, e0, **keys):
    base = calculated(species, e0)
    return Defect(name, base.result, base.certificate, composition, keys.pop("charge", 0), **keys)


PRISTINE = calculated(["Mg"] * 4 + ["O"] * 4, -48.0)
V_O = defect("V_O:1", {"V_O": 1}, ["Mg"] * 4 + ["O"] * 3, -37.0)
C_O = defect("C_O:1", {"C_O": 1}, ["Mg"] * 4 + ["O"] * 3 + ["C"], -45.0)
V2 = defect("V_O:2", {"V_O": 2}, ["Mg"] * 4 + ["O"] * 2, -26.5)
CV = defect("C_O:1 V_O:1", {"C_O": 1, "V_O": 1}, ["Mg"] * 4 + ["O"] * 2 + ["C"], -34.7)
GRAPHITE = replace(calculated(["C"] * 4, -36.0), name="graphite")


def test_a_limit_is_where_the_element_would_precipitate():
    assert RICH_IN_O.potentials["O"] == pytest.approx(-5.0)
    assert RICH_IN_MG.potentials == pytest.approx({"Mg": -1.5, "O": -10.5, "C": -9.0})


def test_a_dopant_is_bounded_by_its_most_stable_phase():
    """O-rich: graphite -9, CO -14.5 + 5 = -9.5, CO2 -23 + 10 = -13."""
    assert (RICH_IN_O.potentials["C"], RICH_IN_O.fixed_by["C"]) == (pytest.approx(-13.0), "CO2")
    assert RICH_IN_MG.fixed_by == {"Mg": "Mg", "C": "graphite"}


@given(st.floats(-15, -9), st.floats(-12, -2), st.floats(-4, 0))
def test_no_phase_is_exceeded_at_any_limit(host, oxygen, magnesium):
    phases = [PhaseEnergy("O2", {"O": 2}, oxygen), PhaseEnergy("Mg", {"Mg": 1}, magnesium)]
    assume(host < oxygen / 2 + magnesium - 1e-3)
    for end in limits(PhaseEnergy("MgO", {"Mg": 1, "O": 1}, host), phases):
        assert sum(end.potentials.values()) == pytest.approx(host)
        assert 2 * end.potentials["O"] <= oxygen + 1e-6
        assert end.potentials["Mg"] <= magnesium + 1e-6


def test_an_element_without_a_phase_is_an_error():
    with pytest.raises(AnalysisError, match="no reference phase bounds the chemical potential of Mg"):
        limits(HOST, PHASES[:1])


def test_a_host_that_would_decompose_is_an_error():
    with pytest.raises(AnalysisError, match="MgO is not stable against its reference phases"):
        limits(replace(HOST, energy=-6.0), PHASES)


def test_a_vacancy_has_an_atom_less():
    assert exchanged(C_O.result, PRISTINE.result) == {"O": -1, "C": 1}


def test_formation_of_a_vacancy():
    """-37 + 48 + mu_O: 11 - 5 and 11 - 10.5 eV."""
    found = formation(V_O, PRISTINE, (RICH_IN_O, RICH_IN_MG)).limits
    assert [e.value for e in found.values()] == pytest.approx([6.0, 0.5])


def test_a_charge_counts_from_the_vbm_with_its_correction():
    charged = replace(V_O, charge=2, vbm=3.0, correction=0.4)
    assert formation(charged, PRISTINE, (RICH_IN_O,)).limits["O-rich"].value == pytest.approx(6.0 + 6.0 + 0.4)


def test_a_limit_without_the_dopants_potential_has_no_formation_energy():
    bare = limits(HOST, PHASES[:2])
    assert formation(C_O, PRISTINE, bare).limits == {}


def test_capture_is_the_dopant_leaving_its_phase_for_the_vacancy():
    """-45 + 37 + 9."""
    (capture,) = captures([V_O, C_O], PRISTINE, [GRAPHITE], ())
    assert (capture.vacancy, capture.filled) == ("V_O:1", "C_O:1")
    assert capture.energies["graphite"].value == pytest.approx(1.0)


def test_capture_by_a_double_vacancy_leaves_one():
    found = captures([V_O, C_O, V2, CV], PRISTINE, [GRAPHITE], ())
    assert {c.vacancy: round(c.energies["graphite"].value, 6) for c in found} == {"V_O:1": 1.0, "V_O:2": 0.8}


def test_capture_at_a_limit_takes_the_dopant_from_its_most_stable_phase():
    (capture,) = captures([V_O, C_O], PRISTINE, [], (RICH_IN_O,))
    assert capture.energies["O-rich"].value == pytest.approx(-8.0 + 13.0)


def test_capture_is_the_difference_of_formation_energies():
    (capture,) = captures([V_O, C_O], PRISTINE, [], (RICH_IN_O, RICH_IN_MG))
    before, after = (formation(d, PRISTINE, (RICH_IN_O, RICH_IN_MG)).limits for d in (V_O, C_O))
    for name, energy in capture.energies.items():
        assert energy.value == pytest.approx(after[name].value - before[name].value)


def test_a_bound_complex_has_a_positive_binding_energy():
    """Two vacancies: -37 - 37 + 26.5 + 48 = 0.5."""
    (energy,) = bindings([V_O, V2], PRISTINE)
    assert (energy.name, energy.value) == ("V_O:2", pytest.approx(0.5))


def test_a_complex_of_unknown_parts_has_no_binding_energy():
    assert bindings([V_O, CV], PRISTINE) == ()


def test_a_failed_run_fails_every_energy_it_is_in():
    bad = replace(V_O, certificate=certificate(["V_O: not converged"], []))
    (capture,) = captures([bad, C_O], PRISTINE, [GRAPHITE], ())
    assert (capture.energies["graphite"].passed, capture.energies["graphite"].reasons) == (
        False,
        ("V_O: not converged",),
    )


def test_the_error_of_a_phase_is_that_of_what_it_bounds():
    open_oxygen = [replace(p, error=0.02) if p.name == "O2" else p for p in PHASES]
    (end,) = (e for e in limits(HOST, open_oxygen) if e.name == "O-rich")
    assert (end.errors["O"], end.errors["Mg"]) == (pytest.approx(0.01), pytest.approx(0.01))
    bare = formation(V_O, PRISTINE, (RICH_IN_O,)).limits["O-rich"]
    assert formation(V_O, PRISTINE, (end,)).limits["O-rich"].uncertainty == pytest.approx(bare.uncertainty + 0.01)


def test_a_failed_phase_fails_every_energy_at_its_limits():
    (end,) = (
        e for e in limits(HOST, [replace(p, reasons=(f"{p.name}: moved",)) for p in PHASES]) if e.name == "O-rich"
    )
    charged = replace(V_O, charge=2, correction=-4.0)
    formed = [formation(d, PRISTINE, (end,)) for d in (V_O, charged)]
    (capture,) = captures([V_O, C_O], PRISTINE, [], (end,))
    (level,) = transitions(formed)
    assert not any(e.passed for e in (*(f.limits["O-rich"] for f in formed), capture.energies["O-rich"], level))


def test_the_level_between_two_charges():
    """E_f(+2) = 2 eV and E_f(0) = 6 eV at the VBM: equal at 2 eV."""
    charged = replace(V_O, charge=2, correction=-4.0)
    (level,) = transitions([formation(d, PRISTINE, (RICH_IN_O,)) for d in (V_O, charged)])
    assert (level.charges, level.level) == ((2, 0), pytest.approx(2.0))


def test_what_cancels_in_a_level_is_not_in_its_error():
    """Chemical potentials and the pristine cell cancel; two charges share the scatter of the correction."""
    charged = replace(V_O, charge=2, correction=-4.0, correction_error=0.2, vbm_error=0.03)
    (end,) = (replace(e, errors={"O": 5.0, "Mg": 5.0}) for e in (RICH_IN_O,))
    (level,) = transitions([formation(d, PRISTINE, (end,)) for d in (V_O, charged)])
    assert level.uncertainty == pytest.approx(0.1 + 0.03, abs=2e-3)


def test_a_vacancy_takes_up_an_interstitial_dopant():
    """-45 + 37 - (-50 + 48)."""
    split = defect("C_O_split:1", {"C_O_split": 1}, ["Mg"] * 4 + ["O"] * 4 + ["C"], -50.0)
    (capture,) = captures([V_O, C_O, split], PRISTINE, [], ())
    assert {k: round(e.value, 6) for k, e in capture.energies.items()} == {"interstitial (C_O_split:1)": -6.0}
