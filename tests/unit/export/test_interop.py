"""What is handed to other programs: the same numbers, up stays up, and no energy without its certificate."""

import json
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monty.serialization import loadfn

from defectflow.analyse.alignment import band_edges
from defectflow.analyse.verify import certificate
from defectflow.demo import demo_folder, tiny_result
from defectflow.errors import AnalysisError, InputError
from defectflow.export.certified import Certified, select
from defectflow.export.complete_dos import complete_dos, dos_document
from defectflow.export.entries import entry_of, write_entries
from defectflow.export.frames import certified_atoms, write_ase_database, write_extxyz
from defectflow.export.interop import HandOver, hand_over
from defectflow.run import ScreenStudy, Study
from defectflow.schema import CalcResult
from defectflow.schema.cell import Cell
from defectflow.schema.jsonio import load_record, save_record

FLIPPED = "pairs/C_O-C_O_s4_d6.01/AF/static"
PASSED, FAILED = certificate([], []), certificate(["pair 1 FM: came out AF"], [])
real = st.floats(-1e3, 1e3, allow_nan=False)


def made(charge=0, check=PASSED, **changes):
    """Synthetic, with up and down, and every atom, unlike each other."""
    base = tiny_result()
    eigenvalues = base.eigenvalues + np.array([0.0, 0.37])[:, None, None]
    weights = np.random.default_rng(1).random(base.projections.weights.shape).astype(np.float32) / 30
    unlike = {
        "eigenvalues": eigenvalues,
        "occupations": (eigenvalues < 0).astype(float),
        "site_moments": np.linspace(-1, 1, 8) ** 3,
        "forces": np.random.default_rng(2).normal(size=(8, 3)),
        "projections": replace(base.projections, weights=weights),
    }
    result = replace(base, **{**unlike, **changes})
    return Certified("pairs/x/FM/static", "pair 1 FM", result, check, charge, "FM", "FM")


@pytest.fixture(scope="module")
def chosen(demo_study):
    return select(demo_study)


@pytest.fixture(scope="module")
def charged():
    return [it for it in select(ScreenStudy.open(demo_folder("carbon_capture"))).kept if it.charge]


def test_every_energy_of_the_shipped_study_is_selected(chosen):
    assert (len(chosen.kept), chosen.left_out) == (11, {})


def test_a_relaxation_that_failed_is_named():
    left = select(ScreenStudy.open(demo_folder("carbon_capture"))).left_out
    assert {k: "relax is failed" in v for k, v in left.items()} == {"relaxed/C_O.0.2/AF/static": True}


def same(atoms, result):
    assert np.array_equal(atoms.positions, result.cell.positions)
    assert np.array_equal(atoms.cell[:], result.cell.lattice)
    assert tuple(atoms.get_chemical_symbols()) == result.cell.species
    assert np.array_equal(atoms.get_forces(), result.forces)
    assert np.array_equal(atoms.get_magnetic_moments(), result.site_moments)
    assert (atoms.get_potential_energy(), atoms.get_magnetic_moment()) == (result.e0, result.total_moment)


def test_an_ase_database_gives_back_every_digit(chosen, tmp_path):
    from ase.db import connect

    write_ase_database(chosen.kept, tmp_path / "a.db")
    with connect(tmp_path / "a.db") as database:
        for row, it in zip(database.select(), chosen.kept, strict=True):
            same(row.toatoms(), it.result)


@given(e0=real, moments=st.lists(real, min_size=8, max_size=8), total=real, shift=real)
def test_atoms_have_the_numbers_of_the_result(e0, moments, total, shift):
    cell = tiny_result().cell.with_coords(tiny_result().cell.coords + shift)
    it = made(e0=e0, site_moments=np.array(moments), total_moment=total, cell=cell)
    same(certified_atoms(it), it.result)


def test_extended_xyz_gives_back_what_its_digits_hold(chosen, tmp_path):
    from ase.io import read

    write_extxyz(chosen.kept, tmp_path / "a.extxyz")
    for atoms, it in zip(read(tmp_path / "a.extxyz", ":"), chosen.kept, strict=True):
        assert atoms.get_potential_energy() == it.result.e0
        assert np.allclose(atoms.positions, it.result.cell.positions, rtol=0, atol=1e-8)
        assert np.allclose(atoms.get_magnetic_moments(), it.result.site_moments, rtol=0, atol=1e-8)
        assert np.allclose(atoms.get_forces(), it.result.forces, rtol=0, atol=1e-8)


def test_a_failed_certificate_is_a_key_of_its_database_row(tmp_path):
    from ase.db import connect

    write_ase_database((made(check=FAILED), made()), tmp_path / "a.db")
    with connect(tmp_path / "a.db") as database:
        (row,) = database.select(certificate_passed=False)
    assert row.certificate_reasons == "pair 1 FM: came out AF"


