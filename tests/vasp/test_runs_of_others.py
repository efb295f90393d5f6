"""parse and verify on real runs that this package did not make."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from defectflow.analyse.foreign import compare_foreign, same_settings, spin_order, verify_summary
from defectflow.errors import ParseError
from defectflow.parse import parse_run

KEYS = [
    "code",
    "version",
    "e0",
    "free_energy",
    "fermi",
    "total_moment",
    "site_moments",
    "n_kpoints",
    "n_bands",
    "n_ionic_steps",
    "converged_electronic",
    "converged_ionic",
    "warnings",
]


@pytest.fixture(scope="module")
def fm(vasp_outputs):
    return parse_run(vasp_outputs / "fm_afm" / "MgMn2O4_static_1_fm")


@pytest.fixture(scope="module")
def af(vasp_outputs):
    return parse_run(vasp_outputs / "fm_afm" / "MgMn2O4_static_3_afm")


def changed(run, **tags: str):
    return replace(run, settings={**run.settings, **tags})


@pytest.mark.parametrize(("number", "delta"), [(3, -0.17400102), (2, -0.04914127)])
def test_energy_differences_of_a_spinel(vasp_outputs, fm, number, delta):
    pair = compare_foreign(fm, parse_run(vasp_outputs / "fm_afm" / f"MgMn2O4_static_{number}_afm"))
    assert pair.delta == pytest.approx(delta, abs=1e-9)
    assert pair.certificate.passed


def test_the_order_of_the_two_paths_does_not_matter(fm, af):
    assert compare_foreign(af, fm).delta == compare_foreign(fm, af).delta


def test_bands_and_cells_that_differ_are_remarks(fm, af):
    remarks = " ".join(compare_foreign(fm, af).certificate.remarks)
    assert "NBANDS differ (70 and 62)" in remarks
    assert "the cells differ (volume by" in remarks


@pytest.mark.parametrize(
    "tag", ["SIGMA", "ISMEAR", "EDIFF", "ENMAX", "ISPIN", "NUPDOWN", "ISYM", "LDAUU", "LREAL", "GGA"]
)
def test_a_setting_that_decides_the_energy_fails_the_certificate(fm, af, tag):
    pair = compare_foreign(fm, changed(af, **{tag: "7"}))
    assert [r for r in pair.certificate.reasons if r.startswith(f"{tag} differs")]


def test_a_mixer_is_only_a_remark(fm, af):
    assert compare_foreign(fm, changed(af, AMIX="0.1")).certificate.passed


def test_a_density_that_is_not_its_own_gives_no_total_energy(fm, af):
    for tags in ({"ICHARG": "11"}, {"ALGO": "Eigenval"}):
        assert any("no total energy" in r for r in compare_foreign(fm, changed(af, **tags)).certificate.reasons)


@pytest.mark.parametrize("tag", ["POTCAR.EATOM", "POTCAR.ENMAX", "PRECFOCK", "I_CONSTRAINED_M"])
def test_what_decides_in_silence_fails_the_certificate(fm, af, tag):
    first = changed(fm, **{tag: "1"})
    assert any(
        r.startswith(f"{tag} differs") for r in compare_foreign(first, changed(af, **{tag: "2"})).certificate.reasons
    )


def test_a_tag_that_nobody_knows_is_a_remark(fm, af):
    pair = compare_foreign(changed(fm, XYZ="1"), changed(af, XYZ="2"))
    assert pair.certificate.passed
    assert "XYZ differs (not known to change the energy): 1 and 2" in pair.certificate.remarks


def test_a_tag_that_only_one_outcar_states_is_a_reason(vasp_outputs):
    runs = [parse_run(vasp_outputs / "fm_afm" / f"MgMn2O4_static_{n}" / "OUTCAR.gz") for n in ("1_fm", "3_afm")]
    without = {k: v for k, v in runs[1].settings.items() if k != "LDAUU"}
    assert runs[0].settings["LDAUU"] == "0.0 3.9 0.0"
    assert compare_foreign(*runs).certificate.passed
    pair = compare_foreign(runs[0], replace(runs[1], settings=without))
    assert "LDAUU is stated by one run only" in pair.certificate.reasons


def test_the_mesh_of_an_outcar_is_compared(vasp_outputs):
    runs = [parse_run(vasp_outputs / "fm_afm" / f"MgMn2O4_static_{n}" / "OUTCAR.gz") for n in ("1_fm", "3_afm")]
    pair = compare_foreign(runs[0], replace(runs[1], k_mesh={"divisions": "9 9 9"}))
    assert any("k mesh differs" in r for r in pair.certificate.reasons)


def test_small_moments_of_one_size_make_an_order_too(fm, af):
    small = [replace(run, site_moments=tuple(m / 20 for m in run.site_moments)) for run in (fm, af)]
    assert [spin_order(run) for run in small] == ["FM", "AF"]


def test_how_ions_would_move_matters_only_if_they_do(fm, af):
    assert compare_foreign(fm, changed(af, IBRION="2", EDIFFG="-0.01")).certificate.passed


def test_another_mesh_fails_the_certificate(fm, af):
    other = replace(af, k_mesh={**af.k_mesh, "divisions": "6 6 6"})
    assert any("k mesh differs" in r for r in same_settings(fm, other).reasons)


def test_another_potential_fails_the_certificate(fm, af):
    other = replace(af, potentials={**af.potentials, "Mn": "PAW_PBE Mn 06Sep2000"})
    assert any("potentials differs" in r for r in same_settings(fm, other).reasons)


def test_two_runs_of_one_order_are_no_pair(fm):
    pair = compare_foreign(fm, replace(fm, path="again"))
    assert pair.delta is None
    assert "came out FM and FM" in pair.certificate.reasons[0]


def test_a_lost_moment_fails_the_certificate(fm, af):
    sites = tuple(0.0 if i == 2 else m for i, m in enumerate(af.site_moments))
    pair = compare_foreign(fm, replace(af, site_moments=sites))
    assert any("magnetic" in r for r in pair.certificate.reasons)


def test_a_moment_between_the_atoms_counts_by_the_total(vasp_outputs):
    run = parse_run(vasp_outputs / "mgo" / "MgO63_VO_plus1")
    assert (run.total_moment, spin_order(run)) == (1.0, "FM")
    assert any("the spheres hold 0.29 of 1.00" in w for w in run.warnings)


def test_two_fermi_levels_come_with_a_fixed_moment(vasp_outputs):
    assert parse_run(vasp_outputs / "spin" / "SrTiO3_vO_plus1").fermi == (6.1188935933, 3.3622359443)


def test_an_xml_alone_says_that_it_lacks_the_other_fermi_level(vasp_outputs):
    run = parse_run(vasp_outputs / "spin" / "O2_triplet_PBEsol")
    assert len(run.fermi) == 1
    assert any("only the Fermi level of spin down" in w for w in run.warnings)


def test_a_fermi_level_off_the_gap_is_said(vasp_outputs):
    assert any("not inside the gap" in w for w in parse_run(vasp_outputs / "failed" / "bad_efermi_LiH").warnings)


@pytest.mark.parametrize(
    ("folder", "electronic", "ionic"),
    [
        ("failed/unconverged_electronic", False, False),
        ("failed/unconverged_ionic", True, False),
        ("failed/stopcar", False, False),  # VASP 5 printed "EDIFF is reached" at NELM
        ("failed/Si2_elec-unconverged", False, None),
        ("failed/Si2_ionic-unconverged", True, False),
        ("complete_run/FeO_relax28", True, True),
        ("spin/ZnS63_vZn_minus1", True, True),
        ("spin/Co4", True, True),
        ("mgo/MgO216_bulk", True, None),
    ],
)
def test_convergence_is_judged_from_the_numbers(vasp_outputs, folder, electronic, ionic):
    c = parse_run(vasp_outputs / folder).convergence
    assert (c.electronic, c.ionic) == (electronic, ionic)
    assert verify_summary(parse_run(vasp_outputs / folder)).passed == (electronic and ionic is not False)


def test_steps_that_stopped_at_nelm_on_the_way_are_said(vasp_outputs):
    run = parse_run(vasp_outputs / "failed" / "Si2_outcar_extras" / "OUTCAR.nelm-breach-partial.gz")
    assert run.convergence.electronic
    assert any("stopped at NELM = 10" in w for w in run.warnings)


def test_moments_of_a_non_collinear_run_are_vectors_and_make_no_pair(vasp_outputs, fm):
    run = parse_run(vasp_outputs / "spin" / "NiO_SOC")
    assert run.site_moments[0][2] == 1.671
    with pytest.raises(ParseError, match="collinear"):
        spin_order(run)


def test_a_run_without_site_moments_says_so(vasp_outputs):
    run = parse_run(vasp_outputs / "spin" / "Fe2_noLORBIT")
    assert (run.total_moment, run.site_moments) == (4.2125079, None)
    assert "LORBIT" in run.warnings[0]


def test_files_of_different_runs_are_not_mixed(vasp_outputs, tmp_path):
    shutil.copy(vasp_outputs / "fm_afm/MgMn2O4_static_1_fm/vasprun.xml.gz", tmp_path)
    shutil.copy(vasp_outputs / "fm_afm/MgMn2O4_static_2_afm/OUTCAR.gz", tmp_path)
    with pytest.raises(ParseError, match="different runs"):
        parse_run(tmp_path)


def test_an_unknown_number_of_files_asks_for_one(vasp_outputs):
    with pytest.raises(ParseError, match="name one of them"):
        parse_run(vasp_outputs / "failed" / "Si2_outcar_extras")


def test_parse_prints_its_keys(vasp_outputs, defectflow):
    done = defectflow("parse", vasp_outputs / "spin" / "GaN32_MgGa_0", "--json")
    document = json.loads(done.stdout)
    assert set(KEYS) <= set(document)
    assert (document["e0"], document["n_bands"], document["n_ionic_steps"]) == (-206.95793434, 288, 5)


def test_parse_as_text(vasp_outputs, defectflow):
    text = defectflow("parse", vasp_outputs / "spin" / "SrTiO3_vO_plus1").stdout
    assert "E_F 6.1189 and 3.3622 eV (up, down" in text


def test_verify_of_two_folders(vasp_outputs, defectflow):
    paths = [vasp_outputs / "fm_afm" / f"MgMn2O4_static_{n}" for n in ("1_fm", "3_afm")]
    done = defectflow("verify", *paths, "--json")
    (pair,) = json.loads(done.stdout)["pairs"]
    assert (done.returncode, pair["certificate"]["passed"], pair["delta_af_fm"]) == (
        0,
        True,
        pytest.approx(-0.17400102),
    )


def test_verify_fails_with_an_unconverged_run(vasp_outputs, defectflow):
    done = defectflow("verify", vasp_outputs / "failed" / "unconverged_electronic")
    assert done.returncode == 1
    assert "not converged electronically" in done.stdout


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_path_without_a_run_is_bad_input(defectflow, tmp_path, name):
    (tmp_path / "empty").mkdir()
    done = defectflow("parse", tmp_path / name)
    assert done.returncode == 2
    assert str(tmp_path / name) in done.stderr
