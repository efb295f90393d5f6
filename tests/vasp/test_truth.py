"""Every real file against the values that were read from its raw text (TRUTH.json), or a clear error."""

from __future__ import annotations

import json

import numpy as np
import pytest

from defectflow.errors import ParseError
from defectflow.formats.doscar import read_doscar
from defectflow.formats.locpot import read_planar_averages
from defectflow.formats.oszicar import read_oszicar
from defectflow.formats.outcar import read_outcar
from defectflow.formats.poscar import read_poscar
from defectflow.formats.procar import read_procar
from defectflow.formats.rows import plain_rows
from defectflow.formats.vasprun import read_vasprun
from tests.conftest import SHARED

TRUTH = json.loads((SHARED / "TRUTH.json").read_text()) if SHARED.is_dir() else {}
pytestmark = pytest.mark.skipif(not TRUTH, reason="the real VASP files (shared/vasp-outputs) are not here")


def named(start: str) -> list[str]:
    return [key for key in TRUTH if key.split("/")[-1].startswith(start)]


def whole(keys: list[str], key: str) -> list[str]:
    return [k for k in keys if TRUTH[k].get(key) is True]


XML = whole(named("vasprun"), "wellformed")
BROKEN_XML = [k for k in named("vasprun") if k not in XML]
OUTCAR = whole(named("OUTCAR"), "finished")
BROKEN_OUTCAR = [k for k in named("OUTCAR") if k not in OUTCAR]


@pytest.fixture(scope="module", params=XML)
def xml(request):
    return TRUTH[request.param], read_vasprun(SHARED / request.param, projections=True)


def test_xml_energies(xml):
    truth, run = xml
    assert run.steps[-1].e0 == pytest.approx(truth["E0_corrected"], abs=1e-12)
    assert run.steps[-1].free_energy == truth["final_energy_block"]["e_fr_energy"]


def test_xml_steps(xml):
    truth, run = xml
    assert [len(step.scf) for step in run.steps] == truth["scstep_counts"]


def test_xml_fermi_level(xml):
    truth, run = xml
    assert run.fermi == (float(truth["efermi"][-1]) if truth["efermi"] else None)


def test_xml_settings_and_atoms(xml):
    truth, run = xml
    kinds = {symbol.split("_")[0]: titel for _, symbol, titel in truth["types"]}
    assert (run.header.version, len(run.header.species)) == (truth["version"], truth["NIONS"])
    assert run.header.parameters["EDIFF"] == truth["EDIFF"]
    assert set(run.header.potentials.values()) == set(kinds.values()) or len(kinds) < len(truth["types"])


def test_xml_moment_from_occupations(xml):
    truth, run = xml
    if truth.get("M_from_occ") is not None:
        assert run.total_moment == pytest.approx(truth["M_from_occ"], abs=2e-5)


def test_xml_occupations(xml):
    truth, run = xml
    sums = (run.occupations * run.header.k_weights[:, None]).sum(axis=(1, 2))
    assert sums == pytest.approx(truth["occ_sum_per_spin"], abs=2e-4)


def test_xml_dos(xml):
    truth, run = xml
    if not truth.get("dos_row150(1-based)"):
        assert run.dos is None
        return
    assert run.dos.total.shape[0] == truth["dos_spins"]
    for spin, row in enumerate(truth["dos_row150(1-based)"]):
        energy, total, integrated = map(float, row.split())
        found = (run.dos.energies[149], run.dos.total[spin, 149], run.dos.integrated[spin, 149])
        assert found == (energy, total, integrated)


def test_xml_projected_dos(xml):
    truth, run = xml
    if not truth.get("pdos_ion1_spin1_row150"):
        assert run.dos is None or not run.dos.partial.size
        return
    words = truth["pdos_ion1_spin1_row150"].split()
    assert len(run.dos.partial) == truth["pdos_ions"]
    assert list(run.dos.partial[0, 0, 149]) == [float(w) for w in words[1:]]
    assert list(run.dos.orbitals) == truth["pdos_fields"][1:]


def test_xml_projections_are_there_if_written(xml):
    truth, run = xml
    assert bool(run.projections.size) == truth["has_projected"]


@pytest.mark.parametrize("key", BROKEN_XML)
def test_a_cut_off_xml_is_refused_with_its_name(key):
    with pytest.raises(ParseError, match="cut off") as error:
        read_vasprun(SHARED / key)
    assert key in str(error.value)


@pytest.fixture(scope="module", params=OUTCAR)
def outcar(request):
    return TRUTH[request.param], read_outcar(SHARED / request.param)


def test_outcar_energies(outcar):
    truth, run = outcar
    assert run.e0 == float(truth["E_noentropy,E_sigma0_last"][1])
    assert run.free_energy == float(truth["TOTEN_last"])


def test_outcar_sizes(outcar):
    truth, run = outcar
    assert (run.tags["NKPTS"], run.tags["NBANDS"]) == (truth["NKPTS"], truth["NBANDS"])
    assert len(run.species) == len(run.forces) == int(truth["NIONS"])


def test_outcar_steps(outcar):
    truth, run = outcar
    ion, scf = (int(n) for n in truth["last_iter"])
    assert (len(run.scf_steps), run.scf_steps[-1]) == (ion, scf)


def test_outcar_fermi_levels(outcar):
    truth, run = outcar
    two = [float(w) for w in truth.get("fermi_energy_lines_last2") or []]
    fixed = float(truth.get("NUPDOWN") or -1) >= 0 and len(set(two)) == 2
    assert list(run.fermi) == (two if fixed else [float(truth["Efermi_last"])])


