"""A screening as pydefect's folders, read by pydefect itself: its numbers are those of our own analysis."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from monty.serialization import loadfn

from defectflow.demo import demo_folder
from defectflow.errors import AnalysisError, InputError
from defectflow.export.interop import HandOver, hand_over
from defectflow.export.round_defects import names, round_defects
from defectflow.pipeline.energetics import energetics
from defectflow.run import ScreenStudy
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import load_record, save_record

pytest.importorskip("pydefect", reason="its files are written by pydefect (extra charged)")
pytestmark = pytest.mark.filterwarnings("ignore:Please import .HalfspaceIntersection:DeprecationWarning")  # pydefect's


@pytest.fixture(scope="module")
def study():
    return ScreenStudy.open(demo_folder("carbon_capture"))


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pydefect") / "out"
    return folder, hand_over(study, HandOver("pydefect", folder))


@pytest.fixture(scope="module")
def ours(study):
    return energetics(study, study.recipe.rounds[-1])


def cells(folder):
    return sorted(p for p in (folder / "defect").iterdir() if p.name != "perfect")


def test_the_folders_are_named_as_pydefect_names_them(written):
    assert [p.name for p in cells(written[0])] == [
        "C-split_O1_0", "C@O+Va@O_1_0", "C_O1_0", "N_O1_0", "Va@O+Va@O_1_0", "Va_O1_0", "Va_O1_1", "Va_O1_2",
    ]  # fmt: skip


def test_the_configuration_of_which_a_run_failed_is_left_out_by_name(written):
    assert list(written[1].left_out) == ["relaxed/C_O.0.2/FM/static"]


def test_pydefect_reads_energies_moments_and_convergence(written, study):
    for place in cells(written[0]):
        path = json.loads((place / "defectflow.json").read_text())["path"]
        found, result = loadfn(place / "calc_results.json"), study.result(path)
        assert (found.energy, found.magnetization) == (result.e0, result.total_moment)
        assert found.electronic_conv is True
        assert found.potentials == (-result.site_potentials).tolist()


def test_pydefect_reads_charge_and_centre(written):
    for place in cells(written[0]):
        entry = loadfn(place / "defect_entry.json")
        assert f"{entry.name}_{entry.charge}" == place.name
        assert len(entry.structure) == len(loadfn(place / "calc_results.json").structure)


def test_defects_have_the_origin_of_the_pristine_cell(written):
    perfect = loadfn(written[0] / "defect" / "perfect" / "calc_results.json").structure
    entry = loadfn(written[0] / "defect" / "Va_O1_2" / "defect_entry.json")
    nearest = perfect.lattice.get_all_distances([entry.defect_center], perfect.frac_coords).argmin()
    assert perfect[int(nearest)].specie.symbol == "O"
    assert perfect.lattice.get_all_distances([entry.defect_center], entry.structure.frac_coords).min() > 1.9


def corrections(folder, charge):
    """What pydefect's own command finds from the files."""
    from pydefect.analyzer.unitcell import Unitcell
    from pydefect.cli.vasp.make_efnv_correction import make_efnv_correction

    place = folder / "defect"
    calc, perfect = (loadfn(place / n / "calc_results.json") for n in (f"Va_O1_{charge}", "perfect"))
    cell = Unitcell.from_yaml(str(folder / "unitcell" / "unitcell.yaml"))
    return make_efnv_correction(charge, calc, perfect, cell.dielectric_constant)


@pytest.mark.parametrize("charge", [1, 2])
def test_pydefects_own_command_finds_our_finite_size_correction(written, ours, charge):
    found = corrections(written[0], charge)
    assert found.correction_energy == pytest.approx(ours.corrections["V_O:1", charge].total, abs=1e-6)


