"""VASP inputs, read back by pymatgen and by ASE."""

from __future__ import annotations

import filecmp
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.io.vasp import Incar, Kpoints, Poscar

from defectflow.engines import get_engine
from defectflow.engines.vasp.incar import incar_text, tag_text
from defectflow.engines.vasp.rules import check_incar
from defectflow.errors import InputError
from defectflow.export.job_inputs import write_inputs
from defectflow.inputs import plan_jobs, resolve
from defectflow.resources import resource
from defectflow.schema import load_recipe


@pytest.fixture(scope="module")
def paper():
    return load_recipe(resource("workflows", "mgo_carbon_pairs.toml"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, paper):
    place = tmp_path_factory.mktemp("inputs") / "vasp"
    write_inputs(paper, place, "vasp")
    return place


@pytest.fixture(scope="module")
def states(folder):
    return sorted(folder.glob("pairs/*/*"))


def job(recipe, ending: str):
    return next(j for j in plan_jobs(recipe) if j.path.endswith(ending))


def files(job_) -> dict[str, str]:
    return dict(get_engine("vasp").make_inputs(job_).files)


def incar(job_) -> Incar:
    return Incar.from_str(files(job_)["INCAR"])


def with_tags(job_, **tags):
    return replace(job_, settings=job_.settings.model_copy(update={"incar": tags}))


def test_hubbard_values_follow_the_kinds_of_each_cell(paper):
    lists = {}
    for ending in ("bulk/static", "FM/relax"):
        found = incar(with_tags(job(paper, ending), LDAU=True, LDAUL="O:1 C:2", LDAUU="C:3.5"))
        lists[ending] = (found["LDAUL"], found["LDAUU"])
    assert lists == {"bulk/static": ([-1, 1], [0, 0]), "FM/relax": ([-1, 1, 2], [0, 0, 3.5])}


@pytest.mark.parametrize("value", ["-1 2 2", 2, "Ni:", ""])
def test_a_hubbard_list_without_elements_is_refused(paper, value):
    with pytest.raises(InputError, match="does not say which kinds of atoms"):
        files(with_tags(job(paper, "FM/relax"), LDAUL=value))


def test_moments_that_fill_the_bands_are_refused(paper):
    state = job(paper, "FM/relax")
    large = replace(state, cell=state.cell.with_moments(np.full(len(state.cell), 1.0)))
    with pytest.raises(InputError, match="fill 158 bands of one spin, of 140"):
        files(large)


def test_ten_pair_states(states):
    assert [f"{p.parent.name}{p.name}" for p in states] == [f"{n}{s}" for n in "12345" for s in ("AF", "FM")]


def test_incar_carries_the_values_of_the_paper(states):
    wanted = {
        "ENCUT": 500,
        "EDIFF": 1e-8,
        "EDIFFG": -0.001,
        "IBRION": 2,
        "ISIF": 2,
        "ISPIN": 2,
        "ISMEAR": 1,
        "SIGMA": 0.1,
    }
    for state in states:
        tags = Incar.from_file(state / "relax" / "INCAR")
        assert {k: tags[k] for k in wanted} == wanted
        assert (tags["LASPH"], tags["LREAL"], tags["LORBIT"], tags["GGA"].upper()) == (True, False, 11, "PE")


def test_pymatgen_knows_every_tag(states):
    for path in states[0].rglob("INCAR"):
        Incar.from_file(path).check_params()


def test_kpoints_are_those_of_the_paper(states):
    for state in states:
        mesh = Kpoints.from_file(state / "relax" / "KPOINTS")
        assert (tuple(mesh.kpts[0]), mesh.style.name) == ((6, 6, 6), "Monkhorst")


def test_poscar_magmom_and_potcar_agree_in_their_order(states):
    for state in states:
        poscar = Poscar.from_file(state / "relax" / "POSCAR")
        moments = Incar.from_file(state / "relax" / "INCAR")["MAGMOM"]
        assert poscar.site_symbols == (state / "relax" / "POTCAR.spec").read_text().split() == ["Mg", "O", "C"]
        carbons = [m for m, site in zip(moments, poscar.structure, strict=True) if site.specie.symbol == "C"]
        assert carbons == ([2, 2] if state.name == "FM" else [2, -2])
        assert not any(m for m, site in zip(moments, poscar.structure, strict=True) if site.specie.symbol != "C")


def test_ase_reads_the_same_cell_as_pymatgen(states):
    from ase.io import read

    for state in states:
        atoms, structure = read(state / "relax" / "POSCAR"), Poscar.from_file(state / "relax" / "POSCAR").structure
        assert np.allclose(atoms.cell[:], structure.lattice.matrix)
        assert np.allclose(atoms.get_scaled_positions(wrap=False), structure.frac_coords)
        assert atoms.get_chemical_symbols() == [s.specie.symbol for s in structure]


@pytest.mark.parametrize(
    ("label", "distance"), [("1", 0.5**0.5), ("2", 1), ("3", 1.5**0.5), ("4", 2**0.5), ("5", 3**0.5)]
)
def test_the_folder_holds_its_pair(folder, label, distance):
    structure = Poscar.from_file(folder / "pairs" / label / "AF" / "relax" / "POSCAR").structure
    first, second = (i for i, s in enumerate(structure) if s.specie.symbol == "C")
    assert structure.get_distance(first, second) == pytest.approx(4.25 * distance)


def test_two_runs_are_identical_byte_by_byte(folder, tmp_path, paper):
    write_inputs(paper, tmp_path / "again", "vasp")
    paths = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]
    assert filecmp.cmpfiles(folder, tmp_path / "again", paths, shallow=False)[1:] == ([], [])