def test_outcar_total_moment(outcar):
    truth, run = outcar
    words = [w for w in truth["nelect_mag_last"][1:] if "augmentation" not in w]
    assert run.total_moment == tuple(float(w) for word in words for w in word.split())


def test_outcar_site_moments(outcar):
    truth, run = outcar
    largest = truth.get("max|m| sites") or []
    assert len(run.site_moments) == (truth["n_site_mag"] if largest else 0)
    assert [run.site_moments[site - 1][0] for _, site, _ in largest] == [float(word) for _, _, word in largest]


def test_outcar_last_change(outcar):
    truth, run = outcar
    assert run.scf_changes[-1][0] == float(truth["last_energy_change_2nd_order"])


@pytest.mark.parametrize("key", BROKEN_OUTCAR)
def test_an_outcar_without_an_end_is_refused_with_its_name(key):
    with pytest.raises(ParseError, match=r"cut off|ended before") as error:
        read_outcar(SHARED / key)
    assert key in str(error.value)


@pytest.mark.parametrize("key", named("OSZICAR"))
def test_oszicar(key):
    truth, found = TRUTH[key], read_oszicar(SHARED / key)
    assert len(found.e0) == truth["n_ionic"]
    if truth["last"]:
        words = truth["last"].replace("=", " ").split()
        assert (found.free_energies[-1], found.e0[-1]) == (float(words[2]), float(words[4]))


@pytest.mark.parametrize("key", [k for k in named("DOSCAR") if "line6" in TRUTH[k]])
def test_doscar(key):
    truth, found = TRUTH[key], read_doscar(SHARED / key)
    last = [float(w) for w in truth["last_tot_row"].split()]
    assert found.fermi == float(truth["line6"].split()[3])
    assert [found.energies[-1], *found.total[:, -1], *found.integrated[:, -1]] == last
    assert len(found.partial) == truth["n_blocks"] - 1
    assert found.partial.shape[2] == (truth["ncols_pdos"] - 1 if "ncols_pdos" in truth else 0)


def test_a_doscar_of_a_killed_run_is_refused(vasp_outputs):
    with pytest.raises(ParseError, match="cut off"):
        read_doscar(vasp_outputs / "failed" / "aborted_first_scf" / "DOSCAR.gz")


@pytest.mark.parametrize("key", named("PROCAR"))
def test_procar_sizes(key):
    truth, found = TRUTH[key], read_procar(SHARED / key)
    k, bands, ions = (int(n) for n in truth["headers"][0])
    assert found.weights.shape[:4] == (len(truth["headers"]), k, bands, ions)
    assert list(found.orbitals) == truth["ionline"].split()[1:-1]


def test_procar_agrees_with_the_xml_of_its_run(vasp_outputs):
    folder = vasp_outputs / "complete_run" / "K4Sn4O6"
    xml, procar = read_vasprun(folder / "vasprun.xml.gz", projections=True), read_procar(folder / "PROCAR.gz")
    assert np.abs(xml.projections - procar.weights).max() <= 0.0006
    assert np.abs(xml.eigenvalues - procar.energies).max() <= 0.0001


def test_doscar_agrees_with_the_xml_of_its_run(vasp_outputs):
    folder = vasp_outputs / "complete_run" / "K4Sn4O6"
    xml, doscar = read_vasprun(folder / "vasprun.xml.gz"), read_doscar(folder / "DOSCAR.gz")
    assert np.abs(xml.dos.total - doscar.total).max() <= 0.005 * doscar.total.max()
    assert xml.fermi == doscar.fermi


@pytest.mark.parametrize("key", named("LOCPOT"))
def test_locpot_planar_average(key):
    truth, found = TRUTH[key], read_planar_averages(SHARED / key)
    along_z = found.averages[2]
    n = len(along_z)
    quarters = [along_z[i] for i in (0, n // 4, n // 2, 3 * n // 4)]
    low, low_at, high, high_at = truth["planar_z_min_max"]
    assert list(found.grid) == truth["grid"]
    assert np.round(quarters, 6).tolist() == truth["planar_z[0,nz/4,nz/2,3nz/4]"]
    assert (round(along_z.min(), 6), along_z.argmin(), round(along_z.max(), 6), along_z.argmax()) == (
        low,
        low_at,
        high,
        high_at,
    )


@pytest.mark.parametrize("axis", range(3))
def test_locpot_averages_have_the_mean_of_the_grid(vasp_outputs, axis):
    found = read_planar_averages(vasp_outputs / "locpot" / "Li_lvtot" / "LOCPOT.gz")
    assert found.averages[axis].mean() == pytest.approx(TRUTH["locpot/Li_lvtot/LOCPOT.gz"]["mean"], abs=1e-6)


def test_contcar_is_the_last_geometry_of_the_xml(vasp_outputs):
    folder = vasp_outputs / "complete_run" / "FeO_relax28"
    xml, contcar = read_vasprun(folder / "vasprun.xml.gz"), read_poscar(folder / "CONTCAR.gz")
    assert np.abs(xml.steps[-1].coords - contcar.coords).max() < 1e-7
    assert xml.header.species == contcar.species


def test_every_number_of_a_large_dos_is_that_of_float(vasp_outputs):
    import gzip

    raw = gzip.decompress((vasp_outputs / "fm_afm/MgMn2O4_static_1_fm/vasprun.xml.gz").read_bytes())
    start = raw.index(b'<set comment="ion 3">')
    first = raw.index(b'<set comment="spin 1">', start) + 22
    expected = plain_rows(raw[first : raw.index(b"</set>", first)].strip())
    found = read_vasprun(vasp_outputs / "fm_afm/MgMn2O4_static_1_fm/vasprun.xml.gz").dos.partial[2, 0]
    assert (found == expected[:, 1:]).all()