def test_a_failed_certificate_is_in_the_line_of_its_frame(tmp_path):
    from ase.io import read

    write_extxyz((made(check=FAILED),), tmp_path / "a.extxyz")
    info = read(tmp_path / "a.extxyz").info
    assert (bool(info["certificate_passed"]), info["certificate_reasons"]) == (False, "pair 1 FM: came out AF")


def round_trip(it, path):
    write_entries((it,), path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Structure charge")
        return loadfn(path)[0]


def test_an_entry_gives_back_every_digit(chosen, tmp_path):
    for it in chosen.kept:
        entry = round_trip(it, tmp_path / "e.json")
        cell = Cell.from_pymatgen(entry.structure)
        assert (entry.energy, entry.entry_id) == (it.result.e0, it.path)
        assert np.array_equal(cell.coords, it.result.cell.coords)
        assert np.array_equal(cell.lattice, it.result.cell.lattice)
        assert np.array_equal(cell.moments, it.result.site_moments)
        assert np.array_equal(entry.structure.site_properties["forces"], it.result.forces)
        assert entry.data["total_moment"] == it.result.total_moment


def test_an_entry_says_how_it_was_calculated(chosen):
    p = entry_of(chosen.kept[-1]).parameters
    assert (p["functional"], p["cutoff"], p["kpoints"]) == ("PBE", 340.0, {"mesh": [2, 2, 2], "centring": "shifted"})
    assert p["smearing"]["kind"] == "methfessel-paxton"
    assert set(p["potentials"]) == {"C", "Mg", "O"}


def test_no_correction_of_others_is_applied_to_an_entry(chosen):
    assert not {"run_type", "potcar_symbols", "hubbards"} & set(entry_of(chosen.kept[0]).parameters)
    assert entry_of(chosen.kept[0]).correction == 0


@pytest.mark.parametrize("check", [PASSED, FAILED])
def test_an_entry_carries_its_certificate(tmp_path, check):
    found = round_trip(made(check=check), tmp_path / "e.json").data["certificate"]
    assert found == {"passed": check.passed, "reasons": list(check.reasons), "remarks": []}


@pytest.mark.filterwarnings("ignore:Structure charge")
def test_a_charged_cell_keeps_its_charge(charged, tmp_path):
    for it in charged:
        entry = round_trip(it, tmp_path / "e.json")
        assert entry.structure.charge == entry.parameters["charge"] == it.charge
    assert {it.charge for it in charged} == {1, 2}


def electrons(dos, up_to):
    inside = dos.energies <= up_to
    return {s.name: float(np.trapezoid(d[inside], dos.energies[inside])) for s, d in dos.densities.items()}


def test_the_electrons_below_the_gap_are_those_of_the_host(chosen):
    bulk = next(it for it in chosen.kept if it.path == "bulk/static")
    edges = band_edges(bulk.result)
    below = electrons(complete_dos(bulk, 0.02), (edges.vbm + edges.cbm) / 2)
    assert sum(below.values()) == pytest.approx(bulk.result.n_electrons, abs=1e-5)


def test_a_cell_without_spin_has_all_its_electrons_in_one_channel(chosen):
    bulk = next(it for it in chosen.kept if it.path == "bulk/static")
    assert [s.name for s in complete_dos(bulk, 0.1).densities] == ["up"]


def test_the_spins_of_a_gapped_state_differ_by_its_moment():
    # Made up: three bands of up and, shifted by 1.37 eV, two of down lie below a gap of 0.26 eV.
    below = electrons(complete_dos(made(), 0.01), 0.0)
    occupied = np.einsum("k,skb->s", made().result.k_weights, made().result.occupations)
    assert list(below.values()) == pytest.approx(occupied.tolist(), abs=1e-6)
    assert below["up"] > below["down"]


def test_all_levels_are_in_the_curve(chosen):
    it = chosen.kept[-1]
    assert list(electrons(complete_dos(it, 0.1), np.inf).values()) == pytest.approx(
        [it.result.eigenvalues.shape[2]] * 2
    )


def weight(it, spin, site, orbital):
    w = it.result.projections.weights[spin, :, :, site, orbital]
    return float(np.einsum("k,kb->", it.result.k_weights, w))


def test_projections_keep_their_site_orbital_and_spin():
    from pymatgen.electronic_structure.core import OrbitalType

    it = made()
    dos = complete_dos(it, 0.1)
    for site in (0, 4, 7):
        parts = dos.get_site_spd_dos(dos.structure[site])
        for n, kind in enumerate((OrbitalType.s, OrbitalType.p, OrbitalType.d)):
            found = electrons(parts[kind], np.inf)
            assert found == pytest.approx({"up": weight(it, 0, site, n), "down": weight(it, 1, site, n)}, abs=1e-6)


def test_f_states_of_a_lanthanide_are_f():
    from pymatgen.electronic_structure.core import OrbitalType

    it = made()
    dos = complete_dos(made(projections=replace(it.result.projections, orbitals=("s", "p", "f"))), 0.1)
    found = electrons(dos.get_site_spd_dos(dos.structure[0])[OrbitalType.f], np.inf)
    assert found == pytest.approx({"up": weight(it, 0, 0, 2), "down": weight(it, 1, 0, 2)}, abs=1e-6)


def test_sites_that_were_not_projected_claim_nothing(chosen):
    dos = complete_dos(chosen.kept[-1], 0.1)
    known = chosen.kept[-1].result.projections.sites.tolist()
    assert [i for i, site in enumerate(dos.structure) if dos.pdos[site]] == sorted(known)


def test_a_dos_is_read_back_by_monty(chosen, tmp_path):
    document = dos_document(chosen.kept[-1], 0.1)
    (tmp_path / "dos.json").write_text(json.dumps(document))
    found, once = loadfn(tmp_path / "dos.json"), complete_dos(chosen.kept[-1], 0.1)
    assert (type(found).__name__, found.efermi) == ("CompleteDos", chosen.kept[-1].result.fermi.max())
    assert all(np.array_equal(found.densities[s], once.densities[s]) for s in once.densities)
    assert document["defectflow"]["dos"]["broadening"] == 0.1


@pytest.mark.parametrize("broadening", [0.0, -1.0, 1e-9, 5.0, float("nan")])
def test_a_broadening_that_is_none_is_refused(broadening):
    with pytest.raises(AnalysisError, match="a broadening lies between"):
        complete_dos(made(), broadening)


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """The shipped study with the moments of one AF run made those of an FM run: its certificate fails."""
    folder = tmp_path_factory.mktemp("flipped") / "run"
    shutil.copytree(demo_folder(), folder)
    path = folder / FLIPPED / "result.json"
    result = load_record(CalcResult, path)
    save_record(replace(result, site_moments=abs(result.site_moments), total_moment=4.0), path)
    return folder


@pytest.mark.parametrize(("to", "name"), [("ase", "a.db"), ("ase", "a.extxyz"), ("entries", "e.json"), ("dos", "dos")])
def test_an_energy_that_is_not_certified_is_left_out_by_name(flipped, tmp_path, to, name):
    done = hand_over(Study.open(flipped), HandOver(to, tmp_path / name))
    assert list(done.left_out) == [FLIPPED]
    assert "its certificate failed: pair 4 AF" in done.left_out[FLIPPED]
    assert FLIPPED not in "".join(p.read_text(errors="replace") for p in done.files)


def test_with_all_it_is_there_and_says_so(flipped, tmp_path):
    hand_over(Study.open(flipped), HandOver("entries", tmp_path / "e.json", everything=True))
    checks = {e["entry_id"]: e["data"]["certificate"]["passed"] for e in json.loads((tmp_path / "e.json").read_text())}
    assert [path for path, passed in checks.items() if not passed] == [FLIPPED]


def test_a_dos_without_certificate_says_so_in_its_name(flipped, tmp_path):
    done = hand_over(Study.open(flipped), HandOver("dos", tmp_path / "dos", everything=True))
    assert [p.parent.name for p in done.files if p.name == "complete_dos.uncertified.json"] == ["AF"]


def test_what_is_there_is_not_replaced(demo_study, tmp_path):
    (tmp_path / "e.json").write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        hand_over(demo_study, HandOver("entries", tmp_path / "e.json"))
    assert (tmp_path / "e.json").read_text() == "precious"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--to", "nomad", "-o", "x"), "known: ase, entries, dos"),
        (("--to", "ase", "-o", "x.cif"), ".extxyz"),
        (("--to", "dos", "-o", "x", "--broadening", "0"), "broadening lies between"),
        (("--to", "entries", "-o", "/dev/null/x"), "/dev/null"),
    ],
)
def test_what_cannot_be_written_is_a_message(defectflow, demo, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = defectflow("export", demo, *words)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_verb_names_what_it_left_out(defectflow, flipped, tmp_path):
    done = defectflow("export", flipped, "--to", "entries", "-o", tmp_path / "e.json", "--json")
    assert (done.returncode, list(json.loads(done.stdout)["left_out"])) == (1, [FLIPPED])


@pytest.mark.parametrize("make", [lambda it: entry_of(it).structure, certified_atoms])
def test_what_was_handed_over_can_be_a_host(chosen, make):
    from defectflow.structures.host import host_from, host_structure

    bulk = next(it for it in chosen.kept if it.path == "bulk/static")
    found = Cell.from_pymatgen(host_structure(host_from(make(bulk))))
    assert found.species == bulk.result.cell.species
    assert np.allclose(found.positions, bulk.result.cell.positions, rtol=0, atol=1e-12)
