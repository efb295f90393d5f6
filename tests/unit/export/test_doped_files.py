"""Point defects for doped; where doped is installed it reads them back and finds our energies and levels."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from defectflow.demo import demo_folder
from defectflow.errors import AnalysisError
from defectflow.export.interop import HandOver, hand_over
from defectflow.pipeline.energetics import energetics
from defectflow.run import ScreenStudy
from defectflow.schema import CalcResult
from defectflow.schema.jsonio import load_record, save_record

pytest.importorskip("pydefect", reason="charged cells are corrected by pydefect (extra charged)")
NAMES = ["C_O_0.json", "N_O_0.json", "v_O_+1.json", "v_O_+2.json", "v_O_0.json"]
UNCONVERGED = "relaxed/N_O.0/FM/static"


@pytest.fixture(scope="module")
def study():
    return ScreenStudy.open(demo_folder("carbon_capture"))


@pytest.fixture(scope="module")
def ours(study):
    return energetics(study, study.recipe.rounds[-1])


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("doped") / "out"
    return folder, hand_over(study, HandOver("doped", folder))


def documents(folder):
    return {p.name: json.loads(p.read_text()) for p in sorted(folder.glob("*.json"))}


def test_single_defects_are_written(written):
    assert list(documents(written[0])) == NAMES


def test_what_doped_has_no_class_for_is_left_out_by_name(written):
    reasons = {path.split("/")[1]: why for path, why in written[1].left_out.items()}
    assert set(reasons) == {"C_O.0.2", "V_O.0.2", "C_O.0-V_O.2", "C_O.0-O.1.1.1"}
    assert sum("no class for" in why for why in reasons.values()) == 3


def test_energies_charges_and_corrections_are_ours(written, study, ours):
    for document in documents(written[0]).values():
        about = document["calculation_metadata"]["defectflow"]
        assert document["sc_entry"]["energy"] == study.result(about["path"]).e0
        assert document["charge_state"] == about["charge"] == document["sc_entry"]["parameters"]["charge"]
        correction = ours.corrections.get(("V_O:1", about["charge"]))
        assert list(document["corrections"].values()) == ([correction.total] if correction else [])


@pytest.fixture
def unconverged(tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(demo_folder("carbon_capture"), folder)
    path = Path(folder, UNCONVERGED, "result.json")
    result = load_record(CalcResult, path)
    save_record(replace(result, convergence=replace(result.convergence, electronic=False)), path)
    return ScreenStudy.open(folder)


def test_an_energy_without_certificate_is_left_out(unconverged, tmp_path):
    done = hand_over(unconverged, HandOver("doped", tmp_path / "x"))
    assert "not converged electronically" in done.left_out[UNCONVERGED]
    assert not (tmp_path / "x" / "N_O_0.json").exists()


def test_with_all_the_entry_says_that_its_certificate_failed(unconverged, tmp_path):
    hand_over(unconverged, HandOver("doped", tmp_path / "x", everything=True))
    document = documents(tmp_path / "x")["N_O_0.json"]
    assert document["sc_entry"]["data"]["certificate"]["passed"] is False
    assert document["calculation_metadata"]["defectflow"]["certificate"]["passed"] is False


def test_a_study_without_a_pristine_supercell_is_refused(demo_study, tmp_path):
    with pytest.raises(AnalysisError, match="only a screening runs that"):
        hand_over(demo_study, HandOver("doped", tmp_path / "x"))


@pytest.fixture(scope="module")
def read(written):
    doped = pytest.importorskip("doped.core", reason="doped is not installed (pip install doped)")
    return {p.stem: doped.DefectEntry.from_json(str(p)) for p in sorted(written[0].glob("*.json"))}


@pytest.mark.filterwarnings("ignore")
def test_doped_finds_our_formation_energies(read, ours):
    limit = ours.limits[1]
    names = {"v": "V_O:1", "C": "C_O:1", "N": "N_O:1"}
    expected = {(f.defect, f.charge): f.limits[limit.name].value for f in ours.formation}
    for name, entry in read.items():
        found = entry.formation_energy(chempots=limit.potentials)
        assert found == pytest.approx(expected[names[name[0]], entry.charge_state], abs=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_doped_finds_our_charge_levels(read, ours):
    from doped.thermodynamics import DefectThermodynamics

    levels = DefectThermodynamics(list(read.values())).get_transition_levels()["eV from VBM"]
    found = sorted(v for v in levels if v < 1e6)
    assert found == pytest.approx(sorted(t.level for t in ours.transitions), abs=1e-3)


def test_two_sites_of_a_kind_keep_their_names_in_all_charges(study):
    from defectflow.export.doped_files import _named
    from defectflow.export.round_defects import round_defects

    one = next(d for d in round_defects(study, "relaxed", False, "doped").defects if d.it.charge == 2)
    other = replace(one, configuration=replace(one.configuration, label="V_O.9"), it=replace(one.it, charge=0))
    sites = {}
    found = [_named(("v", "O"), d, sites) for d in (one, other, replace(other, it=one.it))]
    assert found == ["v_O_+2", "v_O_2_0", "v_O_2_+2"]