def test_nothing_is_written_over(folder, paper):
    with pytest.raises(InputError, match="exists already"):
        write_inputs(paper, folder, "vasp")


def test_fm_and_af_differ_in_magmom_alone(states):
    fm, af = (Incar.from_file(states[0].parent / s / "relax" / "INCAR") for s in ("FM", "AF"))
    assert {k for k in fm if fm[k] != af[k]} == {"MAGMOM", "SYSTEM"}


def test_the_dos_stage_has_a_fixed_density_and_a_window_of_its_own(folder):
    tags = Incar.from_file(folder / "pairs" / "4" / "AF" / "dos" / "INCAR")
    assert (tags["ICHARG"], tags["NSW"], tags["EMIN"], tags["EMAX"]) == (11, 0, -30, 20)
    assert tags["NEDOS"] > 2000


def test_the_static_run_writes_the_potential_that_cells_are_aligned_by(folder):
    assert Incar.from_file(folder / "pairs" / "4" / "AF" / "static" / "INCAR")["LVHAR"] is True


def test_the_host_runs_without_spin(folder):
    tags = Incar.from_file(folder / "bulk" / "static" / "INCAR")
    assert tags["ISPIN"] == 1
    assert "MAGMOM" not in tags


def test_a_flipped_moment_of_the_relaxation_reaches_the_next_stage(paper, entries):
    # atomate2#505, #862, #1377: moments were reset to the default, AF became FM.
    start = job(paper, "AF/static")
    result = next(e.result for e in entries if e.pair.state == "AF")
    moments = start.cell.moments * -0.6
    n = len(start.cell)
    parent = replace(
        result, cell=start.cell, site_moments=moments, forces=np.zeros((n, 3)), site_potentials=np.zeros(n)
    )
    assert incar(resolve(start, parent))["MAGMOM"][-2:] == [-2, 2]


def test_sites_of_mixed_order_are_grouped_and_their_moments_follow(paper):
    mixed = job(paper, "4_d6.01/AF/relax")
    order = np.random.default_rng(7).permutation(len(mixed.cell))
    texts = files(replace(mixed, cell=mixed.cell.take(order)))
    structure = Poscar.from_str(texts["POSCAR"]).structure
    moments = Incar.from_str(texts["INCAR"])["MAGMOM"]
    assert {site.specie.symbol for site, m in zip(structure, moments, strict=True) if m} == {"C"}
    assert sorted(m for m in moments if m) == [-2, 2]


