"""A real screening with GPAW, in the smallest cell that has neighbours: charges, phases and energies."""

from __future__ import annotations

from collections import Counter

import pytest

from defectflow.pipeline.energetics import energetics
from defectflow.pipeline.screen import run_screen
from defectflow.run import RunOptions, ScreenStudy
from defectflow.run.collect import collect_round

pytestmark = [pytest.mark.gpaw, pytest.mark.slow]
RECIPE = """
schema = 1
kind = "screen"
name = "small"
question = "Do charges, phases and energies go through GPAW?"
host = { material = "MgO", lattice_constant = "4.25 A" }
supercell.matrix = [1, 1, 1]
moments.C = "2.0 muB"
charged = { electronic = 3.0, static = 9.9 }
search = [{ dopants = { V_O = 1 }, charges = [0, 2] }, { dopants = { C_O = 1 } }]
rounds = [{ name = "scan" }]

[[references]]
phase = "O2"
box = "5 A"

[[references]]
phase = "Mg"
kpoints = { mesh = [4, 4, 2], centring = "gamma" }

[[references]]
phase = "C-atom"
box = "5 A"

[settings]
profile = "quick"
cutoff = "300 eV"
kpoints = { mesh = [2, 2, 2], centring = "shifted" }
smearing = { kind = "gaussian", width = "0.1 eV" }
energy_tolerance = "1e-3 eV"
force_tolerance = "0.05 eV/A"
potentials.gpaw.Mg = "2"

[bulk]
kpoints = { mesh = [2, 2, 2], centring = "shifted" }
band_kpoints = { mesh = [2, 2, 2], centring = "gamma" }
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    place = tmp_path_factory.mktemp("gpaw")
    (place / "small.toml").write_text(RECIPE)
    made = ScreenStudy.create(place / "run", place / "small.toml", "gpaw")
    states = run_screen(made, 2, RunOptions(poll=0.2))
    assert Counter(states.values()) == {"done": 9}
    return made


def test_a_charged_cell_has_fewer_electrons(study):
    entries = {e.name: e.result for e in collect_round(study, study.recipe.rounds[0])}
    assert entries["V_O.0 NM"].n_electrons - entries["V_O.0.q+2 NM"].n_electrons == pytest.approx(2.0)


def test_one_carbon_carries_two_moments(study):
    entries = {e.name: e.result for e in collect_round(study, study.recipe.rounds[0])}
    assert entries["C_O.0 FM"].total_moment == pytest.approx(2.0, abs=0.1)


def test_every_energy_has_its_certificate(study):
    found = energetics(study, study.recipe.rounds[0])
    assert (found.passed, found.reasons, found.missing) == (True, (), ())


def test_both_limits_differ_by_the_hosts_formation_energy(study):
    found = energetics(study, study.recipe.rounds[0])
    rich_in_mg, rich_in_o = (
        next(f for f in found.formation if f.charge == 0).limits[e.name].value for e in found.limits
    )
    assert rich_in_o - rich_in_mg == pytest.approx(found.limits[1].potentials["O"] - found.limits[0].potentials["O"])


def test_a_charged_vacancy_is_corrected_and_has_a_level(study):
    found = energetics(study, study.recipe.rounds[0])
    assert found.corrections["V_O:1", 2].point_charge > 0
    assert [(t.charges, t.level > 0) for t in found.transitions] == [((2, 0), True)]


def test_an_atom_of_carbon_is_captured(study):
    (capture,) = energetics(study, study.recipe.rounds[0]).captures
    assert capture.energies["C-atom"].value < 0