@pytest.mark.parametrize("charge", [0, 1, 2])
def test_pydefect_finds_our_formation_energy(written, ours, charge):
    """At E_F = VBM, its standard states taken as the phases at our oxygen-rich limit."""
    from pydefect.analyzer.make_defect_energy_info import make_defect_energy_info
    from pydefect.analyzer.unitcell import Unitcell

    place, limit = written[0] / "defect", ours.limits[0]
    calc, perfect = (loadfn(place / n / "calc_results.json") for n in (f"Va_O1_{charge}", "perfect"))
    entry, cell = loadfn(place / f"Va_O1_{charge}" / "defect_entry.json"), written[0] / "unitcell" / "unitcell.yaml"
    unitcell, found = Unitcell.from_yaml(str(cell)), corrections(written[0], charge)
    info = make_defect_energy_info(entry, calc, found, perfect, limit.potentials, unitcell)
    row = next(f for f in ours.formation if (f.defect, f.charge) == ("V_O:1", charge))
    assert info.defect_energy.energy(True) == pytest.approx(row.limits[limit.name].value, abs=1e-5)


def test_the_lowest_phase_of_a_formula_is_handed_over(written, study):
    found = yaml.safe_load((written[0] / "cpd" / "composition_energies.yaml").read_text())
    assert found["C1"]["source"] == "relaxed/phase.graphite/static"
    assert found["N1"]["energy"] == study.result(found["N1"]["source"]).e0 / 2


def test_pydefect_makes_its_standard_energies_from_the_phases(written):
    from pydefect.chem_pot_diag.chem_pot_diag import CompositionEnergies

    found = CompositionEnergies.from_yaml(str(written[0] / "cpd" / "composition_energies.yaml"))
    assert set(found.std_rel_energies[0]) == {"C", "Mg", "N", "O"}


def test_cells_that_could_not_relax_have_no_ionic_screening(study):
    found = round_defects(study, "scan", False, "pydefect")
    assert (found.ionic.tolist(), found.electronic[0][0]) == (np.zeros((3, 3)).tolist(), 3.0)


def test_configurations_of_one_composition_are_numbered(study):
    called = names(round_defects(study, "scan", False, "pydefect").defects)
    assert called["C_O.0-V_O.1"][:-1] == called["C_O.0-V_O.2"][:-1] == "C@O+Va@O_"
    assert len(set(called.values())) == len(called)


def test_all_is_refused_because_there_is_no_place_for_a_certificate(study, tmp_path):
    with pytest.raises(AnalysisError, match="has no place that says an energy is not valid"):
        hand_over(study, HandOver("pydefect", tmp_path / "x", everything=True))


def test_a_study_without_a_pristine_supercell_is_refused(demo_study, tmp_path):
    with pytest.raises(AnalysisError, match="only a screening runs that"):
        hand_over(demo_study, HandOver("pydefect", tmp_path / "x"))


def test_an_unknown_round_is_refused(study, tmp_path):
    with pytest.raises(AnalysisError, match='no round "nine"'):
        hand_over(study, HandOver("pydefect", tmp_path / "x", step="nine"))


def test_an_earlier_export_is_not_mixed_with_a_new_one(study, written):
    with pytest.raises(InputError, match="is not empty"):
        hand_over(study, HandOver("pydefect", written[0], force=True))


@pytest.fixture
def unconverged(tmp_path):
    """The shipped screening with one cell whose SCF, so it says, did not end."""
    folder = tmp_path / "run"
    shutil.copytree(demo_folder("carbon_capture"), folder)
    path = Path(folder, "relaxed/N_O.0/FM/static/result.json")
    result = load_record(CalcResult, path)
    save_record(replace(result, convergence=replace(result.convergence, electronic=False)), path)
    return ScreenStudy.open(folder)


def test_an_unconverged_cell_is_left_out(unconverged, tmp_path):
    done = hand_over(unconverged, HandOver("pydefect", tmp_path / "x"))
    assert "not converged electronically" in done.left_out["relaxed/N_O.0/FM/static"]
    assert not (tmp_path / "x" / "defect" / "N_O1_0").exists()