def test_the_fermi_smearing_and_the_gaussian(paper):
    for kind, number in (("fermi-dirac", -1), ("gaussian", 0)):
        smearing = paper.settings.smearing.model_copy(update={"kind": kind, "order": None})
        settings = paper.settings.model_copy(update={"smearing": smearing})
        assert incar(replace(job(paper, "FM/relax"), settings=settings))["ISMEAR"] == number


def with_settings(recipe, **changes):
    return replace(job(recipe, "AF/relax"), settings=recipe.settings.model_copy(update=changes))


def test_further_tags_are_written(paper):
    assert incar(with_settings(paper, incar={"NCORE": 4, "KPAR": 2}))["NCORE"] == 4


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"ENCUT": 300}, "ENCUT follows from the recipe"),
        ({"NCOER": 4}, 'did you mean "NCORE"'),
        ({"NUPDOWN": 0}, "moments of both signs"),
        ({"ICHARG": 11}, "ICHARG belongs to the stages"),
        ({"METAGGA": "SCAN"}, "METAGGA belongs to the stages"),
        ({"ALGO": "Eigenval"}, "not self-consistent"),
        ({"ISYM": 2}, "ISYM follows from the recipe"),
        ({"LSORBIT": True}, "collinear"),
        ({"ncore": 4}, 'did you mean "NCORE"'),
    ],
)
def test_unknown_and_contradictory_tags_are_errors(paper, tags, message):
    with pytest.raises(InputError, match=message):
        files(with_settings(paper, incar=tags))


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"ISPIN": 1, "MAGMOM": [2.0]}, "would be dropped"),
        ({"ISPIN": 2}, "without MAGMOM"),
        ({"ISPIN": 2, "MAGMOM": [2.0, 2.0], "NUPDOWN": 0}, "adds up to 4"),
        ({"NSW": 0, "LREAL": "Auto"}, "gives an energy"),
        ({"NSW": 9, "ISMEAR": -5}, "tetrahedron"),
        ({"NSW": 9, "IBRION": 2, "ICHARG": 11}, "while the ions move"),
        ({"NEDOS": 100, "EMIN": 3, "EMAX": -3}, "EMIN"),
    ],
)
def test_rules_of_an_incar(tags, message):
    with pytest.raises(InputError, match=message):
        check_incar(tags, "INCAR")


def test_a_cutoff_below_enmax_is_an_error(paper):
    with pytest.raises(InputError, match="ENMAX = 400 eV of O"):
        files(with_settings(paper, cutoff=340.0))


def test_a_broken_start_without_a_relaxation_is_refused(paper):
    start = job(paper, "AF/relax")
    with pytest.raises(InputError, match="broken start"):
        files(replace(start, seed_coords=start.cell.coords))


def test_a_correction_of_the_partner_is_taken_over(paper):
    changed = replace(job(paper, "FM/relax"), overrides=(("KPOINTS", "7x7x7 gamma"), ("SIGMA", "0.05")))
    assert incar(changed)["SIGMA"] == 0.05
    assert files(changed)["KPOINTS"].splitlines()[2:4] == ["Gamma", "7 7 7"]


def test_every_profile_gives_inputs(paper):
    for profile in ("quick", "standard", "paper", "tight"):
        assert incar(with_settings(paper, profile=profile))["ALGO"].upper() == "NORMAL"


def test_runs_of_equal_values_are_shortened():
    assert tag_text([0.0, 0.0, 2.0, -2.0]) == "2*0 2 -2"
    assert incar_text({"LASPH": True, "EDIFF": 1e-8}) == "EDIFF = 1e-08\nLASPH = .TRUE.\n"
